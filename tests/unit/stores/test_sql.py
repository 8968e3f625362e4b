"""What holds of the SQL store beyond the ports: what a thief of the file sees, what happens when the database is away."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from broker.errors import ConfigError, Conflict, Unavailable
from broker.seal import MasterSeal, SealBroken
from broker.stores.open import open_store, open_transient
from broker.stores.sql import engine, work
from broker.stores.sql.engine import parse_url
from broker.stores.sql.migrate import migrate
from broker.stores.sql.store import SqlStore
from tests.contract import samples
from tests.contract.samples import POOL
from tests.unit.stores.released_data import MOMENT, SEAL, FixedClock, fill

OLD, NEW = b"o" * 32, b"n" * 32


@pytest.fixture
def url(tmp_path: Path) -> str:
    made = f"sqlite:///{tmp_path}/store.db"
    migrate(made)
    return made


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    made = SqlStore(url, SEAL, FixedClock())
    yield made
    made.close()


def file_of(store: SqlStore) -> sqlite3.Connection:
    return sqlite3.connect(str(parse_url(store._url).database))


def rewrap(store: SqlStore) -> int:
    with store.unit() as unit:
        return unit.keys.rewrap()


def test_the_file_shows_no_secret_and_no_bearer(store: SqlStore, tmp_path: Path) -> None:
    fill(store)
    transient = open_transient("", store, FixedClock())
    transient.put("login", "the-handle-in-the-url", b"{}", MOMENT + timedelta(minutes=5))
    store.close()
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in (b"hush", b"PRIVATE", b'"pem"', b"verified bytes", b'"copy", 1', b"the-handle-in-the-url", b"assertion-1", b"claims.of"):
        assert secret not in raw
    assert b"ada" in raw.lower()


def test_a_secret_moved_to_another_record_does_not_open(store: SqlStore) -> None:
    with store.unit() as unit:
        unit.clients.put(samples.client())
        unit.clients.put(samples.client(id="app2", secrets={"client_secret": "other"}))
    with closing(file_of(store)) as file:
        file.execute("UPDATE records SET sealed = (SELECT sealed FROM records WHERE key = 'app2') WHERE key = 'app1'")
        file.commit()
    with pytest.raises(SealBroken), store.unit() as unit:
        unit.clients.get(POOL, "app1")


def test_a_user_who_is_deleted_takes_the_key_to_his_evidence_along(store: SqlStore) -> None:
    fill(store)
    with closing(file_of(store)) as file:
        kept = file.execute("SELECT evidence FROM traces").fetchone()[0]
        assert len(file.execute("SELECT * FROM data_keys WHERE user_sub = 'sub-1'").fetchall()) == 1
    with store.unit() as unit:
        unit.users.delete(POOL, "sub-1")
    with closing(file_of(store)) as file:
        assert file.execute("SELECT * FROM data_keys WHERE user_sub = 'sub-1'").fetchall() == []
        # Somebody who kept the sealed bytes puts them back: nothing opens them any more.
        file.execute("UPDATE traces SET evidence = ?", (kept,))
        file.commit()
    with store.unit() as unit:
        trace = unit.traces.get("login-1")
    assert trace is not None
    assert (trace.evidence, len(trace.lines)) == (b"", 1)


def test_rewrap_moves_everything_under_the_newest_master_key(url: str) -> None:
    before = SqlStore(url, MasterSeal([OLD]), FixedClock())
    fill(before)
    before.close()
    both = SqlStore(url, MasterSeal([NEW, OLD]), FixedClock())
    # A client, a provider, an identity pool, a key, and the data keys of a pool and a user.
    assert rewrap(both) == 6
    both.close()
    after = SqlStore(url, MasterSeal([NEW]), FixedClock())
    with after.unit() as unit:
        assert unit.clients.get(POOL, "app1") == samples.client()
        assert unit.providers.get(POOL, "Corp") == samples.provider()
        assert list(unit.keys.list(POOL)) == [samples.key(MOMENT)]
        assert unit.traces.get("login-1") == samples.trace(MOMENT)
    after.close()


def test_a_session_whose_master_key_is_gone_lacks_its_id_token_alone(url: str) -> None:
    before = SqlStore(url, MasterSeal([OLD]), FixedClock())
    fill(before)
    session = samples.session(MOMENT)
    with before.unit() as unit:
        assert unit.sessions.get(POOL, session.id) == session
        assert unit.sessions.join(POOL, session.id, "app2") == replace(session, clients=(*session.clients, "app2"))
        assert list(unit.sessions.of_user(POOL, session.user_sub)) == [replace(session, clients=(*session.clients, "app2"))]
    before.close()
    after = SqlStore(url, MasterSeal([NEW]), FixedClock())
    with after.unit() as unit:
        found = unit.sessions.get(POOL, session.id)
        assert found is not None
        assert found.upstream == {**session.upstream, "id_token": None}
        assert unit.sessions.end(POOL, session.id) == found
    after.close()


def test_rewrap_without_the_old_key_changes_nothing(url: str) -> None:
    before = SqlStore(url, MasterSeal([OLD]), FixedClock())
    fill(before)
    foreign = SqlStore(url, MasterSeal([NEW]), FixedClock())
    with pytest.raises(SealBroken):
        rewrap(foreign)
    foreign.close()
    with before.unit() as unit:
        assert unit.clients.get(POOL, "app1") == samples.client()
    before.close()


def test_rewrap_goes_through_more_than_one_page(store: SqlStore) -> None:
    with store.unit() as unit:
        for number in range(1003):
            unit.clients.put(samples.client(id=str(number)))
    assert rewrap(store) == 1003


def test_a_database_that_is_away_is_unavailable_and_opening_it_costs_nothing(tmp_path: Path) -> None:
    for where in (f"sqlite:///{tmp_path}/no/such/folder/store.db", "postgresql+psycopg://nobody@127.0.0.1:1/none"):
        store = open_store(where, SEAL, FixedClock())
        with store.unit():
            pass
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            store.ping()
        with pytest.raises(Unavailable), store.unit() as unit:
            unit.users.get(POOL, "sub-1")
        with pytest.raises(Unavailable):
            store.acquire("lease", "me", 10)
        assert time.monotonic() - begun < 20
        store.close()


def test_a_database_without_its_schema_is_unavailable(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/empty.db", SEAL, FixedClock())
    with pytest.raises(Unavailable, match="crossgate migrate"), store.unit() as unit:
        unit.users.get(POOL, "sub-1")
    assert not (tmp_path / "empty.db").exists()
    (tmp_path / "empty.db").touch()
    with pytest.raises(Unavailable, match="no such table"), store.unit() as unit:
        unit.users.get(POOL, "sub-1")
    store.close()


def test_a_file_that_others_can_read_is_taken_from_them(url: str, tmp_path: Path) -> None:
    before = SqlStore(url, SEAL, FixedClock())
    before.ping()
    for each in tmp_path.iterdir():
        each.chmod(0o644)
    after = SqlStore(url, SEAL, FixedClock())
    after.ping()
    after.expire(MOMENT)
    modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
    assert modes.keys() >= {"store.db", "store.db-wal", "store.db-shm", "store.db-transient", "store.db-transient-wal"}
    assert set(modes.values()) == {0o600}, modes
    after.close()
    before.close()


def test_an_error_tells_no_password_and_no_value(store: SqlStore) -> None:
    with pytest.raises(Conflict) as caught, store.unit() as unit:
        unit.identities.add(samples.identity(MOMENT, user_sub="nobody", subject="very private"))
    assert "private" not in str(caught.value)
    with pytest.raises(ConfigError) as refused:
        parse_url("mysql://me:hunter2@db/x")
    assert "hunter2" not in str(refused.value)


def test_an_error_that_was_passed_over_is_not_kept_half(store: SqlStore) -> None:
    with store.unit() as unit:
        unit.users.create(samples.user(MOMENT))

    def pass_over() -> None:
        with store.unit() as unit:
            unit.sessions.put(samples.session(MOMENT))
            try:
                unit.identities.add(samples.identity(MOMENT, user_sub="nobody"))
            except Conflict:
                unit.groups.put(samples.group())

    with pytest.raises((Unavailable, Conflict)):
        pass_over()
    with store.unit() as unit:
        assert unit.sessions.get(POOL, "sid-1") is None
        assert unit.groups.get(POOL, "admins") is None


@pytest.mark.parametrize("wrong", ["sqlite://", "sqlite:///:memory:", "mysql://x/y", "not a url", "postgresql+asyncpg://x/y"])
def test_a_url_that_cannot_be_used_says_what_can(wrong: str) -> None:
    with pytest.raises(ConfigError, match="sqlite:///FILE"):
        open_store(wrong, SEAL, FixedClock())


def test_a_url_of_postgresql_needs_no_driver() -> None:
    assert parse_url("postgresql://u@h/n").drivername == "postgresql+psycopg"


def test_a_transient_url_that_cannot_be_used_says_what_can(store: SqlStore) -> None:
    with pytest.raises(ConfigError, match="redis://"):
        open_transient("memcached://x", store, FixedClock())


def test_a_unit_that_writes_inside_a_unit_that_writes_is_told_apart_at_once(store: SqlStore) -> None:
    def nested() -> None:
        with store.unit() as outer:
            outer.groups.put(samples.group())
            with store.unit() as inner:
                inner.groups.put(samples.group(name="inner"))

    with pytest.raises(RuntimeError, match="use the one that is open"):
        nested()
    with store.unit() as unit:
        assert list(unit.groups.list(POOL)) == []
        unit.groups.put(samples.group())


def test_a_code_can_be_put_while_a_unit_writes(store: SqlStore) -> None:
    transient = open_transient("", store, FixedClock())
    with store.unit() as unit:
        unit.groups.put(samples.group())
        transient.put("code", "k", b"1", MOMENT + timedelta(minutes=1))
        assert transient.get("code", "k") == b"1"


def test_a_writer_that_never_ends_makes_others_unavailable_and_not_wait_for_ever(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "BUSY_SECONDS", 0.3)
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.3)
    store, other = SqlStore(url, SEAL, FixedClock()), SqlStore(url, SEAL, FixedClock())
    refused: list[str] = []

    def write(where: SqlStore) -> None:
        try:
            with where.unit() as unit:
                unit.groups.put(samples.group(name="second"))
        except Unavailable as error:
            refused.append(error.code)

    with store.unit() as unit:
        unit.groups.put(samples.group())
        # A thread of this process, and a store that stands for another process.
        threads = [threading.Thread(target=write, args=(where,)) for where in (store, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert refused == ["temporarily_unavailable"] * 2
    with store.unit() as unit:
        assert [group.name for group in unit.groups.list(POOL)] == ["admins"]
    store.close()
    other.close()


def test_a_fork_does_not_share_connections(store: SqlStore) -> None:
    with store.unit() as unit:
        unit.groups.put(samples.group())
    child = os.fork()
    if child == 0:
        try:
            with store.unit() as unit:
                unit.groups.put(samples.group(name="child"))
            os._exit(0)
        except BaseException:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert status == 0
    with store.unit() as unit:
        assert {group.name for group in unit.groups.list(POOL)} == {"admins", "child"}


def test_a_process_killed_in_the_middle_of_a_unit_has_written_nothing(store: SqlStore) -> None:
    child = os.fork()
    if child == 0:
        with store.unit() as unit:
            unit.users.create(samples.user(MOMENT))
            unit.sessions.put(samples.session(MOMENT))
            os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    with store.unit() as unit:
        assert unit.users.get(POOL, "sub-1") is None
        unit.users.create(samples.user(MOMENT))
        assert unit.sessions.get(POOL, "sid-1") is None

"""ports.store.Store and Unit: transactions, leases, one-time keys, expiry."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from broker.errors import Conflict, InvalidRequest
from broker.stores.versioned import VersionedStore
from tests.contract import samples
from tests.contract.adapters import Case
from tests.contract.samples import POOL


def test_a_store_that_is_there_answers(store: VersionedStore) -> None:
    assert store.ping() is None  # type: ignore[func-returns-value]


def test_a_unit_that_fails_has_written_nothing(durable: Case) -> None:
    now = durable.clock.now()
    with durable.store.unit() as unit:
        unit.users.create(samples.user(now))
        unit.sessions.put(samples.session(now))
        unit.groups.put(samples.group())
    version = durable.store.version(POOL)
    with pytest.raises(RuntimeError):
        write_everything_and_fail(durable)
    with durable.store.unit() as unit:
        assert unit.users.get(POOL, "sub-1") == samples.user(now)
        assert unit.users.get(POOL, "sub-2") is None
        assert unit.sessions.get(POOL, "sid-1") == samples.session(now)
        assert list(unit.groups.list(POOL)) == [samples.group()]
        assert list(unit.keys.list(POOL)) == []
        assert unit.traces.get("login-1") is None
        assert unit.refreshes.find("t1") is None
        assert list(unit.jobs.lease(["mail"], now, 30)) == []
        assert unit.burn("assertion", now + timedelta(hours=1))
    assert durable.store.version(POOL) == version


def write_everything_and_fail(durable: Case) -> None:
    now = durable.clock.now()
    with durable.store.unit() as unit:
        unit.users.update(samples.user(now, attributes={}))
        unit.users.create(samples.user(now, "sub-2"))
        unit.sessions.end(POOL, "sid-1")
        unit.groups.put(samples.group(description="new"))
        unit.groups.put(samples.group(name="second"))
        unit.keys.put(samples.key(now))
        unit.traces.put(samples.trace(now))
        unit.refreshes.start(samples.family(now), "t1")
        unit.jobs.enqueue(samples.job(now))
        assert unit.burn("assertion", now + timedelta(hours=1))
        raise RuntimeError


def test_a_conflict_that_is_caught_leaves_the_rest_of_the_unit(durable: Case) -> None:
    now = durable.clock.now()
    with durable.store.unit() as unit:
        unit.users.create(samples.user(now))
        with pytest.raises(Conflict):
            unit.users.create(samples.user(now))
        unit.identities.add(samples.identity(now))
        with pytest.raises(Conflict):
            unit.identities.add(samples.identity(now))
    with durable.store.unit() as unit:
        assert len(unit.identities.of_user(POOL, "sub-1")) == 1


def test_a_unit_sees_its_own_writes_and_others_only_what_is_kept(shared: Case) -> None:
    now = shared.clock.now()
    with shared.store.unit() as unit:
        unit.users.create(samples.user(now))
        assert unit.users.get(POOL, "sub-1") is not None
        # A reader inside a writer, as the settings' cache is: it neither waits nor sees.
        with shared.store.unit() as reader:
            assert reader.users.get(POOL, "sub-1") is None
    with shared.store.unit() as unit:
        assert unit.users.get(POOL, "sub-1") is not None


def test_a_one_time_key_burns_once_until_it_ends(durable: Case) -> None:
    until = durable.clock.now() + timedelta(minutes=5)
    long_key = "x" * 100_000
    with durable.store.unit() as unit:
        assert unit.burn("a", until) is True
        assert unit.burn("b", until) is True
        assert unit.burn("a", until) is False
        assert unit.burn(long_key, until) is True
    with durable.store.unit() as unit:
        assert unit.burn("a", until) is False
        assert unit.burn(long_key, until) is False
    durable.advance(300)
    with durable.store.unit() as unit:
        assert unit.burn("a", until + timedelta(minutes=5)) is True
        assert unit.burn("a", until + timedelta(minutes=5)) is False


def test_a_lease_is_held_by_one_renewed_by_him_and_lost_in_time(durable: Case) -> None:
    store = durable.store
    assert store.acquire("rotation", "me", 10) is True
    assert store.acquire("rotation", "you", 10) is False
    assert store.acquire("other", "you", 10) is True
    durable.advance(9)
    assert store.acquire("rotation", "me", 10) is True
    durable.advance(9)
    assert store.acquire("rotation", "you", 10) is False
    durable.advance(1)
    assert store.acquire("rotation", "you", 10) is True
    store.release("rotation", "me")
    assert store.acquire("rotation", "me", 10) is False
    store.release("rotation", "you")
    assert store.acquire("rotation", "me", 10) is True


def test_expiry_deletes_what_has_ended_and_nothing_else(durable: Case) -> None:
    now = durable.clock.now()
    soon, late = now + timedelta(minutes=1), now + timedelta(days=90)
    with durable.store.unit() as unit:
        unit.users.create(samples.user(now))
        for name, end in (("ended", soon), ("alive", late)):
            unit.sessions.put(samples.session(now, id=name, expires_at=end))
            unit.traces.put(samples.trace(now, id=name, expires_at=end))
            unit.refreshes.start(samples.family(now, id=name, expires_at=end), name)
            unit.burn(name, end)
    durable.transient.put("login", "ended", b"1", soon)
    durable.transient.put("login", "alive", b"2", late)
    assert durable.store.expire(now) == 0
    durable.advance(86_400 + 60)
    # A session, a trace, a family, its token, a one-time key and a login.
    assert durable.store.expire(durable.clock.now()) == 6
    assert durable.store.expire(durable.clock.now()) == 0
    with durable.store.unit() as unit:
        assert unit.users.get(POOL, "sub-1") is not None
        assert unit.sessions.get(POOL, "alive") is not None
        assert unit.traces.get("alive") is not None
        assert unit.traces.get("ended") is None
        assert unit.refreshes.find("alive") is not None
        assert unit.burn("alive", late) is False
    assert durable.transient.get("login", "alive") == b"2"


def test_expiry_works_through_more_than_one_batch(durable: Case) -> None:
    now = durable.clock.now()
    with durable.store.unit() as unit:
        for number in range(1201):
            unit.burn(str(number), now)
    assert durable.store.expire(now) == 1201


@pytest.mark.parametrize("value", ["nul\x00byte", "half \ud800 pair", "x" * 50_000, "'; DROP TABLE users; --", "%"])
def test_no_text_from_outside_brings_a_store_down(durable: Case, value: str) -> None:
    """What a store cannot hold is the sender's mistake (InvalidRequest), or simply not found; never an error of ours."""
    with durable.store.unit() as unit:
        unit.users.create(samples.user(durable.clock.now()))
    lookups = (
        lambda unit: unit.users.by_username(POOL, value),
        lambda unit: unit.users.get(value, value),
        lambda unit: unit.clients.get(POOL, value),
        lambda unit: unit.providers.find("identifier", value, POOL),
        lambda unit: unit.sessions.get(POOL, value),
        lambda unit: unit.refreshes.find(value),
    )
    for look in lookups:
        with suppress(InvalidRequest), durable.store.unit() as unit:
            assert look(unit) is None
    durable.transient.put("login", value, b"1", durable.clock.now() + timedelta(minutes=1))
    assert durable.transient.get("login", value) == b"1"
    with durable.store.unit() as unit:
        assert unit.users.get(POOL, "sub-1") is not None

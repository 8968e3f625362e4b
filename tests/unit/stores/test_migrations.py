"""The schema's history: it ends where the code is, and every release's data comes along."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, inspect

from broker.errors import ConfigError, Unavailable
from broker.stores.sql.backup import restore
from broker.stores.sql.engine import connect_engine
from broker.stores.sql.migrate import current, migrate, revisions
from broker.stores.sql.store import SqlStore
from broker.stores.sql.tables import metadata, transient_metadata
from tests.contract import samples
from tests.contract.samples import POOL
from tests.unit.stores.databases import ENGINES, new_database
from tests.unit.stores.released_data import FOLDER, MOMENT, SEAL, FixedClock

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_migrations_make_the_schema_that_the_code_declares(engine: str, tmp_path: Path) -> None:
    url = new_database(engine, tmp_path)
    assert current(url) == ""
    assert migrate(url) == current(url) == revisions()[-1]
    declared = MetaData()
    for table in (*metadata.tables.values(), *(transient_metadata.tables.values() if engine == "postgres" else ())):
        table.to_metadata(declared)
    opened = connect_engine(url)
    with opened.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), declared) == []
        # Alembic does not compare the conditions of partial indexes, nor primary keys.
        for table in declared.tables.values():
            indexes = {index["name"]: index for index in inspect(connection).get_indexes(table.name)}
            for index in table.indexes:
                condition = index.dialect_options["sqlite"]["where"]
                found = str(indexes[str(index.name)].get("dialect_options", {}).get(f"{connection.dialect.name}_where", "None"))
                assert normal(found) == normal(str(condition))
            assert inspect(connection).get_pk_constraint(table.name)["constrained_columns"] == [c.name for c in table.primary_key]
    opened.dispose()


def normal(condition: str) -> str:
    return condition.replace("(", "").replace(")", "").replace("::text", "")


@pytest.mark.parametrize("engine", ENGINES)
def test_to_migrate_again_changes_nothing(engine: str, tmp_path: Path) -> None:
    url = new_database(engine, tmp_path)
    assert [migrate(url) for _ in range(2)] == [revisions()[-1]] * 2


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("revision", revisions())
def test_the_data_of_every_release_comes_along(engine: str, revision: str, tmp_path: Path) -> None:
    """`restore` makes the schema of that release, fills in its rows and upgrades: just what an operator's upgrade does."""
    url = new_database(engine, tmp_path)
    assert restore(url, FOLDER / f"{revision}.jsonl.gz") > 15
    assert current(url) == revisions()[-1]
    store = SqlStore(url, SEAL, FixedClock())
    with store.unit() as unit:
        pool, client, provider = (
            unit.pools.find("host", "login.one.example"),
            unit.clients.get(POOL, "app1"),
            unit.providers.get(POOL, "Corp"),
        )
        assert pool is not None
        assert client is not None
        assert provider is not None
        assert client.secrets == {"client_secret": "hush"}
        assert provider.identifiers == ("Corp.Example",)
        assert unit.resource_servers.get(POOL, "https://api.example") == samples.server()
        assert [user.sub for user in unit.users.by_attribute(POOL, "email", "ada@example.com")] == ["sub-1"]
        assert [link.subject for link in unit.identities.of_user(POOL, "sub-1")] == ["Ada"]
        assert len(unit.identities.pending(POOL, "Corp", {"email": "ada@example.com"})) == 1
        assert list(unit.memberships.groups_of(POOL, "sub-1")) == ["admins"]
        assert [session.id for session in unit.sessions.of_upstream(POOL, "Corp", "key-1")] == ["sid-1"]
        assert unit.refreshes.find("token-1") is not None
        assert [key.private_pem for key in unit.keys.list(POOL)] == ["-----PRIVATE-----"]
        trace = unit.traces.get("login-1")
        assert trace is not None
        assert (trace.evidence, len(trace.lines)) == (b"\x00verified bytes\xff", 1)
        assert unit.consents.get(POOL, "sub-1", "app1") is not None
        assert len(unit.jobs.lease(["mail"], MOMENT, 1)) == 1
        assert unit.burn("assertion-1", MOMENT) is False
    store.close()


@pytest.mark.parametrize("engine", ENGINES)
def test_starts_at_the_same_moment_migrate_once(engine: str, tmp_path: Path) -> None:
    url = new_database(engine, tmp_path)
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(lambda _: migrate(url), range(4))) == {revisions()[-1]}


def test_processes_that_start_at_the_same_moment_migrate_once(tmp_path: Path) -> None:
    url = new_database("sqlite", tmp_path)
    program = "import sys; from broker.stores.sql.migrate import migrate; print(migrate(sys.argv[1]))"
    running = [subprocess.Popen([sys.executable, "-c", program, url], cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate(timeout=60)[0].strip() for process in running] == [revisions()[-1]] * 3


def test_a_database_from_the_future_is_left_alone(tmp_path: Path) -> None:
    url = new_database("sqlite", tmp_path)
    migrate(url)
    opened = connect_engine(url)
    with opened.connect() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    opened.dispose()
    with pytest.raises(ConfigError, match="newer version"):
        migrate(url)


def test_a_new_database_is_its_owners_alone_and_its_folders_are_made(tmp_path: Path) -> None:
    migrate(f"sqlite:///{tmp_path}/a/b/store.db")
    assert (tmp_path / "a/b/store.db").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "a/b").stat().st_mode & 0o077 == 0


def test_a_database_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable):
        migrate(f"sqlite:///{tmp_path}/file/store.db")

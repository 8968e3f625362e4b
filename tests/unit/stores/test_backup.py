"""Backups: whole, private, sealed, and restored only where nothing is."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.errors import ConfigError
from broker.stores.sql.archive import read_database, write_archive
from broker.stores.sql.backup import backup, restore
from broker.stores.sql.engine import connect_engine
from broker.stores.sql.migrate import current, migrate
from broker.stores.sql.store import SqlStore
from tests.contract import samples
from tests.contract.samples import POOL
from tests.unit.stores.databases import ENGINES, new_database
from tests.unit.stores.released_data import SEAL, FixedClock, fill

SECRETS = (b"hush", b"PRIVATE", b"verified bytes")


@pytest.fixture(params=ENGINES)
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    url = new_database(request.param, tmp_path, "filled")
    migrate(url)
    store = SqlStore(url, SEAL, FixedClock())
    fill(store)
    yield url
    store.close()


@pytest.mark.parametrize("engine", ENGINES)
def test_what_was_backed_up_is_restored_into_either_engine(filled: str, engine: str, tmp_path: Path) -> None:
    backup(filled, tmp_path / "backup")
    into = new_database(engine, tmp_path, "into")
    rows = restore(into, tmp_path / "backup")
    assert dump(into) == dump(filled)
    assert rows == sum(len(part) for part in dump(filled).values())
    store = SqlStore(into, SEAL, FixedClock())
    with store.unit() as unit:
        assert unit.clients.get(POOL, "app1") == samples.client()
    assert store.version(POOL) > 0
    store.close()


def dump(url: str) -> dict[str, set[tuple[object, ...]]]:
    engine = connect_engine(url)
    content: dict[str, set[tuple[object, ...]]] = {}
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        for part in read_database(connection):
            content.setdefault(part.table, set()).update(part.rows)
    engine.dispose()
    return content


def test_a_backup_is_private_shows_no_secret_and_replaces_the_one_before(filled: str, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    target.write_bytes(b"the one before")
    backup(filled, target)
    raw = target.read_bytes()
    plain = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    assert target.stat().st_mode & 0o777 == 0o600
    assert not [secret for secret in SECRETS if secret in plain]
    assert not list(tmp_path.glob(".backup.*"))


def test_a_store_that_holds_anything_is_not_overwritten(filled: str, tmp_path: Path) -> None:
    backup(filled, tmp_path / "backup")
    before = dump(filled)
    with pytest.raises(ConfigError, match="not empty"):
        restore(filled, tmp_path / "backup")
    assert dump(filled) == before


def test_a_backup_is_taken_while_others_write(filled: str, tmp_path: Path) -> None:
    store = SqlStore(filled, SEAL, FixedClock())
    with store.unit() as unit:
        unit.groups.put(samples.group(name="not kept yet"))
        backup(filled, tmp_path / "backup")
    into = new_database("sqlite", tmp_path, "into")
    restore(into, tmp_path / "backup")
    assert {row[2] for row in dump(into)["records"] if row[0] == "group"} == {"admins"}
    store.close()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    url = new_database("sqlite", tmp_path, "filled")
    migrate(url)
    store = SqlStore(url, SEAL, FixedClock())
    fill(store)
    engine = connect_engine(url)
    path = tmp_path / "archive"
    with engine.connect() as connection, path.open("wb") as file:
        write_archive(file, current(url), read_database(connection))
    engine.dispose()
    store.close()
    return path


def test_an_archive_restores_into_sqlite(archive: Path, tmp_path: Path) -> None:
    into = new_database("sqlite", tmp_path, "into")
    assert restore(into, archive) > 15
    assert dump(into) == dump(new_database("sqlite", tmp_path, "filled"))


def spoil_cut(lines: list[bytes]) -> list[bytes]:
    return lines[:-1]


def spoil_row(lines: list[bytes]) -> list[bytes]:
    return [*lines[:-2], lines[-1]]


def spoil_json(lines: list[bytes]) -> list[bytes]:
    return [*lines[:3], b"[[", *lines[4:]]


def spoil_table(lines: list[bytes]) -> list[bytes]:
    return [lines[0], b'{"table":"sqlite_master","columns":["name"]}', b'["x"]', b'{"rows":1}']


def spoil_revision(lines: list[bytes]) -> list[bytes]:
    return [lines[0].replace(b'"revision": "', b'"revision": "9').replace(b'"revision":"', b'"revision":"9'), *lines[1:]]


def spoil_format(lines: list[bytes]) -> list[bytes]:
    return [b'{"format":"something else"}', *lines[1:]]


@pytest.mark.parametrize("spoil", [spoil_cut, spoil_row, spoil_json, spoil_table, spoil_revision, spoil_format])
def test_a_damaged_or_foreign_archive_restores_nothing(archive: Path, tmp_path: Path, spoil: object) -> None:
    assert callable(spoil)
    lines = gzip.decompress(archive.read_bytes()).splitlines()
    archive.write_bytes(gzip.compress(b"\n".join(spoil(lines)) + b"\n"))
    into = new_database("sqlite", tmp_path, "into")
    with pytest.raises(ConfigError):
        restore(into, archive)
    assert not current(into) or not any(dump(into).values())


@pytest.mark.parametrize("content", [b"", b"hello", b"\x1f\x8bbroken", b"SQLite format 3\x00 but not really"])
def test_a_file_that_is_no_backup_is_refused(tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "backup"
    source.write_bytes(content)
    with pytest.raises(ConfigError):
        restore(new_database("sqlite", tmp_path), source)


def test_a_store_without_a_schema_has_nothing_to_back_up(tmp_path: Path) -> None:
    url = new_database("sqlite", tmp_path)
    with pytest.raises(ConfigError, match="no schema"):
        backup(url, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()


def test_a_sqlite_backup_is_one_plain_database(tmp_path: Path) -> None:
    url = new_database("sqlite", tmp_path, "filled")
    migrate(url)
    backup(url, tmp_path / "backup.db")
    with sqlite3.connect(tmp_path / "backup.db") as copy:
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    copy.close()
    assert {path.name for path in tmp_path.glob("backup*")} == {"backup.db"}

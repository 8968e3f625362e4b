"""Backing up a running store, and restoring into an empty one.

SQLite is copied by its online backup into one file, which is itself a database. PostgreSQL is read in one snapshot into a portable
archive. Either kind restores into either engine. Neither contains the master key: keep that apart, or nothing sealed opens again.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, column, create_engine, func, insert, select, table
from sqlalchemy.exc import SQLAlchemyError

from broker.errors import ConfigError
from broker.stores.sql.archive import Rows, read_archive, read_database, write_archive
from broker.stores.sql.engine import connect_engine, make_file, parse_url
from broker.stores.sql.migrate import current, migrate, revisions
from broker.stores.sql.work import translated

_SQLITE = b"SQLite format 3\0"


def backup(url: str, target: Path) -> None:
    """Write the whole store of one moment to `target` (mode 0600), which appears, or is replaced, only when it is complete.

    Raises Unavailable, ConfigError (nothing to back up) and OSError.
    """
    revision = current(url)
    if not revision:
        raise ConfigError("the store has no schema yet, so there is nothing to back up")
    with _draft(target) as draft:
        if parse_url(url).drivername == "sqlite":
            _copy_sqlite(str(parse_url(url).database), draft)
        else:
            with draft.open("wb") as file, _transaction(url, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as connection:
                write_archive(file, revision, read_database(connection))
                file.flush()
                os.fsync(file.fileno())


def restore(url: str, source: Path) -> int:
    """Fill an empty store from a backup and bring its schema up to date; returns the number of rows.

    Raises ConfigError if the store holds anything, or the backup is damaged or newer than this Crossgate; then nothing was written.
    """
    with _reading(source) as (revision, content):
        if revision not in revisions():
            raise ConfigError(f"{source}: made by a newer version of Crossgate (schema {revision})")
        make_file(url)
        _make_empty(url, revision)
        migrate(url, revision)
        with _transaction(url, "BEGIN") as connection:
            count = _fill(connection, content)
    migrate(url)
    return count


def _fill(connection: Connection, content: Iterator[Rows]) -> int:
    schema = MetaData()
    schema.reflect(connection)
    count = 0
    for part in content:
        known = schema.tables.get(part.table)
        if known is None or not set(part.columns) <= set(known.columns.keys()):
            raise ConfigError(f"the backup has a table {part.table!r} that its schema does not know; nothing was restored")
        if part.rows:
            into = table(part.table, *(column(name) for name in part.columns))
            connection.execute(insert(into), [dict(zip(part.columns, row, strict=True)) for row in part.rows])
        count += len(part.rows)
    return count


def _make_empty(url: str, revision: str) -> None:
    """Refuse a store that holds anything; drop the empty tables of another revision."""
    with _transaction(url, "BEGIN") as connection:
        schema = MetaData()
        schema.reflect(connection)
        for each in schema.sorted_tables:
            if each.name not in {"alembic_version", "transient"} and connection.execute(select(func.count()).select_from(each)).scalar():
                raise ConfigError(f"the store is not empty (there are rows in {each.name}); restore into a new one")
        if schema.tables and MigrationContext.configure(connection).get_current_revision() != revision:
            schema.drop_all(connection)


@contextmanager
def _transaction(url: str, begin: str) -> Iterator[Connection]:
    engine = connect_engine(url)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(begin)
            try:
                yield connection
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")
    except SQLAlchemyError as error:
        raise translated(error) from error
    finally:
        engine.dispose()


@contextmanager
def _reading(source: Path) -> Iterator[tuple[str, Iterator[Rows]]]:
    with source.open("rb") as file:
        is_sqlite = file.read(len(_SQLITE)) == _SQLITE
    if not is_sqlite:
        yield read_archive(source)
        return
    # Read-only: a backup must be the same file afterwards.
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True))
    try:
        with engine.connect() as connection:
            yield MigrationContext.configure(connection).get_current_revision() or "", read_database(connection)
    except SQLAlchemyError as error:
        raise ConfigError(f"{source}: the database in it cannot be read ({type(error).__name__}); nothing was restored") from None
    finally:
        engine.dispose()


def _copy_sqlite(database: str, target: Path) -> None:
    try:
        with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
            # One file: without this the copy would want its -wal beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise translated(error) from error


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield draft
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)

"""Connections to SQLite and PostgreSQL.

Drivers run in autocommit, and `work` says BEGIN and COMMIT itself: reads before the first write take no lock and no round trip of
their own, on either engine, and see what is committed (PostgreSQL's READ COMMITTED; SQLite behaves the same that way).

PostgreSQL may stand behind PgBouncer in transaction mode: no prepared statements, no session settings, no session-level locks.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
import weakref
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from broker.errors import ConfigError, Unavailable

BUSY_SECONDS = 5.0
# How many rows an INSERT .. ON CONFLICT wrote: only kept if asked for.
_OPTIONS = {"preserve_rowcount": True}
_POOL = {"pool_size": 8, "max_overflow": 24, "pool_timeout": BUSY_SECONDS}

_engines: weakref.WeakSet[Engine] = weakref.WeakSet()


def parse_url(url: str) -> URL:
    """Raises ConfigError in words that do not repeat a password."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError("the store's url is not of the form sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME") from None
    if parsed.drivername in {"postgresql", "postgres"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise ConfigError("a SQLite store needs a file: sqlite:///FILE (each worker would have a :memory: of its own)")
    if parsed.drivername not in {"sqlite", "postgresql+psycopg"}:
        raise ConfigError(f"no store speaks {parsed.drivername!r}; use sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME")
    return parsed


def connect_engine(url: str, *, durable: bool = True) -> Engine:
    """An engine that has not connected yet. `durable` false lets SQLite skip the sync at each commit (for what may be lost)."""
    parsed = parse_url(url)
    engine = _sqlite(parsed, durable) if parsed.drivername == "sqlite" else _postgresql(parsed)
    _engines.add(engine)
    return engine


def transient_url(url: str) -> str:
    """Where a store's transient rows live: on PostgreSQL beside the rest; on SQLite in a file of their own.

    SQLite has one writer a file: a code put while the same thread has a unit open would wait for itself.
    """
    parsed = parse_url(url)
    if parsed.drivername == "sqlite":
        parsed = parsed.set(database=f"{parsed.database}-transient")
    return parsed.render_as_string(hide_password=False)


def make_file(url: str) -> None:
    """SQLite: make a file that only its owner reads, and the folders on the way. SQLite itself would leave that to the umask.

    A file that is there is not opened: closing it would take every lock that this process has on it (POSIX), and the next process to leave
    would think itself the last and remove the write-ahead log from under us.
    """
    parsed = parse_url(url)
    if parsed.drivername != "sqlite":
        return
    path = Path(str(parsed.database))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        if isinstance(error, FileExistsError) and path.is_file():
            return
        raise Unavailable(f"{path}: {error.strerror}") from None


def _guard_file(path: Path) -> None:
    """Refuse a database that is not there, which SQLite would make under the umask, and take it from everybody but its owner.

    SQLite gives -wal and -shm the database's mode, but only when it makes them.
    """
    if not path.exists():
        raise Unavailable(f"there is no database {path}; run: crossgate migrate")
    for each in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        try:
            if stat.S_IMODE(each.stat().st_mode) & 0o077:
                each.chmod(0o600)
        except FileNotFoundError:
            continue  # the last connection elsewhere has taken it away
        except PermissionError:
            # Another account's file, which it lets us use: ours to read, not to change.
            continue


def _patiently(connection: Any, statement: str) -> None:
    """Run a statement that SQLite's busy timeout does not cover: a change of journal mode fails at once beside another process's."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute(statement)
            return
        except sqlite3.OperationalError as busy:
            if "locked" not in str(busy) or time.monotonic() >= deadline:
                raise
            time.sleep(0.01)


def _sqlite(url: URL, durable: bool) -> Engine:
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        execution_options=_OPTIONS,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        hide_parameters=True,
        # Every statement stands alone on what is not durable: a connection that comes back has nothing open to roll back.
        pool_reset_on_return="rollback" if durable else None,
        # A file has no server that would count its clients: no thread waits for another one's connection.
        **{**_POOL, "max_overflow": 256},
    )
    # FULL: a commit survives a power cut. A profile that came back with another `sub` would be another person to every application.
    pragmas = (
        "journal_mode = WAL",
        f"synchronous = {'FULL' if durable else 'NORMAL'}",
        "foreign_keys = ON",
        "temp_store = MEMORY",
        "cache_size = -8000",
        # A commit of another connection empties this one's cache: what is mapped need not be copied anew. Nothing ever shortens the file.
        "mmap_size = 67108864",
    )

    if not str(url.database).startswith("file:"):

        @event.listens_for(engine, "do_connect")
        def guard(*_: object) -> None:
            _guard_file(Path(str(url.database)))

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        for pragma in pragmas:
            _patiently(connection, f"PRAGMA {pragma}")

    return engine


def _postgresql(url: URL) -> Engine:
    return create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        execution_options=_OPTIONS,
        pool_pre_ping=True,
        pool_recycle=1800,
        # A server that hangs is as good as away: both limits are the client's own, so that no pooler has to know them.
        connect_args={"connect_timeout": 5, "tcp_user_timeout": 10_000, "prepare_threshold": None},
        use_native_hstore=False,
        hide_parameters=True,
        **_POOL,
    )


def _forget_connections() -> None:
    """A connection must not be shared over a fork: its bytes would mix, and SQLite's locks would vanish."""
    for engine in list(_engines):
        engine.dispose()


os.register_at_fork(before=_forget_connections)

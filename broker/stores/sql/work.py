"""One transaction's worth of work on a connection: begun at the first write, committed or rolled back at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock, local
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection

from broker.errors import BrokerError, Conflict, InvalidRequest, Unavailable
from broker.stores.sql.engine import BUSY_SECONDS
from broker.stores.sql.held import Connections
from broker.stores.sql.prepared import Answer, Prepared, as_sqlalchemy

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class Writers:
    """SQLite takes one writer at a time. Threads of this process queue here, which is fair and wakes at once; other processes meet in
    SQLite's own busy handler, which sleeps and looks again."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._mine = local()

    def enter(self) -> None:
        if getattr(self._mine, "writing", False):
            raise RuntimeError("a unit that writes inside a unit that writes would wait for itself: use the one that is open")
        if not self._lock.acquire(timeout=BUSY_SECONDS):
            raise Unavailable(f"the database was locked by other writers for {BUSY_SECONDS:.0f} s")
        self._mine.writing = True

    def leave(self) -> None:
        self._mine.writing = False
        self._lock.release()


class Work:
    """Runs statements and turns what can go wrong into the broker's own errors. Not shared between threads."""

    __slots__ = ("_broken", "_connection", "_connections", "_dialect", "_raw", "_writers", "_writing", "now_ms", "sqlite")

    def __init__(self, connections: Connections, writers: Writers | None, now_ms: Callable[[], int]) -> None:
        self._connections = connections
        self._dialect = connections.engine.dialect
        self._writers = writers
        self._raw: PoolProxiedConnection | None = None
        # Over the same, once a statement is run in SQLAlchemy's way.
        self._connection: Connection | None = None
        self._writing = False
        self._broken = False
        self.now_ms = now_ms
        self.sqlite = self._dialect.name == "sqlite"

    def read(self, statement: Executable, parameters: Parameters | None = None) -> CursorResult[Any]:
        return self._run(statement, parameters)

    def write(self, statement: Executable, parameters: Parameters | None = None) -> CursorResult[Any]:
        if not self._writing:
            self._begin()
        return self._run(statement, parameters)

    def look(self, statement: Prepared, parameters: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
        """As `read`, for what runs at every login: the rows, as the driver gives them."""
        return self._prepared(statement, parameters).rows

    def put(self, statement: Prepared, parameters: Mapping[str, Any]) -> int:
        """As `write`, for what runs at every login: how many rows were written."""
        if not self._writing:
            self._begin()
        return self._prepared(statement, parameters).count

    def lock(self, statement: Prepared, parameters: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
        """As `look`, within the transaction: for a SELECT that holds its rows until the end."""
        if not self._writing:
            self._begin()
        return self._prepared(statement, parameters).rows

    @contextmanager
    def step(self) -> Iterator[None]:
        """Several writes that are undone together when one of them is refused, while the unit goes on."""
        if not self._writing:
            self._begin()
        self._command("SAVEPOINT step")
        try:
            yield
        except BaseException:
            self._command("ROLLBACK TO SAVEPOINT step")
            self._broken = False
            raise
        finally:
            self._command("RELEASE SAVEPOINT step")

    def commit(self) -> None:
        """Raises Unavailable, also when an error within was passed over: PostgreSQL would answer COMMIT with a quiet rollback."""
        try:
            if self._writing and self._broken:
                self._command("ROLLBACK")
                raise Unavailable("a statement of this unit had failed, so nothing of it was written")
            if self._writing:
                self._command("COMMIT")
        finally:
            self._end()

    def rollback(self) -> None:
        """Never raises: the connection's end undoes it just as well."""
        try:
            if self._writing and self._raw is not None and self._raw.is_valid:
                self._raw.cursor().execute("ROLLBACK")
        except (SQLAlchemyError, self._dialect.loaded_dbapi.Error):
            if self._raw is not None:
                self._raw.invalidate()
        finally:
            self._end()

    def _begin(self) -> None:
        if self._writers is not None:
            self._writers.enter()
        try:
            # IMMEDIATE: a transaction that reads first and then wants to write can be refused by SQLite without a wait.
            self._command("BEGIN IMMEDIATE" if self.sqlite else "BEGIN")
        except BaseException:
            if self._writers is not None:
                self._writers.leave()
            raise
        self._writing = True

    def _end(self) -> None:
        raw, self._raw = self._raw, None
        connection, self._connection = self._connection, None
        writing, self._writing = self._writing, False
        try:
            if connection is not None:
                connection.close()
            elif raw is not None:
                self._connections.give(raw)
        except (SQLAlchemyError, self._dialect.loaded_dbapi.Error):
            if raw is not None and raw.is_valid:
                raw.invalidate()
        finally:
            if writing and self._writers is not None:
                self._writers.leave()

    def _command(self, command: str) -> None:
        try:
            driver: Any = self._connected().dbapi_connection
            driver.cursor().execute(command)
        except (SQLAlchemyError, self._dialect.loaded_dbapi.Error) as error:
            raise self._failed(as_sqlalchemy(self._dialect, error)) from error

    def _run(self, statement: Executable, parameters: Parameters | None) -> CursorResult[Any]:
        try:
            if self._connection is None:
                self._connection = Connection(self._connections.engine, self._connected())
            return self._connection.execute(statement, parameters)
        except (SQLAlchemyError, ValueError, OverflowError) as error:
            self._broken = True
            raise translated(error) from error

    def _prepared(self, statement: Prepared, parameters: Mapping[str, Any]) -> Answer:
        try:
            return statement.run(self._dialect, self._connected(), parameters)
        except (SQLAlchemyError, ValueError, OverflowError) as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> BrokerError:
        """The broker's error for one on the driver's connection. As after a statement of SQLAlchemy's own, a connection that is gone is
        not used again, nor are its siblings."""
        self._broken = True
        raw, cause = self._raw, getattr(error, "orig", None)
        if raw is not None and raw.is_valid and isinstance(cause, Exception) and self._gone(cause, raw):
            raw.invalidate(error)
            self._connections.engine.dispose()
        return translated(error)

    def _gone(self, cause: Exception, raw: PoolProxiedConnection) -> bool:
        return self._dialect.is_disconnect(cause, raw.dbapi_connection, None)  # type: ignore[arg-type]

    def _connected(self) -> PoolProxiedConnection:
        if self._raw is None:
            self._raw = self._connections.take()
        return self._raw


def translated(error: Exception) -> BrokerError:
    """A driver's error as the broker's. The message names no parameters (the engine hides them)."""
    if isinstance(error, IntegrityError):
        return Conflict(f"the database refused the row: {_first_line(error)}")
    if isinstance(error, DataError | ValueError | OverflowError) or _too_long_for_an_index(error):
        # A NUL or half a surrogate pair in a text, a number past 64 bits: somebody's input, not our state.
        return InvalidRequest(f"a value cannot be stored: {type(error).__name__}")
    return Unavailable(f"the database: {_first_line(error)}")


def _too_long_for_an_index(error: Exception) -> bool:
    """PostgreSQL's program_limit_exceeded: an indexed value over 2,704 bytes that does not compress."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) == "54000"


def _first_line(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return f"{type(cause).__name__}: {str(cause).splitlines()[0] if str(cause) else 'no message'}"

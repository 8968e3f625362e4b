"""One transaction's worth of work on a connection: begun at the first write, committed or rolled back at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock, local
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, Executable
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from broker.errors import BrokerError, Conflict, InvalidRequest, Unavailable
from broker.stores.sql.engine import BUSY_SECONDS
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

    __slots__ = ("_broken", "_connection", "_engine", "_writers", "_writing", "now_ms", "sqlite")

    def __init__(self, engine: Engine, writers: Writers | None, now_ms: Callable[[], int]) -> None:
        self._engine = engine
        self._writers = writers
        self._connection: Connection | None = None
        self._writing = False
        self._broken = False
        self.now_ms = now_ms
        self.sqlite = engine.dialect.name == "sqlite"

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
            if self._writing and self._connection is not None and not self._connection.invalidated:
                self._connection.exec_driver_sql("ROLLBACK")
        except SQLAlchemyError:
            if self._connection is not None:
                self._connection.invalidate()
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
        connection, self._connection = self._connection, None
        writing, self._writing = self._writing, False
        try:
            if connection is not None:
                connection.close()
        except SQLAlchemyError:
            connection.invalidate() if connection is not None and not connection.closed else None
        finally:
            if writing and self._writers is not None:
                self._writers.leave()

    def _command(self, command: str) -> None:
        try:
            self._connected().connection.cursor().execute(command)
        except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error) as error:
            raise self._failed(as_sqlalchemy(self._engine.dialect, error)) from error

    def _run(self, statement: Executable, parameters: Parameters | None) -> CursorResult[Any]:
        try:
            return self._connected().execute(statement, parameters)
        except (SQLAlchemyError, ValueError, OverflowError) as error:
            self._broken = True
            raise translated(error) from error

    def _prepared(self, statement: Prepared, parameters: Mapping[str, Any]) -> Answer:
        try:
            return statement.run(self._engine.dialect, self._connected().connection, parameters)
        except (SQLAlchemyError, ValueError, OverflowError) as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> BrokerError:
        """The broker's error for one on the driver's connection. As after a statement of SQLAlchemy's own, a connection that is gone is
        not used again, nor are its siblings."""
        self._broken = True
        connection, cause = self._connection, getattr(error, "orig", None)
        if connection is not None and not connection.invalidated and isinstance(cause, Exception):
            driver: Any = connection.connection.dbapi_connection
            if self._engine.dialect.is_disconnect(cause, driver, None):  # type: ignore[arg-type]
                connection.invalidate(error)
                self._engine.dispose()
        return translated(error)

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection


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

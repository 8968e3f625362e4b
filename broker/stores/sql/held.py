"""Connections kept open between statements on SQLite, past SQLAlchemy's own pool.

That pool locks, resets and wraps a connection each time it is borrowed, which costs as much as the statements of a login do. SQLite needs
none of it: there is no network that could have cut the connection. On PostgreSQL every borrowing goes through the pool, which pings.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.pool import PoolProxiedConnection

from broker.stores.sql.prepared import as_sqlalchemy

KEPT = 8


class Connections:
    """The connections of an engine, for the threads of one process. The last one given back is the next one taken: its cache is warm."""

    __slots__ = ("_idle", "_keeps", "engine")

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._keeps = engine.dialect.name == "sqlite"
        # A list's append and pop are atomic: no lock.
        self._idle: list[PoolProxiedConnection] = []
        # Disposed of before a fork, when the store is closed, and when a connection turns out to be gone.
        event.listen(engine, "engine_disposed", self._forget)

    def take(self) -> PoolProxiedConnection:
        """A connection in autocommit with nothing open on it. Raises SQLAlchemy's errors."""
        try:
            return self._idle.pop()
        except IndexError:
            pass
        try:
            return self.engine.raw_connection()
        except self.engine.dialect.loaded_dbapi.Error as error:
            raise as_sqlalchemy(self.engine.dialect, error) from error

    def give(self, connection: PoolProxiedConnection) -> None:
        """Take it back. One with a transaction open goes to the pool, which rolls it back. Raises SQLAlchemy's errors."""
        driver: Any = connection.dbapi_connection
        if self._keeps and driver is not None and not driver.in_transaction and len(self._idle) < KEPT:
            self._idle.append(connection)
        else:
            connection.close()

    def _forget(self, _engine: Engine) -> None:
        while self._idle:
            self._idle.pop().invalidate()

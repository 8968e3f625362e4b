"""The durable store in SQL."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from threading import Lock
from types import TracebackType

from sqlalchemy import Engine, bindparam, delete, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateIndex, CreateTable

from broker.ports.environment import Clock, Seal
from broker.ports.store import Unit
from broker.stores.documents import millis, span
from broker.stores.sql.dialect import insert_or_replace
from broker.stores.sql.engine import connect_engine, make_file, transient_url
from broker.stores.sql.expiry import expire_durable, expire_transient
from broker.stores.sql.held import Connections
from broker.stores.sql.tables import leases, pool_version, transient
from broker.stores.sql.unit import SqlUnit
from broker.stores.sql.work import Work, Writers, translated

_ACQUIRE = insert_or_replace(
    leases,
    lambda new: {"holder": new.holder, "until": new.until},
    where=lambda new: (leases.c.holder == new.holder) | (leases.c.until <= bindparam("b_now")),
)
_RELEASE = delete(leases).where(leases.c.name == bindparam("b_name"), leases.c.holder == bindparam("b_holder"))
_VERSION = select(pool_version.c.version).where(pool_version.c.pool_id == bindparam("b_pool"))


class SqlStore:
    """ports.store.Store, and `version` for the settings' cache."""

    def __init__(self, url: str, seal: Seal, clock: Clock) -> None:
        self._url = url
        self._seal = seal
        self._clock = clock
        self._engine = connect_engine(url)
        self._connections = Connections(self._engine)
        self._writers = Writers() if self._engine.dialect.name == "sqlite" else None
        self._transient: Engine | None = None
        self._opening = Lock()

    def unit(self) -> AbstractContextManager[Unit]:
        return _Transaction(self.work(), self._seal)

    def work(self) -> Work:
        return Work(self._connections, self._writers, self._now)

    def ping(self) -> None:
        work = self.work()
        try:
            work.read(text("SELECT 1"))
        finally:
            work.rollback()

    def version(self, pool_id: str) -> int:
        """Grows with every change of the pool's settings; of the pools' own records for the empty id. 0: there was none yet."""
        work = self.work()
        try:
            return int(work.read(_VERSION, {"b_pool": pool_id}).scalar() or 0)
        finally:
            work.rollback()

    def acquire(self, lease: str, holder: str, seconds: int) -> bool:
        now = self._now()
        row = {"name": lease, "holder": holder, "until": now + span(seconds), "b_now": now}
        with _Committed(self.work()) as work:
            return work.write(_ACQUIRE.on(work.sqlite), row).rowcount > 0

    def release(self, lease: str, holder: str) -> None:
        with _Committed(self.work()) as work:
            work.write(_RELEASE, {"b_name": lease, "b_holder": holder})

    def expire(self, now: datetime) -> int:
        return expire_durable(self.work, millis(now)) + expire_transient(self.transient_engine(), millis(now))

    def transient_engine(self) -> Engine:
        """Where the transient rows are: made at first use on SQLite, by the migrations on PostgreSQL."""
        with self._opening:
            if self._transient is None:
                if self._engine.dialect.name == "sqlite":
                    url = transient_url(self._url)
                    make_file(url)
                    self._transient = _make_transient(connect_engine(url, durable=False))
                else:
                    self._transient = self._engine
            return self._transient

    def close(self) -> None:
        """Close the idle connections. The store can be used again."""
        self._engine.dispose()
        if self._transient is not None:
            self._transient.dispose()

    def _now(self) -> int:
        return millis(self._clock.now())


def _make_transient(engine: Engine) -> Engine:
    """IF NOT EXISTS in the statement itself: several workers start at once."""
    try:
        with engine.connect() as connection:
            connection.execute(CreateTable(transient, if_not_exists=True))
            for index in transient.indexes:
                connection.execute(CreateIndex(index, if_not_exists=True))
    except SQLAlchemyError as error:
        raise translated(error) from error
    return engine


class _Committed:
    """Commits on a clean exit, rolls back on an exception."""

    __slots__ = ("_work",)

    def __init__(self, work: Work) -> None:
        self._work = work

    def __enter__(self) -> Work:
        return self._work

    def __exit__(self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        if kind is None:
            self._work.commit()
        else:
            self._work.rollback()


class _Transaction:
    """The context of a unit. Nothing connects before the first statement."""

    __slots__ = ("_committed", "_seal")

    def __init__(self, work: Work, seal: Seal) -> None:
        self._committed = _Committed(work)
        self._seal = seal

    def __enter__(self) -> Unit:
        return SqlUnit(self._committed.__enter__(), self._seal)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._committed.__exit__(kind, error, trace)

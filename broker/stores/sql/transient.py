"""Short-lived state in SQL. Each step is one statement, which is a transaction of its own: no step holds a lock while Python thinks.

On SQLite the rows are in a file of their own (see `engine.transient_url`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Engine, bindparam, case, select, update
from sqlalchemy.exc import SQLAlchemyError

from broker.errors import Conflict
from broker.ports.environment import Clock
from broker.ports.transient import Absent, Burned, Taken
from broker.stores.documents import millis
from broker.stores.sql.dialect import insert_or_replace
from broker.stores.sql.held import Connections
from broker.stores.sql.prepared import Answer, Prepared, as_sqlalchemy
from broker.stores.sql.tables import transient
from broker.stores.sql.work import translated
from broker.stores.transient_names import counter_name, transient_name

_NOW: BindParameter[Any] = bindparam("b_now")
_THIS = transient.c.name == bindparam("b_name")
_ALIVE = transient.c.expires_at > _NOW
_ENDED = transient.c.expires_at <= _NOW
_PUT = Prepared(insert_or_replace(transient, where=lambda _new: (transient.c.burned == 0) | _ENDED))
_GET = Prepared(select(transient.c.value).where(_THIS, _ALIVE, transient.c.burned == 0))
_LOOK = Prepared(select(transient.c.value, transient.c.burned).where(_THIS, _ALIVE))


def _later(other: Any) -> Any:
    """A tombstone never ends before the value would have."""
    return case((transient.c.expires_at > other, transient.c.expires_at), else_=other)


_TAKE = Prepared(
    update(transient)
    .where(_THIS, _ALIVE, transient.c.burned == 0)
    .values(burned=1, expires_at=_later(bindparam("b_until")))
    .returning(transient.c.value)
)
# A live value is burned where it is and kept, for whoever takes it later; what has ended gives way.
_BURN = Prepared(
    insert_or_replace(
        transient,
        lambda new: {
            "burned": 1,
            "value": case((_ENDED, new.value), else_=transient.c.value),
            "expires_at": case((_ENDED, new.expires_at), else_=_later(new.expires_at)),
        },
        where=lambda _new: (transient.c.burned == 0) | _ENDED,
    )
)
_COUNT = Prepared(
    insert_or_replace(
        transient,
        lambda new: {
            "counted": case((_ENDED, new.counted), else_=transient.c.counted + new.counted),
            "expires_at": new.expires_at,
        },
        returning=transient.c.counted,
    )
)


class SqlTransient:
    """ports.transient.Transient."""

    def __init__(self, engine: Callable[[], Engine], clock: Clock) -> None:
        """`engine` is asked at first use, when SQLite makes the file."""
        self._engine = engine
        self._connections: Connections | None = None
        self._clock = clock

    def put(self, kind: str, key: str, value: bytes, expires_at: datetime) -> None:
        if not self._write(_PUT, self._row(kind, key, value, expires_at)):
            raise Conflict(f"this {kind} has been used")

    def get(self, kind: str, key: str) -> bytes | None:
        row = self._one(_GET, {"b_name": transient_name(kind, key)})
        return None if row is None else bytes(row[0])

    def take(self, kind: str, key: str, tombstone_until: datetime) -> Taken | Burned | Absent:
        name = transient_name(kind, key)
        taken = self._one(_TAKE, {"b_name": name, "b_until": millis(tombstone_until)})
        if taken is not None:
            return Taken(bytes(taken[0]))
        # Not ours. What is there now is either a tombstone or nothing; a value put this very moment was not there when we asked.
        found = self._one(_LOOK, {"b_name": name})
        return Burned(bytes(found[0])) if found is not None and found[1] else Absent()

    def burn(self, kind: str, key: str, until: datetime) -> bool:
        return self._write(_BURN, {**self._row(kind, key, b"", until), "burned": 1}) > 0

    def count(self, kind: str, key: str, window_seconds: int, by: int = 1) -> int:
        name, ends = counter_name(kind, key, window_seconds, millis(self._clock.now()))
        counted = self._one(_COUNT, {"name": name, "value": b"", "burned": 0, "counted": by, "expires_at": ends})
        assert counted is not None
        return int(counted[0])

    def _row(self, kind: str, key: str, value: bytes, expires_at: datetime) -> dict[str, Any]:
        return {"name": transient_name(kind, key), "value": value, "burned": 0, "counted": 0, "expires_at": millis(expires_at)}

    def _one(self, statement: Prepared, parameters: dict[str, Any]) -> tuple[Any, ...] | None:
        rows = self._run(statement, parameters).rows
        return rows[0] if rows else None

    def _write(self, statement: Prepared, parameters: dict[str, Any]) -> int:
        return self._run(statement, parameters).count

    def _run(self, statement: Prepared, parameters: dict[str, Any]) -> Answer:
        connections = self._connected()
        dialect, connection = connections.engine.dialect, None
        try:
            connection = connections.take()
            answer = statement.run(dialect, connection, {**parameters, "b_now": millis(self._clock.now())})
            connections.give(connection)
        except (SQLAlchemyError, dialect.loaded_dbapi.Error, ValueError, OverflowError) as error:
            if connection is not None:
                connection.invalidate(error)
            raise translated(as_sqlalchemy(dialect, error)) from error
        return answer

    def _connected(self) -> Connections:
        if self._connections is None:
            self._connections = Connections(self._engine())
        return self._connections

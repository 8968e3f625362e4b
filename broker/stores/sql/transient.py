"""Short-lived state in SQL. Each step is one statement, which is a transaction of its own: no step holds a lock while Python thinks.

On SQLite the rows are in a file of their own (see `engine.transient_url`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, CursorResult, Engine, Executable, bindparam, case, literal, select, update
from sqlalchemy.exc import SQLAlchemyError

from broker.errors import Conflict
from broker.ports.environment import Clock
from broker.ports.transient import Absent, Burned, Taken
from broker.stores.documents import millis
from broker.stores.sql.dialect import insert_or_replace
from broker.stores.sql.tables import transient
from broker.stores.sql.work import translated
from broker.stores.transient_names import counter_name, transient_name

_NOW: BindParameter[Any] = bindparam("b_now")
_THIS = transient.c.name == bindparam("b_name")
_ALIVE = transient.c.expires_at > _NOW
_ENDED = transient.c.expires_at <= _NOW
_PUT = insert_or_replace(transient, where=lambda _new: (transient.c.burned == 0) | _ENDED)
_GET = select(transient.c.value).where(_THIS, _ALIVE, transient.c.burned == 0)
_LOOK = select(transient.c.value, transient.c.burned).where(_THIS, _ALIVE)
_REPLACE = (
    update(transient)
    .where(_THIS, _ALIVE, transient.c.burned == 0, transient.c.value == bindparam("b_old"))
    .values(value=bindparam("b_new"))
)


def _later(other: Any) -> Any:
    """A tombstone never ends before the value would have."""
    return case((transient.c.expires_at > other, transient.c.expires_at), else_=other)


_TAKE = (
    update(transient)
    .where(_THIS, _ALIVE, transient.c.burned == 0)
    .values(burned=1, expires_at=_later(bindparam("b_until")))
    .returning(transient.c.value)
)
# A live value is burned where it is and kept, for whoever takes it later; what has ended gives way.
_BURN = insert_or_replace(
    transient,
    lambda new: {
        "burned": 1,
        "value": case((_ENDED, new.value), else_=transient.c.value),
        "expires_at": case((_ENDED, new.expires_at), else_=_later(new.expires_at)),
    },
    where=lambda _new: (transient.c.burned == 0) | _ENDED,
)
_COUNT = insert_or_replace(
    transient,
    lambda new: {
        "counted": case((_ENDED, literal(1)), else_=transient.c.counted + 1),
        "expires_at": new.expires_at,
    },
    returning=transient.c.counted,
)


class SqlTransient:
    """ports.transient.Transient."""

    def __init__(self, engine: Callable[[], Engine], clock: Clock) -> None:
        """`engine` is asked at first use, when SQLite makes the file."""
        self._engine = engine
        self._clock = clock

    def put(self, kind: str, key: str, value: bytes, expires_at: datetime) -> None:
        if not self._write(_PUT.on(self._sqlite()), self._row(kind, key, value, expires_at)):
            raise Conflict(f"this {kind} has been used")

    def get(self, kind: str, key: str) -> bytes | None:
        row = self._one(_GET, {"b_name": transient_name(kind, key)})
        return None if row is None else bytes(row.value)

    def replace(self, kind: str, key: str, old: bytes, new: bytes) -> bool:
        return self._write(_REPLACE, {"b_name": transient_name(kind, key), "b_old": old, "b_new": new}) > 0

    def take(self, kind: str, key: str, tombstone_until: datetime) -> Taken | Burned | Absent:
        name = transient_name(kind, key)
        taken = self._one(_TAKE, {"b_name": name, "b_until": millis(tombstone_until)})
        if taken is not None:
            return Taken(bytes(taken.value))
        # Not ours. What is there now is either a tombstone or nothing; a value put this very moment was not there when we asked.
        found = self._one(_LOOK, {"b_name": name})
        return Burned(bytes(found.value)) if found is not None and found.burned else Absent()

    def burn(self, kind: str, key: str, until: datetime) -> bool:
        row = {**self._row(kind, key, b"", until), "burned": 1}
        return self._write(_BURN.on(self._sqlite()), row) > 0

    def count(self, kind: str, key: str, window_seconds: int) -> int:
        now = self._now()
        name, ends = counter_name(kind, key, window_seconds, now)
        row = {"name": name, "value": b"", "burned": 0, "counted": 1, "expires_at": ends}
        counted = self._one(_COUNT.on(self._sqlite()), row)
        assert counted is not None
        return int(counted.counted)

    def _row(self, kind: str, key: str, value: bytes, expires_at: datetime) -> dict[str, Any]:
        return {"name": transient_name(kind, key), "value": value, "burned": 0, "counted": 0, "expires_at": millis(expires_at)}

    def _sqlite(self) -> bool:
        return self._engine().dialect.name == "sqlite"

    def _now(self) -> int:
        return millis(self._clock.now())

    def _one(self, statement: Executable, parameters: Mapping[str, Any]) -> Any:
        return self._run(statement, parameters, lambda result: result.first())

    def _write(self, statement: Executable, parameters: Mapping[str, Any]) -> int:
        return int(self._run(statement, parameters, lambda result: result.rowcount))

    def _run(self, statement: Executable, parameters: Mapping[str, Any], answer: Any) -> Any:
        try:
            with self._engine().connect() as connection:
                result: CursorResult[Any] = connection.execute(statement, {**parameters, "b_now": self._now()})
                return answer(result)
        except (SQLAlchemyError, ValueError, OverflowError) as error:
            raise translated(error) from error

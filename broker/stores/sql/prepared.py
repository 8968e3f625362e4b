"""Statements compiled once a dialect and run on the driver's own connection, for what runs a dozen times a login.

SQLAlchemy's way of executing costs several times what SQLite does for such a statement. Only for engines in autocommit, and for columns
whose values the drivers take and give as they are: text, integers, bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine, Executable
from sqlalchemy.exc import DBAPIError

from broker.stores.sql.dialect import Both
from broker.stores.sql.work import translated


class Prepared:
    """One statement. An INSERT takes every column of its table as a parameter."""

    __slots__ = ("_compiled", "_statement")

    def __init__(self, statement: Executable | Both) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, Mapping[str, Any], Sequence[str] | None]] = {}

    def run(self, engine: Engine, parameters: Mapping[str, Any]) -> tuple[int, tuple[Any, ...] | None]:
        """Row count, and the first row if the statement returns any. Raises the broker's errors."""
        text, constants, order = self._compiled.get(engine.dialect.name) or self._compile(engine)
        values = {**constants, **parameters}
        try:
            fairy = engine.raw_connection()
        except Exception as error:
            raise translated(_as_sqlalchemy(engine, error)) from error
        try:
            cursor: Any = fairy.cursor()
            cursor.execute(text, values if order is None else [values[name] for name in order])
            answer = cursor.rowcount, cursor.fetchone() if cursor.description is not None else None
            cursor.close()
        except Exception as error:
            # Whatever state it is in, it is not worth keeping.
            fairy.invalidate(error)
            raise translated(_as_sqlalchemy(engine, error)) from error
        finally:
            fairy.close()
        return answer

    def _compile(self, engine: Engine) -> tuple[str, Mapping[str, Any], Sequence[str] | None]:
        dialect = engine.dialect
        statement = self._statement.on(dialect.name == "sqlite") if isinstance(self._statement, Both) else self._statement
        compiled: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        found = (compiled.string, dict(compiled.params), compiled.positiontup if compiled.positional else None)
        self._compiled[dialect.name] = found
        return found


def _as_sqlalchemy(engine: Engine, error: Exception) -> Exception:
    """The driver's error in the class that SQLAlchemy has for it, as if it had run the statement."""
    wrapped: Any = DBAPIError.instance(None, None, error, engine.dialect.loaded_dbapi.Error, hide_parameters=True)
    return wrapped if isinstance(wrapped, Exception) else error

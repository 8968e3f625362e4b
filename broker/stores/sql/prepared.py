"""Statements compiled once a dialect and run on the driver's own connection, for what runs at every login.

SQLAlchemy's way of executing costs several times what SQLite does for such a statement. Only for engines in autocommit, and for columns
whose values the drivers take and give as they are: text, integers, bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection

from broker.stores.sql.dialect import Both


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement did: how many rows it wrote, and those that it returned."""

    count: int
    rows: Sequence[tuple[Any, ...]]


class Prepared:
    """One statement. An INSERT takes every column of its table as a parameter."""

    __slots__ = ("_compiled", "_statement")

    def __init__(self, statement: Executable | Both) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, Mapping[str, Any], Sequence[str] | None]] = {}

    def run(self, dialect: Dialect, connection: PoolProxiedConnection, parameters: Mapping[str, Any]) -> Answer:
        """Raises the driver's errors in SQLAlchemy's classes. A connection that has failed is not worth keeping: invalidate it."""
        text, constants, order = self._compiled.get(dialect.name) or self._compile(dialect)
        values = {**constants, **parameters}
        driver: Any = connection.dbapi_connection
        try:
            cursor = driver.cursor()
            cursor.execute(text, values if order is None else [values[name] for name in order])
            answer = Answer(cursor.rowcount, cursor.fetchall() if cursor.description is not None else ())
            cursor.close()
        except dialect.loaded_dbapi.Error as error:
            raise as_sqlalchemy(dialect, error) from error
        return answer

    def _compile(self, dialect: Dialect) -> tuple[str, Mapping[str, Any], Sequence[str] | None]:
        statement = self._statement.on(dialect.name == "sqlite") if isinstance(self._statement, Both) else self._statement
        compiled: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        found = (compiled.string, dict(compiled.params), compiled.positiontup if compiled.positional else None)
        self._compiled[dialect.name] = found
        return found


def as_sqlalchemy(dialect: Dialect, error: Exception) -> Exception:
    """The driver's error in the class that SQLAlchemy has for it, as if it had run the statement; other errors as they are."""
    base: Any = dialect.loaded_dbapi.Error
    if not isinstance(error, base):
        return error
    wrapped: Any = DBAPIError.instance(None, None, error, base, hide_parameters=True)
    return wrapped if isinstance(wrapped, Exception) else error

"""Insert-or-leave and insert-or-replace: both engines spell them alike, SQLAlchemy has a class for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Executable, Table
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

# Given the columns of the row that was to be inserted, what to set in the row that is there.
Replacement = Callable[[Any], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Both:
    """One statement in both dialects, built once at import."""

    sqlite: Executable
    postgres: Executable

    def on(self, sqlite: bool) -> Executable:
        return self.sqlite if sqlite else self.postgres


def insert_new(table: Table) -> Both:
    """Insert, or leave the row out (row count 0) if a unique index refuses it: an error would end a PostgreSQL transaction."""
    return Both(sqlite_insert(table).on_conflict_do_nothing(), postgres_insert(table).on_conflict_do_nothing())


def insert_or_replace(
    table: Table,
    replacement: Replacement | None = None,
    *,
    where: Callable[[Any], ColumnElement[bool]] | None = None,
    returning: ColumnElement[Any] | None = None,
) -> Both:
    """Insert, or set what `replacement` says (else every column) in the row with the same primary key, if `where` holds."""
    return Both(
        _replacing(sqlite_insert(table), table, replacement, where, returning),
        _replacing(postgres_insert(table), table, replacement, where, returning),
    )


def _replacing(
    statement: Any,
    table: Table,
    replacement: Replacement | None,
    where: Callable[[Any], ColumnElement[bool]] | None,
    returning: ColumnElement[Any] | None,
) -> Executable:
    key = [column.name for column in table.primary_key]
    new = statement.excluded
    values = replacement(new) if replacement else {column.name: new[column.name] for column in table.columns if column.name not in key}
    statement = statement.on_conflict_do_update(index_elements=key, set_=values, where=where(new) if where else None)
    result: Executable = statement.returning(returning) if returning is not None else statement
    return result

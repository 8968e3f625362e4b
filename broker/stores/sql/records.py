"""Settings of every kind: a JSON document, its sealed secrets, and the index rows that reach it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import Row, and_, bindparam, delete, or_, select

from broker.errors import Conflict
from broker.ports.environment import Seal
from broker.stores.documents import decode, decode_with, encode, encode_without
from broker.stores.kinds import RecordKind
from broker.stores.sql.dialect import insert_new, insert_or_replace
from broker.stores.sql.tables import memberships, metadata, pool_version, record_index, records
from broker.stores.sql.work import Work

T = TypeVar("T")

_COLUMNS = (records.c.pool_id, records.c.key, records.c.document, records.c.sealed)
_THIS = and_(records.c.kind == bindparam("b_kind"), records.c.pool_id == bindparam("b_pool"), records.c.key == bindparam("b_key"))
_GET = select(*_COLUMNS).where(_THIS)
_FIND = (
    select(*_COLUMNS)
    .join(
        record_index,
        and_(record_index.c.kind == records.c.kind, record_index.c.pool_id == records.c.pool_id, record_index.c.key == records.c.key),
    )
    .where(
        record_index.c.kind == bindparam("b_kind"),
        record_index.c.name == bindparam("b_name"),
        record_index.c.scope == bindparam("b_scope"),
        record_index.c.value == bindparam("b_value"),
    )
    .order_by(record_index.c.item)
    .limit(1)
)
_ORDERED = (
    select(*_COLUMNS).where(records.c.kind == bindparam("b_kind")).order_by(records.c.pool_id, records.c.key).limit(bindparam("b_limit"))
)
_LIST = _ORDERED.where(records.c.pool_id == bindparam("b_pool"), records.c.key > bindparam("b_after"))
_LIST_ALL = _ORDERED.where(
    or_(
        records.c.pool_id > bindparam("b_pool"),
        and_(records.c.pool_id == bindparam("b_pool"), records.c.key > bindparam("b_after")),
    )
)
_PUT = insert_or_replace(records)
_DELETE = delete(records).where(_THIS)
_INDEX_THIS = (
    record_index.c.kind == bindparam("b_kind"),
    record_index.c.pool_id == bindparam("b_pool"),
    record_index.c.key == bindparam("b_key"),
)
_INDEX_DELETE = delete(record_index).where(*_INDEX_THIS)
_INDEX_ADD = insert_new(record_index)
_BUMP = insert_or_replace(pool_version, lambda _new: {"version": pool_version.c.version + 1})
_DELETE_MEMBERSHIPS = delete(memberships).where(
    memberships.c.pool_id == bindparam("b_pool"), memberships.c.group_name == bindparam("b_key")
)


class SqlRecords(Generic[T]):
    """ports.store.Records of one kind."""

    __slots__ = ("_kind", "_seal", "_work")

    def __init__(self, work: Work, kind: RecordKind[T], seal: Seal) -> None:
        self._work = work
        self._kind = kind
        self._seal = seal

    def get(self, pool_id: str, key: str) -> T | None:
        return self._record(self._work.read(_GET, self._name(pool_id, key)).first())

    def find(self, index: str, value: str, pool_id: str | None = None) -> T | None:
        unique = self._kind.index(index)
        if pool_id is None and not unique.everywhere:
            raise ValueError(f"{index} is unique within a pool: name the pool")
        parameters = {"b_kind": self._kind.name, "b_name": index, "b_scope": unique.scope(pool_id or ""), "b_value": unique.form(value)}
        row = self._work.read(_FIND, parameters).first()
        if row is None or (pool_id is not None and row.pool_id != pool_id):
            return None
        return self._record(row)

    def list(self, pool_id: str | None, after: str | None = None, limit: int = 1000) -> Sequence[T]:
        if pool_id is not None:
            parameters = {"b_kind": self._kind.name, "b_pool": pool_id, "b_after": after or "", "b_limit": limit}
            rows = self._work.read(_LIST, parameters)
        else:
            pool, _, key = (after or "").partition("/")
            rows = self._work.read(_LIST_ALL, {"b_kind": self._kind.name, "b_pool": pool, "b_after": key, "b_limit": limit})
        return [self._decode(row) for row in rows]

    def put(self, record: T) -> None:
        pool, key = self._kind.pool_of(record), self._kind.key_of(record)
        with self._work.step():
            if self._kind.indexes:
                self._index(record, pool, key)
            self._work.write(_PUT.on(self._work.sqlite), self._row(record, pool, key))
            self._bump(pool)

    def delete(self, pool_id: str, key: str) -> bool:
        if not self._work.write(_DELETE, self._name(pool_id, key)).rowcount:
            return False
        self._work.write(_INDEX_DELETE, self._name(pool_id, key))
        if self._kind.name == "group":
            self._work.write(_DELETE_MEMBERSHIPS, {"b_pool": pool_id, "b_key": key})
        if self._kind.whole_pool:
            empty_pool(self._work, pool_id)
        self._bump(pool_id)
        return True

    def _index(self, record: T, pool: str, key: str) -> None:
        self._work.write(_INDEX_DELETE, self._name(pool, key))
        add = _INDEX_ADD.on(self._work.sqlite)
        for name, scope, value, item in sorted(self._kind.entries(record)):
            row = {"kind": self._kind.name, "name": name, "scope": scope, "value": value, "item": item, "pool_id": pool, "key": key}
            if not self._work.write(add, row).rowcount:
                raise Conflict(f"{self._kind.name} {key!r}: {name} {value!r} belongs to another {self._kind.name}")

    def _row(self, record: T, pool: str, key: str) -> dict[str, Any]:
        secrets = dict(getattr(record, "secrets", {})) if self._kind.has_secrets else {}
        document = encode_without(record, "secrets") if self._kind.has_secrets else encode(record)
        return {
            "kind": self._kind.name,
            "pool_id": pool,
            "key": key,
            "owner": getattr(record, "owner", "api"),
            "organization_id": getattr(record, "organization_id", None),
            "document": document,
            "sealed": self._seal.seal(secret_context(self._kind.name, pool, key), json.dumps(secrets).encode()) if secrets else None,
        }

    def _bump(self, pool_id: str) -> None:
        for scope in self._kind.version_scopes(pool_id):
            bump(self._work, scope)

    def _name(self, pool_id: str, key: str) -> dict[str, str]:
        return {"b_kind": self._kind.name, "b_pool": pool_id, "b_key": key}

    def _record(self, row: Row[Any] | None) -> T | None:
        return None if row is None else self._decode(row)

    def _decode(self, row: Row[Any]) -> T:
        if row.sealed is None:
            return decode(self._kind.record, row.document)
        plain = self._seal.open(secret_context(self._kind.name, row.pool_id, row.key), bytes(row.sealed))
        return decode_with(self._kind.record, row.document, {"secrets": json.loads(plain)})


def secret_context(kind: str, pool_id: str, key: str) -> str:
    """What a record's secrets are sealed for: moved to another record, they do not open."""
    return f"record:{kind}:{pool_id}:{key}"


def bump(work: Work, pool_id: str) -> None:
    """The pool's settings have changed."""
    work.write(_BUMP.on(work.sqlite), {"pool_id": pool_id, "version": 1})


def empty_pool(work: Work, pool_id: str) -> None:
    """Everything of a pool. Its users would otherwise walk into the next pool of that id. The version stays and goes on counting."""
    for table in reversed(metadata.sorted_tables):
        if "pool_id" in table.c and table is not pool_version:
            work.write(delete(table).where(table.c.pool_id == bindparam("b_pool")), {"b_pool": pool_id})

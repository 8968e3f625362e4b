"""Our own keys, and moving everything sealed under a new master key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Table, bindparam, literal, select, tuple_, update

from broker.errors import Conflict
from broker.model.keys import KeyRecord
from broker.ports.environment import Seal
from broker.stores.documents import decode_with, encode_without, millis
from broker.stores.sql.dialect import insert_or_replace
from broker.stores.sql.records import bump, secret_context
from broker.stores.sql.tables import data_keys, keys, records
from broker.stores.sql.traces import data_key_context
from broker.stores.sql.work import Work

_LIST = (
    select(keys.c.kid, keys.c.document, keys.c.sealed)
    .where(keys.c.pool_id == bindparam("b_pool"), keys.c.state != "revoked")
    .order_by(keys.c.created_at.desc(), keys.c.kid)
)
_SAME_STATE = select(keys.c.kid).where(
    keys.c.pool_id == bindparam("b_pool"),
    keys.c.key_use == bindparam("b_use"),
    keys.c.alg == bindparam("b_alg"),
    keys.c.state == bindparam("b_state"),
    keys.c.kid != bindparam("b_kid"),
)
_PUT = insert_or_replace(keys)
_POOLS = select(keys.c.pool_id).where(keys.c.state != "revoked").distinct().order_by(keys.c.pool_id)
_PAGE = 500


class SqlKeys:
    """ports.store.Keys."""

    __slots__ = ("_seal", "_work")

    def __init__(self, work: Work, seal: Seal) -> None:
        self._work = work
        self._seal = seal

    def list(self, pool_id: str) -> Sequence[KeyRecord]:
        return [self._open(pool_id, row) for row in self._work.read(_LIST, {"b_pool": pool_id})]

    def put(self, key: KeyRecord) -> None:
        row = {
            "pool_id": key.pool_id,
            "kid": key.kid,
            "key_use": key.use,
            "alg": key.alg,
            "state": key.state,
            "created_at": millis(key.created_at),
            "document": encode_without(key, "private_pem"),
            "sealed": self._seal.seal(key_context(key.pool_id, key.kid), key.private_pem.encode()),
        }
        # The step begins the transaction before the look; its unique index refuses what comes between the look and the write.
        with self._work.step():
            if key.state in {"current", "next"}:
                place = {"b_pool": key.pool_id, "b_use": key.use, "b_alg": key.alg, "b_state": key.state, "b_kid": key.kid}
                if self._work.read(_SAME_STATE, place).first() is not None:
                    raise Conflict(f"pool {key.pool_id} has another {key.state} {key.alg} key for {key.use}")
            self._work.write(_PUT.on(self._work.sqlite), row)
            bump(self._work, key.pool_id)

    def pools(self) -> Sequence[str]:
        return self._work.read(_POOLS).scalars().all()

    def rewrap(self) -> int:
        return sum(
            (
                self._rewrap(records, "sealed", lambda row: secret_context(row.kind, row.pool_id, row.key)),
                self._rewrap(keys, "sealed", lambda row: key_context(row.pool_id, row.kid)),
                self._rewrap(data_keys, "wrapped", lambda row: data_key_context(row.pool_id, row.user_sub)),
            )
        )

    def _rewrap(self, table: Table, column: str, context: Any) -> int:
        """Row by row, and only if nobody wrote it meanwhile: what a concurrent writer sealed is under the newest key already."""
        primary = list(table.primary_key)
        change = (
            update(table)
            .where(*(each == bindparam(f"b_{each.name}") for each in primary), table.c[column] == bindparam("b_old"))
            .values({column: bindparam("b_new")})
        )
        count = 0
        for row in self._sealed_rows(table, column):
            old = bytes(row._mapping[column])
            new = self._seal.seal(context(row), self._seal.open(context(row), old))
            place = {f"b_{each.name}": row._mapping[each.name] for each in primary}
            count += self._work.write(change, {**place, "b_old": old, "b_new": new}).rowcount
        return count

    def _sealed_rows(self, table: Table, column: str) -> Iterator[Any]:
        """Pages in order of the primary key, so that memory stays flat over a million users' keys."""
        primary = list(table.primary_key)
        ordered = select(*primary, table.c[column]).where(table.c[column].is_not(None)).order_by(*primary).limit(_PAGE)
        last: tuple[Any, ...] | None = None
        while True:
            page = ordered if last is None else ordered.where(_after(primary, last))
            rows = self._work.write(page).all()
            yield from rows
            if len(rows) < _PAGE:
                return
            last = tuple(rows[-1]._mapping[each.name] for each in primary)

    def _open(self, pool_id: str, row: Any) -> KeyRecord:
        private = self._seal.open(key_context(pool_id, row.kid), bytes(row.sealed)).decode()
        return decode_with(KeyRecord, row.document, {"private_pem": private})


def _after(primary: Sequence[Any], last: tuple[Any, ...]) -> Any:
    return tuple_(*primary) > tuple_(*(literal(value) for value in last))


def key_context(pool_id: str, kid: str) -> str:
    """What a private key is sealed for."""
    return f"key:{pool_id}:{kid}"

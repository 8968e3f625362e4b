"""The stories of logins, encrypted: their lines under a key of the pool, their evidence under a key of the user.

To erase a user's evidence for good it is enough to delete his key, in backups that are older too (once those are rewrapped or gone).
The master key wraps both, so a new master key costs one row a user and not one row a login.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, literal, or_, select

from broker.model.login import TraceLine
from broker.model.records import Trace
from broker.ports.environment import Seal
from broker.seal import DataKey
from broker.stores.documents import adapter, decode_with, encode_without, millis
from broker.stores.sql.dialect import insert_new, insert_or_replace
from broker.stores.sql.prepared import Prepared
from broker.stores.sql.tables import data_keys, traces
from broker.stores.sql.work import Work

# The owner of a pool's own key. No user has an empty sub.
POOL = ""

_KEYS = Prepared(
    select(data_keys.c.user_sub, data_keys.c.wrapped).where(
        data_keys.c.pool_id == bindparam("b_pool"), or_(data_keys.c.user_sub == literal(POOL), data_keys.c.user_sub == bindparam("b_sub"))
    )
)
_ADD_KEY = insert_new(data_keys)


def _told_on(new: Any) -> Mapping[str, Any]:
    """Everything anew, but evidence once kept stays: who tells a story to its end has not seen the upstream's answer."""
    columns = {column.name: new[column.name] for column in traces.columns if not column.primary_key}
    return {**columns, "evidence": func.coalesce(new.evidence, traces.c.evidence)}


_PUT = Prepared(insert_or_replace(traces, _told_on))
_STORY = (traces.c.id, traces.c.pool_id, traces.c.user_sub, traces.c.document, traces.c.lines)
_GET = select(*_STORY, traces.c.evidence).where(traces.c.id == bindparam("b_id"))
_RECENT = select(*_STORY).order_by(traces.c.started_at.desc()).limit(bindparam("b_limit"))
_RECENT_POOL = _RECENT.where(traces.c.pool_id == bindparam("b_pool"))
_RECENT_PROVIDER = _RECENT_POOL.where(traces.c.provider == bindparam("b_provider"))
_ERASE = delete(traces).where(traces.c.pool_id == bindparam("b_pool"), traces.c.user_sub == bindparam("b_sub"))
_ERASE_KEY = delete(data_keys).where(data_keys.c.pool_id == bindparam("b_pool"), data_keys.c.user_sub == bindparam("b_sub"))
_LINES = adapter(tuple[TraceLine, ...])


class SqlTraces:
    """ports.store.Traces."""

    __slots__ = ("_seal", "_work")

    def __init__(self, work: Work, seal: Seal) -> None:
        self._work = work
        self._seal = seal

    def put(self, trace: Trace) -> None:
        # A login that was refused before anybody was known has no user, and its evidence nobody to be erased with.
        owner = trace.user_sub if trace.user_sub and trace.evidence else POOL
        found = self._keys(trace.pool_id, owner)
        pool_key = found.get(POOL) or self._make_key(trace.pool_id, POOL)
        owner_key = pool_key if owner == POOL else found.get(owner) or self._make_key(trace.pool_id, owner)
        row = {
            "id": trace.id,
            "pool_id": trace.pool_id,
            "provider": trace.provider,
            "organization_id": trace.organization_id,
            "user_sub": trace.user_sub,
            "started_at": millis(trace.started_at),
            "expires_at": millis(trace.expires_at),
            "document": encode_without(trace, "lines", "evidence"),
            "lines": pool_key.seal(f"lines:{trace.id}", _LINES.dump_json(trace.lines)),
            "evidence": owner_key.seal(f"evidence:{trace.id}", trace.evidence) if trace.evidence else None,
        }
        self._work.put(_PUT, row)

    def get(self, trace_id: str, pool_id: str | None = None) -> Trace | None:
        row = self._work.read(_GET, {"b_id": trace_id}).first()
        if row is None or (pool_id is not None and row.pool_id != pool_id):
            return None
        found = self._keys(row.pool_id, row.user_sub or POOL)
        owner_key = found.get(row.user_sub or POOL)
        sealed = row.evidence
        evidence = owner_key.open(f"evidence:{row.id}", bytes(sealed)) if sealed is not None and owner_key is not None else b""
        return self._told(row, found.get(POOL), evidence)

    def recent(self, pool_id: str | None, provider: str | None = None, limit: int = 50) -> Sequence[Trace]:
        parameters = {"b_pool": pool_id, "b_provider": provider, "b_limit": limit}
        statement = _RECENT if pool_id is None else _RECENT_POOL if provider is None else _RECENT_PROVIDER
        if pool_id is None and provider is not None:
            statement = _RECENT.where(traces.c.provider == bindparam("b_provider"))
        wanted = {name: value for name, value in parameters.items() if value is not None}
        rows = self._work.read(statement, wanted).all()
        pool_keys = {pool: self._keys(pool, POOL).get(POOL) for pool in {row.pool_id for row in rows}}
        return [self._told(row, pool_keys[row.pool_id], b"") for row in rows]

    def erase_user(self, pool_id: str, user_sub: str) -> int:
        if user_sub == POOL:
            raise ValueError("no user")
        self._work.write(_ERASE_KEY, {"b_pool": pool_id, "b_sub": user_sub})
        return self._work.write(_ERASE, {"b_pool": pool_id, "b_sub": user_sub}).rowcount

    def _told(self, row: Row[Any], pool_key: DataKey | None, evidence: bytes) -> Trace:
        lines = _LINES.validate_json(pool_key.open(f"lines:{row.id}", bytes(row.lines))) if pool_key is not None else ()
        return decode_with(Trace, row.document, {"lines": lines, "evidence": evidence})

    def _keys(self, pool_id: str, user_sub: str) -> dict[str, DataKey]:
        rows = self._work.look(_KEYS, {"b_pool": pool_id, "b_sub": user_sub})
        return {owner: DataKey.unwrap(self._seal, data_key_context(pool_id, owner), bytes(wrapped)) for owner, wrapped in rows}

    def _make_key(self, pool_id: str, user_sub: str) -> DataKey:
        key, wrapped = DataKey.make(self._seal, data_key_context(pool_id, user_sub))
        row = {"pool_id": pool_id, "user_sub": user_sub, "wrapped": wrapped}
        if self._work.write(_ADD_KEY.on(self._work.sqlite), row).rowcount:
            return key
        # Somebody else made it meanwhile; what is stored counts.
        return self._keys(pool_id, user_sub)[user_sub]


def data_key_context(pool_id: str, user_sub: str) -> str:
    """What a data key is wrapped for."""
    return f"data-key:{pool_id}:{user_sub}"

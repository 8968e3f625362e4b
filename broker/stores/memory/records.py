"""Settings and keys in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from broker.errors import Conflict
from broker.model.keys import KeyRecord
from broker.stores.kinds import RecordKind
from broker.stores.memory.state import State, kept

T = TypeVar("T")


class MemoryRecords(Generic[T]):
    """ports.store.Records of one kind."""

    def __init__(self, state: State, kind: RecordKind[T]) -> None:
        self._state = state
        self._kind = kind

    def get(self, pool_id: str, key: str) -> T | None:
        return self._state.records.get((self._kind.name, pool_id, key))

    def find(self, index: str, value: str, pool_id: str | None = None) -> T | None:
        unique = self._kind.index(index)
        if pool_id is None and not unique.everywhere:
            raise ValueError(f"{index} is unique within a pool: name the pool")
        wanted = (self._kind.name, index, unique.scope(pool_id or ""), unique.form(value))
        places = sorted((entry, place) for entry, place in self._state.index.items() if entry[:4] == wanted)
        return self.get(*places[0][1]) if places and pool_id in {None, places[0][1][0]} else None

    def list(self, pool_id: str | None, after: str | None = None, limit: int = 1000) -> Sequence[T]:
        first, _, rest = (after or "").partition("/")
        start = (first, rest) if pool_id is None else (pool_id, after or "")
        found = sorted(
            (key[1:], record)
            for key, record in self._state.records.items()
            if key[0] == self._kind.name and key[1:] > start and pool_id in {None, key[1]}
        )
        return [record for _, record in found[:limit]]

    def put(self, record: T) -> None:
        kind, pool, key = self._kind, self._kind.pool_of(record), self._kind.key_of(record)
        entries = [(kind.name, *entry) for entry in sorted(kind.entries(record))]
        for entry in entries:
            if self._state.index.get(entry) not in {None, (pool, key)}:
                raise Conflict(f"{kind.name} {key!r}: {entry[1]} {entry[3]!r} belongs to another {kind.name}")
        self._forget(pool, key)
        for entry in entries:
            self._state.index.set(entry, (pool, key))
        self._state.records.set((kind.name, pool, key), kept(record))
        self._bump(pool)

    def delete(self, pool_id: str, key: str) -> bool:
        if self._state.records.pop((self._kind.name, pool_id, key)) is None:
            return False
        self._forget(pool_id, key)
        if self._kind.name == "group":
            self._state.memberships.pop_where(lambda place, _: place[:2] == (pool_id, key))
        if self._kind.whole_pool:
            empty_pool(self._state, pool_id)
        self._bump(pool_id)
        return True

    def _forget(self, pool_id: str, key: str) -> None:
        self._state.index.pop_where(lambda place, owner: place[0] == self._kind.name and owner == (pool_id, key))

    def _bump(self, pool_id: str) -> None:
        for scope in self._kind.version_scopes(pool_id):
            self._state.bump(scope)


def empty_pool(state: State, pool_id: str) -> None:
    state.records.pop_where(lambda place, _: place[1] == pool_id)
    state.index.pop_where(lambda _, owner: owner[0] == pool_id)
    state.pool_identities.pop_where(lambda _, identity: identity.pool_id == pool_id)
    for table in (state.users, state.identities, state.pending, state.memberships, state.sessions, state.keys, state.consents):
        table.pop_where(lambda place, _: place[0] == pool_id)
    gone = {row.family.id for row in state.families.pop_where(lambda _, row: row.family.pool_id == pool_id)}
    state.tokens.pop_where(lambda _, row: row.family in gone)
    state.traces.pop_where(lambda _, trace: trace.pool_id == pool_id)
    state.jobs.pop_where(lambda _, row: row.job.payload.get("pool_id") == pool_id)


class MemoryKeys:
    """ports.store.Keys. Nothing is sealed here, so there is nothing to rewrap."""

    def __init__(self, state: State) -> None:
        self._state = state

    def list(self, pool_id: str) -> Sequence[KeyRecord]:
        found = self._state.keys.where(lambda key: key.pool_id == pool_id and key.state != "revoked")
        return sorted(sorted(found, key=lambda key: key.kid), key=lambda key: key.created_at, reverse=True)

    def put(self, key: KeyRecord) -> None:
        def rival(other: KeyRecord) -> bool:
            place = (other.pool_id, other.use, other.alg, other.state)
            return place == (key.pool_id, key.use, key.alg, key.state) and other.kid != key.kid

        if key.state in {"current", "next"} and self._state.keys.where(rival):
            raise Conflict(f"pool {key.pool_id} has another {key.state} {key.alg} key for {key.use}")
        self._state.keys.set((key.pool_id, key.kid), kept(key))
        self._state.bump(key.pool_id)

    def pools(self) -> Sequence[str]:
        return sorted({key.pool_id for key in self._state.keys.where(lambda key: key.state != "revoked")})

    def rewrap(self) -> int:
        return 0

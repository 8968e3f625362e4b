"""The identities of identity pools in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from broker.errors import Conflict
from broker.model.identity import PoolIdentity
from broker.stores.memory.state import State, kept


class MemoryPoolIdentities:
    """ports.store.PoolIdentities."""

    def __init__(self, state: State) -> None:
        self._rows = state.pool_identities

    def get(self, identity_id: str) -> PoolIdentity | None:
        return self._rows.get(identity_id)

    def by_login(self, pool_id: str, provider: str, subject: str) -> PoolIdentity | None:
        def has(identity: PoolIdentity) -> bool:
            return identity.pool_id == pool_id and (provider, subject) in _keys(identity)

        found = self._rows.where(has)
        return found[0] if found else None

    def create(self, identity: PoolIdentity) -> None:
        if identity.id in self._rows:
            raise Conflict(f"identity {identity.id} exists already")
        self._refuse_taken(identity)
        self._rows.set(identity.id, kept(identity))

    def update(self, identity: PoolIdentity) -> PoolIdentity:
        stored = self.get(identity.id)
        if stored is None or (stored.pool_id, stored.version) != (identity.pool_id, identity.version):
            raise Conflict(f"identity {identity.id} is gone or has changed meanwhile")
        self._refuse_taken(identity)
        written = replace(identity, version=identity.version + 1)
        self._rows.set(identity.id, kept(written))
        return written

    def delete(self, pool_id: str, identity_id: str) -> bool:
        stored = self.get(identity_id)
        if stored is None or stored.pool_id != pool_id:
            return False
        self._rows.pop(identity_id)
        return True

    def list(self, pool_id: str, after: str | None = None, limit: int = 60, enabled_only: bool = False) -> Sequence[PoolIdentity]:
        def wanted(identity: PoolIdentity) -> bool:
            return identity.pool_id == pool_id and identity.id > (after or "") and (identity.enabled or not enabled_only)

        return sorted(self._rows.where(wanted), key=lambda identity: identity.id)[:limit]

    def _refuse_taken(self, identity: PoolIdentity) -> None:
        mine = _keys(identity)
        if len(mine) < len(identity.logins):
            raise Conflict(f"identity {identity.id} has a login twice")
        for other in self._rows.where(lambda other: other.pool_id == identity.pool_id and other.id != identity.id):
            if mine & _keys(other):
                raise Conflict(f"a login of identity {identity.id} reaches another")


def _keys(identity: PoolIdentity) -> set[tuple[str, str]]:
    return {(login.provider, login.subject) for login in identity.logins}

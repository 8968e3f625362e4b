"""The durable store in memory. A unit holds the one lock from its first moment to its last: what it reads is what it writes upon."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType

from broker.model.iam import ManagedPolicy, OidcProvider, Revocation, Role, SamlProvider
from broker.model.identity import IdentityPool
from broker.model.settings import AppClient, Group, ProviderRecord, ResourceServer, UserPool
from broker.ports import store as ports
from broker.ports.environment import Clock
from broker.seal import digest
from broker.stores.documents import millis, span
from broker.stores.kinds import (
    CLIENTS,
    GROUPS,
    IDENTITY_POOLS,
    MANAGED_POLICIES,
    OIDC_PROVIDERS,
    POOLS,
    PROVIDERS,
    RESOURCE_SERVERS,
    REVOCATIONS,
    ROLES,
    SAML_PROVIDERS,
)
from broker.stores.memory.logins import MemoryJobs, MemoryRefreshes, MemorySessions, MemoryTraces
from broker.stores.memory.people import MemoryConsents, MemoryIdentities, MemoryMemberships, MemoryUsers
from broker.stores.memory.pool_identities import MemoryPoolIdentities
from broker.stores.memory.records import MemoryKeys, MemoryRecords
from broker.stores.memory.state import State
from broker.stores.memory.transient import MemoryTransient


class MemoryUnit:
    """ports.store.Unit."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.pools: ports.Records[UserPool] = MemoryRecords(state, POOLS)
        self.clients: ports.Records[AppClient] = MemoryRecords(state, CLIENTS)
        self.providers: ports.Records[ProviderRecord] = MemoryRecords(state, PROVIDERS)
        self.resource_servers: ports.Records[ResourceServer] = MemoryRecords(state, RESOURCE_SERVERS)
        self.groups: ports.Records[Group] = MemoryRecords(state, GROUPS)
        self.identity_pools: ports.Records[IdentityPool] = MemoryRecords(state, IDENTITY_POOLS)
        self.roles: ports.Records[Role] = MemoryRecords(state, ROLES)
        self.managed_policies: ports.Records[ManagedPolicy] = MemoryRecords(state, MANAGED_POLICIES)
        self.oidc_providers: ports.Records[OidcProvider] = MemoryRecords(state, OIDC_PROVIDERS)
        self.saml_providers: ports.Records[SamlProvider] = MemoryRecords(state, SAML_PROVIDERS)
        self.revocations: ports.Records[Revocation] = MemoryRecords(state, REVOCATIONS)
        self.pool_identities: ports.PoolIdentities = MemoryPoolIdentities(state)
        self.users: ports.Users = MemoryUsers(state)
        self.identities: ports.Identities = MemoryIdentities(state)
        self.memberships: ports.Memberships = MemoryMemberships(state)
        self.sessions: ports.Sessions = MemorySessions(state)
        self.refreshes: ports.Refreshes = MemoryRefreshes(state)
        self.keys: ports.Keys = MemoryKeys(state)
        self.traces: ports.Traces = MemoryTraces(state)
        self.consents: ports.Consents = MemoryConsents(state)
        self.jobs: ports.Jobs = MemoryJobs(state)

    def burn(self, key: str, until: datetime) -> bool:
        name = digest(key)
        if (self._state.replay.get(name) or 0) > self._state.now_ms():
            return False
        self._state.replay.set(name, millis(until))
        return True


class MemoryStore:
    """ports.store.Store, with its transient rows beside it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._state = State(lambda: millis(clock.now()))
        self.transient = MemoryTransient(clock)

    def unit(self) -> AbstractContextManager[ports.Unit]:
        return _Transaction(self._state)

    def ping(self) -> None:
        """It is always there."""

    def version(self, pool_id: str) -> int:
        with self._state.lock:
            return self._state.versions.get(pool_id) or 0

    def acquire(self, lease: str, holder: str, seconds: int) -> bool:
        with _Transaction(self._state):
            now = self._state.now_ms()
            taken = self._state.leases.get(lease)
            if taken is not None and taken[0] != holder and taken[1] > now:
                return False
            self._state.leases.set(lease, (holder, now + span(seconds)))
            return True

    def release(self, lease: str, holder: str) -> None:
        with _Transaction(self._state):
            taken = self._state.leases.get(lease)
            if taken is not None and taken[0] == holder:
                self._state.leases.pop(lease)

    def expire(self, now: datetime) -> int:
        moment, state = millis(now), self._state
        with _Transaction(state):
            gone = len(state.sessions.pop_where(lambda _, session: millis(session.expires_at) <= moment))
            families = {row.family.id for row in state.families.pop_where(lambda _, row: row.removed_at <= moment)}
            gone += len(families) + len(state.tokens.pop_where(lambda _, row: row.family in families))
            gone += len(state.traces.pop_where(lambda _, trace: millis(trace.expires_at) <= moment))
            gone += len(state.replay.pop_where(lambda _, until: until <= moment))
            gone += len(state.leases.pop_where(lambda _, lease: lease[1] <= moment))
        return gone + self.transient.expire(moment)

    def close(self) -> None:
        """There is nothing to close."""


class _Transaction:
    """Holds the lock. A unit inside another one of the same thread is undone alone or kept alone, as it would be in a database."""

    __slots__ = ("_mark", "_state")

    def __init__(self, state: State) -> None:
        self._state = state
        self._mark = 0

    def __enter__(self) -> ports.Unit:
        self._state.lock.acquire()
        self._mark = self._state.journal.mark()
        return MemoryUnit(self._state)

    def __exit__(self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self._state.journal.forget(self._mark)
            else:
                self._state.journal.roll_back(self._mark)
        finally:
            self._state.lock.release()

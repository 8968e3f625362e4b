"""One transaction over everything durable: the ports, all on one piece of work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from broker.model.iam import ManagedPolicy, OidcProvider, Revocation, Role, SamlProvider
from broker.model.identity import IdentityPool
from broker.model.settings import AppClient, Group, ProviderRecord, ResourceServer, UserPool
from broker.ports import store as ports
from broker.ports.environment import Seal
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
from broker.stores.sql.identities import SqlIdentities, SqlMemberships
from broker.stores.sql.jobs import SqlJobs, burn
from broker.stores.sql.keys import SqlKeys
from broker.stores.sql.pool_identities import SqlPoolIdentities
from broker.stores.sql.records import SqlRecords
from broker.stores.sql.refreshes import SqlRefreshes
from broker.stores.sql.sessions import SqlConsents, SqlSessions
from broker.stores.sql.traces import SqlTraces
from broker.stores.sql.users import SqlUsers
from broker.stores.sql.work import Work

# A unit has many parts, and a login asks for few of them.
_PARTS: Mapping[str, Callable[[Work, Seal], Any]] = {
    "pools": lambda work, seal: SqlRecords(work, POOLS, seal),
    "clients": lambda work, seal: SqlRecords(work, CLIENTS, seal),
    "providers": lambda work, seal: SqlRecords(work, PROVIDERS, seal),
    "resource_servers": lambda work, seal: SqlRecords(work, RESOURCE_SERVERS, seal),
    "groups": lambda work, seal: SqlRecords(work, GROUPS, seal),
    "identity_pools": lambda work, seal: SqlRecords(work, IDENTITY_POOLS, seal),
    "roles": lambda work, seal: SqlRecords(work, ROLES, seal),
    "managed_policies": lambda work, seal: SqlRecords(work, MANAGED_POLICIES, seal),
    "oidc_providers": lambda work, seal: SqlRecords(work, OIDC_PROVIDERS, seal),
    "saml_providers": lambda work, seal: SqlRecords(work, SAML_PROVIDERS, seal),
    "revocations": lambda work, seal: SqlRecords(work, REVOCATIONS, seal),
    "pool_identities": lambda work, _seal: SqlPoolIdentities(work),
    "users": lambda work, _seal: SqlUsers(work),
    "identities": lambda work, _seal: SqlIdentities(work),
    "memberships": lambda work, _seal: SqlMemberships(work),
    "sessions": SqlSessions,
    "refreshes": lambda work, _seal: SqlRefreshes(work),
    "keys": SqlKeys,
    "traces": SqlTraces,
    "consents": lambda work, _seal: SqlConsents(work),
    "jobs": lambda work, _seal: SqlJobs(work),
}


class SqlUnit:
    """ports.store.Unit. Reads before the first write are outside the transaction: versions and unique keys guard what rests on them."""

    pools: ports.Records[UserPool]
    clients: ports.Records[AppClient]
    providers: ports.Records[ProviderRecord]
    resource_servers: ports.Records[ResourceServer]
    groups: ports.Records[Group]
    identity_pools: ports.Records[IdentityPool]
    roles: ports.Records[Role]
    managed_policies: ports.Records[ManagedPolicy]
    oidc_providers: ports.Records[OidcProvider]
    saml_providers: ports.Records[SamlProvider]
    revocations: ports.Records[Revocation]
    pool_identities: ports.PoolIdentities
    users: ports.Users
    identities: ports.Identities
    memberships: ports.Memberships
    sessions: ports.Sessions
    refreshes: ports.Refreshes
    keys: ports.Keys
    traces: ports.Traces
    consents: ports.Consents
    jobs: ports.Jobs

    def __init__(self, work: Work, seal: Seal) -> None:
        self._work = work
        self._seal = seal

    def __getattr__(self, name: str) -> Any:
        """A part, made when it is first asked for."""
        if name not in _PARTS:
            raise AttributeError(name)
        part = _PARTS[name](self._work, self._seal)
        setattr(self, name, part)
        return part

    def burn(self, key: str, until: datetime) -> bool:
        return burn(self._work, key, until)

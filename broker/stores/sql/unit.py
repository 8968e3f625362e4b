"""One transaction over everything durable: the ports, all on one piece of work."""

from __future__ import annotations

from datetime import datetime

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


class SqlUnit:
    """ports.store.Unit. Reads before the first write are outside the transaction: versions and unique keys guard what rests on them."""

    def __init__(self, work: Work, seal: Seal) -> None:
        self._work = work
        self.pools: ports.Records[UserPool] = SqlRecords(work, POOLS, seal)
        self.clients: ports.Records[AppClient] = SqlRecords(work, CLIENTS, seal)
        self.providers: ports.Records[ProviderRecord] = SqlRecords(work, PROVIDERS, seal)
        self.resource_servers: ports.Records[ResourceServer] = SqlRecords(work, RESOURCE_SERVERS, seal)
        self.groups: ports.Records[Group] = SqlRecords(work, GROUPS, seal)
        self.identity_pools: ports.Records[IdentityPool] = SqlRecords(work, IDENTITY_POOLS, seal)
        self.roles: ports.Records[Role] = SqlRecords(work, ROLES, seal)
        self.managed_policies: ports.Records[ManagedPolicy] = SqlRecords(work, MANAGED_POLICIES, seal)
        self.oidc_providers: ports.Records[OidcProvider] = SqlRecords(work, OIDC_PROVIDERS, seal)
        self.saml_providers: ports.Records[SamlProvider] = SqlRecords(work, SAML_PROVIDERS, seal)
        self.revocations: ports.Records[Revocation] = SqlRecords(work, REVOCATIONS, seal)
        self.pool_identities: ports.PoolIdentities = SqlPoolIdentities(work)
        self.users: ports.Users = SqlUsers(work)
        self.identities: ports.Identities = SqlIdentities(work)
        self.memberships: ports.Memberships = SqlMemberships(work)
        self.sessions: ports.Sessions = SqlSessions(work, seal)
        self.refreshes: ports.Refreshes = SqlRefreshes(work)
        self.keys: ports.Keys = SqlKeys(work, seal)
        self.traces: ports.Traces = SqlTraces(work, seal)
        self.consents: ports.Consents = SqlConsents(work)
        self.jobs: ports.Jobs = SqlJobs(work)

    def burn(self, key: str, until: datetime) -> bool:
        return burn(self._work, key, until)

"""Everything that a configuration file declares, as records."""

from __future__ import annotations

from dataclasses import dataclass

from broker.model.iam import ManagedPolicy, OidcProvider, Role, SamlProvider
from broker.model.identity import IdentityPool
from broker.model.settings import AppClient, Group, ProviderRecord, ResourceServer, UserPool


@dataclass(frozen=True, slots=True)
class Declared:
    """The records of one file, owner `file`. Order is the file's."""

    pools: tuple[UserPool, ...] = ()
    clients: tuple[AppClient, ...] = ()
    providers: tuple[ProviderRecord, ...] = ()
    resource_servers: tuple[ResourceServer, ...] = ()
    groups: tuple[Group, ...] = ()
    roles: tuple[Role, ...] = ()
    managed_policies: tuple[ManagedPolicy, ...] = ()
    oidc_providers: tuple[OidcProvider, ...] = ()
    saml_providers: tuple[SamlProvider, ...] = ()
    identity_pools: tuple[IdentityPool, ...] = ()

"""Identity pools and the identities in them (API `cognito-identity`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from broker.model.settings import Owner

MatchType = Literal["Equals", "Contains", "StartsWith", "NotEqual"]


@dataclass(frozen=True, slots=True)
class RoleRule:
    """One rule of a mapping. Either `claim`, `match` and `value`, or `expression`: a CEL expression over `claims`, an addition of ours."""

    role_arn: str
    claim: str = ""
    match: MatchType = "Equals"
    value: str = ""
    expression: str = ""


@dataclass(frozen=True, slots=True)
class RoleMapping:
    """How a provider's tokens choose a role (API `RoleMapping`). `rules` are tried in order."""

    type: Literal["Token", "Rules"]
    ambiguous: Literal["AuthenticatedRole", "Deny"] = "Deny"
    rules: tuple[RoleRule, ...] = ()


@dataclass(frozen=True, slots=True)
class TagMap:
    """Which claims become principal tags: tag key -> claim. `use_defaults` ignores `tags` and takes `client` and `username` (spec D.10)."""

    tags: Mapping[str, str] = field(default_factory=dict)
    use_defaults: bool = False


@dataclass(frozen=True, slots=True)
class PoolClient:
    """An app client of a user pool whose ID tokens the identity pool accepts. `provider` is the Logins key of that user pool."""

    provider: str
    client_id: str
    server_side_check: bool = False


@dataclass(frozen=True, slots=True)
class IdentityPool:
    """An identity pool. `id` is `REGION:UUID`. `social` maps a login host to the app id there, `social_urls` to another
    address of its API (for Google and Apple: of its keys) than the documented one; `secrets` holds what its token check needs
    beside it (`api.twitter.com` its consumer secret, `graph.facebook.com` its app secret). `saml_audiences` and `saml_recipients` are what
    assertions of a provider, by its ARN, must name at this pool instead of what its record says. Lifetimes are seconds."""

    id: str
    name: str
    allow_guests: bool = False
    allow_classic: bool = False
    user_pools: tuple[PoolClient, ...] = ()
    social: Mapping[str, str] = field(default_factory=dict)
    social_urls: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    developer_provider: str | None = None
    oidc_providers: tuple[str, ...] = ()
    saml_providers: tuple[str, ...] = ()
    saml_audiences: Mapping[str, str] = field(default_factory=dict)
    saml_recipients: Mapping[str, str] = field(default_factory=dict)
    authenticated_role: str | None = None
    unauthenticated_role: str | None = None
    mappings: Mapping[str, RoleMapping] = field(default_factory=dict)
    tag_maps: Mapping[str, TagMap] = field(default_factory=dict)
    guest_inline_policy: str | None = None
    guest_managed_policy: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True
    owner: Owner = "file"


@dataclass(frozen=True, slots=True)
class PoolLogin:
    """One way to reach an identity: a provider (its Logins key, or the developer provider's name) and the subject there."""

    provider: str
    subject: str
    linked_at: datetime


@dataclass(frozen=True, slots=True)
class PoolIdentity:
    """An identity. `id` is `REGION:UUID`, never reused; `version` guards updates; a merged one is disabled and keeps its id."""

    id: str
    pool_id: str
    created_at: datetime
    modified_at: datetime
    logins: tuple[PoolLogin, ...] = ()
    enabled: bool = True
    merged_into: str | None = None
    version: int = 1

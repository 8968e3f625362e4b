"""What the operator, or an API call, declares: user pools, app clients, providers, resource servers and groups.

A record is stored as JSON; the member named `secrets` is sealed and stored apart, so a dump of the settings shows no secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Owner = Literal["file", "api"]
SigningAlg = Literal["RS256", "ES256", "EdDSA"]


@dataclass(frozen=True, slots=True)
class Branding:
    """What a hosted page shows of the pool. `accent` is a CSS hex colour; `logo_url` is https or a data: image."""

    title: str = ""
    logo_url: str = ""
    accent: str = ""
    accent_dark: str = ""
    support_url: str = ""


@dataclass(frozen=True, slots=True)
class AttributeSchema:
    """One attribute of a pool's schema (API `SchemaAttributeType`). Custom ones are named `custom:NAME`. Lengths in characters."""

    name: str
    data_type: Literal["String", "Number", "Boolean", "DateTime"] = "String"
    required: bool = False
    mutable: bool = True
    min_length: int | None = None
    max_length: int | None = 2048
    min_value: float | None = None
    max_value: float | None = None


@dataclass(frozen=True, slots=True)
class UserPool:
    """A tenant. `issuer` and `domain` override what follows from `public_url`; `session_ttl` is seconds, fixed from sign-in."""

    id: str
    name: str
    domain: str | None = None
    issuer: str | None = None
    case_sensitive: bool = True
    schema: tuple[AttributeSchema, ...] = ()
    branding: Branding = Branding()
    session_ttl: int = 3600
    email_first: bool = False
    pre_token_hook: str | None = None
    inbound_federation_hook: str | None = None
    trace_retention_days: int = 7
    enabled: bool = True
    owner: Owner = "file"


@dataclass(frozen=True, slots=True)
class AppClient:
    """An application (API `CreateUserPoolClient`). Lifetimes and `rotation_grace` are seconds; no `client_secret` means a public client."""

    id: str
    pool_id: str
    name: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    redirect_uris: tuple[str, ...] = ()
    default_redirect_uri: str | None = None
    logout_uris: tuple[str, ...] = ()
    flows: tuple[str, ...] = ("code",)
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    providers: tuple[str, ...] = ()
    token_auth: Literal["secret", "private_key_jwt", "none"] = "secret"  # noqa: S105 -- the method's name
    jwks: Mapping[str, Any] | None = None
    require_pkce: bool = True
    third_party: bool = False
    signing_alg: SigningAlg = "RS256"
    read_attributes: tuple[str, ...] | None = None
    write_attributes: tuple[str, ...] | None = None
    id_token_ttl: int = 3600
    access_token_ttl: int = 3600
    refresh_token_ttl: int = 30 * 86400
    rotation: bool = False
    rotation_grace: int = 0
    revocation: bool = True
    backchannel_logout_uri: str | None = None
    logout_revokes: bool = False
    enabled: bool = True
    owner: Owner = "file"


@dataclass(frozen=True, slots=True)
class MappingRule:
    """One line of a provider's mapping: `mapper` names a plugin, `options` are its own keys, `target` the pool attribute it makes."""

    target: str
    mapper: str
    options: Mapping[str, Any] = field(default_factory=dict)
    required: bool = False


@dataclass(frozen=True, slots=True)
class ProviderRecord:
    """An upstream connection of a pool. `options` and `secrets` belong to its `kind`; `identifiers` route by e-mail domain or name.

    `link_verified_email` joins a first sign-in to an existing profile, only for addresses within `proved_domains`, only if verified.
    """

    id: str
    pool_id: str
    name: str
    kind: str
    display_name: str = ""
    organization_id: str | None = None
    state: Literal["draft", "live", "disabled"] = "live"
    identifiers: tuple[str, ...] = ()
    mapping: tuple[MappingRule, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    link_verified_email: bool = False
    proved_domains: tuple[str, ...] = ()
    operator_declared: bool = True
    revision: int = 1
    owner: Owner = "file"


@dataclass(frozen=True, slots=True)
class ResourceServer:
    """An API of the operator's with its scopes, asked for as `identifier/scope`."""

    pool_id: str
    identifier: str
    name: str = ""
    scopes: tuple[tuple[str, str], ...] = ()
    owner: Owner = "file"


@dataclass(frozen=True, slots=True)
class Group:
    """A group of users. A lower `precedence` is stronger; None sorts last (spec A.4)."""

    pool_id: str
    name: str
    description: str = ""
    precedence: int | None = None
    role_arn: str | None = None
    owner: Owner = "file"

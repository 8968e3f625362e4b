"""What the operations of STS are asked, and what they answer (API `sts` 2011-06-15)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.model.sts import ContextValue, Credentials

Surroundings = Mapping[str, ContextValue]
"""Context keys that only the face knows: `aws:SourceIp`, `aws:SecureTransport`, `aws:UserAgent`."""


@dataclass(frozen=True, slots=True)
class WebIdentityAsk:
    """AssumeRoleWithWebIdentity. `duration` is seconds; `provider_id` is for OAuth 2.0 access tokens only. It has no tags of its own."""

    role_arn: str
    session_name: str
    token: str = field(repr=False)
    provider_id: str | None = None
    duration: int | None = None
    policy: str | None = None
    policy_arns: tuple[str, ...] = ()
    around: Surroundings = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SamlAsk:
    """AssumeRoleWithSAML. `assertion` is the Base64 of a Response; the session's name comes from it."""

    role_arn: str
    principal_arn: str
    assertion: str = field(repr=False)
    duration: int | None = None
    policy: str | None = None
    policy_arns: tuple[str, ...] = ()
    around: Surroundings = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AssumeRoleAsk:
    """AssumeRole. `tags` are pairs, as on the wire: two of one key must be seen to be refused."""

    role_arn: str
    session_name: str
    duration: int | None = None
    policy: str | None = None
    policy_arns: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    transitive_keys: tuple[str, ...] = ()
    source_identity: str | None = None
    external_id: str | None = None
    around: Surroundings = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Assumed:
    """A session that was handed out. `assumed_role_id` is `AROA...:NAME`; `packed_policy_size` is per cent of what a session may carry."""

    credentials: Credentials
    assumed_role_id: str
    arn: str
    packed_policy_size: int
    source_identity: str | None = None


@dataclass(frozen=True, slots=True)
class WebIdentityAssumed:
    """AssumeRoleWithWebIdentity's answer: the session, and whose token it was."""

    assumed: Assumed
    subject: str
    provider: str
    audience: str


@dataclass(frozen=True, slots=True)
class SamlAssumed:
    """AssumeRoleWithSAML's answer. `audience` is the assertion's Recipient; `name_qualifier` names the pair of issuer and provider."""

    assumed: Assumed
    subject: str
    subject_type: str
    issuer: str
    audience: str
    name_qualifier: str


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """GetCallerIdentity."""

    account: str
    arn: str
    user_id: str

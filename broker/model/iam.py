"""What decides who may assume which role and what it may then do: roles, policies and the providers that roles trust (API `iam`).

All of it belongs to the one account of this broker (`[aws] account_id`), not to a user pool, and is kept under the scope `IAM`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from broker.model.settings import Owner

# The scope, where other settings have a user pool's id. It can be no pool's id: those have an underscore.
IAM = "iam"


@dataclass(frozen=True, slots=True)
class Role:
    """A role (API `Role`). `id` is `AROA...`, made once; `policies` are its inline ones by name, each a JSON document as it was given.

    `max_session` is seconds (900-43200). Sessions of it issued before `valid_after` are refused (AWSRevokeOlderSessions).
    """

    name: str
    id: str
    trust: str
    created_at: datetime
    path: str = "/"
    policies: Mapping[str, str] = field(default_factory=dict)
    managed: tuple[str, ...] = ()
    boundary: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    max_session: int = 3600
    valid_after: datetime | None = None
    enabled: bool = True
    owner: Owner = "file"
    scope: str = IAM


@dataclass(frozen=True, slots=True)
class ManagedPolicy:
    """A policy with a name of its own, attached to roles or passed as a session policy by its ARN."""

    name: str
    document: str
    path: str = "/"
    description: str = ""
    owner: Owner = "file"
    scope: str = IAM


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """An OpenID issuer that roles and identity pools may trust. `url` is the issuer without `https://`, the tail of its ARN."""

    url: str
    client_ids: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime | None = None
    owner: Owner = "file"
    scope: str = IAM

    @property
    def issuer(self) -> str:
        """The `iss` of its tokens."""
        return f"https://{self.url}" if "://" not in self.url else self.url


@dataclass(frozen=True, slots=True)
class SamlProvider:
    """A SAML IdP whose assertions roles and identity pools may trust. `audience` and `recipient` are what its assertions must name."""

    name: str
    metadata: str
    audience: str = "urn:amazon:webservices"
    recipient: str = "https://signin.aws.amazon.com/saml"
    options: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime | None = None
    owner: Owner = "file"
    scope: str = IAM


@dataclass(frozen=True, slots=True)
class Revocation:
    """Sessions of `subject` (`identity:ID`, `principal:ROLE/SESSION` or `account`) issued before `before` are refused.

    It may go when the longest session issued before it has ended (`until`).
    """

    subject: str
    before: datetime
    until: datetime
    reason: str = ""
    scope: str = IAM

"""What the flows of identity pools, STS and IAM use beside the common kit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.flows.kit import FlowKit
from broker.identitypool.issuers.session_token import SessionTokens
from broker.ports.credentials import CredentialIssuer
from metadata.cache import TrustCache
from metadata.fetch import Fetcher


@dataclass(frozen=True, slots=True)
class Account:
    """The one account of this broker, as ARNs name it."""

    region: str
    id: str
    partition: str = "aws"


@dataclass(frozen=True, slots=True)
class AccessKit:
    """`identity_base` is what identity pools' issuers begin with; `admin_keys` are the operator's access keys with their secrets.
    `trust` remembers the keys of the OpenID issuers that roles and pools trust."""

    base: FlowKit
    account: Account
    identity_base: str
    credentials: CredentialIssuer
    tokens: SessionTokens
    fetch: Fetcher
    admin_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    trust: TrustCache = field(default_factory=TrustCache, repr=False)

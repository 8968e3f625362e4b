"""The OpenID token of an identity pool (spec D.5): what it says. Signing it is the flow's part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from broker.identitypool.policy import arns
from broker.identitypool.tags import TAGS_CLAIM
from broker.model.sts import ContextValue, Proof

POOL_ARN_CLAIM = "https://cognito-identity.amazonaws.com/identity-pool-arn"
GUEST_AMR = ("unauthenticated",)
SIGNED_IN = "authenticated"
TTL = 600
DEVELOPER_TTL = 900
LONGEST_DEVELOPER_TTL = 86_400


@dataclass(frozen=True, slots=True)
class OpenIdToken:
    """What goes into one. `ttl` is seconds."""

    issuer: str
    account_id: str
    pool_id: str
    identity_id: str
    amr: tuple[str, ...]
    issued_at: datetime
    ttl: int = TTL
    tags: Mapping[str, str] = field(default_factory=dict, repr=False)


def claims_of(token: OpenIdToken) -> dict[str, Any]:
    """The claims, in AWS's order. The tags claim is there only if there are tags."""
    now = int(token.issued_at.timestamp())
    claims: dict[str, Any] = {
        "sub": token.identity_id,
        "aud": token.pool_id,
        "amr": list(token.amr),
        "iss": token.issuer,
        POOL_ARN_CLAIM: arns.identity_pool(token.account_id, token.pool_id),
        "exp": now + token.ttl,
        "iat": now,
    }
    if token.tags:
        claims[TAGS_CLAIM] = {"principal_tags": {key: [value] for key, value in token.tags.items()}}
    return claims


def amr_of(proofs: Sequence[Proof]) -> tuple[str, ...]:
    """How somebody proved who they are: for guests "unauthenticated", else "authenticated" and what each login adds.

    `proofs` are those of this very call: a login that was not shown now proves nothing now.
    """
    if not proofs:
        return GUEST_AMR
    return tuple(dict.fromkeys((SIGNED_IN, *(name for proof in proofs for name in proof.amr))))


def context_of(pool_id: str, identity_id: str, amr: tuple[str, ...]) -> dict[str, ContextValue]:
    """The context keys that the sign-in leaves in the session (spec F.4)."""
    return {
        "cognito-identity.amazonaws.com:aud": pool_id,
        "cognito-identity.amazonaws.com:sub": identity_id,
        "cognito-identity.amazonaws.com:amr": amr,
    }

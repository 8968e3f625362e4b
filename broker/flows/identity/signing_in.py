"""What the calls with an identity id have in common: who it is, verified, and what that brings (spec D.5, D.7 steps 1 to 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from broker.api_errors import NotAuthorized
from broker.flows.access_kit import AccessKit
from broker.flows.identity.lookups import found_with_pool
from broker.flows.identity.proofs import verify_logins
from broker.flows.identity.reach import reach
from broker.identitypool.assume import pool_issuer
from broker.identitypool.openid import TTL, OpenIdToken, claims_of
from broker.identitypool.tags import TagSet, make_tags
from broker.model.identity import IdentityPool, PoolIdentity
from broker.model.sts import Proof
from broker.tokens import openid


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who somebody is and how he proved it. No proofs: a guest."""

    pool: IdentityPool
    identity: PoolIdentity
    proofs: tuple[Proof, ...]


def sign_in(kit: AccessKit, identity_id: str, logins: Mapping[str, str], operation: str) -> SignedIn:
    """Verify the logins, find the identity, link what is new. The identity that comes back may be another than the one that was named.

    Raises ResourceNotFound, NotAuthorized, ResourceConflict, ExternalService.
    """
    _, pool = found_with_pool(kit, identity_id)
    proofs = verify_logins(kit, pool, logins, operation)
    return SignedIn(pool, reach(kit, pool, identity_id, proofs), proofs)


def tags_for(pool: IdentityPool, proofs: Sequence[Proof], decided_by: str = "") -> TagSet:
    """The principal tags; `decided_by` as `make_tags` has it.

    Raises NotAuthorized if a claim cannot be a tag: STS would refuse it too, and less plainly.
    """
    tags = make_tags(pool, proofs, decided_by)
    if tags.fault is not None:
        raise NotAuthorized(
            f"tags of {tags.provider}: {tags.fault}", public=f"Principal tags are not valid: {tags.fault}", code="tag_invalid"
        )
    return tags


@dataclass(frozen=True, slots=True)
class TokenFor:
    """Whom an OpenID token is for. `ttl` is seconds."""

    pool_id: str
    identity_id: str
    amr: tuple[str, ...]
    tags: Mapping[str, str]
    ttl: int = TTL


def make_token(kit: AccessKit, given: TokenFor) -> str:
    """Sign the identity pool's own token (spec D.5)."""
    token = OpenIdToken(
        issuer=pool_issuer(kit.identity_base, given.pool_id),
        account_id=kit.account.id,
        pool_id=given.pool_id,
        identity_id=given.identity_id,
        amr=given.amr,
        issued_at=kit.base.now(),
        ttl=given.ttl,
        tags=given.tags,
    )
    return openid.sign(kit.base.keys, given.pool_id, claims_of(token))

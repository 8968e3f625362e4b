"""Proofs of sign-in: what a `Logins` map shows, verified before anything of it is read (spec D.3, D.9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from broker.api_errors import InvalidParameter, NotAuthorized
from broker.flows.access_kit import AccessKit
from broker.flows.identity.proofs import openid, saml, social, user_pool
from broker.identitypool.logins import OPENID, SOCIAL
from broker.model.identity import IdentityPool
from broker.model.sts import Proof

MOST = 10
LONGEST = 50_000
UNSUPPORTED = "Token is not from a supported provider of this identity pool."


@dataclass(frozen=True, slots=True)
class _Verifier:
    """Whose keys it is for, and how one is verified. `operation` is the API's: an assertion is good for each of them once."""

    takes: Callable[[AccessKit, IdentityPool, str], bool]
    verify: Callable[[AccessKit, IdentityPool, str, str, str], Proof]


VERIFIERS: tuple[_Verifier, ...] = (
    _Verifier(lambda kit, pool, key: key == OPENID, openid.own_token),
    # Google may be an OpenID provider of the pool instead, with several clients (spec D.1).
    _Verifier(lambda kit, pool, key: key in SOCIAL and key in pool.social, social.social_token),
    _Verifier(lambda kit, pool, key: key in pool.saml_providers, saml.assertion),
    _Verifier(lambda kit, pool, key: user_pool.named(kit, pool, key) is not None, user_pool.id_token),
    _Verifier(lambda kit, pool, key: openid.named(kit, pool, key) is not None, openid.id_token),
)


def verify_logins(kit: AccessKit, pool: IdentityPool, logins: Mapping[str, str], operation: str = "GetId") -> tuple[Proof, ...]:
    """Every login, in the order given; one that does not hold refuses them all.

    Raises NotAuthorized with the sentences of spec D.9, InvalidParameter (too many, too long), ExternalService.
    """
    if len(logins) > MOST or any(len(token) > LONGEST for token in logins.values()):
        raise InvalidParameter(f"{len(logins)} logins, or a token too long", public="Please provide fewer logins, or shorter tokens.")
    return tuple(_verifier(kit, pool, key).verify(kit, pool, key, token, operation) for key, token in logins.items())


def _verifier(kit: AccessKit, pool: IdentityPool, key: str) -> _Verifier:
    for verifier in VERIFIERS:
        if verifier.takes(kit, pool, key):
            return verifier
    raise NotAuthorized(f"no provider {key[:200]!r} in {pool.id}", public=UNSUPPORTED, code="provider_not_configured")

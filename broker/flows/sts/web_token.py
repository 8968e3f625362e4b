"""A web identity token, verified: of one of our own identity pools, of one of our own user pools, or of a registered OpenID provider.

The unverified `iss` only picks whose keys must verify the token; nothing else is read before they have (spec E.4).
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc.util import urlsafe_b64decode

from broker.api_errors import ExpiredIdentityToken, IdpCommunication, InvalidIdentityToken
from broker.errors import InvalidToken
from broker.flows.access_kit import AccessKit
from broker.identitypool.assume import pool_issuer
from broker.model.iam import OidcProvider
from broker.model.identity import IdentityPool
from broker.model.settings import UserPool
from broker.tokens.openid import open_token
from metadata.errors import DocumentInvalid, FetchFailed, TrustError
from metadata.oidc.issuer import IssuerKeys
from metadata.oidc.jwks import Key
from metadata.oidc.strict_json import parse_object
from providers.errors import ResponseInvalid
from providers.oidc.jws import Rules, verify

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
LONGEST = 20_000
AHEAD = 300
"""Seconds that an issuer's clock may be ahead of ours. Its `exp` gets none: a token that has ended has ended."""
_TYPES = frozenset({"", "jwt", "application/jwt", "jws"})
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_MALFORMED = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
_NO_KEY = (
    "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for "
    "requirements"
)


@dataclass(frozen=True, slots=True)
class WebToken:
    """Claims that a signature covers and whose times hold. Exactly one of `pool` and `provider` says whose they are."""

    issuer: str
    claims: Mapping[str, Any] = field(repr=False)
    pool: IdentityPool | None = None
    provider: OidcProvider | None = None


def read_token(kit: AccessKit, token: str) -> WebToken:
    """Raises InvalidIdentityToken, ExpiredIdentityToken, IdpCommunication."""
    peeked = _peek(token)
    issuer = peeked.get("iss")
    if not isinstance(issuer, str) or not issuer:
        raise malformed("no iss")
    if issuer.startswith(f"{kit.identity_base}/"):
        return _of_identity_pool(kit, token, issuer, peeked)
    provider = kit.base.settings.oidc_provider(issuer.removeprefix("https://"))
    if provider is None or provider.issuer != issuer:
        words = f"No OpenIDConnect provider found in your account for {_printable(issuer)}"
        raise InvalidIdentityToken(f"no provider for {issuer[:200]!r}", public=words)
    pool_id = issuer.rpartition("/")[2]
    pool = kit.base.settings.pool(pool_id) if re.fullmatch(r"[\w-]{1,64}", pool_id, re.ASCII) else None
    if pool is not None and kit.base.addresses.issuer(pool) == issuer:
        claims = _of_user_pool(kit, pool, token)
    else:
        claims = _of_provider(kit, provider, token)
    return WebToken(issuer, _timely(kit, claims, issuer), provider=provider)


def malformed(why: str) -> InvalidIdentityToken:
    """The refusal of a token that is none."""
    return InvalidIdentityToken(f"web identity token: {why}", public=_MALFORMED)


def _peek(token: str) -> dict[str, Any]:
    if len(token) > LONGEST or not _COMPACT.fullmatch(token):
        raise malformed("too long, or not three segments of base64url")
    try:
        return parse_object(urlsafe_b64decode(token.split(".")[1].encode()))
    except (binascii.Error, ValueError, DocumentInvalid):
        raise malformed("the payload is no strict JSON object") from None


def _of_identity_pool(kit: AccessKit, token: str, issuer: str, peeked: Mapping[str, Any]) -> WebToken:
    """Our own OpenID token (spec D.5). The audience names the pool, and the pool must be the one that this issuer belongs to."""
    pool_id = peeked.get("aud")
    pool = kit.base.settings.identity_pool(pool_id) if isinstance(pool_id, str) and len(pool_id) < 128 else None
    if pool is None or not pool.enabled or pool_issuer(kit.identity_base, pool.id) != issuer:
        raise InvalidIdentityToken(f"no identity pool {str(pool_id)[:100]!r} of issuer {issuer[:200]!r}", public="Incorrect token audience")

    try:
        claims = open_token(kit.base.keys, pool.id, token)
    except InvalidToken as refused:
        raise InvalidIdentityToken(refused.private) from None
    return WebToken(issuer, _timely(kit, claims, issuer), pool=pool)


def _of_user_pool(kit: AccessKit, pool: UserPool, token: str) -> Mapping[str, Any]:
    """An ID token of a user pool of ours: its keys are here, and asking ourselves over the network could wait for ourselves."""
    if not pool.enabled:
        raise InvalidIdentityToken(f"user pool {pool.id} is disabled", public=_NO_KEY)
    try:
        # As for a logout hint: whether it has ended is said in the words of STS.
        return kit.base.verifier.verify_hint(pool.id, token).claims
    except InvalidToken as refused:
        raise InvalidIdentityToken(refused.private) from None


def _of_provider(kit: AccessKit, provider: OidcProvider, token: str) -> Mapping[str, Any]:
    keys = IssuerKeys(kit.fetch, kit.trust, provider.issuer, operator_declared=provider.owner == "file")
    now = kit.base.now()

    def find(kid: str | None, alg: str) -> tuple[Key, ...]:
        return tuple(each.key for each in keys.find(kid, alg, now))

    try:
        return verify(token, Rules("web_identity", ALGORITHMS, _TYPES), find).claims
    except ResponseInvalid as refused:
        raise InvalidIdentityToken(f"{refused.reason}: {refused.private}", public=_MALFORMED) from None
    except FetchFailed as away:
        raise IdpCommunication(f"{provider.issuer}: {away.code}: {away.private}") from None
    except TrustError as unusable:
        raise InvalidIdentityToken(f"{provider.issuer}: {unusable.code}: {unusable.private}", public=_NO_KEY) from None


def _timely(kit: AccessKit, claims: Mapping[str, Any], issuer: str) -> Mapping[str, Any]:
    """The claims, if it is their time. Raises ExpiredIdentityToken, InvalidIdentityToken."""
    if claims.get("iss") != issuer:
        raise malformed("iss changed between two readings")
    now = kit.base.now().timestamp()
    if now >= _time(claims, "exp"):
        words = f"Token expired: current date/time {int(now)} must be before the expiration date/time {int(_time(claims, 'exp'))}"
        raise ExpiredIdentityToken(words, public=words)
    for name in ("iat", "nbf"):
        if name in claims and _time(claims, name) > now + AHEAD:
            raise malformed(f"{name} is in the future")
    return claims


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**40:
        raise malformed(f"{name} is missing or not a time")
    return float(value)


def _printable(text: str) -> str:
    return "".join(char if char.isascii() and char.isprintable() else "?" for char in text)[:200]

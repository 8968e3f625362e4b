"""The claims of an ID token, judged one by one in a fixed order (OpenID Connect Core 1.0, section 3.1.3.7; RFC 9700)."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from metadata.oidc.discovery import TENANT
from providers.errors import ResponseInvalid
from providers.oidc.jws import Verified

OLDEST = 600
"""Seconds since `iat` beyond which a token was not made for this login."""
_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


@dataclass(frozen=True, slots=True)
class Expected:
    """What the token must say. Times are Unix seconds; `issuer` may hold `{tenantid}`, then `tenants` are the ones allowed.

    `since`: when a new sign-in was demanded; an `auth_time` before it is none."""

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    now: float
    skew: int
    access_token: str = field(repr=False, default="")
    code: str = field(repr=False, default="")
    max_age: int | None = None
    since: float | None = None
    acr_values: tuple[str, ...] = ()
    issuer_aliases: tuple[str, ...] = ()
    trusted_audiences: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()


def check_id_token(token: Verified, want: Expected) -> None:
    """Raises ResponseInvalid; its reason is `id_token_` and the claim."""
    check_issuer(token.claims, want, "id_token")
    check_audience(token.claims, want, "id_token")
    _check_times(token.claims, want)
    _check_nonce(token.claims, want)
    subject_of(token.claims, "id_token")
    _check_hash(token, "at_hash", want.access_token)
    _check_hash(token, "c_hash", want.code)
    _check_authentication(token.claims, want)


def check_issuer(claims: Mapping[str, Any], want: Expected, what: str) -> None:
    """`iss` is exactly the configured issuer, or a tenant of it that is allowed and that `tid` names too (OA-R2.4)."""
    iss = claims.get("iss")
    good = isinstance(iss, str) and (iss == want.issuer or iss in want.issuer_aliases)
    if want.tenants:
        tid = claims.get("tid")
        allowed = isinstance(tid, str) and tid in want.tenants
        good = allowed and iss == want.issuer.replace(TENANT, str(tid))
    if not good:
        raise ResponseInvalid(f"{what}: iss is {str(iss)[:200]!r}", reason=f"{what}_iss")


def check_audience(claims: Mapping[str, Any], want: Expected, what: str) -> None:
    """`aud` holds our client id and nobody we do not trust; `azp` is ours if there, and there if `aud` has more than one."""
    aud = claims.get("aud")
    audience = [aud] if isinstance(aud, str) else aud
    if not isinstance(audience, list) or want.client_id not in audience:
        raise ResponseInvalid(f"{what}: aud is not us", reason=f"{what}_aud")
    if any(a != want.client_id and a not in want.trusted_audiences for a in audience):
        raise ResponseInvalid(f"{what}: aud names somebody we do not trust", reason=f"{what}_aud")
    if ("azp" in claims and claims["azp"] != want.client_id) or (len(audience) > 1 and "azp" not in claims):
        raise ResponseInvalid(f"{what}: azp is not us", reason=f"{what}_azp")


def number(claims: Mapping[str, Any], name: str, what: str, *, required: bool = True) -> float | None:
    """A NumericDate. Raises ResponseInvalid if it is missing though required, or not a sensible number."""
    value = claims.get(name)
    if value is None and not required and name not in claims:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**40:
        raise ResponseInvalid(f"{what}: {name} is missing or not a time", reason=f"{what}_{name}")
    return float(value)


def _check_times(claims: Mapping[str, Any], want: Expected) -> None:
    exp, iat = number(claims, "exp", "id_token"), number(claims, "iat", "id_token")
    nbf = number(claims, "nbf", "id_token", required=False)
    assert exp is not None
    assert iat is not None
    if want.now >= exp + want.skew:
        raise ResponseInvalid("id_token: expired", reason="id_token_exp")
    if iat > want.now + want.skew or iat < want.now - OLDEST - want.skew:
        raise ResponseInvalid("id_token: not issued now", reason="id_token_iat")
    if nbf is not None and nbf > want.now + want.skew:
        raise ResponseInvalid("id_token: not valid yet", reason="id_token_nbf")


def _check_nonce(claims: Mapping[str, Any], want: Expected) -> None:
    nonce = claims.get("nonce")
    if not want.nonce or not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), want.nonce.encode()):
        raise ResponseInvalid("id_token: nonce is missing or not the one sent", reason="id_token_nonce")


def subject_of(claims: Mapping[str, Any], what: str) -> str:
    """`sub`: 1 to 255 printable ASCII characters, no blank at either end (Core 1.0, section 2). Raises ResponseInvalid."""
    sub = claims.get("sub")
    good = isinstance(sub, str) and 0 < len(sub) <= 255 and sub.isascii() and sub.isprintable()
    if not good or not isinstance(sub, str) or sub != sub.strip():
        raise ResponseInvalid(f"{what}: sub is missing or malformed", reason=f"{what}_sub")
    return sub


def _check_hash(token: Verified, name: str, value: str) -> None:
    """`at_hash` and `c_hash` bind what came beside the token; optional in this flow, but never wrong (3.1.3.6, 3.3.2.11)."""
    if name not in token.claims:
        return
    said = token.claims[name]
    maker = _HASHES.get(token.alg[-3:], hashlib.sha512 if token.alg.startswith("Ed") else None)
    if maker is None or not value or not isinstance(said, str):
        raise ResponseInvalid(f"id_token: {name} cannot be checked", reason=f"id_token_{name}")
    digest = maker(value.encode()).digest()
    half = urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    if not hmac.compare_digest(said.encode(), half):
        raise ResponseInvalid(f"id_token: {name} is wrong", reason=f"id_token_{name}")


def _check_authentication(claims: Mapping[str, Any], want: Expected) -> None:
    # max_age makes auth_time a must (Core 1.0, 3.1.2.1); prompt=login does not, so there an absent one is only unproven, an old one a lie.
    auth_time = number(claims, "auth_time", "id_token", required=want.max_age is not None)
    if auth_time is not None and auth_time > want.now + want.skew:
        raise ResponseInvalid("id_token: auth_time is in the future", reason="id_token_auth_time")
    if want.max_age is not None and auth_time is not None and want.now - auth_time > want.max_age + want.skew:
        raise ResponseInvalid("id_token: the user signed in too long ago", reason="id_token_auth_time")
    if want.since is not None and auth_time is not None and auth_time < want.since - want.skew:
        raise ResponseInvalid("id_token: a new sign-in was asked for, and this one is older", reason="id_token_auth_time")
    if want.acr_values and claims.get("acr") not in want.acr_values:
        raise ResponseInvalid("id_token: acr is not one that was asked for", reason="id_token_acr")

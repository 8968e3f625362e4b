"""UserInfo (OpenID Connect Core 1.0, section 5.3) and what it may add to an ID token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from metadata.fetch import Fetcher, Reply
from providers.base import VerifiedAttributes
from providers.errors import ResponseInvalid, UpstreamUnavailable
from providers.http import json_reply, upstream
from providers.oauth.attributes import TOKEN_NAMES, is_true
from providers.oidc.id_token import Expected, check_audience, check_issuer
from providers.oidc.jws import KeyFinder, Rules, verify

# The protocol's own, and claims that a third party is said to vouch for, which nobody verified (OA-R2.20).
_DROPPED = frozenset({"nonce", "at_hash", "c_hash", "s_hash", "_claim_names", "_claim_sources"})
_VERIFIED_FLAGS = (("email", "email_verified"), ("phone_number", "phone_number_verified"))


def fetch_userinfo(fetch: Fetcher, url: str, access_token: str, *, method: Literal["GET", "POST"], operator_declared: bool) -> Reply:
    """Ask with the access token. Raises UpstreamUnavailable, ProviderMisconfigured."""
    headers = {"Authorization": f"Bearer {access_token}"}
    accept = "application/json, application/jwt"
    with upstream("userinfo"):
        if method == "GET":
            return fetch.get(url, headers=headers, accept=accept, operator_declared=operator_declared)
        return fetch.post(url, form={}, headers={**headers, "Accept": accept}, operator_declared=operator_declared)


def read_userinfo(reply: Reply, sub: str, algs: tuple[str, ...], find: KeyFinder, want: Expected) -> Mapping[str, Any]:
    """The claims, plain or signed. They must be about the ID token's subject (5.3.2). Raises ResponseInvalid, UpstreamUnavailable."""
    claims: Mapping[str, Any]
    if reply.status == 200 and reply.media_type == "application/jwt":
        try:
            text = reply.body.decode("ascii").strip()
        except UnicodeDecodeError:
            raise UpstreamUnavailable("userinfo: not a token", reason="userinfo_not_json") from None
        claims = verify(text, Rules("userinfo", algs), find).claims
        check_issuer(claims, want, "userinfo")
        check_audience(claims, want, "userinfo")
    else:
        claims = json_reply(reply, "userinfo")
    # Compared as they are: another person's answer must not be mixed into this one's.
    if claims.get("sub") != sub:
        raise ResponseInvalid("userinfo is about another subject", reason="userinfo_sub")
    return claims


def merge(id_token: Mapping[str, Any], userinfo: Mapping[str, Any], tokens: Mapping[str, str]) -> VerifiedAttributes:
    """One set of attributes: the ID token's values win. `tokens` are added under their reserved names."""
    extra = dict(userinfo)
    for value, flag in _VERIFIED_FLAGS:
        # A flag vouches for the value beside it: it must not cross over to a different one in the ID token.
        if value in id_token and extra.get(value) != id_token[value]:
            extra.pop(flag, None)
    merged = {**extra, **id_token}
    for name in (*_DROPPED, *TOKEN_NAMES):
        merged.pop(name, None)
    for _, flag in _VERIFIED_FLAGS:
        if flag in merged:
            merged[flag] = is_true(merged[flag])
    merged.update({name: token for name, token in tokens.items() if token})
    return VerifiedAttributes(merged)

"""Tokens that a social provider gave to an app and that the app now shows as a proof of sign-in: asked about where they came from.

Google and Apple give ID tokens, which need no asking; Facebook, Amazon and X give access tokens, whose issuer alone can say for which app
and for whom they are (spec D.3). An access token of another app is the classic confused deputy: it is refused (attack IP-S1.13).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from authlib.oauth1.rfc5849.client_auth import ClientAuth

from metadata.fetch import Fetcher
from providers.errors import ProviderMisconfigured, ResponseInvalid, UpstreamUnavailable
from providers.http import json_reply, upstream

LONGEST = 4096


@dataclass(frozen=True, slots=True)
class SignedTokens:
    """A provider whose proof is an ID token. Where its keys are is documented and fixed, so discovery is not asked."""

    issuers: tuple[str, ...]
    jwks_uri: str


@dataclass(frozen=True, slots=True)
class AppTokens:
    """Our app at a provider whose proof is an access token. `base` is its API, as documented unless configured otherwise."""

    app_id: str
    secret: str = field(default="", repr=False)
    base: str = ""
    operator_declared: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What the provider says of a token: for whom it is, and its other claims."""

    subject: str
    claims: Mapping[str, Any]


SIGNED: Mapping[str, SignedTokens] = MappingProxyType(
    {
        "accounts.google.com": SignedTokens(
            ("https://accounts.google.com", "accounts.google.com"), "https://www.googleapis.com/oauth2/v3/certs"
        ),
        "appleid.apple.com": SignedTokens(("https://appleid.apple.com",), "https://appleid.apple.com/auth/keys"),
    }
)


def ask_facebook(fetch: Fetcher, app: AppTokens, token: str) -> Told:
    """Graph API `debug_token`. Raises ResponseInvalid for a token of another app, a dead one or none; UpstreamUnavailable."""
    query = urlencode({"input_token": token, "access_token": f"{app.app_id}|{app.secret}"})
    answer = _get(fetch, app, f"{app.base or 'https://graph.facebook.com'}/debug_token?{query}", "facebook")
    data = answer.get("data")
    if not isinstance(data, dict) or data.get("is_valid") is not True:
        raise ResponseInvalid("facebook: the token is not valid", reason="social_token_invalid")
    _same_app(str(data.get("app_id", "")), app)
    subject = _text(data, "user_id")
    return Told(subject, {"app_id": app.app_id, "id": subject})


def ask_amazon(fetch: Fetcher, app: AppTokens, token: str) -> Told:
    """Login with Amazon `tokeninfo`. Raises as ask_facebook does."""
    query = urlencode({"access_token": token})
    answer = _get(fetch, app, f"{app.base or 'https://api.amazon.com'}/auth/o2/tokeninfo?{query}", "amazon")
    _same_app(str(answer.get("aud", "")), app)
    left = answer.get("exp")
    if isinstance(left, bool) or not isinstance(left, int) or left <= 0:
        raise ResponseInvalid("amazon: the token has no time left", reason="social_token_expired")
    subject = _text(answer, "user_id")
    return Told(subject, {"aud": app.app_id, "app_id": app.app_id, "user_id": subject})


def ask_x(fetch: Fetcher, app: AppTokens, token: str) -> Told:
    """X `account/verify_credentials`, signed with our consumer key (OAuth 1.0a): a token of another app does not verify there."""
    access, separator, secret = token.partition(";")
    if not (access and separator and secret) or ";" in secret:
        raise ResponseInvalid("x: not a token and its secret", reason="social_token_malformed")
    url = f"{app.base or 'https://api.twitter.com'}/1.1/account/verify_credentials.json"
    _, headers, _ = ClientAuth(app.app_id, app.secret, token=access, token_secret=secret).sign("GET", url, {}, "")
    answer = _get(fetch, app, url, "x", {"Authorization": headers["Authorization"]})
    subject = _text(answer, "id_str")
    # Cognito's default tag holds the consumer secret as well; ours does not (spec D.10).
    return Told(subject, {"key": app.app_id, "id": subject, "screen_name": str(answer.get("screen_name", ""))[:256]})


ASKED: Mapping[str, Callable[[Fetcher, AppTokens, str], Told]] = MappingProxyType(
    {"graph.facebook.com": ask_facebook, "www.amazon.com": ask_amazon, "api.twitter.com": ask_x}
)


def ask(host: str, fetch: Fetcher, app: AppTokens, token: str) -> Told:
    """Ask `host` about an access token. Raises ResponseInvalid, UpstreamUnavailable, ProviderMisconfigured."""
    if not token or len(token) > LONGEST or not token.isascii() or not token.isprintable():
        raise ResponseInvalid(f"{host}: not a token", reason="social_token_malformed")
    return ASKED[host](fetch, app, token)


def _get(fetch: Fetcher, app: AppTokens, url: str, what: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    with upstream(what):
        reply = fetch.get(url, headers=headers, operator_declared=app.operator_declared)
    if reply.status in {400, 401, 403}:
        raise ResponseInvalid(f"{what}: refused with status {reply.status}", reason="social_token_invalid")
    if reply.status == 404:
        raise ProviderMisconfigured(f"{what}: there is no such endpoint", reason="social_endpoint")
    if reply.status == 429:
        raise UpstreamUnavailable(f"{what}: too many requests", reason="social_throttled")
    return json_reply(reply, what)


def _same_app(found: str, app: AppTokens) -> None:
    if not hmac.compare_digest(found.encode(), app.app_id.encode()):
        raise ResponseInvalid("the token was given to another app", reason="social_token_of_another_app")


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 255 or not value.isprintable():
        raise ResponseInvalid(f"no usable {name} in the answer", reason="social_token_invalid")
    return value

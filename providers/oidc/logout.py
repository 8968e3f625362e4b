"""Logout with an OpenID provider: ours at theirs (RP-Initiated Logout 1.0), theirs at ours (Back-Channel Logout 1.0)."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from authlib.common.urls import add_params_to_uri

from providers.base import Burn, Inbound, LoginStart, LogoutNotice, UpstreamSession
from providers.errors import ResponseInvalid
from providers.oidc.id_token import OLDEST, Expected, check_audience, check_issuer, number, subject_of
from providers.oidc.jws import KeyFinder, Rules, verify

EVENT = "http://schemas.openid.net/event/backchannel-logout"
TYPS = frozenset({"", "jwt", "logout+jwt", "application/logout+jwt"})


def logout_start(endpoint: str, client_id: str, session: UpstreamSession, handle: str, return_url: str) -> LoginStart:
    """Where to send the browser so that the upstream ends its session too. `handle` comes back as state."""
    params = [("client_id", client_id), ("post_logout_redirect_uri", return_url), ("state", handle)]
    if session.id_token:
        params.insert(0, ("id_token_hint", session.id_token))
    memo = json.dumps({"handle": handle}).encode()
    return LoginStart(method="redirect", url=add_params_to_uri(endpoint, params), fields={}, memo=memo)


def check_logout_answer(memo: bytes, inbound: Inbound) -> None:
    """Our own state, once. Raises ResponseInvalid."""
    states = [value for name, value in (*inbound.query, *inbound.form) if name == "state"]
    try:
        handle = str(json.loads(memo)["handle"])
    except (ValueError, KeyError, TypeError):
        raise ResponseInvalid("the memo is not ours", reason="memo_invalid") from None
    if len(states) != 1 or not hmac.compare_digest(states[0].encode(), handle.encode()):
        raise ResponseInvalid("state is missing or not the one sent", reason="state_mismatch")


def logout_token_of(inbound: Inbound) -> str:
    """The one `logout_token` of a POST (Back-Channel Logout 1.0, section 2.5). Raises ResponseInvalid."""
    tokens = [value for name, value in inbound.form if name == "logout_token"]
    if inbound.method != "POST" or len(tokens) != 1:
        raise ResponseInvalid("not one logout_token in a POST", reason="logout_token_missing")
    return tokens[0]


def read_logout_token(token: str, algs: tuple[str, ...], find: KeyFinder, want: Expected, place: str) -> LogoutNotice:
    """Verify a logout token by all of section 2.6; `place` names the provider in the burned jti. Raises ResponseInvalid."""
    claims = verify(token, Rules("logout_token", algs, TYPS), find).claims
    check_issuer(claims, want, "logout_token")
    check_audience(claims, want, "logout_token")
    iat = number(claims, "iat", "logout_token")
    exp = number(claims, "exp", "logout_token", required=False)
    assert iat is not None
    if iat > want.now + want.skew or iat < want.now - OLDEST - want.skew:
        raise ResponseInvalid("logout_token: not issued now", reason="logout_token_iat")
    if exp is not None and want.now >= exp + want.skew:
        raise ResponseInvalid("logout_token: expired", reason="logout_token_exp")
    _check_event(claims)
    jti, sid = claims.get("jti"), claims.get("sid")
    if not isinstance(jti, str) or not 0 < len(jti) <= 512:
        raise ResponseInvalid("logout_token: no jti", reason="logout_token_jti")
    if "sid" in claims and not (isinstance(sid, str) and 0 < len(sid) <= 512):
        raise ResponseInvalid("logout_token: sid is malformed", reason="logout_token_sid")
    if "sub" not in claims and sid is None:
        raise ResponseInvalid("logout_token: neither sub nor sid", reason="logout_token_subject")
    # Beyond this it is refused by iat, so that the jti need not be remembered longer.
    until = datetime.fromtimestamp(iat + OLDEST + 2 * want.skew + 1, UTC)
    return LogoutNotice(
        issuer=str(claims["iss"]),
        subject_key=subject_of(claims, "logout_token") if "sub" in claims else None,
        session_indexes=(sid,) if isinstance(sid, str) else (),
        burns=(Burn(f"oidc-logout:{place}:{jti}", until),),
    )


def _check_event(claims: Mapping[str, Any]) -> None:
    if "nonce" in claims:
        # An ID token passed off as a logout token, or the reverse (section 2.4).
        raise ResponseInvalid("logout_token: has a nonce", reason="logout_token_nonce")
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise ResponseInvalid("logout_token: no logout event", reason="logout_token_events")

"""The authorize URL: authorization code with PKCE S256, always (RFC 6749 section 4.1.1, RFC 7636, RFC 9700 section 2.1.1)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from providers.base import LoginAsk, LoginStart, ProviderSpec
from providers.errors import ProviderMisconfigured
from providers.oauth.memo import Memo

RESERVED = frozenset(
    {
        "response_type", "client_id", "client_secret", "redirect_uri", "scope", "state", "nonce",
        "response_mode", "code_challenge", "code_challenge_method", "request", "request_uri",
    }
)  # fmt: skip
"""Names that no setting and no caller may send: they carry the protocol, or would replace it whole (RFC 9101)."""


def login_start(endpoint: str, client_id: str, scope: str, memo: Memo, extra: Mapping[str, str]) -> LoginStart:
    """Where to send the browser. `scope` is one string, separated as the provider wants it."""
    url = prepare_grant_uri(
        endpoint,
        client_id=client_id,
        response_type="code",
        redirect_uri=memo.redirect_uri,
        scope=scope or None,
        state=memo.handle,
        nonce=memo.nonce or None,
        response_mode="form_post" if memo.mode == "form_post" else None,
        code_challenge=create_s256_code_challenge(memo.verifier),
        code_challenge_method="S256",
        **{name: value for name, value in extra.items() if name not in RESERVED},
    )
    names = [name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)]
    if len(names) != len(set(names)):
        raise ProviderMisconfigured("the authorize URL already holds a parameter that we send", reason="authorize_url_invalid")
    return LoginStart(method="redirect", url=url, fields={}, memo=memo.pack())


def check_callback_url(spec: ProviderSpec, ask: LoginAsk) -> str:
    """The callback of this login, one of the pool's own. Raises ProviderMisconfigured (OA-R3.13: never what a Host header says)."""
    if spec.callback_urls and ask.callback_url not in spec.callback_urls:
        raise ProviderMisconfigured(f"{ask.callback_url!r} is no callback of this pool", reason="callback_unknown")
    return ask.callback_url

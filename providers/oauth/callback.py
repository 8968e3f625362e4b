"""Reading the answer that a browser carries back from an authorization endpoint (RFC 6749 section 4.1.2, RFC 9207)."""

from __future__ import annotations

import hmac
from collections import Counter

from providers.base import Inbound
from providers.errors import ResponseInvalid, UpstreamRefused
from providers.http import cleaned
from providers.oauth.memo import Memo

_LONGEST = 8192
_OURS = frozenset({"code", "state", "iss", "error", "error_description", "error_uri"})


def read_callback(inbound: Inbound, memo: Memo, issuers: tuple[str, ...], *, iss_required: bool) -> str:
    """The authorization code.

    `issuers` are the values that `iss` may have, none if the provider has no issuer to compare.
    With `iss_required` it must be there, because the provider said that it sends it.
    Raises UpstreamRefused if the provider says no, ResponseInvalid if the answer is not what was asked for.
    """
    if inbound.callback_url != memo.redirect_uri:
        raise ResponseInvalid("the answer came to another callback", reason="callback_mismatch")
    values = _values(inbound, memo.mode)
    if not hmac.compare_digest(values.get("state", "").encode(), memo.handle.encode()):
        raise ResponseInvalid("state is missing or not the one sent", reason="state_mismatch")
    # Before anything is done with a code: it must go to nobody but the issuer that made it (RFC 9700 4.4).
    iss = values.get("iss")
    if iss is None and iss_required:
        raise ResponseInvalid("iss is missing, although advertised", reason="iss_missing")
    if iss is not None and issuers and iss not in issuers:
        raise ResponseInvalid("iss names another issuer", reason="iss_mismatch")
    if "error" in values:
        if "code" in values:
            raise ResponseInvalid("both error and code", reason="error_and_code")
        raise UpstreamRefused(cleaned(values["error"]) or "error", cleaned(values.get("error_description", "")))
    if not values.get("code"):
        raise ResponseInvalid("no code", reason="code_missing")
    return values["code"]


def _values(inbound: Inbound, mode: str) -> dict[str, str]:
    wanted = "POST" if mode == "form_post" else "GET"
    if inbound.method != wanted:
        raise ResponseInvalid(f"{inbound.method} where {wanted} was asked for", reason="response_mode")
    pairs, other = (inbound.form, inbound.query) if wanted == "POST" else (inbound.query, inbound.form)
    if any(name in _OURS for name, _ in other):
        raise ResponseInvalid("parameters in query and form both", reason="parameter_misplaced")
    # Any doubled name, even one we do not read: two parsers on the way may have taken different ones.
    if any(n > 1 for n in Counter(name for name, _ in pairs).values()):
        raise ResponseInvalid("a parameter appears twice", reason="parameter_doubled")
    if any(len(value) > _LONGEST or "\0" in value for _, value in pairs):
        raise ResponseInvalid("a parameter is too long or has NUL", reason="parameter_invalid")
    return dict(pairs)

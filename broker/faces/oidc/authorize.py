"""GET /oauth2/authorize (spec B.2). A browser comes here, and never posts here."""

from __future__ import annotations

from flask import Response

from broker.flows.authorize import AuthorizeAsk, RefusedToClient
from broker.web import cookies, i18n, params
from broker.web.context import base_url, client_address, pool, services
from broker.web.journey import refused
from broker.web.steps import proceed

LIMITS = {"state": 4096, "nonce": 1024, "id_token_hint": 16384, "request_uri": 512, "scope": 4096}


def authorize() -> Response:
    """Begin a login and go to its first step; an error that cannot be trusted to the redirect_uri becomes a page."""
    query = params.query()
    named: dict[str, str] = {}
    for name in dict.fromkeys(key for key, _ in query.pairs):
        value = query.single(name, LIMITS.get(name, params.MAX_VALUE))
        if value is not None:
            named[name] = value
    i18n.choose(named.get("lang") or named.get("ui_locales"))
    ask = AuthorizeAsk(pool(), named, base_url(), client_address(), cookies.session())
    try:
        started = services().authorize(ask)
    except RefusedToClient as refusal:
        return refused(refusal)
    return proceed(started.login, started.browser_secret, step=started.step)

"""GET and POST /logout (OpenID Connect RP-Initiated Logout 1.0, spec B.3), with the question where nothing vouches for the request."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Response, request

from broker.faces.pages import views
from broker.flows.logout import LogoutAsk
from broker.web import cookies, csrf, i18n, params, send
from broker.web.context import base_url, pool, services
from broker.web.params import Params
from broker.web.render import page

LIMITS = {"id_token_hint": 16384, "state": 4096, "nonce": 1024, "scope": 4096}
KNOWN = (
    "id_token_hint",
    "client_id",
    "logout_uri",
    "post_logout_redirect_uri",
    "state",
    "redirect_uri",
    "response_type",
    "scope",
    # What a sign-in needs that follows the sign-out: without its challenge and nonce an application could not use the answer.
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "resource",
    "ui_locales",
    "lang",
)
SIGN_IN = {"client_id", "redirect_uri", "response_type"}
PURPOSE = "logout"


def logout() -> Response:
    """Sign this browser out at once if a token hint or a registered address vouches for the request; else ask."""
    query = params.query()
    named = named_in(query)
    i18n.choose(named.get("lang") or named.get("ui_locales"))
    ask = services().read_logout(pool(), named)
    cookie = cookies.session()
    if not ask.sure and cookie is not None and services().current_session(pool(), cookie) is not None:
        return page("logout.html", view=views.LogoutView(csrf.token(cookie, PURPOSE), tuple(named.items())))
    return sign_out(ask, named, from_form=False)


def confirmed() -> Response:
    """The answer to our question; or an application's own POST, which is read again as a GET so that the session's cookie comes along."""
    form = params.form()
    named = named_in(form)
    if csrf.FIELD not in form:
        return send.to_page(f"{base_url()}{request.path}", **named)
    csrf.check(form, cookies.session(), PURPOSE)
    return sign_out(services().read_logout(pool(), named), named, from_form=True)


def sign_out(ask: LogoutAsk, named: dict[str, str], *, from_form: bool) -> Response:
    """End the session and go on: by way of the upstream, to the application, to a fresh sign-in, or to our own last page."""
    done = services().logout(pool(), ask, cookies.session(), base_url())
    again = f"{base_url()}/oauth2/authorize?{urlencode(named)}" if set(named) >= SIGN_IN else None
    # Cognito's other style of logout signs in again; /oauth2/authorize judges its address.
    location = done.return_url or again
    if done.upstream is not None:
        response = send.send(done.upstream, from_form=from_form)
    elif location is not None:
        response = send.onward(location) if from_form else send.leave(location)
    else:
        response = send.to_page(f"{base_url()}/signedout")
    if not done.kept:
        cookies.clear_session(response)
    return response


def named_in(given: Params) -> dict[str, str]:
    """The parameters that logout knows, each once."""
    found = {name: given.single(name, LIMITS.get(name, params.MAX_VALUE)) for name in KNOWN}
    return {name: value for name, value in found.items() if value is not None}

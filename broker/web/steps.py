"""From a login's next step to what the browser gets. Every face that touches a login ends here, so that they all go on alike."""

from __future__ import annotations

from flask import Response

from broker.errors import BrokerError
from broker.flows.next_step import AskConsent, Choose, Issue, Refuse, Step, Upstream
from broker.model.login import Login
from broker.web import cookies, send
from broker.web.context import base_url, pool, services
from broker.web.oauth_errors import redirect_error

LOGIN_COOKIE_SECONDS = 600


def proceed(login: Login, secret: str, *, step: Step | None = None, from_form: bool = False) -> Response:
    """Answer with the login's next step, found here unless it is known. `secret` is what the login's cookie holds; it is set anew, since
    the handle may have changed. `from_form` says that a form on a page of ours is being answered (see `send.onward`).
    """
    here = pool()
    step = step or services().next_step(here, login)
    match step:
        case Upstream(provider):
            return go_upstream(login, secret, provider, from_form=from_form)
        case Choose():
            return _to_page("login", login, secret)
        case AskConsent():
            return _to_page("consent", login, secret)
        case Issue():
            return _back_to_app(login, services().issue_code(here, login).location(), from_form=from_form)
        case Refuse(error):
            return refuse(login, error, from_form=from_form)


def go_upstream(login: Login, secret: str, provider: str, *, from_form: bool = False) -> Response:
    """Send the browser to a provider."""
    here = pool()
    start = services().start_login(here, login, provider)
    record = services().kit.settings.provider(here.id, provider)
    name = (record.display_name or record.name) if record else ""
    response = send.send(start, name, from_form=from_form)
    # These answer by a POST from their own site.
    by_post = record is not None and (record.kind in {"saml", "apple"} or record.options.get("response_mode") == "form_post")
    cookies.set_login(response, login.handle, secret, max_age=LOGIN_COOKIE_SECONDS, cross_site=by_post)
    return response


def refuse(login: Login, error: BrokerError, *, from_form: bool = False) -> Response:
    """End a login without a code, and tell the application why."""
    services().refuse_login(pool(), login, error)
    location = error_location(login.request.redirect_uri, login.request.state, error)
    return _back_to_app(login, location, from_form=from_form)


def error_location(redirect_uri: str, state: str | None, error: BrokerError) -> str:
    """Where an error takes the browser: the application's redirect_uri, trusted by now, with error, state and iss."""
    location: str = services().error_answer(pool(), redirect_uri, state, redirect_error(error)).location()
    return location


def _to_page(path: str, login: Login, secret: str) -> Response:
    response = send.to_page(f"{base_url()}/{path}", login=login.handle)
    cookies.set_login(response, login.handle, secret, max_age=LOGIN_COOKIE_SECONDS)
    return response


def _back_to_app(login: Login, location: str, *, from_form: bool) -> Response:
    response = send.onward(location) if from_form else send.leave(location)
    cookies.clear_login(response, login.handle)
    return response

"""From a step to an answer: every face that moves a login on ends here."""

from __future__ import annotations

from typing import cast

from flask import Response, request

from broker.errors import LoginExpired
from broker.flows.authorize import RefusedToClient
from broker.flows.finish_login import Finished
from broker.flows.next_step import AskConsent, Choose, Issue, Refuse, Upstream
from broker.model.login import Login
from broker.model.settings import UserPool
from broker.services import Services
from broker.web import cookies
from broker.web.context import pool, services
from broker.web.oauth_errors import redirect_error
from broker.web.send import leave, onward, send, to_page


def go_on(login: Login, *, from_form: bool = False) -> Response:
    """The answer that moves this login to its next step. `from_form` says that this answers a form on a page of ours."""
    here, use = pool(), cast(Services, services())
    step = use.next_step(here, login)
    if isinstance(step, Choose):
        return to_page(request.script_root + "/login", login=login.handle)
    if isinstance(step, AskConsent):
        return to_page(request.script_root + "/consent", login=login.handle)
    if isinstance(step, Upstream):
        return send(use.start_login(here, login, step.provider), step.provider, from_form=from_form)
    if isinstance(step, Refuse):
        use.refuse_login(here, login, step.error)
        answer = use.error_answer(here, login.request.redirect_uri, login.request.state, redirect_error(step.error))
        return _back(answer.location(), login, from_form)
    assert isinstance(step, Issue)
    return _back(use.issue_code(here, login).location(), login, from_form)


def _back(location: str, login: Login, from_form: bool) -> Response:
    response = onward(location) if from_form else leave(location)
    cookies.clear_login(response, login.handle)
    return response


def signed_in(finished: Finished, handle: str | None, browser_secret: str) -> Response:
    """Go on after an upstream sign-in: the old login's cookie goes, the new handle gets one, and the session's cookie is new (OA-B1)."""
    login = finished.login
    response = go_on(login)
    if handle is not None:
        cookies.clear_login(response, handle)
    if response.location is None or login.handle in response.location:
        cookies.set_login(response, login.handle, browser_secret)
    cookies.set_session(response, finished.session_cookie, finished.session.expires_at, finished.session.created_at)
    return response


def refused(refusal: RefusedToClient, handle: str | None = None, *, from_form: bool = False) -> Response:
    """An error that belongs at the application's redirect_uri, with state and iss."""
    here: UserPool = pool()
    trusted = refusal.trusted
    location = services().error_answer(here, trusted.redirect_uri, trusted.state, redirect_error(refusal.error)).location()
    response = onward(location) if from_form else leave(location)
    if handle is not None:
        cookies.clear_login(response, handle)
    return response


def held_login(handle: str | None) -> Login:
    """The login that this browser holds the cookie of. Raises LoginExpired."""
    if not handle:
        raise LoginExpired("no login named", code="login_unknown")
    return cast(Services, services()).load_login(pool(), handle, cookies.login(handle))

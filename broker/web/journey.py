"""The way back from an upstream: a session's cookie, a fresh login cookie, or an error for the application."""

from __future__ import annotations

from flask import Response

from broker.flows.authorize import RefusedToClient
from broker.flows.finish_login import Finished
from broker.web import cookies, send
from broker.web.context import pool, services
from broker.web.oauth_errors import redirect_error
from broker.web.steps import proceed


def signed_in(finished: Finished, handle: str | None, browser_secret: str) -> Response:
    """Go on after an upstream sign-in: the answered login's cookie goes, and the session's cookie is new (OA-B1)."""
    response = send.leave(finished.answer.location()) if finished.answer else proceed(finished.login, browser_secret)
    if handle is not None:
        cookies.clear_login(response, handle)
    cookies.set_session(response, finished.session_cookie, finished.session.expires_at, finished.session.created_at)
    return response


def refused(refusal: RefusedToClient, handle: str | None = None) -> Response:
    """An error that belongs at the application's redirect_uri, with state and iss (RFC 9207)."""
    trusted = refusal.trusted
    answer = services().error_answer(pool(), trusted.redirect_uri, trusted.state, redirect_error(refusal.error))
    response = send.leave(answer.location())
    if handle is not None:
        cookies.clear_login(response, handle)
    return response

"""Errors as pages: one table from the class to status and heading. Faces with a wire format of their own have their own table."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from broker import errors
from broker.web.context import audit_refusal
from broker.web.i18n import gettext
from broker.web.render import page

log = structlog.get_logger(__name__)


def N_(message: str) -> str:  # noqa: N802 -- gettext's customary mark for words that are translated later
    """Mark words for the catalogues."""
    return message


@dataclass(frozen=True, slots=True)
class Heading:
    """How an error looks to a person: the HTTP status, the first line, and whether the fault is the app's developer's to mend."""

    status: int
    words: str
    for_developer: bool = False


CANNOT_SIGN_IN = N_("We can't sign you in")
APP_AT_FAULT = N_("This app isn't set up correctly")
BAD_REQUEST = N_("That request didn't make sense")

PAGES: dict[type[errors.BrokerError], Heading] = {
    errors.InvalidRequest: Heading(400, BAD_REQUEST, for_developer=True),
    errors.PayloadTooLarge: Heading(413, BAD_REQUEST),
    errors.NotFound: Heading(404, N_("Page not found")),
    errors.UnknownHost: Heading(421, N_("Page not found")),
    errors.UntrustedRedirect: Heading(400, APP_AT_FAULT, for_developer=True),
    errors.UnauthorizedClient: Heading(400, APP_AT_FAULT, for_developer=True),
    errors.InvalidClient: Heading(400, APP_AT_FAULT, for_developer=True),
    errors.InvalidGrant: Heading(400, APP_AT_FAULT, for_developer=True),
    errors.UnsupportedGrantType: Heading(400, APP_AT_FAULT, for_developer=True),
    errors.UnsupportedResponseType: Heading(400, APP_AT_FAULT, for_developer=True),
    errors.UnsupportedTokenType: Heading(400, APP_AT_FAULT, for_developer=True),
    errors.InvalidScope: Heading(400, APP_AT_FAULT, for_developer=True),
    errors.InvalidTarget: Heading(400, APP_AT_FAULT, for_developer=True),
    errors.LoginRequired: Heading(401, CANNOT_SIGN_IN),
    errors.ConsentRequired: Heading(403, CANNOT_SIGN_IN),
    errors.AccessDenied: Heading(403, CANNOT_SIGN_IN),
    errors.InvalidToken: Heading(401, CANNOT_SIGN_IN),
    errors.InsufficientScope: Heading(403, CANNOT_SIGN_IN),
    errors.LoginExpired: Heading(400, N_("This sign-in has ended")),
    errors.FederationFailed: Heading(400, CANNOT_SIGN_IN),
    errors.AttributeInvalid: Heading(400, CANNOT_SIGN_IN),
    errors.UserDisabled: Heading(403, CANNOT_SIGN_IN),
    errors.LinkRefused: Heading(409, CANNOT_SIGN_IN),
    errors.HookRefused: Heading(403, CANNOT_SIGN_IN),
    errors.Conflict: Heading(409, N_("Something changed meanwhile")),
    errors.RateLimited: Heading(429, N_("One moment, please")),
    errors.Unavailable: Heading(503, N_("We'll be right back")),
    errors.MalformedPolicy: Heading(400, BAD_REQUEST, for_developer=True),
    errors.ConfigError: Heading(500, N_("Something went wrong on our side")),
}

UNEXPECTED = Heading(500, N_("Something went wrong on our side"))
UNEXPECTED_WORDS = N_("It has been recorded. Please try again in a moment.")
METHOD_WORDS = N_("This address cannot be used in this way.")


def heading(error: errors.BrokerError) -> Heading:
    """The row of an error's class, or of the nearest class above it."""
    return next((PAGES[kind] for kind in type(error).__mro__ if kind in PAGES), UNEXPECTED)


def error_page(error: errors.BrokerError) -> Response:
    """An error as a page. Only public words are shown; the private half goes to the log, under the request id that the page shows."""
    row = heading(error)
    log.info("refused", code=error.code, reason=error.private, status=row.status)
    response = _page(row, error.public, error.code)
    if isinstance(error, errors.RateLimited):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def refused(error: errors.BrokerError) -> Response:
    """A refused request: told to the audit log, and shown as a page."""
    audit_refusal(error)
    return error_page(error)


def install(app: Flask) -> None:
    """Answer every error that no face has answered with a page, never with a stack trace (row OA-B14)."""
    app.register_error_handler(errors.BrokerError, refused)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    # Routing would redirect to an address with a slash more or less, by 308: no address of ours has two spellings (row OA-P1.24).
    if status == 404 or status < 400:
        return error_page(errors.NotFound())
    if status == 413:
        return error_page(errors.PayloadTooLarge())
    if status >= 500:
        return _page(UNEXPECTED, UNEXPECTED_WORDS, "server_error")
    response = _page(Heading(status, BAD_REQUEST), METHOD_WORDS if status == 405 else errors.InvalidRequest.public, "invalid_request")
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> Response:
    log.error("unexpected error", exc_info=error)
    return _page(UNEXPECTED, UNEXPECTED_WORDS, "server_error")


def _page(row: Heading, words: str, code: str) -> Response:
    return page("error.html", status=row.status, heading=gettext(row.words), words=gettext(words), code=code, developer=row.for_developer)

"""How these endpoints speak: JSON, `error` objects, no-store, and CORS without credentials where browsers' apps need it (spec B.4)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import structlog
from flask import Blueprint, Response, request

from broker.errors import BrokerError, InvalidClient, InvalidRequest, RateLimited, Unavailable
from broker.flows.grants.client_auth import Credentials
from broker.web import errors as pages
from broker.web import params
from broker.web.context import audit_refusal
from broker.web.lean import PlainAnswer
from broker.web.oauth_errors import description, oauth_error

log = structlog.get_logger(__name__)

# ASCII, whatever the values are.
as_json = json.JSONEncoder().encode
NOT_KEPT = (("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("Pragma", "no-cache"))
ANY_ORIGIN = (("Access-Control-Allow-Origin", "*"),)
CORS_PATHS = frozenset({"/oauth2/token", "/oauth2/revoke", "/oauth2/userInfo"})
PAGE_PATHS = frozenset({"/oauth2/authorize"})
MAX_TOKEN = 64 * 1024
SECRETS = frozenset({"client_secret", "client_assertion", "code", "refresh_token", "token"})


def answer(value: object, status: int = 200) -> Response:
    """JSON that no cache keeps (RFC 6749 5.1)."""
    return PlainAnswer(as_json(value), status, NOT_KEPT)


def credentials() -> Credentials:
    """The form, each parameter once, with the Authorization header's pair. Raises InvalidRequest or InvalidClient."""
    return read(params.form(), request.environ)


def read(form: params.Params, environ: Mapping[str, Any]) -> Credentials:
    """The same of a form that has been read already, and its WSGI environment."""
    named: dict[str, str] = {}
    for name in dict.fromkeys(key for key, _ in form.pairs):
        value = form.single(name, MAX_TOKEN)
        if value is not None:
            named[name] = value
    asked = environ.get("QUERY_STRING", "")
    if asked and not SECRETS.isdisjoint(name for name, _ in parse_qsl(asked, keep_blank_values=True)):
        # A secret in a URL ends in logs and histories (RFC 6749 2.3.1, P2.9).
        raise InvalidRequest("credentials in the query")
    return Credentials(named, _basic(environ.get("HTTP_AUTHORIZATION")), str(environ.get("crossgate.client_address", "")))


def _basic(header: str | None) -> tuple[str, str] | None:
    # Of two such headers the server has made one with a comma in it, which is no base64.
    if header is None:
        return None
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClient("the Authorization header is not one Basic header")
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise InvalidClient("the Basic credentials are not base64 of UTF-8") from None
    name, colon, secret = pair.partition(":")
    if not colon or not name:
        raise InvalidClient("the Basic credentials have no colon or no name")
    name, secret = unquote_plus(name), unquote_plus(secret)
    if params.CONTROL.search(name + secret):
        raise InvalidClient("control characters in the Basic credentials")
    return name, secret


def install(blueprint: Blueprint) -> None:
    """Answer errors as OAuth spells them, and add CORS on three paths alone."""

    @blueprint.errorhandler(BrokerError)
    def refused(error: BrokerError) -> Response:
        if request.path in PAGE_PATHS:
            return pages.refused(error)
        return error_answer(error)

    @blueprint.after_request
    def cors(response: Response) -> Response:
        if request.environ["PATH_INFO"] in CORS_PATHS:
            response.headers.extend(ANY_ORIGIN)
        return response


def error_answer(error: BrokerError) -> Response:
    """An error object. The private half goes to the log alone; 401 names the scheme that was tried (RFC 6749 5.2)."""
    audit_refusal(error)
    name, status = oauth_error(error)
    log.info("refused", code=error.code, reason=error.private, status=status)
    body: dict[str, Any] = {"error": name, "error_description": description(error)}
    response = answer(body, status)
    if isinstance(error, InvalidClient):
        response.headers["WWW-Authenticate"] = 'Basic realm="oauth2", charset="UTF-8"'
    if isinstance(error, RateLimited):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unavailable):
        response.headers["Retry-After"] = "2"
    return response

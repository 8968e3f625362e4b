"""What a view asks about the request it answers."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, cast

import structlog
from flask import Flask, Response, current_app, g, request

from broker.errors import BrokerError, NotFound
from broker.model.settings import UserPool

if TYPE_CHECKING:
    from broker.services import Services

EXTENSION = "crossgate"


def services() -> Services:
    """The use cases that a face may call."""
    return cast("Services", current_app.extensions[EXTENSION])


def pool() -> UserPool:
    """The pool that this request is for. Raises NotFound on a path that belongs to no pool."""
    found = request.environ.get("crossgate.pool")
    if found is None:
        raise NotFound("no pool at this address")
    return cast(UserPool, found)


def pool_or_none() -> UserPool | None:
    """The pool, or None on the paths at the public root."""
    return cast("UserPool | None", request.environ.get("crossgate.pool"))


def base_url() -> str:
    """The configured origin (and prefix) at which this request came in; without a final slash. Never taken from the Host header."""
    return str(request.environ["crossgate.base_url"])


def root_path() -> str:
    """The path under which `/static/` lies on this host; usually empty."""
    return str(request.environ.get("crossgate.root_path", ""))


def is_https() -> bool:
    """Whether people reach us over TLS, as configured."""
    return request.scheme == "https"


def client_address() -> str:
    """The client's address as far as trusted proxies say; empty if unknown."""
    return str(request.environ.get("crossgate.client_address", ""))


def request_id() -> str:
    """This request's random id: in the log, the audit events, the headers, and on the error page."""
    if "request_id" not in g:
        g.request_id = str(uuid.uuid4())
    return cast(str, g.request_id)


def audit_refusal(error: BrokerError) -> None:
    """One audit event for a refused request, whoever refused it: parsing, tenancy, cookies, or a flow that has not told already."""
    told = current_app.extensions[EXTENSION]
    if told is not None:  # an app of pages alone, without use cases
        told.kit.audit_refusal(error, pool_id=str(request.environ.get("crossgate.pool_id", "")), address=client_address())


def install(app: Flask) -> None:
    """Give every request an id and raise what tenancy refused."""

    @app.before_request
    def begin() -> None:
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id(), pool=request.environ.get("crossgate.pool_id", ""))
        refusal = request.environ.get("crossgate.refusal")
        if isinstance(refusal, BrokerError):
            raise refusal

    @app.after_request
    def label(response: Response) -> Response:
        response.headers["X-Request-Id"] = request_id()
        # The name under which Cognito's clients look for it.
        if request.path.startswith("/oauth2/"):
            response.headers["x-amz-cognito-request-id"] = request_id()
        return response

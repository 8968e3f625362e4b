"""What a view asks about the request it answers."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

from flask import Flask, current_app, request

from broker.errors import BrokerError, NotFound
from broker.model.settings import UserPool

if TYPE_CHECKING:
    from broker.services import Services

EXTENSION = "crossgate"
REQUEST_ID = "crossgate.request_id"
# Of the request that this thread answers, or answered last: its id and its pool's.
_about: ContextVar[tuple[str, str]] = ContextVar("_about", default=("", ""))


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


def is_https() -> bool:
    """Whether people reach us over TLS, as configured."""
    return request.scheme == "https"


def client_address() -> str:
    """The client's address as far as trusted proxies say; empty if unknown."""
    return str(request.environ.get("crossgate.client_address", ""))


def request_id() -> str:
    """This request's random id: in the log, the audit events, the headers, and on the error page."""
    return str(request.environ.get(REQUEST_ID) or begin(request.environ))


def current_request_id() -> str:
    """The same for what knows of no request; empty outside of any."""
    return _about.get()[0]


def label_log(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """For structlog: every line says which request and which pool it is about."""
    identifier, pool_id = _about.get()
    if identifier:
        event.setdefault("request_id", identifier)
        event.setdefault("pool", pool_id)
    return event


def begin(environ: MutableMapping[str, Any]) -> str:
    """A request comes in: give it an id, a random UUID (RFC 9562 5.4), made by hand at a third of what the class for it costs."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    identifier = f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
    environ[REQUEST_ID] = identifier
    _about.set((identifier, str(environ.get("crossgate.pool_id", ""))))
    return identifier


def audit_refusal(error: BrokerError) -> None:
    """One audit event for a refused request, whoever refused it: parsing, tenancy, cookies, or a flow that has not told already."""
    told = current_app.extensions[EXTENSION]
    if told is not None:  # an app of pages alone, without use cases
        told.kit.audit_refusal(error, pool_id=str(request.environ.get("crossgate.pool_id", "")), address=client_address())


def install(app: Flask) -> None:
    """Raise what tenancy, or an endpoint in front of the app, has refused."""

    @app.before_request
    def refuse() -> None:
        refusal = request.environ.get("crossgate.refusal")
        if isinstance(refusal, Exception):
            raise refusal

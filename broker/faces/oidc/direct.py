"""POST /oauth2/token in front of Flask: programs ask it all day, and a framework would cost them more than their token does.

It answers a plain request that succeeds. Any other goes on to Flask's own view untouched, and so does what this one refuses, with the
reason: there is one place that words errors.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from broker.errors import InvalidRequest
from broker.faces.oidc.endpoints import as_members
from broker.faces.oidc.wire import ANY_ORIGIN, NOT_KEPT, as_json, read
from broker.services import Services
from broker.web import params

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/oauth2/token"
ENDPOINT = "oidc.token"
HEADERS = (*NOT_KEPT, *ANY_ORIGIN)


class TokenEndpoint:
    """WSGI middleware, inside tenancy. `observe(endpoint, status, seconds)` hears of what it answers."""

    def __init__(self, app: WSGIApplication, services: Services, observe: Callable[[str, int, float], None]) -> None:
        self._app = app
        self._services = services
        self._observe = observe

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH or not _is_plain(environ):
            return self._app(environ, start_response)
        began = environ["crossgate.began"] = time.perf_counter()
        try:
            body = self._answer(environ)
        except Exception as refused:
            environ["crossgate.refusal"] = refused
            return self._app(environ, start_response)
        self._observe(ENDPOINT, 200, time.perf_counter() - began)
        start_response("200 OK", [*HEADERS, ("Content-Length", str(len(body)))])
        return [body]

    def _answer(self, environ: WSGIEnvironment) -> bytes:
        length = int(environ["CONTENT_LENGTH"])
        octets = environ["wsgi.input"].read(length)
        if len(octets) < length:
            raise InvalidRequest("the body ended early")
        issued = self._services.exchange(environ["crossgate.pool"], read(params.parse(octets, params.MAX_BODY), environ))
        return as_json(as_members(issued)).encode("ascii")


def _is_plain(environ: WSGIEnvironment) -> bool:
    length = environ.get("CONTENT_LENGTH", "")
    return (
        environ["REQUEST_METHOD"] == "POST"
        and environ.get("CONTENT_TYPE") == params.FORM_TYPE
        and len(length) < 6
        and length.isdecimal()
        and int(length) <= params.MAX_BODY
        and "HTTP_TRANSFER_ENCODING" not in environ
        and environ.get("crossgate.pool") is not None
        and "crossgate.refusal" not in environ
    )

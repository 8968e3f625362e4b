"""`/authorize` for proxies, on a bind of its own.

Two forms. nginx's `auth_request` asks for `/authorize` and says what the client wanted in `X-Original-Method` and `X-Original-URI`, and
for which host in `Host` or `X-Forwarded-Host`. Envoy's HTTP `ext_authz`, with `path_prefix: /authorize`, sends the request itself under
that prefix, and its body if it is told to. Nobody but `[server] trusted_proxies` is answered: the peer of anybody else would pass for the
client's address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from broker.errors import BrokerError
from broker.faces.authorize.answer import STATUS, Headers, headers_in, headers_of, raw_target, refusal
from broker.flows.access_kit import AccessKit
from broker.flows.protect import Asked, Verdict, authorize_request, service_of
from broker.identitypool.protected import ProtectedService
from broker.sigv4 import SignedRequest
from broker.web.forwarded import Proxies

PATH = "/authorize"
# Envoy buffers as much as it is told to; more than this is not read.
MOST_BODY = 1 << 20
_HOP = ("x-original-method", "x-original-uri", "x-original-content-length", "x-envoy-auth-partial-body")
_LENGTH = "HTTP_X_ORIGINAL_CONTENT_LENGTH"
StartResponse = Callable[[str, Headers], Any]


class AuthorizeApp:
    """A WSGI app that answers 200, 401 or 403, nothing else at any other path. `X-Crossgate-*` headers say why and who."""

    def __init__(self, kit: AccessKit, services: Sequence[ProtectedService], trusted_proxies: Iterable[str]) -> None:
        self._kit = kit
        self._services = tuple(services)
        self._proxies = Proxies(trusted_proxies)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        path, query = raw_target(environ)
        if path == "/healthz":
            return _send(start_response, "200 OK", [("Content-Type", "text/plain")], b"ok\n")
        if path != PATH and not path.startswith(PATH + "/"):
            return _send(start_response, "404 Not Found", [("Content-Type", "text/plain")], b"ask at /authorize\n")
        try:
            verdict = self._verdict(environ, path, query)
        except BrokerError as away:
            # Nobody passes because we cannot tell.
            verdict = Verdict(503, away.code, away.public, away.private)
        if verdict.allowed:
            return _send(start_response, STATUS[200], headers_of(verdict), b"")
        headers, body = refusal(verdict)
        return _send(start_response, STATUS[verdict.status], headers, body)

    def _verdict(self, environ: dict[str, Any], path: str, query: str) -> Verdict:
        if not self._proxies.trusts_peer(str(environ.get("REMOTE_ADDR", ""))):
            return Verdict(403, "proxy_not_trusted", "Not asked by a trusted proxy.", "the peer is not in [server] trusted_proxies")
        original = (environ.get("HTTP_X_ORIGINAL_METHOD"), environ.get("HTTP_X_ORIGINAL_URI"))
        secure = environ.get("HTTP_X_FORWARDED_PROTO") == "https"
        named = str(environ.get("HTTP_HOST", ""))
        hop = self._proxies.strip(environ)
        if hop.host != named and service_of(self._services, named) is not None:
            # The proxy said the client's host, and hands on what else the client claims.
            why = f"Host is {named[:200]!r}, and X-Forwarded-Host {hop.host[:200]!r}"
            return Verdict(403, "host_ambiguous", "The request names two hosts.", why)
        headers = [(name, value) for name, value in headers_in(environ, _HOP) if name != "host"]
        headers.append(("host", hop.host))
        if path == PATH:
            if not original[0] or not original[1]:
                return Verdict(403, "request_not_told", "The proxy must name method and URI.", "no X-Original-Method or X-Original-URI")
            if environ.get(_LENGTH):
                # Some SDKs sign it, and the sub-request has no body and so none of its own.
                headers = [*((name, value) for name, value in headers if name != "content-length"), ("content-length", environ[_LENGTH])]
            wanted, _, asked = str(original[1]).partition("?")
            request = SignedRequest(str(original[0]), wanted, asked, headers, None)
        else:
            request = SignedRequest(str(environ["REQUEST_METHOD"]), path[len(PATH) :], query, headers, _body(environ))
        return authorize_request(self._kit, self._services, Asked(hop.host, request, hop.address, secure))


def _body(environ: dict[str, Any]) -> bytes | None:
    """The whole body if the proxy says that it sent it whole, else None."""
    length = str(environ.get("CONTENT_LENGTH") or "")
    if environ.get("HTTP_X_ENVOY_AUTH_PARTIAL_BODY") != "false" or not (length.isascii() and length.isdigit()) or int(length) > MOST_BODY:
        return None
    body: bytes = environ["wsgi.input"].read(int(length))
    return body if len(body) == int(length) else None


def _send(start_response: StartResponse, status: str, headers: Headers, body: bytes) -> list[bytes]:
    known = {name for name, _ in headers}
    start_response(status, headers if "Content-Length" in known else [*headers, ("Content-Length", str(len(body)))])
    return [body]


class Doors:
    """Two apps behind one server, told apart by the port that a request came in at."""

    def __init__(self, public: Any, authorize: AuthorizeApp, port: str) -> None:
        self._public = public
        self._authorize = authorize
        self._port = port

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Any:
        # The socket's own port: a Host header can name any.
        app = self._authorize if environ.get("SERVER_PORT") == self._port else self._public
        return app(environ, start_response)

"""The same judgement in the process of the service itself, which has the body and so verifies it as well."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import quote, unquote

from broker.errors import BrokerError
from broker.faces.authorize.answer import STATUS, Headers, headers_in, raw_target, refusal, told_alike
from broker.flows.protect import Asked, Verdict
from broker.sigv4 import SignedRequest
from broker.web.forwarded import Proxies, parse

MOST_BODY = 10 * (1 << 20)
TOO_LARGE = Verdict(403, "payload_too_large", "The request is too large.", "a body beyond the middleware's limit")
AMBIGUOUS = Verdict(403, "request_ambiguous", "The request has two readings.", "the raw target is not what the application would read")
Judge = Callable[[Asked], Verdict]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class WsgiGuard:
    """Wraps a WSGI app: what is not allowed never reaches it; what is finds its Verdict in `environ["crossgate.verdict"]`.

    The body is read (up to `most_body` bytes) and verified before, one in chunks as well. Forwarded headers count only from `proxies`.
    """

    def __init__(self, app: Any, judge: Judge, proxies: Proxies, most_body: int = MOST_BODY) -> None:
        self._app = app
        self._judge = judge
        self._proxies = proxies
        self._most = most_body

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path, query = raw_target(environ)
        if path.startswith("/") and not told_alike(environ, path, query):
            return _refuse(AMBIGUOUS, start_response)
        body = _read(environ, self._most)
        if body is None:
            return _refuse(TOO_LARGE, start_response)
        request = SignedRequest(str(environ["REQUEST_METHOD"]), path, query, headers_in(environ), body)
        address, secure = _sender(self._proxies, environ)
        verdict = _judged(self._judge, Asked(str(environ.get("HTTP_HOST", "")), request, address, secure))
        if not verdict.allowed:
            return _refuse(verdict, start_response)
        environ["crossgate.verdict"] = verdict
        whole = verdict.body or b""
        environ["wsgi.input"] = io.BytesIO(whole)
        if len(whole) != len(body):
            # Of the decoded body the length of the chunks says nothing.
            environ["CONTENT_LENGTH"] = str(len(whole))
        answer: Iterable[bytes] = self._app(environ, start_response)
        return answer


class AsgiGuard:
    """The same for an ASGI app: the Verdict is in `scope["state"]["crossgate.verdict"]`. The judgement runs in a thread of its own."""

    def __init__(self, app: Any, judge: Judge, proxies: Proxies, most_body: int = MOST_BODY) -> None:
        self._app = app
        self._judge = judge
        self._proxies = proxies
        self._most = most_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            raise RuntimeError(f"{scope['type']} requests carry no signature that could be verified")
        body = await _gather(receive, self._most)
        verdict = TOO_LARGE if body is None else await asyncio.to_thread(self._verdict, scope, body)
        if not verdict.allowed:
            headers, words = refusal(verdict)
            start = {"type": "http.response.start", "status": verdict.status, "headers": [_octets(each) for each in headers]}
            await send(start)
            await send({"type": "http.response.body", "body": words})
            return
        scope.setdefault("state", {})["crossgate.verdict"] = verdict
        await self._app(scope, _again(verdict.body or b"", receive), send)

    def _verdict(self, scope: Scope, body: bytes) -> Verdict:
        asked = _asked(scope, body, self._proxies)
        return _judged(self._judge, asked) if asked is not None else AMBIGUOUS


def _judged(judge: Judge, asked: Asked) -> Verdict:
    try:
        return judge(asked)
    except BrokerError as away:
        return Verdict(503, away.code, away.public, away.private)


def _read(environ: dict[str, Any], most: int) -> bytes | None:
    length = str(environ.get("CONTENT_LENGTH") or "")
    if length.isascii() and length.isdigit():
        return environ["wsgi.input"].read(int(length)) if int(length) <= most else None
    if not environ.get("wsgi.input_terminated"):
        return b""
    body: bytes = environ["wsgi.input"].read(most + 1)
    return body if len(body) <= most else None


def _sender(proxies: Proxies, environ: MutableMapping[str, Any]) -> tuple[str, bool]:
    """The client's address, and whether it came by TLS: a trusted proxy's word counts, and no other's."""
    secure = str(environ.get("wsgi.url_scheme", ""))
    if proxies.trusts(parse(str(environ.get("REMOTE_ADDR", "")))):
        secure = str(environ.get("HTTP_X_FORWARDED_PROTO", secure))
    # A copy: the application may have a use of its own for what is taken out.
    return proxies.strip(dict(environ)).address, secure == "https"


def _refuse(verdict: Verdict, start_response: Any) -> list[bytes]:
    headers, body = refusal(verdict)
    start_response(STATUS[verdict.status], headers)
    return [body]


async def _gather(receive: Receive, most: int) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > most:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _asked(scope: Scope, body: bytes, proxies: Proxies) -> Asked | None:
    """What is asked; None if the path that the application reads is not the one that came."""
    headers: Headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    host = next((value for name, value in headers if name.lower() == "host"), "")
    raw = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1").partition("?")[0]
    if raw.startswith("/") and unquote(raw) not in {scope["path"], scope.get("root_path", "") + scope["path"]}:
        return None
    query = scope.get("query_string", b"").decode("latin-1")
    request = SignedRequest(scope["method"], raw, query, headers, body)
    client = scope.get("client")
    told = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers if name.lower().startswith("x-forwarded-")}
    address, secure = _sender(proxies, {**told, "REMOTE_ADDR": client[0] if client else "", "wsgi.url_scheme": scope.get("scheme", "")})
    return Asked(host, request, address, secure)


def _again(body: bytes, receive: Receive) -> Receive:
    given = False

    async def read() -> MutableMapping[str, Any]:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return read


def _octets(header: tuple[str, str]) -> tuple[bytes, bytes]:
    return header[0].lower().encode("latin-1"), header[1].encode("latin-1")

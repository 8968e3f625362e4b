"""The middlewares and the Gate: what a service sees in its own process, bodies included."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import Client, TestResponse

from broker.flows.protect import Asked, Verdict
from broker.sigv4 import STREAMING_SIGNED, SignedRequest
from tests.faces.authorize.stage import ALLOWED, HOST, UPLOADS, World, envoy
from tests.unit.sigv4.chunks import encoded

HIDDEN = "/reports/sales/x://y/authorize" + "/reports/marketing/q1"


def test_a_path_that_looks_like_an_address_is_judged_whole(world: World) -> None:
    """Whatever stands before `://` is part of the path that the service gets."""
    headers = world.signed("GET", "/reports/marketing/q1")
    assert envoy(world, "GET", "/reports/marketing/q1", headers).status_code == 200
    assert envoy(world, "GET", HIDDEN, headers).status_code == 401
    assert envoy(world, "GET", HIDDEN.replace("/authorize", ""), headers).status_code == 401
    seen: list[str] = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(environ["PATH_INFO"])
        start_response("200 OK", [])
        return [b""]

    client = Client(world.gate().wsgi(app))
    given = [(name, value) for name, value in headers if name.lower() != "host"]
    for target in (HIDDEN.replace("/authorize", ""), "/reports/sales/:://y/reports/marketing/q1", f"https://{HOST}/reports/marketing/q1"):
        path = target if target.startswith("/") else "/reports/marketing/q1"
        answer = client.get(path, base_url=f"https://{HOST}", headers=given, environ_overrides={"RAW_URI": target, "REQUEST_URI": target})
        assert answer.status_code == 401, target
    assert client.get("/reports/marketing/q1", base_url=f"https://{HOST}", headers=given).status_code == 200
    assert seen == ["/reports/marketing/q1"]


def test_the_wsgi_guard_judges_what_the_app_will_read(world: World) -> None:
    """Servers differ in what they keep of the raw target, and a layer in between may have rewritten the path."""
    seen: list[str] = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(environ["QUERY_STRING"])
        start_response("200 OK", [])
        return [b""]

    client = Client(world.gate().wsgi(app))
    given = [(name, value) for name, value in world.signed("GET", ALLOWED) if name.lower() != "host"]

    def get(path: str, **environ: str) -> int:
        return client.get(path, base_url=f"https://{HOST}", headers=given, environ_overrides=environ).status_code

    bare = {"RAW_URI": "", "REQUEST_URI": ""}
    assert get(ALLOWED, **bare) == 200
    assert get(ALLOWED + "?all=1", **bare) == 401
    assert get(ALLOWED, PATH_INFO="/reports/sales/q1") == 403
    assert get(ALLOWED, QUERY_STRING="all=1") == 403
    assert seen == [""]


def test_the_wsgi_guard_verifies_bodies(world: World) -> None:
    seen: list[tuple[bytes, Verdict]] = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append((environ["wsgi.input"].read(), environ["crossgate.verdict"]))
        start_response("200 OK", [])
        return [b"done"]

    client = Client(world.gate().wsgi(app))
    body = b"report"

    def put(headers: Any, data: bytes) -> TestResponse:
        given = [(name, value) for name, value in headers if name.lower() != "host"]
        return client.put(ALLOWED, base_url=f"https://{HOST}", headers=given, data=data)

    assert put(world.signed("PUT", ALLOWED, body), body).text == "done"
    assert put(world.signed("PUT", ALLOWED, body), b"another").status_code == 401
    assert put([], body).status_code == 401
    assert [(read, verdict.payload) for read, verdict in seen] == [(body, "verified")]


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_a_guard_behind_a_proxy_knows_the_client(world: World, kind: str) -> None:
    def ask(peer: str, *told: tuple[str, str], method: str = "PURGE") -> int:
        headers = [*world.signed(method, ALLOWED), *told]
        if kind == "asgi":
            return asgi_call(world.gate().asgi(asgi_done), method, ALLOWED, headers, b"", peer, "http")[0]
        given = [(name, value) for name, value in headers if name.lower() != "host"]
        client = Client(world.gate().wsgi(wsgi_done))
        environ = {"REMOTE_ADDR": peer}
        return client.open(ALLOWED, method=method, base_url=f"http://{HOST}", headers=given, environ_overrides=environ).status_code

    proto, away, near = ("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-For", "198.51.100.7")
    assert ask("127.0.0.1", proto, near) == 200
    assert ask("127.0.0.1", proto, away) == 403
    assert ask("127.0.0.1", near) == 403
    assert ask("198.51.100.7", proto, near) == 403, "a client that is no proxy says nothing of itself"
    assert ask("198.51.100.7", method="GET") == 200


def wsgi_done(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [environ["wsgi.input"].read()]


async def asgi_done(scope: Any, receive: Any, send: Any) -> None:
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


@pytest.mark.parametrize("kind", ["wsgi", "asgi", "gate"])
def test_chunks_are_verified_before_the_app_sees_one(world: World, kind: str) -> None:
    """A chunk that does not hold is a refusal, and not an error in the middle of the application."""
    path = "/marketing/a.bin"
    told = {"x-amz-content-sha256": STREAMING_SIGNED, "x-amz-decoded-content-length": "6"}
    headers = world.signed("PUT", path, None, host=UPLOADS, service="s3", **told)
    seed = world.gate().judge(Asked(UPLOADS, SignedRequest("PUT", path, "", headers))).verified.seed  # type: ignore[union-attr]
    assert seed is not None
    body = encoded(seed, [b"abc", b"def"])

    def put(data: bytes) -> tuple[int, bytes]:
        if kind == "gate":
            verdict = world.gate().authorize("PUT", f"https://{UPLOADS}{path}", headers, data)
            assert verdict.payload == "verified" or not verdict.allowed
            return verdict.status, verdict.body or b""
        if kind == "asgi":
            return asgi_call(world.gate().asgi(asgi_done), "PUT", path, headers, data)
        given = [(name, value) for name, value in headers if name.lower() != "host"]
        answer = Client(world.gate().wsgi(wsgi_done)).put(path, base_url=f"https://{UPLOADS}", headers=given, data=data)
        return answer.status_code, answer.data

    assert put(body) == (200, b"abcdef")
    assert put(body.replace(b"def", b"deg"))[0] == 401
    assert put(body[:-20])[0] == 401


@pytest.mark.parametrize(
    "url", ["", "/reports/a/b", "https://[reports.example.com/a", "https://", "x", f"https://{HOST}", f"https://{HOST}\n/a"]
)
def test_the_gate_raises_for_no_address(world: World, url: str) -> None:
    assert world.gate().authorize("GET", url, world.signed("GET", ALLOWED)).status in {401, 403}


def test_the_gate_reads_an_address_as_it_was_sent(world: World) -> None:
    for path in (f"{ALLOWED}#x", f"{ALLOWED}?a=1#x"):
        assert not world.gate().authorize("GET", f"https://{HOST}{path}", world.signed("GET", path.partition("#")[0])).allowed
    assert world.gate().authorize("GET", f"https://{HOST}{ALLOWED}?a=1", world.signed("GET", f"{ALLOWED}?a=1")).allowed


def test_the_wsgi_guard_reads_no_more_than_its_limit(world: World) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raise AssertionError("must not be reached")

    body = b"x" * 100
    client = Client(world.gate().wsgi(app, most_body=99))
    headers = [(name, value) for name, value in world.signed("PUT", ALLOWED, body) if name.lower() != "host"]
    answer = client.put(ALLOWED, base_url=f"https://{HOST}", headers=headers, data=body)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "payload_too_large")


def asgi_call(
    app: Any, method: str, path: str, headers: Any, body: bytes, peer: str = "198.51.100.7", scheme: str = "https"
) -> tuple[int, bytes]:
    """A request as an ASGI server makes it, the body in two parts."""
    sent: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = [
        {"type": "http.request", "body": body[:2], "more_body": True},
        {"type": "http.request", "body": body[2:]},
    ]

    async def receive() -> dict[str, Any]:
        return parts.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": quote(path).encode(),
        "query_string": b"",
        "scheme": scheme,
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
        "client": (peer, 1234),
    }
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def test_the_asgi_guard_verifies_bodies(world: World) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        verdict = scope["state"]["crossgate.verdict"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": message["body"] + verdict.payload.encode()})

    guarded, body = world.gate().asgi(app), b"report"
    assert asgi_call(guarded, "PUT", ALLOWED, world.signed("PUT", ALLOWED, body), body) == (200, b"reportverified")
    assert asgi_call(guarded, "PUT", ALLOWED, world.signed("PUT", ALLOWED, body), b"another")[0] == 401
    assert asgi_call(guarded, "DELETE", ALLOWED, world.signed("DELETE", ALLOWED, b""), b"")[0] == 403


def test_an_unsigned_body_is_said_to_be_one_where_it_is_allowed(world: World) -> None:
    headers = world.signed("PUT", "/marketing/a.bin", None, host="uploads.example.com", service="s3")
    request = SignedRequest("PUT", "/marketing/a.bin", "", headers, b"anything")
    verdict = world.gate().judge(Asked("uploads.example.com", request))
    assert (verdict.status, verdict.payload) == (200, "unsigned")

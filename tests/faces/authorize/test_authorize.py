"""`/authorize` as nginx and Envoy ask it, the middlewares and the Gate: one judgement, and what each of them can see of a request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
from werkzeug.test import Client, TestResponse

from broker.flows.protect import Asked, Verdict
from broker.gate import Gate
from broker.model.sts import Credentials, Grant
from broker.sigv4 import STREAMING_SIGNED, ClientKeys, SignedRequest, presign, sign
from tests.fakes.broker import POOL, TestBroker
from tests.fakes.setup import TOML
from tests.unit.sigv4.chunks import encoded

ACCOUNT = "123456789012"
IDENTITY_POOL = "eu-west-1:11111111-1111-4111-8111-111111111111"
HOST = "reports.example.com"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "reports:*", "Resource": "arn:aws:reports:::${aws:PrincipalTag/Department}/*"},
            {"Sid": "NoDelete", "Effect": "Deny", "Action": "reports:Delete", "Resource": "*"},
            {
                "Sid": "Tls",
                "Effect": "Deny",
                "Action": "reports:Purge",
                "Resource": "*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
            {
                "Sid": "Office",
                "Effect": "Deny",
                "Action": "reports:Purge",
                "Resource": "*",
                "Condition": {"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}},
            },
        ],
    }
)
RULES = ", ".join(
    f'{{ methods = [{methods}], path = "/reports/{{department}}/{{report*}}", action = "reports:{action}", '
    'resource = "arn:aws:reports:::{department}/{report}" }'
    for methods, action in (('"GET"', "Read"), ('"PUT", "POST"', "Write"), ('"DELETE"', "Delete"), ('"PURGE"', "Purge"))
)
SETTINGS = f"""
[aws]
region = "eu-west-1"
account_id = "{ACCOUNT}"
access_keys = [{{ id = "CROSSGATEADMIN", secret = "admin-secret-of-forty-characters-or-so" }}]

[authorize]
bind = "127.0.0.1:8081"

[[role]]
name = "reader"
policies = [{{ name = "department", document = '{POLICY}' }}]

[[identity_pool]]
id = "{IDENTITY_POOL}"
name = "Everybody"
authenticated_role = "reader"
[[identity_pool.user_pool]]
id = "{POOL}"
client = "app"

[[protected_service]]
name = "reports"
hosts = ["{HOST}"]
rules = [{RULES}]

[[protected_service]]
name = "uploads"
hosts = ["uploads.example.com"]
signed_for = "s3"
unsigned_payload = true
streaming = true
rules = [{{ path = "/{{department}}/{{file*}}", action = "reports:Upload", resource = "arn:aws:reports:::{{department}}/{{file}}" }}]
"""


@dataclass
class World:
    """The broker, and credentials of somebody in marketing."""

    broker: TestBroker
    credentials: Credentials

    @property
    def keys(self) -> ClientKeys:
        given = self.credentials
        return ClientKeys(given.access_key_id, given.secret_access_key, given.session_token)

    def signed(
        self, method: str, path: str, body: bytes | None = b"", host: str = HOST, service: str = "execute-api", **headers: str
    ) -> Any:
        """The headers of a request that an honest client signed."""
        request = SignedRequest(method, path.partition("?")[0], path.partition("?")[2], [("host", host), *headers.items()], body)
        return sign(request, self.keys, now=self.broker.clock.now().astimezone(UTC), region="eu-west-1", service=service)

    def presigned(self, path: str) -> str:
        request = SignedRequest("GET", path, "", [("host", HOST)], None)
        made = presign(request, self.keys, now=self.broker.clock.now().astimezone(UTC), region="eu-west-1", service="execute-api")
        return made if "?" in made else f"{path}?{made}"

    def gate(self) -> Gate:
        return Gate(self.broker.wired.services.access.kit, self.broker.config)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    toml = TOML.replace("{issuer}", "https://op.example") + SETTINGS
    trusted = 'public_url = "http://localhost:8080"\ntrusted_proxies = ["127.0.0.1"]'
    broker = TestBroker.start(tmp_path_factory.mktemp("authorize"), toml.replace('public_url = "http://localhost:8080"', trusted, 1))
    grant = Grant(
        openid_token=lambda: "",
        provider="cognito-identity.amazonaws.com",
        role_arn=ROLE,
        session_name="CognitoIdentityCredentials",
        ttl=3600,
        tags={"Department": "marketing"},
        federated={
            "cognito-identity.amazonaws.com:aud": IDENTITY_POOL,
            "cognito-identity.amazonaws.com:sub": "eu-west-1:22222222-2222-4222-8222-222222222222",
            "cognito-identity.amazonaws.com:amr": ("authenticated",),
        },
        identity_id="eu-west-1:22222222-2222-4222-8222-222222222222",
        identity_pool_id=IDENTITY_POOL,
    )
    return World(broker, broker.wired.services.access.kit.credentials.issue(grant))


Ask = Callable[[World, str, str, Any], TestResponse]


def nginx(world: World, method: str, path: str, headers: Any, host: str = HOST, peer: str = "127.0.0.1") -> TestResponse:
    given = [(name, value) for name, value in headers if name.lower() != "host"]
    told = [("X-Original-Method", method), ("X-Original-URI", path), ("X-Forwarded-For", "198.51.100.7"), *given]
    client = Client(world.broker.app)
    return client.get("/authorize", base_url=f"http://{host}", headers=told, environ_overrides={"SERVER_PORT": "8081", "REMOTE_ADDR": peer})


def envoy(world: World, method: str, path: str, headers: Any, host: str = HOST, data: bytes = b"", peer: str = "127.0.0.1") -> TestResponse:
    given = [(name, value) for name, value in headers if name.lower() != "host"]
    client = Client(world.broker.app)
    target = "/authorize" + path
    return client.open(
        target,
        method=method,
        base_url=f"http://{host}",
        headers=given,
        data=data,
        environ_overrides={"SERVER_PORT": "8081", "REQUEST_URI": target, "RAW_URI": target, "REMOTE_ADDR": peer},
    )


def by_gate(world: World, method: str, path: str, headers: Any) -> Verdict:
    return world.gate().authorize(method, f"https://{HOST}{path}", headers, b"")


ALLOWED = "/reports/marketing/q1/summary.pdf"


@pytest.mark.parametrize("ask", [nginx, envoy])
def test_an_allowed_request_passes_and_says_who_it_is(world: World, ask: Ask) -> None:
    answer = ask(world, "GET", ALLOWED, world.signed("GET", ALLOWED))
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Crossgate-Principal"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/CognitoIdentityCredentials"
    assert answer.headers["X-Crossgate-Role"] == ROLE
    assert parse_qs(answer.headers["X-Crossgate-Tags"]) == {"Department": ["marketing"]}
    assert answer.headers["X-Crossgate-Action"] == "reports:Read"
    assert answer.headers["X-Crossgate-Resource"] == "arn:aws:reports:::marketing/q1/summary.pdf"
    assert answer.headers["X-Crossgate-Decision"] == "allow"
    assert answer.headers["X-Crossgate-Payload"] == "unverified"
    assert answer.data == b""


@pytest.mark.parametrize("ask", [nginx, envoy])
@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/reports/sales/q1", "implicit_deny"),
        ("DELETE", "/reports/marketing/q1", "explicit_deny"),
        ("PATCH", "/reports/marketing/q1", "not_mapped"),
        ("GET", "/elsewhere", "not_mapped"),
        ("GET", "/reports/marketing", "not_mapped"),
        ("GET", "/reports/marketing/", "not_mapped"),
        ("GET", "/reports/marketing%2Fsales/q1", "not_mapped"),
    ],
)
def test_what_is_not_allowed_is_forbidden(world: World, ask: Ask, method: str, path: str, code: str) -> None:
    answer = ask(world, method, path, world.signed(method, path))
    assert answer.status_code == 403
    assert answer.get_json()["code"] == code
    assert answer.headers["X-Crossgate-Decision"] == "deny"


@pytest.mark.parametrize("ask", [nginx, envoy])
def test_what_is_not_authentic_is_unauthorized(world: World, ask: Ask) -> None:
    honest = world.signed("GET", ALLOWED)
    changed = [
        (name, value[:-1] + ("0" if value[-1] != "0" else "1") if name.lower() == "authorization" else value) for name, value in honest
    ]
    no_token = [(name, value) for name, value in honest if name.lower() != "x-amz-security-token"]
    for headers in ([], changed, no_token):
        answer = ask(world, "GET", ALLOWED, headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "AWS4-HMAC-SHA256"
        assert ROLE not in answer.text
    # A signature for one path is none for another.
    assert ask(world, "GET", "/reports/marketing/other", honest).status_code == 401
    assert ask(world, "POST", ALLOWED, honest).status_code == 401


def test_another_host_is_another_service(world: World) -> None:
    headers = world.signed("GET", ALLOWED)
    assert nginx(world, "GET", ALLOWED, headers, host="other.example.com").status_code == 403
    assert nginx(world, "GET", ALLOWED, headers, host="uploads.example.com").status_code == 401


@pytest.mark.parametrize("ask", [nginx, envoy])
def test_only_trusted_proxies_may_tell_of_another_request(world: World, ask: Any) -> None:
    answer = ask(world, "GET", ALLOWED, world.signed("GET", ALLOWED), peer="203.0.113.9")
    assert answer.status_code == 403
    assert answer.get_json()["code"] == "proxy_not_trusted"
    assert ask(world, "GET", ALLOWED, world.signed("GET", ALLOWED), peer="127.0.0.1").status_code == 200


def test_a_client_cannot_choose_the_host_beside_the_proxys(world: World) -> None:
    """nginx hands the client's own X-Forwarded-Host on: what is asked for at one service must not be judged as another's."""
    headers = world.signed("GET", ALLOWED)
    asked = [*headers, ("X-Forwarded-Host", HOST)]
    answer = nginx(world, "GET", ALLOWED, asked, host="uploads.example.com")
    assert (answer.status_code, answer.get_json()["code"]) == (403, "host_ambiguous")
    # A proxy that calls us by our own name says the client's host there.
    assert nginx(world, "GET", ALLOWED, asked, host="10.0.0.2:8081").status_code == 200
    assert nginx(world, "GET", ALLOWED, asked).status_code == 200


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


def test_a_presigned_address_passes(world: World) -> None:
    target = world.presigned(ALLOWED)
    assert nginx(world, "GET", target, []).status_code == 200
    assert nginx(world, "GET", target.replace("q1", "q2"), []).status_code == 401


def test_the_other_door_knows_nothing_of_it(world: World) -> None:
    answer = Client(world.broker.app).get("/authorize", base_url="http://localhost:8080")
    assert answer.status_code == 404
    assert Client(world.broker.app).get("/other", base_url="http://localhost:8081").text == "ask at /authorize\n"


def test_envoy_may_bring_the_body(world: World) -> None:
    body = b'{"title": "Q1"}'
    headers = [*world.signed("PUT", ALLOWED, body), ("x-envoy-auth-partial-body", "false")]
    answer = envoy(world, "PUT", ALLOWED, headers, data=body)
    assert (answer.status_code, answer.headers["X-Crossgate-Payload"]) == (200, "verified")
    assert envoy(world, "PUT", ALLOWED, headers, data=b'{"title": "Q2"}').status_code == 401


@pytest.mark.parametrize("path", [ALLOWED, "/reports/sales/q1", "/elsewhere", "/reports/marketing/a%20b"])
def test_the_gate_says_the_same(world: World, path: str) -> None:
    headers = world.signed("GET", path)
    verdict, answer = by_gate(world, "GET", path, headers), nginx(world, "GET", path, headers)
    assert verdict.status == answer.status_code
    assert verdict.decision is None or verdict.decision.allowed == verdict.allowed


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


def test_where_a_request_came_from_is_what_a_trusted_proxy_says(world: World) -> None:
    headers = world.signed("PURGE", ALLOWED)
    tls = ("X-Forwarded-Proto", "https")
    assert nginx(world, "PURGE", ALLOWED, [*headers, tls]).status_code == 200
    # What no proxy vouches for did not come by TLS.
    assert nginx(world, "PURGE", ALLOWED, headers).status_code == 403
    assert envoy(world, "PURGE", ALLOWED, [*headers, tls, ("X-Forwarded-For", "198.51.100.7")]).status_code == 200
    assert envoy(world, "PURGE", ALLOWED, [*headers, tls, ("X-Forwarded-For", "203.0.113.9")]).status_code == 403


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


UPLOADS = "uploads.example.com"


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


@pytest.mark.parametrize("name", ["x-amz-acl", "X-Amz-Copy-Source"])
def test_a_header_that_a_service_may_act_on_is_signed(world: World, name: str) -> None:
    """Row IP-S4.2: whoever was handed a presigned address must not add to what it says."""
    target = world.presigned(ALLOWED)
    assert nginx(world, "GET", target, []).status_code == 200
    assert nginx(world, "GET", target, [("x-amz-user-agent", "aws-sdk-js")]).status_code == 200
    assert nginx(world, "GET", target, [(name, "public-read")]).status_code == 401
    assert nginx(world, "GET", ALLOWED, world.signed("GET", ALLOWED, b"", **{name: "public-read"})).status_code == 200
    assert nginx(world, "GET", ALLOWED, [*world.signed("GET", ALLOWED), (name, "public-read")]).status_code == 401


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


def test_a_refusal_is_audited_with_its_reason(world: World) -> None:
    nginx(world, "DELETE", ALLOWED, world.signed("DELETE", ALLOWED))
    lines = [json.loads(line) for line in (Path(world.broker.config.base) / "audit.jsonl").read_text().splitlines()]
    last = [line for line in lines if line["event"] == "request.authorized"][-1]
    assert (last["outcome"], last["reason"]) == ("refused", "explicit_deny")
    assert "NoDelete" in last["detail"]["private"]
    assert last["address"] == "198.51.100.7"
    assert world.credentials.session_token not in json.dumps(lines)


def test_an_unsigned_body_is_said_to_be_one_where_it_is_allowed(world: World) -> None:
    headers = world.signed("PUT", "/marketing/a.bin", None, host="uploads.example.com", service="s3")
    request = SignedRequest("PUT", "/marketing/a.bin", "", headers, b"anything")
    verdict = world.gate().judge(Asked("uploads.example.com", request))
    assert (verdict.status, verdict.payload) == (200, "unsigned")

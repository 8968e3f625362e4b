"""`/authorize` as nginx and Envoy ask it: what a proxy can tell of a request, and what is believed of that."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from werkzeug.test import Client

from broker.flows.protect import Verdict
from tests.faces.authorize.stage import ACCOUNT, ALLOWED, HOST, ROLE, Ask, World, envoy, nginx


def by_gate(world: World, method: str, path: str, headers: Any) -> Verdict:
    return world.gate().authorize(method, f"https://{HOST}{path}", headers, b"")


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


def test_where_a_request_came_from_is_what_a_trusted_proxy_says(world: World) -> None:
    headers = world.signed("PURGE", ALLOWED)
    tls = ("X-Forwarded-Proto", "https")
    assert nginx(world, "PURGE", ALLOWED, [*headers, tls]).status_code == 200
    # What no proxy vouches for did not come by TLS.
    assert nginx(world, "PURGE", ALLOWED, headers).status_code == 403
    assert envoy(world, "PURGE", ALLOWED, [*headers, tls, ("X-Forwarded-For", "198.51.100.7")]).status_code == 200
    assert envoy(world, "PURGE", ALLOWED, [*headers, tls, ("X-Forwarded-For", "203.0.113.9")]).status_code == 403


@pytest.mark.parametrize("name", ["x-amz-acl", "X-Amz-Copy-Source"])
def test_a_header_that_a_service_may_act_on_is_signed(world: World, name: str) -> None:
    """Row IP-S4.2: whoever was handed a presigned address must not add to what it says."""
    target = world.presigned(ALLOWED)
    assert nginx(world, "GET", target, []).status_code == 200
    assert nginx(world, "GET", target, [("x-amz-user-agent", "aws-sdk-js")]).status_code == 200
    assert nginx(world, "GET", target, [(name, "public-read")]).status_code == 401
    assert nginx(world, "GET", ALLOWED, world.signed("GET", ALLOWED, b"", **{name: "public-read"})).status_code == 200
    assert nginx(world, "GET", ALLOWED, [*world.signed("GET", ALLOWED), (name, "public-read")]).status_code == 401


def test_a_refusal_is_audited_with_its_reason(world: World) -> None:
    nginx(world, "DELETE", ALLOWED, world.signed("DELETE", ALLOWED))
    lines = [json.loads(line) for line in (Path(world.broker.config.base) / "audit.jsonl").read_text().splitlines()]
    last = [line for line in lines if line["event"] == "request.authorized"][-1]
    assert (last["outcome"], last["reason"]) == ("refused", "explicit_deny")
    assert "NoDelete" in last["detail"]["private"]
    assert last["address"] == "198.51.100.7"
    assert world.credentials.session_token not in json.dumps(lines)


def test_a_length_that_the_client_signed_is_told_by_the_proxy(world: World) -> None:
    """AWS's SDK for JavaScript signs Content-Length, which a sub-request without a body cannot carry."""
    digest = hashlib.sha256(b"hello").hexdigest()
    headers = world.signed("PUT", ALLOWED, b"hello", **{"content-length": "5", "x-amz-content-sha256": digest})
    told = [(name, value) for name, value in headers if name != "content-length"]
    assert nginx(world, "PUT", ALLOWED, told).status_code == 401
    assert nginx(world, "PUT", ALLOWED, [*told, ("X-Original-Content-Length", "5")]).status_code == 200
    assert nginx(world, "PUT", ALLOWED, [*told, ("X-Original-Content-Length", "6")]).status_code == 401
    assert nginx(world, "GET", ALLOWED, [*world.signed("GET", ALLOWED), ("X-Original-Content-Length", "")]).status_code == 200

"""The token endpoint has two ways to the same answer: in front of Flask, and through it."""

from __future__ import annotations

import base64

import pytest
from werkzeug.test import TestResponse

from tests.fakes.broker import POOL, PUBLIC, SECRET, TestBroker
from tests.fakes.setup import TOML

PLAIN = "application/x-www-form-urlencoded"
# Says the same, but not to the letter, so that Flask reads it.
ROUNDABOUT = f"{PLAIN}; charset=utf-8"
OWN = {"X-Request-Id", "x-amz-cognito-request-id"}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> TestBroker:
    return TestBroker.start(tmp_path_factory.mktemp("direct"), TOML.replace("{issuer}", "https://op.example"))


def ask(broker: TestBroker, content_type: str, body: str, secret: str = SECRET, query: str = "") -> TestResponse:
    basic = "Basic " + base64.b64encode(f"machine:{secret}".encode()).decode()
    headers = {"Authorization": basic, "Content-Type": content_type}
    return broker.browser().client.post(f"/{POOL}/oauth2/token{query}", base_url=PUBLIC, data=body, headers=headers)


CASES = {
    "granted": ("grant_type=client_credentials&scope=https%3A%2F%2Fapi.example%2Fread", SECRET, "", 200),
    "wrong secret": ("grant_type=client_credentials", "wrong", "", 401),
    "unknown grant": ("grant_type=magic", SECRET, "", 400),
    "doubled": ("grant_type=client_credentials&grant_type=client_credentials", SECRET, "", 400),
    "not UTF-8": ("grant_type=%ff", SECRET, "", 400),
    "nothing": ("", SECRET, "", 400),
    "secret in the query": ("grant_type=client_credentials", SECRET, "?client_secret=x", 400),
}


@pytest.mark.parametrize("case", CASES)
def test_both_ways_answer_alike(broker: TestBroker, case: str) -> None:
    body, secret, query, status = CASES[case]
    direct, through = (ask(broker, kind, body, secret, query) for kind in (PLAIN, ROUNDABOUT))
    assert direct.status_code == through.status_code == status
    assert sorted((n, v) for n, v in direct.headers if n not in OWN) == sorted((n, v) for n, v in through.headers if n not in OWN)
    assert set(dict(direct.headers)) >= OWN
    there, here = direct.get_json(), through.get_json()
    assert there.keys() == here.keys()
    assert (there == here) == (status != 200)  # each token is a new one


def test_a_body_that_ends_early_is_refused(broker: TestBroker) -> None:
    short = {"CONTENT_LENGTH": "40"}
    client = broker.browser().client
    reply = client.post(f"/{POOL}/oauth2/token", base_url=PUBLIC, data="grant_type=x", content_type=PLAIN, environ_overrides=short)
    assert (reply.status_code, reply.get_json()["error"]) == (400, "invalid_request")

"""How the OpenID endpoints speak: the discovery document, the key set, token answers, and one spelling for every error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker import errors
from broker.web.oauth_errors import OAUTH, description, oauth_error, redirect_error
from tests.fakes.broker import POOL, SECRET, TestBroker
from tests.fakes.setup import TOML

REGISTERED = {
    "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
    "unsupported_response_type", "access_denied", "server_error", "temporarily_unavailable", "invalid_target", "invalid_token",
    "insufficient_scope", "login_required", "consent_required", "unsupported_token_type",
}  # fmt: skip


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> TestBroker:
    folder: Path = tmp_path_factory.mktemp("wire")
    return TestBroker.start(folder, TOML.replace("{issuer}", "https://op.example"))


def leaves(kind: type[errors.BrokerError]) -> Iterator[type[errors.BrokerError]]:
    below = kind.__subclasses__()
    if not below:
        yield kind
    for each in below:
        yield from leaves(each)


def test_every_refusal_has_a_spelling_of_its_own_and_a_registered_one() -> None:
    ours = [kind for kind in leaves(errors.BrokerError) if kind.__module__ == "broker.errors"]
    assert len(ours) > 20
    assert not [kind for kind in ours if kind not in OAUTH]
    assert {name for name, _ in OAUTH.values()} <= REGISTERED
    assert all(400 <= status < 600 for _, status in OAUTH.values())


def test_only_public_words_reach_the_wire_and_only_in_letters_that_may() -> None:
    error = errors.InvalidRequest("private half", public='a "quoted" \\ word\r\n\u2028é' + "x" * 400)
    assert "private" not in description(error)
    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]{1,300}", description(error))
    assert redirect_error(error)[0] == "invalid_request"
    assert oauth_error(errors.AccessDenied("x", code="interaction_required"))[0] == "interaction_required"
    assert oauth_error(errors.AccessDenied("x", code="made_up_by_an_upstream"))[0] == "access_denied"


def test_the_discovery_document(broker: TestBroker) -> None:
    reply = broker.browser().get(f"{broker.issuer()}/.well-known/openid-configuration")
    document = reply.get_json()
    assert document["issuer"] == broker.issuer()
    required = {
        "issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported", "subject_types_supported",
        "id_token_signing_alg_values_supported",
    }  # fmt: skip
    assert required <= document.keys()
    assert "none" not in document["id_token_signing_alg_values_supported"]
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert reply.headers["Cache-Control"] == "public, max-age=300"
    other = broker.browser().get(f"{broker.issuer()}/.well-known/oauth-authorization-server").get_json()
    assert other == document
    for name, url in document.items():
        if name.endswith("_endpoint") or name == "jwks_uri":
            assert url.startswith(f"{broker.issuer()}/"), name


def test_a_token_answer(broker: TestBroker) -> None:
    flow, code = broker.saml_login(broker.browser())
    reply = broker.redeem(flow, code)
    assert reply.get_json().keys() == {"id_token", "access_token", "refresh_token", "expires_in", "token_type", "scope"}
    assert reply.get_json()["token_type"] == "Bearer"
    assert reply.mimetype == "application/json"
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Pragma"] == "no-cache"
    assert reply.headers["x-amz-cognito-request-id"] == reply.headers["X-Request-Id"]
    assert reply.headers["Access-Control-Allow-Origin"] == "*"


def test_an_error_answer(broker: TestBroker) -> None:
    reply = broker.token({"grant_type": "authorization_code", "code": "x"}, secret="wrong")
    assert reply.status_code == 401
    assert reply.get_json() == {"error": "invalid_client", "error_description": "Client authentication failed."}
    assert reply.headers["WWW-Authenticate"].startswith("Basic ")
    assert reply.headers["Cache-Control"] == "no-store"
    bearer = broker.browser().get(f"{broker.issuer()}/oauth2/userInfo", headers={"Authorization": "Bearer x"})
    assert bearer.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
    none = broker.browser().get(f"{broker.issuer()}/oauth2/userInfo")
    assert none.status_code == 400
    assert "Bad OAuth2 request at UserInfo Endpoint" in none.headers["WWW-Authenticate"]


@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/revoke", "/oauth2/userInfo"])
def test_a_browser_may_ask_first(broker: TestBroker, path: str) -> None:
    headers = {"Origin": "https://spa.example", "Access-Control-Request-Method": "POST"}
    reply = broker.browser().client.options(f"/{POOL}{path}", base_url="http://localhost:8080", headers=headers)
    assert reply.status_code == 204
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert "Authorization" in reply.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in reply.headers


def test_limits_answer_429_and_say_how_long_to_wait(tmp_path: Path) -> None:
    toml = TOML.replace("{issuer}", "https://op.example") + "\n[limits]\ntoken_per_client = 2\nauthorize_per_address = 3\n"
    broker = TestBroker.start(tmp_path, toml)
    replies = [broker.token({"grant_type": "client_credentials"}, "machine", SECRET) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert replies[2].headers["Retry-After"] == "60"
    assert replies[2].get_json()["error"] == "temporarily_unavailable"
    pages = [broker.browser().get(f"{broker.issuer()}/oauth2/authorize?client_id=app") for _ in range(4)]
    assert [page.status_code for page in pages] == [400, 400, 400, 429]
    assert pages[3].headers["Retry-After"] == "60"

"""A user signs in through a SAML or an OpenID provider, and the app gets one shape of token from both."""

from __future__ import annotations

from urllib.parse import urlsplit

import jwt
import pytest

from tests.fakes.broker import POOL, PUBLIC, TestBroker, claims_of
from tests.fakes.oidc_op import FakeOp


def verified(broker: TestBroker, token: str, audience: str | None) -> dict[str, object]:
    """Verify as an ordinary client does: with PyJWT and the published keys."""
    keys = jwt.PyJWKSet.from_dict(broker.browser().get(f"{broker.issuer()}/.well-known/jwks.json").get_json())
    kid = jwt.get_unverified_header(token)["kid"]
    claims: dict[str, object] = jwt.decode(
        token, keys[kid].key, algorithms=["RS256"], audience=audience, issuer=broker.issuer(), options={"verify_aud": audience is not None}
    )
    return claims


def op_login(broker: TestBroker, op: FakeOp, client_id: str = "app") -> dict[str, object]:
    browser = broker.browser()
    flow, sent = broker.begin(browser, client_id, identity_provider="op")
    pairs = op.browse(sent.location)
    back = browser.get(f"{broker.issuer()}/oauth2/idpresponse?" + "&".join(f"{name}={value}" for name, value in pairs))
    reply = broker.redeem(flow, broker.code_of(flow, back))
    assert reply.status_code == 200, reply.get_data(as_text=True)
    body: dict[str, object] = reply.get_json()
    return body


@pytest.mark.parametrize("base", ["G-R", "G-A", "G-B", "G-EA"])
def test_saml_sign_in_gives_tokens(broker: TestBroker, base: str) -> None:
    browser = broker.browser()
    flow, code = broker.saml_login(browser, base=base)
    reply = broker.redeem(flow, code)
    assert reply.status_code == 200, reply.get_data(as_text=True)
    body = reply.get_json()
    identity = verified(broker, body["id_token"], "app")
    assert identity["nonce"] == flow.nonce
    assert identity["email"] == "alice@corp.example"
    assert identity["given_name"] == "Alice"
    assert identity["cognito:username"] == "corp_alice@corp.example"
    assert identity["cognito:groups"] == [f"{POOL}_corp"]
    assert identity["identities"][0]["providerType"] == "SAML"  # type: ignore[index]
    access = verified(broker, body["access_token"], None)
    assert access["scope"] == "openid email profile"
    assert access["sub"] == identity["sub"]


def test_both_kinds_of_provider_give_the_same_shape(broker: TestBroker, op: FakeOp) -> None:
    flow, code = broker.saml_login(broker.browser())
    saml = broker.redeem(flow, code).get_json()
    oidc = op_login(broker, op)
    optional = {"given_name", "name"}
    for kind in ("id_token", "access_token"):
        assert set(claims_of(saml[kind])) - optional == set(claims_of(str(oidc[kind]))) - optional
    assert claims_of(str(oidc["id_token"]))["email_verified"] is True
    assert claims_of(saml["id_token"])["email_verified"] is False


def test_second_sign_in_reaches_the_same_profile_and_updates_it(broker: TestBroker, op: FakeOp) -> None:
    first = claims_of(str(op_login(broker, op)["id_token"]))
    op.user["name"] = "Ada King"
    second = claims_of(str(op_login(broker, op)["id_token"]))
    assert second["sub"] == first["sub"]
    assert (first["name"], second["name"]) == ("Ada Lovelace", "Ada King")


def test_a_session_answers_without_asking_again(broker: TestBroker) -> None:
    browser = broker.browser()
    broker.saml_login(browser)
    flow, back = broker.begin(browser)
    first = broker.redeem(flow, broker.code_of(flow, back)).get_json()
    again, sent = broker.begin(browser, prompt="login", identity_provider="corp")
    assert urlsplit(sent.location).netloc == "idp.example"
    assert claims_of(first["id_token"])["auth_time"] > 0
    assert again.client_id == "app"


def test_two_providers_make_a_choice_and_one_does_not(broker: TestBroker) -> None:
    browser = broker.browser()
    _, chooser = broker.begin(browser)
    assert chooser.status_code == 303
    assert urlsplit(chooser.location).path == f"/{POOL}/login"
    page = browser.get(chooser.location)
    assert page.status_code == 200
    assert "corp" in page.get_data(as_text=True)
    _, sent = broker.begin(browser, "corponly", scope="openid email")
    assert urlsplit(sent.location).netloc == "idp.example"


def test_prompt_none_without_a_session_is_login_required(broker: TestBroker) -> None:
    _, back = broker.begin(broker.browser(), prompt="none")
    assert back.status_code == 303
    assert "error=login_required" in back.location
    assert "iss=" in back.location


def test_discovery_names_endpoints_that_exist(broker: TestBroker) -> None:
    browser = broker.browser()
    document = browser.get(f"{broker.issuer()}/.well-known/openid-configuration").get_json()
    assert document["issuer"] == f"{PUBLIC}/{POOL}"
    for name, url in document.items():
        if name.endswith("_endpoint") or name == "jwks_uri":
            assert browser.get(url).status_code != 404, name


def test_the_trace_tells_where_a_claim_came_from(broker: TestBroker) -> None:
    flow, code = broker.saml_login(broker.browser())
    event = claims_of(broker.redeem(flow, code).get_json()["id_token"])["event_id"]
    with broker.wired.store.unit() as unit:
        trace = unit.traces.get(event, POOL)
    assert trace is not None
    assert [line.step for line in trace.lines][:2] == ["authorize", "start_login"]
    told = [line.detail for line in trace.lines if line.step == "mapping" and line.detail["attribute"] == "email"]
    assert told[0]["made"] == "alice@corp.example"
    assert told[0]["arrived"] == {"email": "alice@corp.example"}
    assert b"alice@corp.example" in trace.evidence


def test_a_refused_sign_in_leaves_a_trace_that_its_error_page_names(broker: TestBroker) -> None:
    browser = broker.browser()
    _, sent = broker.begin(browser, identity_provider="corp")
    page = broker.post_acs(browser, broker.saml_answer(sent, audience="somebody else"))
    assert page.status_code == 400
    with broker.wired.store.unit() as unit:
        told = [line for trace in unit.traces.recent(POOL) for line in trace.lines if line.outcome == "refused"]
    assert [line.detail["request_id"] for line in told] == [page.headers["X-Request-Id"]]
    assert told[0].detail["reason"] == "audience_mismatch"

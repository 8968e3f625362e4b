"""Out again: at the app's word, at the upstream's, and how the other apps hear of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from werkzeug.test import TestResponse

from broker.flows.backchannel import run_outbox
from tests.attacks.op.rig import query_of
from tests.fakes import saml_names as n
from tests.fakes.broker import Browser, claims_of
from tests.fakes.saml_forge import form_value, inflate
from tests.fakes.saml_logout import LogoutAsk, LogoutReply, posted, redirected
from tests.journeys.house import BYE, SECOND, House
from tests.journeys.receiver import Receiver

EVENT = "http://schemas.openid.net/event/backchannel-logout"


def known(house: House, browser: Browser, client_id: str = "app") -> bool:
    return "code" in query_of(house.broker.begin(browser, client_id, prompt="none")[1].location)


def deliver(house: House) -> int:
    return run_outbox(house.broker.wired.kit, house.broker.wired.fetch)


# --- at the app's word -------------------------------------------------------------------------------------------------------------------


def test_an_app_signs_its_user_out_and_gets_him_back(house: House) -> None:
    browser = house.broker.browser()
    tokens = house.grant(*house.sign_in(browser))
    hint = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": BYE, "state": "s1"}
    away = browser.get(f"{house.url('/logout')}?{urlencode(hint)}")
    assert (away.status_code, away.location) == (303, f"{BYE}?state=s1")
    assert not known(house, browser)
    assert house.refresh(tokens["refresh_token"]).status_code == 200, "tokens are not revoked by a logout (spec B.3)"


def test_every_client_of_the_session_is_told_by_the_back_channel(house: House, receiver: Receiver) -> None:
    browser = house.broker.browser()
    tokens = house.grant(*house.sign_in(browser, "told"))
    flow, back = house.broker.begin(browser, "also")
    also = house.grant(flow, house.broker.code_of(flow, back))
    house.broker.begin(browser, "app")
    browser.get(house.logout_url("told"))
    assert deliver(house) == 2
    assert sorted(path for path, _ in receiver.got) == ["/also", "/told"]
    for path, token in receiver.got:
        told = house.verified(token, path[1:])
        assert told["events"] == {EVENT: {}}
        assert (told["sub"], told["sid"]) == (claims_of(tokens["id_token"])["sub"], claims_of(tokens["id_token"])["sid"])
        assert "nonce" not in told
        assert told["exp"] - told["iat"] == 120
        assert jwt.get_unverified_header(token)["kid"] != jwt.get_unverified_header(tokens["id_token"])["kid"]
    assert len({claims_of(token)["jti"] for _, token in receiver.got}) == 2
    assert deliver(house) == 0
    assert house.refresh(also["refresh_token"], "also").status_code == 200, "the client that signed out does not revoke"


def test_a_client_that_was_away_is_told_later_and_given_up_in_the_end(house: House, receiver: Receiver) -> None:
    receiver.status = 503
    browser = house.broker.browser()
    house.grant(*house.sign_in(browser, "told"))
    browser.get(house.logout_url("told"))
    assert deliver(house) == 0
    assert deliver(house) == 0, "not yet due again"
    receiver.status = 200
    house.broker.clock.advance(seconds=5)
    assert deliver(house) == 1
    house.sign_in(browser, "told")
    browser.get(house.logout_url("told"))
    receiver.reset()
    receiver.status = 400
    for _ in range(8):
        deliver(house)
        house.broker.clock.advance(hours=2)
    assert len(receiver.got) == 6


def test_a_client_may_ask_that_signing_out_revokes(house: House) -> None:
    browser = house.broker.browser()
    tokens = house.grant(*house.sign_in(browser, "also"))
    browser.get(house.logout_url("also"))
    assert house.refresh(tokens["refresh_token"], "also").get_json()["error"] == "invalid_grant"
    deliver(house)


# --- SAML, both ways ---------------------------------------------------------------------------------------------------------------------


def at_second(house: House) -> tuple[Browser, dict[str, Any]]:
    browser = house.broker.browser()
    tokens = house.grant(*house.sign_in(browser, "also", "second", session_index="_idx"))
    return browser, tokens


def reply_to(house: House, away: TestResponse) -> str:
    """The identity provider's answer to our LogoutRequest, not yet signed."""
    asked = n.parse(inflate(query_of(away.location)["SAMLRequest"]))
    return LogoutReply(SECOND.entity_id, house.url("/saml2/logout"), house.broker.clock.now(), asked.get("ID")).markup()


@pytest.mark.parametrize("binding", ["post", "redirect"])
def test_we_sign_out_at_the_identity_provider_and_then_return(house: House, binding: str) -> None:
    browser, _ = at_second(house)
    away = browser.get(house.logout_url("also", state="s2"))
    assert away.location.startswith("https://second.example/slo?")
    asked = query_of(away.location)
    assert asked.keys() >= {"SAMLRequest", "RelayState", "SigAlg", "Signature"}
    request = inflate(asked["SAMLRequest"]).decode()
    assert "alice@corp.example" in request
    assert "_idx" in request
    assert not known(house, browser), "our own session has ended already"
    markup = reply_to(house, away)
    if binding == "post":
        fields = {"SAMLResponse": form_value(posted(markup, SECOND.key)), "RelayState": asked["RelayState"]}
        back = browser.post(house.url("/saml2/logout"), fields)
    else:
        back = browser.get(f"{house.url('/saml2/logout')}?{redirected('SAMLResponse', markup, SECOND.key, asked['RelayState'])}")
    assert (back.status_code, back.location) == (303, f"{BYE}?state=s2")
    deliver(house)


def test_an_unsigned_answer_or_one_to_nothing_goes_nowhere(house: House) -> None:
    browser, _ = at_second(house)
    away = browser.get(house.logout_url("also"))
    fields = {"SAMLResponse": form_value(posted(reply_to(house, away), None)), "RelayState": query_of(away.location)["RelayState"]}
    assert browser.post(house.url("/saml2/logout"), fields).status_code == 400
    assert browser.post(house.url("/saml2/logout"), fields).status_code == 400
    made_up = {"SAMLResponse": form_value(posted(reply_to(house, away), SECOND.key)), "RelayState": "x"}
    assert browser.post(house.url("/saml2/logout"), made_up).status_code == 400
    deliver(house)


def logout_ask(house: House, **changes: Any) -> str:
    house.broker.clock.advance(seconds=1)
    unique = f"_lr{int(house.broker.clock.now().timestamp() * 1000)}"
    ask = {"session_indexes": ("_idx",), "message_id": unique, **changes}
    return LogoutAsk(SECOND.entity_id, house.url("/saml2/logout"), house.broker.clock.now(), **ask).markup()


def test_the_identity_provider_signs_its_user_out_here(house: House, receiver: Receiver) -> None:
    browser, tokens = at_second(house)
    other = house.broker.browser()
    house.grant(*house.sign_in(other, "also", "second", session_index="_else"))
    url = f"{house.url('/saml2/logout')}?{redirected('SAMLRequest', logout_ask(house), SECOND.key, 'idp-state')}"
    answer = house.broker.browser().get(url)
    assert answer.location.startswith("https://second.example/slo?")
    said = query_of(answer.location)
    assert said["RelayState"] == "idp-state"
    assert b"Success" in inflate(said["SAMLResponse"])
    assert "Signature" in said
    assert not known(house, browser, "also")
    assert known(house, other, "also"), "another session of the same user, with another index"
    assert house.refresh(tokens["refresh_token"], "also").get_json()["error"] == "invalid_grant"
    assert deliver(house) == 1
    assert claims_of(receiver.got[0][1])["sid"] == claims_of(tokens["id_token"])["sid"]
    again = house.broker.browser().get(url)
    assert again.status_code == 400, "a replay"
    everywhere = redirected("SAMLRequest", logout_ask(house, session_indexes=()), SECOND.key)
    house.broker.browser().get(f"{house.url('/saml2/logout')}?{everywhere}")
    assert not known(house, other, "also")
    deliver(house)


# --- OpenID, both ways -------------------------------------------------------------------------------------------------------------------


def test_an_openid_provider_is_signed_out_of_and_sends_the_browser_back(house: House) -> None:
    browser = house.broker.browser()
    house.grant(*house.sign_in(browser, "linker", "op"))
    away = browser.get(house.logout_url("linker", state="s3"))
    assert away.location.startswith(f"{house.op.issuer}/logout?")
    asked = query_of(away.location)
    assert asked["post_logout_redirect_uri"] == house.url("/signedout")
    assert claims_of(asked["id_token_hint"])["aud"] == "client-1"
    assert not known(house, browser)
    back = browser.get(house.url("/signedout", state=asked["state"]))
    assert back.location == f"{BYE}?state=s3"
    assert browser.get(house.url("/signedout", state=asked["state"])).status_code == 400
    assert browser.get(house.url("/signedout")).status_code == 200


def test_an_openid_provider_signs_its_user_out_here(house: House) -> None:
    browser = house.broker.browser()
    tokens = house.grant(*house.sign_in(browser, "linker", "op"))
    token = house.op.logout_token(sid=None)
    reply = house.broker.browser().post(house.url("/oauth2/idplogout/op"), {"logout_token": token})
    assert (reply.status_code, reply.headers["Cache-Control"]) == (200, "no-store")
    assert not known(house, browser)
    assert house.refresh(tokens["refresh_token"], "linker").get_json()["error"] == "invalid_grant"


def test_the_applications_address_stays_with_us(house: House) -> None:
    """What goes upstream at sign-out is the request and its signature."""
    browser, _ = at_second(house)
    away = browser.get(house.logout_url("also"))
    assert "app.example" not in away.location
    assert "app.example" not in inflate(query_of(away.location)["SAMLRequest"]).decode()
    deliver(house)

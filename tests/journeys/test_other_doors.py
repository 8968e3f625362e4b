"""Other ways in: from the identity provider itself, through a link, through a hook; and doors that are closed at every step."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from werkzeug.test import TestResponse

from broker.directory import linking
from broker.errors import LinkRefused
from broker.flows.unlink import unlink
from broker.model.users import PendingLink, User
from tests.attacks.op.rig import SECRET, query_of
from tests.attacks.op.test_consent import agree, at_consent, fields_of
from tests.fakes.broker import POOL, REDIRECT, Browser, claims_of
from tests.fakes.saml_forge import HONEST, Attribute
from tests.journeys.house import HOOKED, OPEN_DOOR, SECOND, House
from tests.journeys.receiver import Receiver
from tests.journeys.test_signing_out import deliver

# --- IdP-initiated SAML ------------------------------------------------------------------------------------------------------------------


def uninvited(house: House, browser: Browser, relay: dict[str, str] | None = None, **answer: Any) -> TestResponse:
    """The identity provider posts an assertion that nobody asked for."""
    asked = house.broker.begin(house.broker.browser(), "uninvited", scope="openid", identity_provider="opendoor")[1]
    with house.at(OPEN_DOOR):
        fields = house.broker.saml_answer(asked, **{"in_response_to": None, **answer})
    state = {
        "identity_provider": "opendoor", "client_id": "uninvited", "redirect_uri": REDIRECT, "response_type": "code",
        "scope": "openid email", **(relay or {}),
    }  # fmt: skip
    return browser.post(house.url("/saml2/idpresponse"), fields | {"RelayState": urlencode(state, quote_via=quote)})


def test_a_sign_in_that_begins_at_the_identity_provider(house: House) -> None:
    browser = house.broker.browser()
    back = uninvited(house, browser)
    answer = query_of(back.location)
    assert back.location.startswith(REDIRECT)
    assert "state" not in answer
    form = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": REDIRECT}
    tokens = house.broker.token(form, "uninvited").get_json()
    assert claims_of(tokens["id_token"])["cognito:username"] == "opendoor_alice@corp.example"
    assert "nonce" not in claims_of(tokens["id_token"])
    assert "code" in query_of(house.broker.begin(browser, "uninvited", scope="openid", prompt="none")[1].location)
    house.sign_in(house.broker.browser(), "linker", "second")


REFUSED: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "an unknown client": ({"client_id": "nobody"}, {}),
    "a provider that does not allow it": ({"identity_provider": "corp", "client_id": "app"}, {}),
    "a provider of another client": ({"client_id": "app"}, {}),
    "another address": ({"redirect_uri": "https://evil.example"}, {}),
    "implicit": ({"response_type": "token"}, {}),
    "a wider scope": ({"scope": "openid profile"}, {}),
    "an answer to something": ({}, {"in_response_to": "_somebody_elses"}),
    "a public client": ({"client_id": "spa"}, {}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_and_one_that_may_not(house: House, name: str) -> None:
    relay, answer = REFUSED[name]
    browser = house.broker.browser()
    reply = uninvited(house, browser, relay, **answer)
    assert reply.status_code in {400, 404}
    assert not reply.headers.getlist("Set-Cookie")
    assert "code" in query_of(uninvited(house, browser).location)


def test_the_same_uninvited_answer_twice(house: House) -> None:
    fixed = {"response_id": "_twice_r", "assertion_id": "_twice_a"}
    assert "code" in query_of(uninvited(house, house.broker.browser(), **fixed).location)
    assert uninvited(house, house.broker.browser(), **fixed).status_code == 400


# --- linking -----------------------------------------------------------------------------------------------------------------------------


def user_of(house: House, tokens: dict[str, Any]) -> User:
    with house.broker.wired.store.unit() as unit:
        user = unit.users.get(POOL, claims_of(tokens["id_token"])["sub"])
    assert user is not None
    return user


def link(house: House, user: User, attribute: str, value: str, provider: str = "second") -> None:
    now = house.broker.clock.now()
    with house.broker.wired.store.unit() as unit:
        linking.link_for_user(unit, user, PendingLink(POOL, provider, attribute, value, user.sub, now))


def unlink_of(house: House, user: User, subject: str) -> None:
    with house.broker.wired.store.unit() as unit:
        pool = unit.pools.get(POOL, POOL)
    assert pool is not None
    unlink(house.broker.wired.kit, pool, user, "second", subject)


@pytest.mark.parametrize(("attribute", "value"), [("Cognito_Subject", "link1@second.example"), ("email", "link2@second.example")])
def test_an_administrator_links_an_identity_and_takes_it_back(house: House, attribute: str, value: str) -> None:
    attributes = (Attribute("email", (value,)), *HONEST[1:])
    first = house.grant(*house.sign_in(house.broker.browser(), "linker", name_id=f"owner-{attribute}"))
    owner = user_of(house, first)
    link(house, owner, attribute, value)
    linked = house.grant(*house.sign_in(house.broker.browser(), "linker", "second", name_id=value, attributes=attributes))
    told = claims_of(linked["id_token"])
    assert (told["sub"], told["cognito:username"]) == (owner.sub, owner.username)
    assert [(each["providerName"], each["primary"]) for each in told["identities"]] == [("corp", "true"), ("second", "false")]
    assert told["cognito:groups"] == [f"{POOL}_corp"], "a linked user is not put into the provider's group (spec A.4)"
    assert user_of(house, linked).attributes["email"] == value
    unlink_of(house, owner, value)
    assert house.refresh(linked["refresh_token"], "linker").get_json()["error"] == "invalid_grant"
    apart = house.grant(*house.sign_in(house.broker.browser(), "linker", "second", name_id=value, attributes=attributes))
    assert claims_of(apart["id_token"])["sub"] != owner.sub
    with pytest.raises(LinkRefused):
        unlink_of(house, owner, value)


def test_a_profile_that_is_unlinked_from_who_made_it_shuts_him_out_until_an_administrator_decides(house: House, receiver: Receiver) -> None:
    def sign_in(browser: Browser) -> dict[str, str]:
        _, sent = house.broker.begin(browser, "told", identity_provider="second")
        with house.at(SECOND):
            return query_of(house.broker.post_acs(browser, house.broker.saml_answer(sent, name_id="Maker")).location)

    browser = house.broker.browser()
    tokens = house.grant(*house.sign_in(browser, "told", "second", name_id="Maker"))
    owner = user_of(house, tokens)
    unlink_of(house, owner, "Maker")
    deliver(house)
    assert [path for path, token in receiver.got if claims_of(token)["sid"] == claims_of(tokens["id_token"])["sid"]] == ["/told"]
    assert "login_required" in house.broker.begin(browser, "told", prompt="none")[1].location
    for _ in range(2):
        refused = sign_in(house.broker.browser())
        assert (refused["error"], refused["error_description"]) == (
            "access_denied", "This sign-in is no longer connected to your account. Please ask your administrator.",
        )  # fmt: skip
    link(house, owner, "Cognito_Subject", "Maker")
    again = house.grant(*house.sign_in(house.broker.browser(), "told", "second", name_id="Maker"))
    assert claims_of(again["id_token"])["sub"] == owner.sub
    unlink_of(house, owner, "Maker")
    deliver(house)
    assert sign_in(house.broker.browser())["error"] == "access_denied"
    with house.broker.wired.store.unit() as unit:
        unit.users.delete(POOL, owner.sub)
    anew = house.grant(*house.sign_in(house.broker.browser(), "told", "second", name_id="Maker"))
    assert claims_of(anew["id_token"])["sub"] != owner.sub
    assert claims_of(anew["id_token"])["cognito:username"] == owner.username


def test_links_that_are_refused(house: House) -> None:
    owner = user_of(house, house.grant(*house.sign_in(house.broker.browser(), "linker", name_id="many-links")))
    other = user_of(house, house.grant(*house.sign_in(house.broker.browser(), "linker", name_id="other-links")))
    house.sign_in(house.broker.browser(), "linker", "second", name_id="Has-A-Profile")
    with pytest.raises(LinkRefused, match="signed in before"):
        link(house, owner, "Cognito_Subject", "Has-A-Profile")
    link(house, owner, "Cognito_Subject", "promised")
    with pytest.raises(LinkRefused):
        link(house, other, "Cognito_Subject", "promised")
    for number in range(5):
        link(house, owner, "Cognito_Subject", f"more-{number}")
        house.sign_in(house.broker.browser(), "linker", "second", name_id=f"more-{number}")
    with pytest.raises(LinkRefused, match="too many"):
        link(house, owner, "Cognito_Subject", "one-more")


# --- hooks -------------------------------------------------------------------------------------------------------------------------------


def hooked(house: House, provider: str = "corp", **answer: Any) -> dict[str, Any]:
    return house.grant(*house.sign_in(house.broker.browser(), "hooked", provider, HOOKED, **answer), HOOKED)


def test_a_hook_changes_claims_groups_and_scopes_and_not_what_is_ours(house: House) -> None:
    tokens = hooked(house)
    identity = house.verified(tokens["id_token"], "hooked", HOOKED)
    assert identity["plan"] == {"name": "gold"}
    assert identity["trigger"] == "TokenGeneration_HostedAuth"
    assert "given_name" not in identity
    assert identity["cognito:groups"] == ["hooked"]
    assert identity["sub"] != "evil"
    access = house.verified(tokens["access_token"], pool=HOOKED)
    assert (access["plan"], access["scope"]) == ("gold", "openid email extra")
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    refreshed = house.broker.token(form, "hooked", pool=HOOKED).get_json()
    assert claims_of(refreshed["id_token"])["trigger"] == "TokenGeneration_RefreshTokens"
    url = house.url("/oauth2/introspect", HOOKED)
    headers = {"Authorization": "Basic " + base64.b64encode(f"hooked:{SECRET}".encode()).decode()}
    told = house.broker.browser().post(url, {"token": tokens["access_token"]}, headers=headers).get_json()
    assert told["active"] is True, "a hook's claim of that name does not speak for us"


def test_a_hook_replaces_what_a_provider_sent(house: House) -> None:
    tokens = hooked(house)
    with house.broker.wired.store.unit() as unit:
        user = unit.users.get(HOOKED, claims_of(tokens["id_token"])["sub"])
    assert user is not None
    assert user.attributes["given_name"] == "Replaced Alice"
    assert claims_of(hooked(house, "op")["id_token"])["name"] == "Ada Lovelace"


def test_a_hook_that_refuses(house: House) -> None:
    browser = house.broker.browser()
    _, sent = house.broker.begin(browser, "hooked", HOOKED, identity_provider="corp")
    fields = house.broker.saml_answer(sent, name_id="out", attributes=(Attribute("email", ("outside@corp.example",)),))
    back = house.broker.post_acs(browser, fields, HOOKED)
    assert query_of(back.location)["error"] == "invalid_request"
    assert query_of(back.location)["error_description"] == "InboundFederation failed with error nobody from outside."
    with house.broker.wired.store.unit() as unit:
        assert unit.users.by_username(HOOKED, "corp_out") is None
    flow, code = house.sign_in(
        house.broker.browser(), "hooked", "corp", HOOKED, name_id="no", attributes=(Attribute("email", ("refused@corp.example",)),)
    )
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": flow.verifier}
    reply = house.broker.token(form, "hooked", pool=HOOKED)
    assert reply.status_code == 400
    assert reply.get_json()["error_description"] == "PreTokenGeneration failed with error contractors stay outside."


# --- closed at every step ----------------------------------------------------------------------------------------------------------------


def closed_user(house: House, tokens: dict[str, Any]) -> Callable[[], object]:
    sub = claims_of(tokens["id_token"])["sub"]
    house.enable_user(sub, False)
    return lambda: house.enable_user(sub, True)


def closed_client(house: House, _: dict[str, Any]) -> Callable[[], object]:
    house.client("closing", enabled=False)
    return lambda: house.client("closing", enabled=True)


def closed_provider(house: House, _: dict[str, Any]) -> Callable[[], object]:
    house.provider("second", state="disabled")
    return lambda: house.provider("second", state="live")


@pytest.mark.parametrize("close", [closed_user, closed_client, closed_provider])
def test_a_door_that_closes_is_closed_at_every_step(house: House, close: Callable[[House, dict[str, Any]], Callable[[], object]]) -> None:
    browser = house.broker.browser()
    tokens = house.grant(*house.sign_in(browser, "closing", "second", name_id="closing"))
    flow, code = house.sign_in(browser, "closing", "second", name_id="closing")
    fresh = house.broker.browser()
    _, sent = house.broker.begin(fresh, "closing", identity_provider="second")
    with house.at(SECOND):
        fields = house.broker.saml_answer(sent, name_id="closing")
    _, to_chooser = house.broker.begin(house.broker.browser(), "closing")
    undo = close(house, tokens)
    try:
        silent = house.broker.begin(browser, "closing", prompt="none")[1]
        assert "code" not in query_of(silent.headers.get("Location", ""))
        back = house.broker.post_acs(fresh, fields)
        assert "code" not in query_of(back.headers.get("Location", ""))
        assert not any("cg-session" in line for line in back.headers.getlist("Set-Cookie"))
        assert house.broker.redeem(flow, code).status_code in {400, 401}
        assert house.refresh(tokens["refresh_token"], "closing").status_code in {400, 401}
        if close is not closed_provider:
            assert house.userinfo(tokens["access_token"]).status_code == 401
    finally:
        undo()
    assert "code" in query_of(house.broker.begin(browser, "closing", prompt="none")[1].location)
    assert house.refresh(tokens["refresh_token"], "closing").status_code == 200
    assert to_chooser.status_code == 303


def test_a_user_who_is_disabled_in_front_of_the_consent_page(house: House) -> None:
    browser = house.broker.browser()
    house.sign_in(browser)
    _, page = at_consent(house, browser, prompt="consent")
    with house.broker.wired.store.unit() as unit:
        user = unit.users.by_username(POOL, "corp_alice@corp.example")
    assert user is not None
    house.enable_user(user.sub, False)
    answer = agree(house, browser, fields_of(page) | {"agree": "yes"})
    house.enable_user(user.sub, True)
    target = answer.headers.get("Refresh", "").partition("url=")[2]
    assert query_of(target)["error"] == "access_denied"
    assert query_of(target)["error_description"] == "User is not enabled."

"""What an app may ask of a sign-in: prompts, age, hints, languages, pushed requests, consent."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.attacks.op.rig import SECRET, query_of
from tests.attacks.op.test_consent import agree, at_consent, fields_of
from tests.fakes.broker import POOL, REDIRECT, Browser, claims_of
from tests.journeys.house import House

CHALLENGE = {"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}


def where(house: House, browser: Browser, client_id: str = "app", **params: str) -> str:
    """Where authorize sends the browser: `app`, `login`, `consent`, or the provider's host."""
    location = house.broker.begin(browser, client_id, **params)[1].location
    parts = urlsplit(location)
    return (
        "app" if location.startswith(REDIRECT) else parts.path.rpartition("/")[2] if parts.netloc.startswith("localhost") else parts.netloc
    )


@pytest.mark.parametrize(
    ("params", "stranger", "known"),
    [
        ({}, "login", "app"),
        ({"prompt": "none"}, "app", "app"),
        ({"prompt": "login"}, "login", "login"),
        ({"prompt": "select_account"}, "login", "login"),
        ({"prompt": "login select_account"}, "login", "login"),
        ({"prompt": "consent"}, "login", "app"),
        ({"max_age": "0"}, "login", "login"),
        ({"max_age": "3000"}, "login", "app"),
        ({"identity_provider": "corp"}, "idp.example", "app"),
        ({"identity_provider": "corp", "prompt": "login"}, "idp.example", "idp.example"),
        ({"login_hint": "somebody@nowhere.example"}, "login", "app"),
    ],
)
def test_prompts_and_hints(house: House, params: dict[str, str], stranger: str, known: str) -> None:
    assert where(house, house.broker.browser(), **params) == stranger
    assert where(house, house.signed_in(), **params) == known


def test_one_provider_is_shown_where_the_app_wants_a_choice(house: House) -> None:
    assert where(house, house.broker.browser(), "reader", scope="openid") == "idp.example"
    assert where(house, house.broker.browser(), "reader", scope="openid", prompt="select_account") == "login"


def test_an_identifier_or_an_address_finds_the_provider(house: House) -> None:
    for params in ({"idp_identifier": "second.example"}, {"idp_identifier": "SECOND.example"}, {"login_hint": "eve@Second.Example"}):
        assert where(house, house.broker.browser(), "linker", **params) == "second.example"
    assert where(house, house.broker.browser(), "linker", login_hint="eve@other.example") == "login"
    assert where(house, house.broker.browser(), "linker", idp_identifier="other.example") == "app"


def test_a_session_ends_an_hour_after_the_sign_in_however_much_it_is_used(house: House) -> None:
    browser = house.signed_in()
    for _ in range(3):
        house.broker.clock.advance(minutes=19)
        assert where(house, browser, prompt="none") == "app"
    tokens = house.grant(*_silently(house, browser))
    assert claims_of(tokens["id_token"])["auth_time"] <= claims_of(tokens["id_token"])["iat"] - 57 * 60
    house.broker.clock.advance(minutes=4)
    assert "login_required" in house.broker.begin(browser, prompt="none")[1].location


def _silently(house: House, browser: Browser) -> tuple[object, str]:
    flow, back = house.broker.begin(browser, prompt="none")
    return flow, house.broker.code_of(flow, back)


def test_a_session_of_a_provider_that_another_client_does_not_have(house: House) -> None:
    browser = house.broker.browser()
    house.sign_in(browser, "linker", "op")
    assert where(house, browser, "linker") == "app"
    assert where(house, browser, "corponly", scope="openid") == "idp.example"
    assert "login_required" in house.broker.begin(browser, "corponly", scope="openid", prompt="none")[1].location


# --- languages ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lang", "ui_locales"])
def test_the_pages_speak_as_the_app_asks_and_remember_it(house: House, name: str) -> None:
    browser = house.broker.browser()
    _, sent = house.broker.begin(browser, **{name: "de-AT en"})  # type: ignore[arg-type]
    page = browser.get(sent.location)
    assert '<html lang="de"' in page.get_data(as_text=True)
    assert '<html lang="de"' in browser.get(house.url("/signedout")).get_data(as_text=True)
    _, english = house.broker.begin(browser, **{name: "en"})  # type: ignore[arg-type]
    assert '<html lang="en"' in browser.get(english.location).get_data(as_text=True)


def test_an_unknown_language_is_english_or_what_the_browser_accepts(house: House) -> None:
    browser = house.broker.browser()
    _, sent = house.broker.begin(browser, lang="tlh")
    assert '<html lang="en"' in browser.get(sent.location).get_data(as_text=True)
    german = browser.get(sent.location, headers={"Accept-Language": "de;q=0.9, en;q=0.1"})
    assert '<html lang="de"' in german.get_data(as_text=True)


# --- pushed requests ---------------------------------------------------------------------------------------------------------------------


def push(house: House, **params: str) -> dict[str, str]:
    form = {"response_type": "code", "redirect_uri": REDIRECT, "scope": "openid", "state": "pushed", **CHALLENGE, **params}
    reply = house.post("/oauth2/par", form, f"app:{SECRET}")
    assert reply.status_code in {201, 400, 404}
    body: dict[str, str] = reply.get_json()
    return body


def use(house: House, browser: Browser, request_uri: str, client_id: str = "app", **more: str) -> tuple[int, dict[str, str]]:
    reply = browser.get(house.url("/oauth2/authorize", client_id=client_id, request_uri=request_uri, **more))
    return reply.status_code, query_of(reply.headers.get("Location", ""))


def test_a_pushed_request_is_used_once_and_what_stands_in_the_address_does_not_count(house: House) -> None:
    pushed = push(house)
    assert pushed["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert int(pushed["expires_in"]) == 90
    browser = house.signed_in()
    status, answer = use(house, browser, pushed["request_uri"], redirect_uri="https://evil.example", state="evil", scope="admin")
    assert (status, answer["state"]) == (303, "pushed")
    assert "code" in answer
    assert use(house, browser, pushed["request_uri"])[0] == 400


def test_a_pushed_request_lives_a_minute_and_a_half_and_is_its_clients(house: House) -> None:
    browser = house.signed_in()
    stolen = push(house)["request_uri"]
    assert use(house, browser, stolen, "rotating")[0] == 400
    assert use(house, browser, stolen)[0] == 400, "whoever shows it burns it"
    late = push(house)["request_uri"]
    house.broker.clock.advance(seconds=91)
    assert use(house, browser, late)[0] == 400
    assert use(house, browser, "urn:ietf:params:oauth:request_uri:made-up")[0] == 400


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"redirect_uri": "https://evil.example/cb"}, "invalid_request"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"response_type": "token"}, "unauthorized_client"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"client_id": "rotating"}, "invalid_request"),
    ],
)
def test_a_pushed_request_is_checked_when_it_is_pushed(house: House, params: dict[str, str], error: str) -> None:
    assert push(house, **params)["error"] == error


# --- consent -----------------------------------------------------------------------------------------------------------------------------


def test_a_partner_app_gets_what_its_user_agrees_to_and_asks_once(house: House) -> None:
    browser = house.broker.browser()
    house.sign_in(browser, name_id="somebody-new")
    flow, page = at_consent(house, browser)
    assert "Partner app" in page.get_data(as_text=True)
    answer = agree(house, browser, fields_of(page) | {"agree": "yes"}).headers["Refresh"]
    tokens = house.grant(flow, query_of(answer.partition("url=")[2])["code"])
    assert tokens["scope"] == "openid email profile"
    assert where(house, browser, "partner") == "app"
    assert where(house, browser, "partner", prompt="none") == "app"
    assert where(house, browser, "partner", prompt="consent") == "consent"
    assert POOL in house.url("")

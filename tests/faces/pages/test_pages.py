"""The hosted pages over a whole broker: who may see them, what they ask, and where an answer leads."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import TestResponse

from broker.faces.pages.views import grants
from broker.web import csrf
from tests.fakes.broker import POOL, TestBroker
from tests.fakes.setup import TOML

LOGIN = f"/{POOL}/login"
CONSENT = f"/{POOL}/consent"
EMAIL_FIRST = TOML.replace('name = "Test"', 'name = "Test"\nemail_first = true').replace(
    'name = "corp"\nkind', 'name = "corp"\nidentifiers = ["corp.example"]\nkind'
)


def started(folder: Path, toml: str) -> TestBroker:
    # The pages never call the OpenID provider, so nobody need be there.
    return TestBroker.start(folder, toml.replace("{issuer}", "http://127.0.0.1:9/op"))


# Each test brings its own browser; the brokers behind them are shared, since a start costs a second.


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> TestBroker:
    return started(tmp_path_factory.mktemp("buttons"), TOML)


@pytest.fixture(scope="module")
def email_broker(tmp_path_factory: pytest.TempPathFactory) -> TestBroker:
    return started(tmp_path_factory.mktemp("email"), EMAIL_FIRST)


def fields(page: TestResponse) -> dict[str, str]:
    """The hidden fields of a page's first form."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text.partition("</form>")[0])
    return {name: unescape(value) for name, value in found}


def onward(page: TestResponse) -> str:
    """Where a page goes on to by itself."""
    assert page.status_code == 200, page.text
    return page.headers["Refresh"].partition("url=")[2]


# --- the chooser -------------------------------------------------------------------------------------------------------------------------


def test_a_button_leads_to_its_provider(broker: TestBroker) -> None:
    browser = broker.browser()
    _, sent = broker.begin(browser)
    page = browser.get(sent.location)
    assert page.text.count('name="provider"') == 2
    answer = browser.post(LOGIN, {**fields(page), "provider": "corp"})
    assert onward(answer).startswith("https://idp.example/")
    assert "form-action 'self'" in answer.headers["Content-Security-Policy"]


def test_a_login_belongs_to_its_browser(broker: TestBroker) -> None:
    browser, stranger = broker.browser(), broker.browser()
    _, sent = broker.begin(browser)
    assert stranger.get(sent.location).status_code == 400
    page = browser.get(sent.location)
    assert stranger.post(LOGIN, {**fields(page), "provider": "corp"}).status_code == 400


@pytest.mark.parametrize(
    "change",
    [
        {"csrf": ""},
        {"csrf": "wrong"},
        {"csrf": csrf.token("another browser's", "login")},
        {"login": ""},
        {"login": "nobody's"},
        {"login": "x" * 5000},
        {"provider": "nobody"},
        {"provider": "x" * 5000},
        {"provider": "corp\x00"},
    ],
)
def test_a_form_that_is_not_ours_is_refused(broker: TestBroker, change: dict[str, str]) -> None:
    """Rows OA-B5 and OA-B6."""
    browser = broker.browser()
    _, sent = broker.begin(browser)
    page = browser.get(sent.location)
    answer = browser.post(LOGIN, {**fields(page), "provider": "corp", **change})
    assert 400 <= answer.status_code < 500
    assert browser.post(LOGIN, {**fields(page), "provider": "corp"}).status_code == 200, "nothing was spoiled"


def test_a_form_of_another_login_in_the_same_browser_is_refused(broker: TestBroker) -> None:
    browser = broker.browser()
    pages = [browser.get(broker.begin(browser)[1].location) for _ in range(2)]
    one, other = (fields(page) for page in pages)
    assert browser.post(LOGIN, {**one, "csrf": other["csrf"], "provider": "corp"}).status_code == 400


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "multipart/form-data; boundary=x"])
def test_a_form_of_another_type_is_refused(broker: TestBroker, content_type: str) -> None:
    answer = broker.browser().client.post(LOGIN, base_url="http://localhost:8080", data="login=x", content_type=content_type)
    assert answer.status_code == 400


def test_a_doubled_field_is_refused(broker: TestBroker) -> None:
    browser = broker.browser()
    page = browser.get(broker.begin(browser)[1].location)
    assert browser.post(LOGIN, [*fields(page).items(), ("provider", "corp"), ("provider", "op")]).status_code == 400


def test_login_without_a_login_is_another_door_to_authorize(broker: TestBroker) -> None:
    answer = broker.browser().get(f"{LOGIN}?client_id=app&scope=openid%20email")
    assert answer.status_code == 303
    assert answer.location == f"{broker.issuer()}/oauth2/authorize?client_id=app&scope=openid%20email"
    assert broker.browser().get(LOGIN).status_code == 400


# --- e-mail first ------------------------------------------------------------------------------------------------------------------------


def test_an_address_finds_its_provider(email_broker: TestBroker) -> None:
    browser = email_broker.browser()
    page = browser.get(email_broker.begin(browser)[1].location)
    assert 'type="email"' in page.text
    assert 'value="corp"' not in page.text, "whom a company signs in with is not told to a stranger"
    assert 'value="op"' in page.text, "a way in that no address leads to keeps its button"
    assert onward(browser.post(LOGIN, {**fields(page), "email": "ada@Corp.Example"})).startswith("https://idp.example/")


@pytest.mark.parametrize(
    ("address", "words"), [("ada@elsewhere.example", "know the organization"), ("ada", "Enter your email"), ("", "Enter")]
)
def test_an_address_that_leads_nowhere_is_told_beside_the_field(email_broker: TestBroker, address: str, words: str) -> None:
    browser = email_broker.browser()
    page = browser.get(email_broker.begin(browser)[1].location)
    answer = browser.post(LOGIN, {**fields(page), "email": address})
    assert answer.status_code == 422
    assert words in unescape(answer.text)
    assert 'aria-invalid="true" aria-describedby="problem"' in answer.text
    assert f'value="{address}"' in answer.text
    assert onward(browser.post(LOGIN, {**fields(answer), "email": "ada@corp.example"}))


def test_what_somebody_typed_is_escaped(email_broker: TestBroker) -> None:
    browser = email_broker.browser()
    page = browser.get(email_broker.begin(browser)[1].location)
    answer = browser.post(LOGIN, {**fields(page), "email": '"><script>alert(1)</script>'})
    assert "<script>alert" not in answer.text


# --- consent -----------------------------------------------------------------------------------------------------------------------------


def consent_page(broker: TestBroker) -> tuple[object, TestResponse, str]:
    browser = broker.browser()
    flow, sent = broker.begin(browser, "partner", identity_provider="corp", prompt="consent")
    back = broker.post_acs(browser, broker.saml_answer(sent))
    assert back.status_code == 303, back.text
    assert urlsplit(back.location).path == CONSENT
    return browser, browser.get(back.location), flow.state


def test_agreeing_gives_a_code_and_is_remembered(broker: TestBroker) -> None:
    browser, page, state = consent_page(broker)
    assert "Partner app" in page.text
    location = onward(browser.post(CONSENT, {**fields(page), "agree": "yes"}))  # type: ignore[attr-defined]
    answer = parse_qs(urlsplit(location).query)
    assert answer["state"] == [state]
    assert "code" in answer
    _, again = broker.begin(browser, "partner")  # type: ignore[arg-type]
    assert "code=" in again.location


def test_disagreeing_tells_the_app(broker: TestBroker) -> None:
    browser, page, state = consent_page(broker)
    answer = parse_qs(urlsplit(onward(browser.post(CONSENT, {**fields(page), "agree": "no"}))).query)  # type: ignore[attr-defined]
    assert answer["error"] == ["access_denied"]
    assert answer["state"] == [state]
    assert answer["iss"] == [broker.issuer()]


@pytest.mark.parametrize("change", [{"csrf": ""}, {"csrf": "wrong"}, {"agree": "perhaps"}, {"agree": ""}, {"login": "nobody's"}])
def test_a_forged_consent_is_refused(broker: TestBroker, change: dict[str, str]) -> None:
    """Row OA-P1.20."""
    browser, page, _ = consent_page(broker)
    assert browser.post(CONSENT, {**fields(page), "agree": "yes", **change}).status_code == 400  # type: ignore[attr-defined]


def test_a_consent_counts_once(broker: TestBroker) -> None:
    """Row OA-P1.20: a replay."""
    browser, page, _ = consent_page(broker)
    form = {**fields(page), "agree": "yes"}
    assert browser.post(CONSENT, form).status_code == 200  # type: ignore[attr-defined]
    assert browser.post(CONSENT, form).status_code == 400  # type: ignore[attr-defined]


def test_a_consent_by_get_asks_again(broker: TestBroker) -> None:
    browser, page, _ = consent_page(broker)
    answer = browser.get(f"{CONSENT}?login={fields(page)['login']}&agree=yes&csrf={fields(page)['csrf']}")  # type: ignore[attr-defined]
    assert 'name="agree"' in answer.text


# --- signing out -------------------------------------------------------------------------------------------------------------------------


def signed_in(broker: TestBroker) -> object:
    browser = broker.browser()
    broker.saml_login(browser)
    return browser


def still_in(broker: TestBroker, browser: object) -> bool:
    return "code=" in broker.begin(browser, prompt="none")[1].location  # type: ignore[arg-type]


def test_an_exact_address_signs_out_at_once(broker: TestBroker) -> None:
    browser = signed_in(broker)
    answer = browser.get(f"/{POOL}/logout?client_id=app&logout_uri=https://app.example/bye")  # type: ignore[attr-defined]
    assert answer.status_code == 303
    assert answer.location == "https://app.example/bye"
    assert not still_in(broker, browser)


def test_without_proof_it_asks_first(broker: TestBroker) -> None:
    browser = signed_in(broker)
    page = browser.get(f"/{POOL}/logout")  # type: ignore[attr-defined]
    assert page.status_code == 200
    assert still_in(broker, browser)
    for forged in ({}, {"csrf": "wrong"}):
        browser.post(f"/{POOL}/logout", forged)  # type: ignore[attr-defined]
        assert still_in(broker, browser)
    answer = browser.post(f"/{POOL}/logout", fields(page))  # type: ignore[attr-defined]
    assert answer.status_code == 303
    assert urlsplit(answer.location).path == f"/{POOL}/signedout"
    assert not still_in(broker, browser)


def test_nobody_signed_in_is_not_asked(broker: TestBroker) -> None:
    answer = broker.browser().get(f"/{POOL}/logout")
    assert urlsplit(answer.location).path == f"/{POOL}/signedout"


@pytest.mark.parametrize("query", ["client_id=app&logout_uri=https://evil.example/", "client_id=nobody&logout_uri=https://app.example/bye"])
def test_an_unknown_address_is_never_gone_to(broker: TestBroker, query: str) -> None:
    answer = broker.browser().get(f"/{POOL}/logout?{query}")
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert "evil.example" not in answer.text


def test_an_app_that_posts_is_read_again_as_a_get(broker: TestBroker) -> None:
    """Its POST comes from another site, without the session's Lax cookie."""
    answer = broker.browser().post(f"/{POOL}/logout", {"client_id": "app", "post_logout_redirect_uri": "https://app.example/bye"})
    assert answer.status_code == 303
    assert urlsplit(answer.location).path == f"/{POOL}/logout"


# --- pages by address --------------------------------------------------------------------------------------------------------------------


def test_the_error_page_says_our_words_only(broker: TestBroker) -> None:
    """Row OA-P1.22."""
    known = broker.browser().get(f"/{POOL}/error?error=redirect_mismatch&client_id=%3Cscript%3E")
    assert known.status_code == 400
    assert "not registered" in known.text
    invented = broker.browser().get(f"/{POOL}/error?error=Call+0800+1234&error_description=now")
    assert "0800" not in invented.text


@pytest.mark.parametrize("path", ["login?login=x", "consent?login=x", "signedout", "error", "logout", "nothing"])
def test_no_page_may_be_framed_or_kept(broker: TestBroker, path: str) -> None:
    """Rows OA-P1.25 and OA-P1.26."""
    headers = broker.browser().get(f"/{POOL}/{path}").headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_pages_speak_the_language_that_the_app_asks_for_and_remember_it(broker: TestBroker) -> None:
    browser = broker.browser()
    _, sent = broker.begin(browser, lang="de")
    assert "Weiter mit" in browser.get(sent.location).text
    assert "abgemeldet" in browser.get(f"/{POOL}/signedout").text


def test_consent_says_what_the_operator_calls_a_scope() -> None:
    known, own = grants(("openid", "email", "https://api.example/read"), {"https://api.example/read": "Read your trips"})
    assert known.words == "See your email address"
    assert (own.words, own.detail) == ("Read your trips", "https://api.example/read")

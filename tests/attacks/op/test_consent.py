"""OA-P1.20: a third-party client gets what its user agreed to on the screen, once, and nothing else."""

from __future__ import annotations

import re
from html import unescape

import pytest
from werkzeug.test import TestResponse

from broker.flows.consent import withdraw_consent
from tests.attacks.op.rig import POOL, World, query_of
from tests.fakes.broker import Browser, Flow


def at_consent(world: World, browser: Browser, client_id: str = "partner", **params: str) -> tuple[Flow, TestResponse]:
    """Signed in, in front of the consent page."""
    flow, sent = world.broker.begin(browser, client_id, identity_provider="corp", **params)
    if sent.location.startswith("https://idp"):
        sent = world.broker.post_acs(browser, world.broker.saml_answer(sent))
    assert "/consent?" in sent.location
    return flow, browser.get(sent.location)


def fields_of(page: TestResponse) -> dict[str, str]:
    html = page.get_data(as_text=True)
    found = re.findall(r'<input[^>]*name="([^"]*)"[^>]*value="([^"]*)"', html)
    return {unescape(name): unescape(value) for name, value in found}


@pytest.fixture
def browser(world: World) -> Browser:
    """A browser whose user has agreed to nothing yet."""
    made = world.broker.browser()
    world.code("app", made)
    with world.broker.wired.store.unit() as unit:
        user = unit.users.by_username(POOL, "corp_alice@corp.example")
    assert user is not None
    for client_id in ("partner", "shown"):
        withdraw_consent(world.broker.wired.kit, POOL, user.sub, client_id)
    return made


def agree(world: World, browser: Browser, form: dict[str, str], **headers: str) -> TestResponse:
    return browser.post(world.url("/consent"), form, headers=headers)


def test_p1_20_yes_gives_a_code_and_no_gives_none(world: World, browser: Browser) -> None:
    _, page = at_consent(world, browser)
    answer = agree(world, browser, fields_of(page) | {"agree": "no"})
    assert "access_denied" in answer.headers["Refresh"]
    assert "code=" not in answer.headers["Refresh"]
    _, page = at_consent(world, browser)
    answer = agree(world, browser, fields_of(page) | {"agree": "yes"})
    assert re.search(r"[?&]code=", answer.headers["Refresh"])


FORGED = {
    "no token": {"csrf": None},
    "empty token": {"csrf": ""},
    "wrong token": {"csrf": "x" * 43},
    "long token": {"csrf": "x" * 200},
}


@pytest.mark.parametrize("name", FORGED)
def test_p1_20_a_forged_yes(world: World, browser: Browser, name: str) -> None:
    _, page = at_consent(world, browser)
    form = {key: value for key, value in (fields_of(page) | {"agree": "yes"} | FORGED[name]).items() if value is not None}
    reason = "invalid_request" if name == "long token" else "login_expired"
    world.refuses(lambda: agree(world, browser, form), reason)
    honest(world, browser, page)


def honest(world: World, browser: Browser, page: TestResponse) -> None:
    assert re.search(r"[?&]code=", agree(world, browser, fields_of(page) | {"agree": "yes"}).headers["Refresh"])


def test_p1_20_a_token_of_another_login_of_the_same_browser(world: World, browser: Browser) -> None:
    _, narrow = at_consent(world, browser, scope="openid")
    _, wide = at_consent(world, browser, scope="openid email profile")
    mixed = fields_of(wide) | {"csrf": fields_of(narrow)["csrf"], "agree": "yes"}
    world.refuses(lambda: agree(world, browser, mixed), "login_expired")
    other_way = fields_of(narrow) | {"csrf": fields_of(wide)["csrf"], "agree": "yes"}
    world.refuses(lambda: agree(world, browser, other_way), "login_expired")
    honest(world, browser, wide)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_p1_20_a_yes_from_another_site(world: World, browser: Browser, site: str) -> None:
    _, page = at_consent(world, browser)
    form = fields_of(page) | {"agree": "yes"}
    world.refuses(lambda: agree(world, browser, form, **{"Sec-Fetch-Site": site}), "login_expired")
    honest(world, browser, page)


def test_p1_20_a_yes_of_another_browser(world: World, browser: Browser) -> None:
    _, page = at_consent(world, browser)
    stranger = world.signed_in()
    world.refuses(lambda: agree(world, stranger, fields_of(page) | {"agree": "yes"}), "login_other_browser")
    honest(world, browser, page)


def test_p1_20_a_yes_by_get_or_as_text(world: World, browser: Browser) -> None:
    _, page = at_consent(world, browser)
    form = fields_of(page) | {"agree": "yes"}
    before = world.rows()
    assert browser.get(world.url("/consent", **form)).status_code == 200
    text = "&".join(f"{name}={value}" for name, value in form.items())
    world.refuses(
        lambda: browser.client.post(f"/{POOL}/consent", base_url=browser.base, data=text, content_type="text/plain"), "invalid_request"
    )
    assert world.rows() == before
    honest(world, browser, page)


@pytest.mark.parametrize("answer", ["", "Yes", "maybe", "1"])
def test_p1_20_neither_yes_nor_no(world: World, browser: Browser, answer: str) -> None:
    _, page = at_consent(world, browser)
    world.refuses(lambda: agree(world, browser, fields_of(page) | {"agree": answer}), "invalid_request")
    honest(world, browser, page)


def test_p1_20_the_same_yes_twice(world: World, browser: Browser) -> None:
    _, page = at_consent(world, browser)
    honest(world, browser, page)
    world.refuses(lambda: agree(world, browser, fields_of(page) | {"agree": "yes"}), "login_unknown")


def test_p1_20_scopes_in_the_form_change_nothing(world: World, browser: Browser) -> None:
    flow, page = at_consent(world, browser, scope="openid")
    form = fields_of(page) | {"agree": "yes", "scopes": "openid email profile", "scope": "openid email profile"}
    answer = agree(world, browser, form).headers["Refresh"]
    reply = world.broker.redeem(flow, query_of(answer.partition("url=")[2])["code"]).get_json()
    assert reply["scope"] == "openid"
    _, again = at_consent(world, browser, scope="openid email")
    assert "email" in again.get_data(as_text=True)


def test_p1_20_more_scopes_ask_again_and_fewer_do_not(world: World, browser: Browser) -> None:
    _, page = at_consent(world, browser, scope="openid email")
    honest(world, browser, page)
    _, back = world.broker.begin(browser, "partner", scope="openid")
    assert "code" in query_of(back.location)
    _, back = world.broker.begin(browser, "partner", scope="openid email profile", prompt="none")
    assert query_of(back.location)["error"] == "consent_required"


def test_p1_20_the_name_of_a_client_is_text(world: World, browser: Browser) -> None:
    _, page = at_consent(world, browser, "shown")
    html = page.get_data(as_text=True)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html

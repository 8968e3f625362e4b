"""OA-P3.6: who may send a browser out, and where it goes afterwards."""

from __future__ import annotations

import pytest

from tests.attacks.op.rig import SESSION_COOKIE, World, query_of
from tests.attacks.op.test_authorize import forged_hints
from tests.attacks.op.test_bearer import elsewhere
from tests.attacks.op.test_consent import fields_of
from tests.fakes.broker import Browser

BYE = "https://app.example/bye"


def still_in(world: World, browser: Browser) -> bool:
    return "code" in query_of(world.broker.begin(browser, prompt="none")[1].location)


def test_p3_6_every_vouched_way_out(world: World) -> None:
    hint = world.tokens("many")["id_token"]
    ways: list[tuple[dict[str, str], str]] = [
        ({"client_id": "many", "logout_uri": BYE}, BYE),
        ({"client_id": "many", "post_logout_redirect_uri": BYE, "state": "a b&c"}, f"{BYE}?state=a%20b%26c"),
        ({"client_id": "many", "logout_uri": f"{BYE}?from=app", "state": "x"}, f"{BYE}?from=app&state=x"),
        ({"id_token_hint": hint, "post_logout_redirect_uri": BYE}, BYE),
        ({"id_token_hint": hint, "client_id": "many", "post_logout_redirect_uri": BYE}, BYE),
        ({"id_token_hint": hint}, world.url("/signedout")),
        ({"id_token_hint": hint, "state": "x"}, world.url("/signedout")),
    ]
    for query, target in ways:
        browser = world.signed_in()
        away = browser.get(world.url("/logout", **query))
        assert (away.status_code, away.location) == (303, target)
        assert not still_in(world, browser)


def test_p3_6_an_expired_hint_still_vouches(world: World) -> None:
    hint = world.tokens("many")["id_token"]
    world.broker.clock.advance(days=2)
    browser = world.signed_in()
    assert browser.get(world.url("/logout", id_token_hint=hint, post_logout_redirect_uri=BYE)).location == BYE
    assert not still_in(world, browser)


ADDRESSES = [
    "https://evil.example/bye", BYE + "/", BYE + "?x=1", BYE + "#x", "https://app.example/cb", "https://app.example@evil.example/bye",
    "//app.example/bye", "javascript:alert(1)", "/bye", "https://rival.example/bye", "https://APP.example/bye",
    "https://app.example:443/bye",
]  # fmt: skip


@pytest.mark.parametrize("name", ["logout_uri", "post_logout_redirect_uri"])
def test_p3_6_an_address_that_is_not_registered(world: World, name: str) -> None:
    browser, hint = world.signed_in(), world.tokens("many")["id_token"]
    for address in ADDRESSES:
        for who in ({}, {"client_id": "many"}, {"id_token_hint": hint}, {"id_token_hint": hint, "client_id": "many"}):
            url = world.url("/logout", **who, **{name: address})
            world.refuses(lambda url=url: browser.get(url), "logout_mismatch", status=400)
    assert still_in(world, browser)


HINTS = ["alg none", "alg none, signature kept", "no signature", "bent", "access token", "nonsense", "own key"]


def test_p3_6_a_hint_that_is_not_ours(world: World) -> None:
    browser, forged = world.signed_in(), forged_hints(world)
    for name in HINTS:
        for who in ({}, {"client_id": "many"}):
            url = world.url("/logout", id_token_hint=forged[name], post_logout_redirect_uri=BYE, **who)
            world.refuses(lambda url=url: browser.get(url), "invalid_request", status=400)
    assert still_in(world, browser)


def test_p3_6_the_hint_of_another_client_or_pool(world: World) -> None:
    browser = world.signed_in()
    other = world.tokens("rival", scope="openid")["id_token"]
    named = {"id_token_hint": other, "client_id": "many", "post_logout_redirect_uri": BYE}
    world.refuses(lambda: browser.get(world.url("/logout", **named)), "invalid_request", status=400)
    alone = {"id_token_hint": other, "post_logout_redirect_uri": BYE}
    world.refuses(lambda: browser.get(world.url("/logout", **alone)), "logout_mismatch", status=400)
    foreign = {"id_token_hint": elsewhere(world)["id_token"]}
    world.refuses(lambda: browser.get(world.url("/logout", **foreign)), "invalid_request", status=400)
    assert still_in(world, browser)


def test_p3_6_the_hint_of_another_user_ends_nothing(world: World) -> None:
    """An attacker's own token is a hint that verifies: it must not sign his victim out."""
    hint = world.tokens("many")["id_token"]
    browser = world.broker.browser()
    world.broker.saml_login(browser, name_id="victim@corp.example")
    before = world.rows()
    away = browser.get(world.url("/logout", id_token_hint=hint, post_logout_redirect_uri=BYE))
    assert away.location == BYE
    assert not away.headers.getlist("Set-Cookie")
    assert world.rows() == before
    assert world.audit()[-1]["reason"] == "hint_of_other_user"
    assert still_in(world, browser)


@pytest.mark.parametrize("query", [{}, {"client_id": "many"}, {"state": "x"}, {"client_id": "many", "state": "x"}])
def test_p3_6_nothing_vouches_so_the_user_is_asked(world: World, query: dict[str, str]) -> None:
    browser = world.signed_in()
    page = browser.get(world.url("/logout", **query))
    assert page.status_code == 200
    assert still_in(world, browser)
    form = fields_of(page)
    for forged in ({"csrf": "x" * 43}, {"csrf": ""}):
        world.refuses(lambda f=forged: browser.post(world.url("/logout"), form | f), "login_expired", status=400)
    stranger = world.signed_in()
    world.refuses(lambda: stranger.post(world.url("/logout"), form), "login_expired", status=400)
    cross = {"Sec-Fetch-Site": "cross-site"}
    world.refuses(lambda: browser.post(world.url("/logout"), form, headers=cross), "login_expired", status=400)
    assert still_in(world, browser)
    assert browser.post(world.url("/logout"), form).status_code == 303
    assert not still_in(world, browser)


def test_p3_6_a_post_of_the_application_is_read_as_its_get(world: World) -> None:
    browser = world.signed_in()
    again = browser.post(world.url("/logout"), {"client_id": "many", "post_logout_redirect_uri": BYE})
    assert again.status_code == 303
    assert again.location.startswith(world.url("/logout"))
    assert still_in(world, browser)
    assert browser.get(again.location).location == BYE
    assert not still_in(world, browser)


@pytest.mark.parametrize("name", ["client_id", "logout_uri", "id_token_hint", "state", "post_logout_redirect_uri"])
def test_p3_6_a_doubled_parameter(world: World, name: str) -> None:
    browser = world.signed_in()
    url = world.url("/logout", client_id="many", logout_uri=BYE, state="x") + f"&{name}=a&{name}=b"
    world.refuses(lambda: browser.get(url), "invalid_request", status=400)
    assert still_in(world, browser)


def test_p3_6_unknown_clients_and_the_sign_in_style(world: World) -> None:
    browser = world.signed_in()
    world.refuses(lambda: browser.get(world.url("/logout", client_id="nobody", logout_uri=BYE)), "unknown_client", status=400)
    again = {"client_id": "many", "redirect_uri": "https://evil.example/cb", "response_type": "code"}
    asked = browser.get(world.url("/logout", **again))
    assert asked.status_code == 200
    assert still_in(world, browser)
    page = browser.post(world.url("/logout"), fields_of(asked))
    target = page.headers.get("Location") or page.headers["Refresh"].partition("url=")[2]
    world.refuses(lambda: browser.get(target), "redirect_mismatch", status=400)


def test_p3_6_the_cookie_goes_with_the_session(world: World) -> None:
    browser = world.signed_in()
    away = browser.get(world.url("/logout", client_id="many", logout_uri=BYE))
    assert any("cg-session." in cookie and "Max-Age=0" in cookie for cookie in away.headers.getlist("Set-Cookie"))
    assert not any(SESSION_COOKIE.match(cookie) for cookie in away.headers.getlist("Set-Cookie"))

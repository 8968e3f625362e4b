"""OA-P1.21 to P1.26: what every answer to a browser is like, whoever asks."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from tests.attacks.op.rig import OTHER_POOL, POOL, World, query_of
from tests.attacks.op.setup import OTHER_HOST, REDIRECT
from tests.attacks.op.test_consent import at_consent


def test_p1_21_a_session_of_one_pool_is_nobody_at_another(world: World) -> None:
    browser = world.signed_in()
    cookie = browser.client.get_cookie(f"cg-session.{POOL}", domain="localhost")
    assert cookie is not None
    for base in (world.broker.browser().base, f"http://{OTHER_HOST}:8080"):
        stranger = world.broker.browser(base)
        host = "localhost" if "localhost" in base else OTHER_HOST
        stranger.client.set_cookie(f"cg-session.{OTHER_POOL}", cookie.value, domain=host)
        act = _silent(stranger, base + (f"/{OTHER_POOL}" if host == "localhost" else ""))
        world.refuses(act, "login_required", "login_required")
    _, back = world.broker.begin(browser, prompt="none")
    assert "code" in query_of(back.location)


def _silent(browser: object, base: str) -> Callable[[], TestResponse]:
    query = (
        f"response_type=code&client_id=elsewhere&redirect_uri={quote(REDIRECT, safe='')}&scope=openid&prompt=none"
        "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
    )
    return lambda: browser.get(f"{base}/oauth2/authorize?{query}")  # type: ignore[attr-defined]


CANARIES = ['"><script>alert(1)</script>', "javascript:alert(1)", "'-alert(1)-'", "{{7*7}}", "%0d%0aSet-Cookie:%20x=y", "\u2028x"]


@pytest.mark.parametrize("canary", CANARIES)
def test_p1_22_what_the_app_says_is_only_ever_said_back_encoded(world: World, canary: str) -> None:
    browser = world.broker.browser()
    _, page = world.broker.begin(browser, state=canary, nonce=canary, login_hint=canary)
    chooser = browser.get(page.location)
    assert canary not in chooser.get_data(as_text=True)
    assert "49" not in re.findall(r">\s*(49)\s*<", chooser.get_data(as_text=True))
    _, back = world.broker.begin(browser, state=canary, prompt="none")
    assert query_of(back.location)["state"] == canary
    assert "\n" not in back.location
    assert "<" not in back.location
    for name in ("client_id", "redirect_uri"):
        _, error = world.broker.begin(browser, **{name: canary})  # type: ignore[arg-type]
        assert error.status_code == 400
        assert "alert(1)" not in error.get_data(as_text=True)


def test_p1_22_words_of_an_error_address_are_not_shown(world: World) -> None:
    page = world.broker.browser().get(world.url("/error", error="<b>x", error_description="call 0800 1234"))
    assert "0800" not in page.get_data(as_text=True)
    assert "<b>x" not in page.get_data(as_text=True)


def test_p1_23_iss_comes_with_every_answer(world: World) -> None:
    browser = world.broker.browser()
    cases = [
        ({"prompt": "none"}, "login_required"), ({"scope": "bad"}, "invalid_scope"), ({"response_type": "token"}, "unauthorized_client"),
        ({"code_challenge_method": "plain"}, "invalid_request"), ({"resource": "x"}, "invalid_target"),
    ]  # fmt: skip
    for params, error in cases:
        _, back = world.broker.begin(browser, **params)  # type: ignore[arg-type]
        assert (query_of(back.location)["error"], query_of(back.location)["iss"]) == (error, world.broker.issuer())
    _, sent = world.broker.begin(browser, identity_provider="corp")
    back = world.broker.post_acs(browser, world.broker.saml_answer(sent))
    assert query_of(back.location)["iss"] == world.broker.issuer()
    _, sent = world.broker.begin(browser, identity_provider="op", prompt="login")
    state = query_of(sent.location)["state"]
    denied = browser.get(world.url("/oauth2/idpresponse", error="access_denied", state=state, iss=world.op.issuer))
    assert query_of(denied.location)["error"] == "access_denied"
    assert query_of(denied.location)["iss"] == world.broker.issuer()
    document = browser.get(world.url("/.well-known/openid-configuration")).get_json()
    assert document["authorization_response_iss_parameter_supported"] is True


def pages(world: World) -> dict[str, TestResponse]:
    """One of every page that a stranger can see, and every redirect on the way."""
    browser = world.broker.browser()
    _, to_chooser = world.broker.begin(browser)
    chooser = browser.get(to_chooser.location)
    name = re.search(r'name="login" value="([^"]*)"', chooser.get_data(as_text=True)).group(1)  # type: ignore[union-attr]
    token = re.search(r'name="csrf" value="([^"]*)"', chooser.get_data(as_text=True)).group(1)  # type: ignore[union-attr]
    chosen = browser.post(world.url("/login"), {"login": name, "csrf": token, "provider": "corp"})
    _, sent = world.broker.begin(browser, identity_provider="corp")
    fields = world.broker.saml_answer(sent)
    bounce = world.broker.browser().post(world.url("/saml2/idpresponse"), fields)
    back = world.broker.post_acs(browser, fields)
    stranger = world.broker.browser()
    world.broker.saml_login(stranger, name_id="carol@corp.example")
    _, consent = at_consent(world, stranger, prompt="consent")
    return {
        "to chooser": to_chooser, "chooser": chooser, "chosen": chosen, "upstream": sent, "bounce": bounce, "to app": back,
        "consent": consent, "logout": browser.get(world.url("/logout")), "signed out": browser.get(world.url("/signedout")),
        "error": browser.get(world.url("/oauth2/authorize")), "404": browser.get(world.url("/nothing")),
        "405": browser.post(world.url("/oauth2/authorize"), {"client_id": "app"}),
    }  # fmt: skip


@pytest.fixture(scope="module")
def seen(running: World) -> dict[str, TestResponse]:
    return pages(running)


def test_p1_24_a_redirect_is_a_303(seen: dict[str, TestResponse], world: World) -> None:
    assert {response.status_code for response in seen.values()} <= {200, 303, 400, 404, 405}
    assert [name for name, response in seen.items() if response.status_code == 303] == ["to chooser", "upstream", "to app"]
    for path in ("/oauth2/authorize/", "/login/", "/oauth2//authorize", "/oauth2/./authorize", "/OAuth2/authorize"):
        assert world.broker.browser().get(world.url(path)).status_code == 404
    assert world.post("/oauth2//token", {"client_secret": "x"}).status_code == 404


def test_p1_25_no_answer_leaks_or_lingers(seen: dict[str, TestResponse]) -> None:
    for name, response in seen.items():
        assert response.headers["Referrer-Policy"] == "no-referrer", name
        assert response.headers["Cache-Control"] == "no-store", name
        assert response.headers["X-Content-Type-Options"] == "nosniff", name
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, name
        assert "unsafe" not in policy, name
        html = response.get_data(as_text=True)
        assert not re.findall(r'(?:src|href)="(?:https?:)?//(?!idp\.example)', html), name


def test_p1_26_no_page_can_be_framed(seen: dict[str, TestResponse]) -> None:
    for name, response in seen.items():
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"], name
        assert response.headers["X-Frame-Options"] == "DENY", name

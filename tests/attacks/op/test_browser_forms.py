"""OA-B5 to B8, B10, B12 to B14: forms, hosts, caches, windows, tabs, and the hop in front of us."""

from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import ParseException
from gunicorn.http.parser import RequestParser
from werkzeug.test import TestResponse

from broker.app import create_app
from broker.services import Services
from tests.attacks.op.rig import POOL, World, query_of
from tests.attacks.op.setup import OTHER_HOST
from tests.attacks.op.test_consent import fields_of
from tests.fakes.broker import Browser, claims_of


def chooser(world: World, browser: Browser) -> dict[str, str]:
    _, sent = world.broker.begin(browser)
    return {**fields_of(browser.get(sent.location)), "provider": "corp"}


def choose(world: World, browser: Browser, form: dict[str, str], **headers: str) -> TestResponse:
    return browser.post(world.url("/login"), form, headers=headers)


def test_b_5_the_choosers_form_is_its_own_browsers(world: World) -> None:
    browser, stranger = world.broker.browser(), world.broker.browser()
    form, others = chooser(world, browser), chooser(world, stranger)
    second = chooser(world, browser)
    for forged in ({"csrf": ""}, {"csrf": "x" * 43}, {"csrf": others["csrf"]}, {"csrf": second["csrf"]}):
        world.refuses(lambda f=forged: choose(world, browser, form | f), "login_expired", status=400)
    for site in ("cross-site", "same-site", "none"):
        world.refuses(lambda s=site: choose(world, browser, form, **{"Sec-Fetch-Site": s}), "login_expired", status=400)
    world.refuses(lambda: choose(world, stranger, form), "login_other_browser", status=400)
    for body, kind in (
        (f'{{"login": "{form["login"]}"}}', "text/plain"),
        ("{}", "application/json"),
        ("x", "multipart/form-data; boundary=x"),
    ):
        sent = {"path": f"/{POOL}/login", "base_url": browser.base, "data": body, "content_type": kind}
        world.refuses(lambda s=sent: browser.client.post(**s), "invalid_request", status=400)
    page = browser.get(world.url("/login", **form))
    assert "idp.example" not in page.get_data(as_text=True)
    assert "idp.example" in choose(world, browser, form).headers["Refresh"]


@pytest.mark.parametrize("provider", ["op2x", "opendoor", "closing", "../corp", "CORP"])
def test_b_5_a_button_that_was_not_on_the_page(world: World, provider: str) -> None:
    browser = world.broker.browser()
    form = chooser(world, browser) | {"provider": provider}
    reply = choose(world, browser, form)
    assert reply.status_code in {404, 422}
    assert "Refresh" not in reply.headers


@pytest.mark.parametrize("path", ["/link", "/mfa", "/changePassword", "/admin", "/console", "/passkeys/add"])
def test_b_5_doors_that_are_not_built_take_no_form(world: World, path: str) -> None:
    browser = world.signed_in()
    before = world.rows()
    assert browser.post(world.url(path), {"x": "y"}).status_code == 404
    assert world.rows() == before


def test_b_6_a_form_without_a_login_begun_here(world: World) -> None:
    """Login CSRF: an attacker's login and token, posted by his victim's browser."""
    attacker, victim = world.broker.browser(), world.broker.browser()
    form = chooser(world, attacker)
    world.refuses(lambda: choose(world, victim, form), "login_other_browser", status=400)
    chooser(world, victim)
    world.refuses(lambda: choose(world, victim, form), "login_other_browser", status=400)
    assert "idp.example" in choose(world, attacker, form).headers["Refresh"]


# --- B7: hosts ---------------------------------------------------------------------------------------------------------------------------

HOSTS = ["evil.example", "localhost.evil.example", "127.0.0.1:8080", "localhost:9999", f"x.{OTHER_HOST}"]
MALFORMED = [
    "", "localhost:8080.evil.example", "localhost:8080,evil.example", "user@localhost:8080", "localhost:8080/x", "localhost 8080", "[::1",
    "évil",
]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
def test_b_7_a_host_that_is_not_ours(world: World, host: str) -> None:
    def get() -> TestResponse:
        path = f"/{POOL}/.well-known/openid-configuration"
        return world.broker.browser().client.get(path, base_url="http://localhost:8080", headers={"Host": host})

    page = world.refuses(get, "unknown_host", status=421)
    assert "evil" not in page.get_data(as_text=True)


@pytest.mark.parametrize("host", MALFORMED)
def test_b_7_a_host_that_is_none(world: World, host: str) -> None:
    sent = {
        "path": f"/{POOL}/login",
        "base_url": "http://localhost:8080",
        "environ_overrides": {"HTTP_HOST": host.encode().decode("latin-1")},
    }
    world.refuses(lambda: world.broker.browser().client.get(**sent), "invalid_request", status=400)


FORWARDED = {
    "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "444", "X-Forwarded-Prefix": "/evil",
    "Forwarded": "host=evil.example;proto=https", "X-Original-URL": "/evil", "X-Rewrite-URL": "/evil", "X-Forwarded-Server": "evil.example",
    "X-Host": "evil.example",
}  # fmt: skip


@pytest.mark.parametrize("name", FORWARDED)
def test_b_7_forwarded_headers_of_a_stranger_change_nothing(world: World, name: str) -> None:
    browser, headers = world.broker.browser(), {name: FORWARDED[name]}
    document = browser.get(world.url("/.well-known/openid-configuration"), headers=headers).get_json()
    assert document == browser.get(world.url("/.well-known/openid-configuration")).get_json()
    get = browser.get
    browser.get = lambda url, **kwargs: get(url, headers=headers, **kwargs)  # type: ignore[method-assign]
    for provider in ("op", "corp"):
        _, sent = world.broker.begin(browser, identity_provider=provider)
        assert "evil" not in sent.location
        assert "https://localhost" not in sent.location


@pytest.mark.parametrize("target", ["http://evil.example/local_Test1/login", "//evil.example/login", "*", "evil.example:443"])
def test_b_7_a_target_in_absolute_form(world: World, target: str) -> None:
    sent = {"path": f"/{POOL}/signedout", "base_url": "http://localhost:8080", "environ_overrides": {"RAW_URI": target}}
    response = world.broker.browser().client.get(**sent)
    assert "evil" not in response.get_data(as_text=True)
    assert response.status_code == (200 if target.startswith("//") else 400)


def test_b_8_no_cache_keeps_what_a_person_saw(world: World) -> None:
    browser = world.signed_in()
    _, code_answer = world.broker.begin(browser)
    _, to_chooser = world.broker.begin(world.broker.browser())
    answers = [
        code_answer, to_chooser, *(browser.get(world.url(path)) for path in ("/logout", "/signedout", "/oauth2/authorize")),
        world.userinfo(world.tokens()["access_token"]), world.broker.token({"grant_type": "client_credentials"}, "machine"),
    ]  # fmt: skip
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Cookie" in answer.headers["Vary"]
        assert "ETag" not in answer.headers


def test_b_10_no_window_talks_to_another(world: World) -> None:
    """No page speaks to an opener or a frame, and the only script posts a form: there is no origin to check wrongly."""
    static = Path(__file__).parents[3] / "broker" / "faces" / "static"
    scripts = {path.name: path.read_text() for path in static.rglob("*.js")}
    assert scripts
    for name, text in scripts.items():
        for word in ("postMessage", "opener", "addEventListener", "location", "eval", "innerHTML", "parent"):
            assert word not in text, name
    page = world.broker.browser().get(world.url("/signedout"))
    assert "script-src" not in page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Frame-Options"] == "DENY"
    assert "target=" not in page.get_data(as_text=True)


def test_b_12_two_tabs_two_providers(world: World) -> None:
    browser = world.broker.browser()
    first, to_corp = world.broker.begin(browser, identity_provider="corp")
    second, to_op = world.broker.begin(browser, identity_provider="op")
    third, to_corp_again = world.broker.begin(browser, identity_provider="corp")
    saml, again = world.broker.saml_answer(to_corp), world.broker.saml_answer(to_corp_again)
    mixed = {**saml, "RelayState": again["RelayState"]}
    world.refuses(lambda: world.broker.post_acs(browser, mixed), "in_response_to_mismatch", status=400)
    back = browser.get(world.url("/oauth2/idpresponse", **dict(world.op.browse(to_op.location))))
    from_op = claims_of(world.broker.redeem(second, world.broker.code_of(second, back)).get_json()["id_token"])
    from_corp = [
        claims_of(world.broker.redeem(flow, world.broker.code_of(flow, world.broker.post_acs(browser, fields))).get_json()["id_token"])
        for flow, fields in ((third, again), (first, saml))
    ]
    assert from_op["cognito:username"] == "op_user-1"
    assert [each["cognito:username"] for each in from_corp] == ["corp_alice@corp.example"] * 2
    assert [each["nonce"] for each in (from_op, *from_corp)] == [flow.nonce for flow in (second, third, first)]


# --- B13: the hop in front ---------------------------------------------------------------------------------------------------------------

HEAD = "POST /local_Test1/oauth2/token HTTP/1.1\r\nHost: localhost\r\n"
SMUGGLED = {
    "both lengths": HEAD + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": HEAD + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    "length with a sign": HEAD + "Content-Length: +4\r\n\r\nabcd",
    "length in hex": HEAD + "Content-Length: 0x4\r\n\r\nabcd",
    "a blank before the colon": HEAD + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "an unknown coding": HEAD + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked is not last": HEAD + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunked twice": HEAD + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a folded header": HEAD + "X: a\r\n b\r\n\r\n",
    "a header without a name": HEAD + ": x\r\n\r\n",
    "a NUL": HEAD + "X: a\x00b\r\n\r\n",
    "a bare CR": HEAD + "X: a\rContent-Length: 4\r\n\r\nabcd",
    "an odd method": "po st / HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_b_13_our_server_takes_no_request_that_two_readers_could_read_differently(name: str) -> None:
    with pytest.raises(ParseException):
        read(SMUGGLED[name])
    good = HEAD + "Content-Length: 4\r\n\r\nabcd"
    assert read(good) == b"abcd"


def read(octets: str) -> bytes:
    """The body of the one request in these octets, as gunicorn reads them."""
    found: bytes = next(RequestParser(Config(), iter([octets.encode("latin-1")]), ("127.0.0.1", 1))).body.read()
    return found


@pytest.mark.parametrize("header", ["Host", "Authorization", "Content-Type", "Cookie"])
def test_b_13_a_doubled_header_that_a_server_has_joined(world: World, header: str) -> None:
    joined = {
        "Host": "localhost:8080,localhost:8080",
        "Authorization": "Basic eA==,Basic eA==",
        "Content-Type": "a/b, c/d",
        "Cookie": "a=b,c=d",
    }
    environ = {"HTTP_" + header.upper().replace("-", "_"): joined[header]}
    if header == "Content-Type":
        environ = {"CONTENT_TYPE": joined[header]}
    body = b"grant_type=client_credentials"
    response = world.broker.browser().client.post(
        f"/{POOL}/oauth2/token", base_url="http://localhost:8080", input_stream=BytesIO(body), content_length=len(body),
        content_type="application/x-www-form-urlencoded", environ_overrides=environ,
    )  # fmt: skip
    assert response.status_code in {400, 401}


# --- B14 ---------------------------------------------------------------------------------------------------------------------------------


class Broken:
    """Stands where the store should be, and is not one."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError("canary-in-a-stack-trace")


def test_b_14_a_fault_of_ours_shows_nothing_of_us(world: World) -> None:
    wired = world.broker.wired
    kit = replace(wired.kit, rates=Broken())  # type: ignore[arg-type]
    app = create_app(replace(wired, services=Services(kit, wired.services.access)))
    assert not app.debug
    assert not app.testing
    client = app.test_client()
    for path in ("/oauth2/authorize?client_id=app", "/oauth2/idpresponse?state=x"):
        page = client.get(f"/{POOL}{path}", base_url="http://localhost:8080")
        assert page.status_code == 500
        text = page.get_data(as_text=True)
        for word in ("canary-in-a-stack-trace", "Traceback", "RuntimeError", ".py"):
            assert word not in text
        assert page.headers["X-Request-Id"] in text
    for path in ("/console", "/debug", "/__debug__", "/?__debugger__=yes&cmd=resource&f=debugger.js", "/metrics"):
        response = world.broker.browser().get(f"http://localhost:8080{path}")
        assert response.status_code == 404
        assert not re.search(r"werkzeug|flask|gunicorn", str(response.headers) + response.get_data(as_text=True), re.I)
    assert "error" in query_of(world.broker.begin(world.broker.browser(), prompt="none")[1].location)

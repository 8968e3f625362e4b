"""OA-B1 to B4, B9: the session cookie is ours, new at each sign-in, under a name that nobody else can set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import Client, TestResponse

from tests.attacks.op.rig import POOL, World, query_of
from tests.fakes.broker import Browser, TestBroker
from tests.fakes.oidc_op import FakeOp
from tests.fakes.setup import TOML

SECURE = "https://sso.example"
NAME = f"cg-session.{POOL}"


class SecureBroker(TestBroker):
    """The same broker behind TLS, where cookies have their prefix."""

    __test__ = False

    def browser(self, base: str = SECURE) -> Browser:
        return Browser(self, base)

    def issuer(self, pool: str = POOL) -> str:
        return f"{SECURE}/{pool}"


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SecureBroker, FakeOp]]:
    with FakeOp() as op:
        toml = TOML.replace("http://localhost:8080", SECURE).replace("{issuer}", op.issuer)
        toml = toml.replace('scopes = ["openid", "email", "profile"]\nmapping', 'response_mode = "form_post"\nmapping')
        broker = SecureBroker.start(tmp_path_factory.mktemp("secure"), toml)
        assert isinstance(broker, SecureBroker)
        yield broker, op


def cookie_of(browser: Browser, name: str = NAME, domain: str = "localhost") -> str:
    found = browser.client.get_cookie(name, domain=domain)
    assert found is not None
    return found.value


def with_header(broker: TestBroker, header: str, **params: str) -> TestResponse:
    """A silent authorize of a browser that sends this very Cookie header."""
    browser = bare(broker)
    get = browser.get
    browser.get = lambda url, **kwargs: get(url, headers={"Cookie": header}, **kwargs)  # type: ignore[method-assign]
    return broker.begin(browser, **({"prompt": "none"} | params))[1]


def bare(broker: TestBroker) -> Browser:
    """A browser that keeps no cookies: what it sends is what a test says."""
    browser = broker.browser()
    browser.client = Client(broker.app, use_cookies=False)
    return browser


def test_b_1_a_sign_in_makes_a_new_session_whatever_the_browser_brought(world: World) -> None:
    fixed = cookie_of(world.signed_in())
    browser = world.broker.browser()
    browser.client.set_cookie(NAME, fixed, domain="localhost")
    world.broker.begin(browser, identity_provider="corp", prompt="login")
    world.code("app", browser, prompt="login")
    first = cookie_of(browser)
    assert first.split(".")[0] != fixed.split(".")[0]
    assert first.split(".")[1] != fixed.split(".")[1]
    world.code("app", browser, prompt="login")
    stepped_up = cookie_of(browser)
    assert stepped_up != first
    browser.get(world.url("/logout", client_id="app", logout_uri="https://app.example/bye"))
    assert browser.client.get_cookie(NAME, domain="localhost") is None
    assert query_of(with_header(world.broker, f"{NAME}={stepped_up}").location)["error"] == "login_required"


def test_b_1_the_handle_changes_once_the_upstream_has_answered(world: World) -> None:
    browser = world.broker.browser()
    _, sent = world.broker.begin(browser, "partner", identity_provider="corp", prompt="consent")
    fields = world.broker.saml_answer(sent)
    back = world.broker.post_acs(browser, fields)
    assert query_of(back.location)["login"] != fields["RelayState"]
    old = world.url("/consent", login=fields["RelayState"])
    world.refuses(lambda: browser.get(old), "login_unknown", status=400)


@pytest.mark.parametrize("path", ["/oauth2/authorize?client_id=app", "/logout?client_id=app"])
def test_b_2_two_cookies_of_one_name(world: World, path: str) -> None:
    mine = cookie_of(world.signed_in())
    for header in (f"{NAME}={mine}; {NAME}=x.y", f"{NAME}=x.y; {NAME}={mine}", f"{NAME}={mine}; {NAME}={mine}", f"{NAME}=; {NAME}={mine}"):
        act = lambda header=header: bare(world.broker).get(world.url(path), headers={"Cookie": header})  # noqa: E731
        if path.startswith("/oauth2"):
            act = lambda header=header: with_header(world.broker, header)  # noqa: E731
        world.refuses(act, "invalid_request", status=400)
    assert "code" in query_of(with_header(world.broker, f"{NAME}={mine}").location)


def test_b_2_two_login_cookies_of_one_name(world: World) -> None:
    browser = world.broker.browser()
    _, sent = world.broker.begin(browser, identity_provider="corp")
    name, value = sent.headers["Set-Cookie"].partition(";")[0].split("=", 1)
    fields = world.broker.saml_answer(sent)
    tossed = {"Cookie": f"{name}={value}; {name}=1.evil"}
    url = world.url("/saml2/idpresponse")
    world.refuses(lambda: bare(world.broker).post(url, fields, headers=tossed), "invalid_request", status=400)
    assert "code" in query_of(world.broker.post_acs(browser, fields).location)


def test_b_2_over_tls_every_cookie_has_its_prefix(secure: tuple[SecureBroker, FakeOp]) -> None:
    broker, _ = secure
    browser = broker.browser()
    _, chooser = broker.begin(browser)
    _, sent = broker.begin(browser, identity_provider="corp")
    back = broker.post_acs(browser, broker.saml_answer(sent))
    away = browser.get(f"{broker.issuer()}/logout?client_id=app&logout_uri=https://app.example/bye")
    lines = [line for response in (chooser, sent, back, away) for line in response.headers.getlist("Set-Cookie")]
    assert len(lines) >= 5
    for line in lines:
        assert line.startswith("__Host-cg-"), line
        for part in ("; Secure", "; HttpOnly", "; Path=/", "; SameSite="):
            assert part in line, line
        assert "Domain" not in line


PREFIXED = f"__Host-{NAME}"
DISGUISES = ["\u2000", "\u00a0", "\u0085", "\u3000", "\ufeff", "\x0b", "\x1f", "\xa0", "\x85", "%20", '"']


@pytest.mark.parametrize("disguise", DISGUISES)
def test_b_3_a_name_that_only_looks_like_ours(secure: tuple[SecureBroker, FakeOp], disguise: str) -> None:
    """As UTF-8 octets and as single ones; a trimming parser would take both for `__Host-`, which no browser then guards."""
    broker, _ = secure
    browser = broker.browser()
    broker.saml_login(browser)
    mine = cookie_of(browser, PREFIXED, "sso.example")
    octets = {disguise.encode().decode("latin-1")} | ({disguise} if ord(disguise[0]) < 256 else set())
    for prefix in octets:
        assert query_of(with_header(broker, f"{prefix}{PREFIXED}={mine}").location)["error"] == "login_required"
    for header in (f"$Version=1,{PREFIXED}={mine}", f'$Version=1; {PREFIXED}="{mine}"', f"x=1,{PREFIXED}={mine}", f"{NAME}={mine}"):
        assert query_of(with_header(broker, header).location)["error"] == "login_required"
    assert "code" in query_of(with_header(broker, f"{PREFIXED}={mine}").location)


def test_b_4_a_cookie_without_a_name(secure: tuple[SecureBroker, FakeOp]) -> None:
    broker, _ = secure
    browser = broker.browser()
    broker.saml_login(browser)
    mine = cookie_of(browser, PREFIXED, "sso.example")
    for header in (f"={PREFIXED}={mine}", f"=; ={PREFIXED}={mine}", f" ={PREFIXED}={mine}", f"==; {PREFIXED}"):
        assert query_of(with_header(broker, header).location)["error"] == "login_required"
    assert "code" in query_of(with_header(broker, f"={PREFIXED}=x; {PREFIXED}={mine}").location)


def test_b_9_nothing_in_a_cookie_is_signed_so_no_key_can_be_old(world: World) -> None:
    """A session is a random secret whose hash is kept: there is no SECRET_KEY to rotate, and a forger has nothing to sign."""
    assert world.broker.app.secret_key is None
    browser, other = world.signed_in(), world.signed_in()
    sid, secret = cookie_of(browser).split(".")
    forged = [
        f"{sid}.", f"{sid}.null", f"{sid}.{'A' * len(secret)}", f".{secret}", sid, f"{sid}.{cookie_of(other).split('.')[1]}",
        f"{sid}.{secret}.", f"{sid}.{secret}x", f"{sid.upper()}.{secret}", "null", "e30.e30", f"{sid}.{secret[:-1]}", "x" * 400,
    ]  # fmt: skip
    for value in forged:
        assert query_of(with_header(world.broker, f"{NAME}={value}").location)["error"] == "login_required", value
    flask = with_header(world.broker, "session=eyJ1c2VyIjoiYWxpY2UifQ.aaaa.bbbb")
    assert query_of(flask.location)["error"] == "login_required"
    assert "code" in query_of(with_header(world.broker, f"{NAME}={sid}.{secret}").location)


# --- OA-R3.11: an answer by POST from another site ---------------------------------------------------------------------------------------


def test_r3_11_a_form_post_has_a_cookie_of_its_own(secure: tuple[SecureBroker, FakeOp], tmp_path: Path) -> None:
    broker, op = secure
    browser = broker.browser()
    flow, sent = broker.begin(browser, identity_provider="op")
    line = sent.headers["Set-Cookie"]
    assert line.startswith("__Host-cg-login.")
    assert "SameSite=None" in line
    assert "Max-Age=600" in line
    pairs = dict(op.browse(sent.location))
    url = f"{broker.issuer()}/oauth2/idpresponse"
    stranger = broker.browser()
    bounced = stranger.post(url, pairs)
    assert bounced.status_code == 200
    assert 'name="crossgate_bounced"' in bounced.get_data(as_text=True)
    refused = stranger.post(url, pairs | {"crossgate_bounced": "1"})
    assert refused.status_code == 400
    assert op.hits("/token") == 0
    back = browser.post(url, pairs)
    assert "code" in query_of(back.location)
    assert "SameSite=Lax" in next(line for line in back.headers.getlist("Set-Cookie") if "cg-session" in line)
    assert broker.code_of(flow, back)

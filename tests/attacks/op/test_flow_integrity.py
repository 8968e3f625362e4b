"""OA-R3 as far as only the running broker can answer: a state is one login, in one browser, at one provider, while that is live."""

from __future__ import annotations

import base64
from collections.abc import Callable
from urllib.parse import quote, unquote, urlencode

import pytest
from werkzeug.test import TestResponse

from tests.attacks.op.rig import POOL, World, query_of
from tests.attacks.op.setup import OTHER_HOST, OTHER_POOL, REDIRECT
from tests.fakes.broker import Browser, Flow
from tests.fakes.oidc_op import FakeOp, SigningKey, sign

CALLBACK = "/oauth2/idpresponse"


def at_op(world: World, browser: Browser, name: str = "op", **params: str) -> tuple[Flow, TestResponse]:
    flow, sent = world.broker.begin(browser, "app", identity_provider=name, prompt="login", **params)
    assert sent.status_code == 303
    return flow, sent


def answered(world: World, sent: TestResponse, op: FakeOp | None = None) -> dict[str, str]:
    """What the provider sends back by way of the browser."""
    return dict((op or world.op).browse(sent.location))


def come_back(world: World, browser: Browser, pairs: dict[str, str] | list[tuple[str, str]]) -> TestResponse:
    return browser.get(f"{world.url(CALLBACK)}?{urlencode(pairs)}")


def honest(world: World) -> None:
    browser = world.broker.browser()
    flow, sent = at_op(world, browser)
    assert world.broker.code_of(flow, come_back(world, browser, answered(world, sent)))


# --- R3.1 --------------------------------------------------------------------------------------------------------------------------------


def test_r3_1_a_state_that_is_missing_wrong_doubled_or_long(world: World) -> None:
    browser = world.broker.browser()
    flow, sent = at_op(world, browser)
    pairs = answered(world, sent)
    del flow
    calls: list[tuple[dict[str, str] | list[tuple[str, str]], str]] = [
        ({name: value for name, value in pairs.items() if name != "state"}, "login_unknown"),
        (pairs | {"state": ""}, "login_unknown"),
        (pairs | {"state": "x"}, "login_unknown"),
        (pairs | {"state": pairs["state"] + "x"}, "login_unknown"),
        (pairs | {"state": pairs["state"][:-1]}, "login_unknown"),
        (pairs | {"state": "x" * 3000}, "invalid_request"),
        ([*pairs.items(), ("state", pairs["state"])], "invalid_request"),
        ([*pairs.items(), ("state", "x")], "invalid_request"),
    ]
    for sent_back, reason in calls:
        world.refuses(lambda p=sent_back: come_back(world, browser, p), reason, status=400)
    assert "code" in query_of(come_back(world, browser, pairs).location)


def test_r3_1_a_state_serves_once(world: World) -> None:
    browser = world.broker.browser()
    _, sent = at_op(world, browser)
    pairs = answered(world, sent)
    assert "code" in query_of(come_back(world, browser, pairs).location)
    world.refuses(lambda: come_back(world, browser, pairs), "login_unknown", status=400)


def test_r3_1_a_state_lives_five_minutes(world: World) -> None:
    for seconds, alive in ((290, True), (301, False)):
        browser = world.broker.browser()
        _, sent = at_op(world, browser)
        world.broker.clock.advance(seconds=seconds)
        pairs = answered(world, sent)
        if alive:
            assert "code" in query_of(come_back(world, browser, pairs).location)
        else:
            world.refuses(lambda b=browser, p=pairs: come_back(world, b, p), "login_unknown", status=400)


@pytest.mark.parametrize("signed_in", [True, False])
def test_r3_1_a_state_of_another_browser(world: World, signed_in: bool) -> None:
    browser, other = world.broker.browser(), world.signed_in() if signed_in else world.broker.browser()
    _, sent = at_op(world, browser)
    pairs = answered(world, sent)
    world.refuses(lambda: come_back(world, other, pairs), "login_other_browser", status=400)
    assert "code" in query_of(come_back(world, browser, pairs).location)


def test_r3_1_a_relay_state_likewise(world: World) -> None:
    browser, other = world.broker.browser(), world.broker.browser()
    _, sent = world.broker.begin(browser, identity_provider="corp")
    fields = world.broker.saml_answer(sent)
    for changed, reason in (({"RelayState": ""}, "login_unknown"), ({"RelayState": "x"}, "login_unknown")):
        world.refuses(lambda c=changed: world.broker.post_acs(browser, fields | c), reason, status=400)
    world.refuses(lambda: world.broker.post_acs(other, fields), "login_other_browser", status=400)
    assert "code" in query_of(world.broker.post_acs(browser, fields).location)
    world.refuses(lambda: world.broker.post_acs(browser, fields), "login_unknown", status=400)


# --- R3.2 --------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["op", "op2"])
def test_r3_2_a_state_of_one_provider_with_a_code_of_another(world: World, first: str) -> None:
    here, there = (world.op, world.op2) if first == "op" else (world.op2, world.op)
    browser = world.broker.browser()
    _, sent = at_op(world, browser, first)
    _, elsewhere = at_op(world, browser, "op2" if first == "op" else "op")
    pairs, foreign = answered(world, sent, here), answered(world, elsewhere, there)
    mixed = foreign | {"state": pairs["state"]}
    world.refuses(lambda: come_back(world, browser, mixed), "iss_mismatch", status=400)
    assert here.hits("/token") == there.hits("/token") == 0
    world.refuses(lambda: come_back(world, browser, pairs | {"state": foreign["state"]}), "iss_mismatch", status=400)
    assert "code" in query_of(come_back(world, browser, pairs).location)
    assert "code" in query_of(come_back(world, browser, foreign).location)


def test_r3_2_a_handle_at_the_door_of_another_kind(world: World) -> None:
    browser = world.broker.browser()
    _, sent = world.broker.begin(browser, identity_provider="corp")
    fields = world.broker.saml_answer(sent)
    wrong = {"code": "x", "state": fields["RelayState"], "iss": world.op.issuer}
    refused = come_back(world, browser, wrong)
    assert refused.status_code == 400
    assert "code" in query_of(world.broker.post_acs(browser, fields).location)
    _, sent = at_op(world, browser)
    pairs = answered(world, sent)
    assert world.broker.post_acs(browser, fields | {"RelayState": pairs["state"]}).status_code == 400
    assert "code" in query_of(come_back(world, browser, pairs).location)


def test_r3_2_a_state_at_another_pool_or_host(world: World) -> None:
    browser = world.broker.browser()
    _, sent = at_op(world, browser)
    pairs = answered(world, sent)
    for base in (world.url("", OTHER_POOL), f"http://{OTHER_HOST}:8080"):
        act: Callable[[], TestResponse] = lambda base=base: browser.get(f"{base}{CALLBACK}?{urlencode(pairs)}")  # noqa: E731
        world.refuses(act, "login_unknown", status=400)
    assert "code" in query_of(come_back(world, browser, pairs).location)


# --- R3.5 and R3.19 ----------------------------------------------------------------------------------------------------------------------


def test_r3_5_a_login_that_an_attacker_began_cannot_end_in_his_victims_browser(world: World) -> None:
    """Cross-user fixation: the victim opens the attacker's upstream address, signs in there, and is sent to our callback."""
    attacker, victim = world.broker.browser(), world.broker.browser()
    _, sent = at_op(world, attacker)
    world.op.user = {"sub": "victim", "email": "victim@example.com", "email_verified": True}
    pairs = answered(world, sent)
    world.refuses(lambda: come_back(world, victim, pairs), "login_other_browser", status=400)
    assert world.op.hits("/token") == 0


@pytest.mark.parametrize("path", ["/login", "/consent"])
def test_r3_5_a_page_of_an_attackers_login_opened_by_his_victim(world: World, path: str) -> None:
    attacker = world.broker.browser()
    _, to_chooser = world.broker.begin(attacker)
    handle = query_of(to_chooser.location)["login"]
    for victim in (world.broker.browser(), world.signed_in()):
        world.refuses(lambda v=victim: v.get(world.url(path, login=handle)), "login_other_browser", status=400)
    assert attacker.get(to_chooser.location).status_code == 200


@pytest.mark.parametrize("busy", [True, False])
def test_r3_19_an_attackers_finished_login_in_his_victims_browser(world: World, busy: bool) -> None:
    """Login CSRF: the answer for the attacker's account, delivered through the victim, who would then work in that account."""
    attacker, victim = world.broker.browser(), world.broker.browser()
    _, sent = at_op(world, attacker)
    pairs = answered(world, sent)
    if busy:
        at_op(world, victim)
    world.refuses(lambda: come_back(world, victim, pairs), "login_other_browser", status=400)
    _, sent = world.broker.begin(attacker, identity_provider="corp")
    fields = world.broker.saml_answer(sent)
    world.refuses(lambda: world.broker.post_acs(victim, fields), "login_other_browser", status=400)
    assert "code" in query_of(come_back(world, attacker, pairs).location)


# --- R3.13, R3.16, R3.17 -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "Forwarded"])
def test_r3_13_the_callback_is_ours_whatever_a_request_says(world: World, header: str) -> None:
    browser = world.broker.browser()
    if header != "Host":
        get = browser.get
        browser.get = lambda url, **kwargs: get(url, headers={header: "evil.example"}, **kwargs)  # type: ignore[method-assign]
        _, sent = at_op(world, browser)
        assert query_of(sent.location)["redirect_uri"] == world.url(CALLBACK)
    _, sent = at_op(world, world.broker.browser())
    pairs = answered(world, sent)
    poisoned = {"path": f"/{POOL}{CALLBACK}?{urlencode(pairs)}", "base_url": "http://localhost:8080", "headers": {"Host": "evil.example"}}
    world.refuses(lambda: world.broker.browser().client.get(**poisoned), "unknown_host", status=421)


def test_r3_16_each_provider_sees_its_own_secret(world: World) -> None:
    secrets = {"op": "a-secret-that-is-quite-long-enough", "op2": "another-secret-that-is-long-enough"}
    for name, op in (("op", world.op), ("op2", world.op2)):
        browser = world.broker.browser()
        _, sent = at_op(world, browser, name)
        assert "code" in query_of(come_back(world, browser, answered(world, sent, op)).location)
    for name, op in (("op", world.op), ("op2", world.op2)):
        seen = unquote("".join(f"{request.query}{request.body}{request.headers}{_basic(request.headers)}" for request in op.seen))
        assert secrets[name] in seen
        assert secrets["op2" if name == "op" else "op"] not in seen


def _basic(headers: dict[str, str]) -> str:
    value = headers.get("authorization", "")
    return base64.b64decode(value[6:]).decode() if value.startswith("Basic ") else ""


@pytest.mark.parametrize("name", ["op", "corp"])
@pytest.mark.parametrize("state", ["disabled", "draft", "unlisted"])
def test_r3_17_a_provider_that_is_closed_while_a_login_is_out(world: World, name: str, state: str) -> None:
    browser = world.broker.browser()
    _, sent = at_op(world, browser, name)
    answer = answered(world, sent) if name == "op" else world.broker.saml_answer(sent)
    back = (lambda: come_back(world, browser, answer)) if name == "op" else (lambda: world.broker.post_acs(browser, answer))
    if state == "unlisted":
        was = world.client("app", providers=("op2",))
    else:
        world.provider(name, state=state)
    try:
        world.refuses(back, "provider_unavailable", status=404)
        assert world.op.hits("/token") == 0
        begun = lambda: world.broker.begin(world.broker.browser(), identity_provider=name)[1]  # noqa: E731
        world.refuses(begun, "provider_unavailable", "invalid_request", touches=("outbound",))
    finally:
        if state == "unlisted":
            world.client("app", providers=was.providers)
        else:
            world.provider(name, state="live")
    assert "code" in query_of(back().location)


def test_r3_17_a_client_that_is_closed_while_a_login_is_out(world: World) -> None:
    browser = world.broker.browser()
    _, sent = world.broker.begin(browser, "retired", identity_provider="op")
    pairs = answered(world, sent)
    world.client("retired", enabled=False)
    try:
        world.refuses(lambda: come_back(world, browser, pairs), "client_unavailable", status=404)
    finally:
        world.client("retired", enabled=True)
    assert "code" in query_of(come_back(world, browser, pairs).location)


# --- R3.18 -------------------------------------------------------------------------------------------------------------------------------

PLACES = [
    "https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "https:evil.example", "javascript:alert(1)",
    "data:text/html,x", "/%0d%0aLocation:https://evil.example", "https://app.example@evil.example/", "／／evil.example", "/evil",
    "evil.example",
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_r3_18_no_address_in_a_relay_state_is_followed(world: World, place: str) -> None:
    browser = world.broker.browser()
    _, sent = world.broker.begin(browser, identity_provider="corp")
    fields = world.broker.saml_answer(sent)
    page = world.refuses(lambda: world.broker.post_acs(browser, fields | {"RelayState": place}), "login_unknown", status=400)
    assert "evil" not in page.get_data(as_text=True)
    back = browser.post(world.url("/saml2/idpresponse", next=place, return_to=place), fields | {"next": place, "TARGET": place})
    assert back.location.startswith(REDIRECT)


@pytest.mark.parametrize("place", PLACES)
def test_r3_18_nor_one_beside_a_state(world: World, place: str) -> None:
    browser = world.broker.browser()
    _, sent = at_op(world, browser)
    extra = answered(world, sent) | {"next": place, "return_to": place, "redirect_uri": place, "RelayState": place}
    assert come_back(world, browser, extra).location.startswith(REDIRECT)


@pytest.mark.parametrize("place", [*PLACES, REDIRECT + "/", "https://rival.example/cb"])
def test_r3_18_nor_one_in_an_uninvited_sign_in(world: World, place: str) -> None:
    """IdP-initiated: RelayState names the application's address, and it is held to the registered ones like any."""
    fields = uninvited(world, redirect_uri=place)
    page = world.refuses(lambda: world.broker.browser().post(world.url("/saml2/idpresponse"), fields), "redirect_mismatch", status=400)
    assert "evil" not in page.get_data(as_text=True)
    good = world.broker.browser().post(world.url("/saml2/idpresponse"), uninvited(world))
    assert good.location.startswith(f"{REDIRECT}?")
    assert "code" in query_of(good.location)


def uninvited(world: World, **changes: str) -> dict[str, str]:
    asked = world.broker.begin(world.broker.browser(), "uninvited", scope="openid", identity_provider="opendoor")[1]
    relay = {
        "identity_provider": "opendoor", "client_id": "uninvited", "redirect_uri": REDIRECT, "response_type": "code",
        "scope": "openid email", **changes,
    }  # fmt: skip
    fields = world.broker.saml_answer(asked, in_response_to=None)
    return fields | {"RelayState": urlencode(relay, quote_via=quote)}


# --- R3.20 -------------------------------------------------------------------------------------------------------------------------------


def test_r3_20_a_logout_token_serves_once_and_only_a_true_one_serves(world: World) -> None:
    browser = world.broker.browser()
    _, sent = at_op(world, browser)
    come_back(world, browser, answered(world, sent))
    token, other = world.op.logout_token(), SigningKey.make("x")

    def post(value: str, provider: str = "op") -> TestResponse:
        return world.broker.browser().post(world.url(f"/oauth2/idplogout/{provider}"), {"logout_token": value})

    head, body, _ = token.split(".")
    forged = {
        f"eyJhbGciOiJub25lIn0.{body}.": "logout_token_alg",
        sign({"alg": "RS256", "kid": world.op.key.kid}, {"iss": world.op.issuer}, other.key): "logout_token_signature",
        world.op.logout_token(aud="other"): "logout_token_aud",
        world.op.logout_token(iss="https://evil.example"): "logout_token_iss",
        world.op.logout_token(nonce="x"): "logout_token_nonce",
        world.op.logout_token(events=None): "logout_token_events",
        f"{head}.{body}.": "logout_token_signature",
    }
    for value, reason in forged.items():
        world.refuses(lambda v=value: post(v), reason, "invalid_request", status=400, touches=("outbound",))
    world.refuses(lambda: post(token, "op2"), "logout_token_signature", "invalid_request", touches=("outbound",))
    assert "code" in query_of(world.broker.begin(browser, prompt="none")[1].location)
    assert post(token).status_code == 200
    world.refuses(lambda: post(token), "response_replayed", "invalid_request", touches=("outbound",))
    world.refuses(lambda: world.broker.begin(browser, prompt="none")[1], "login_required", "login_required")

"""OA-P2.1 to P2.8: a code is worth one use, to one client, for a minute, with the proof it was asked with."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug.test import TestResponse

from broker.flows.logins import secret_hash
from broker.ports.transient import Absent
from tests.attacks.op.rig import OTHER_POOL, World
from tests.attacks.op.setup import LOOPBACK, REDIRECT
from tests.fakes.broker import SECRET, Flow, claims_of

REVOKES = ("families", "refresh_tokens", "events")


def honest(world: World, client_id: str = "app") -> None:
    flow, code = world.code(client_id)
    assert world.broker.redeem(flow, code).status_code == 200


@pytest.mark.parametrize("client_id", ["app", "rotating"])
def test_p2_1_a_code_used_twice_ends_what_the_first_use_made(world: World, client_id: str) -> None:
    flow, code = world.code(client_id, scope="openid")
    tokens = world.broker.redeem(flow, code).get_json()
    assert world.userinfo(tokens["access_token"]).status_code == 200
    world.refuses(lambda: world.broker.redeem(flow, code), "code_reused", "invalid_grant", touches=REVOKES)
    world.refuses(lambda: world.userinfo(tokens["access_token"]), "invalid_token", "invalid_token", status=401)
    refreshed = world.refuses(lambda: world.refresh(tokens["refresh_token"], client_id), "refresh_unknown", "invalid_grant")
    assert refreshed.status_code == 400
    honest(world, client_id)


def test_p2_1_also_when_the_second_is_somebody_else_or_late(world: World) -> None:
    flow, code = world.code()
    tokens = world.broker.redeem(flow, code).get_json()
    world.broker.clock.advance(minutes=10)
    thief = Flow(flow.state, flow.nonce, "x" * 43, "rival")
    world.refuses(lambda: world.broker.redeem(thief, code), "code_reused", "invalid_grant", touches=REVOKES)
    assert world.userinfo(tokens["access_token"]).status_code == 401


@pytest.mark.parametrize("days", [1, 29])
def test_p2_1_also_long_after_the_code_itself_is_forgotten(world: World, days: int) -> None:
    flow, code = world.code()
    tokens = world.broker.redeem(flow, code).get_json()
    world.broker.clock.advance(days=days)
    world.broker.wired.store.expire(world.broker.clock.now())
    assert world.refresh(tokens["refresh_token"]).status_code == 200
    assert world.broker.wired.kit.transient.take("code", secret_hash(code), world.broker.clock.now()) == Absent()
    world.refuses(lambda: world.broker.redeem(flow, code), "code_reused", "invalid_grant", touches=REVOKES)
    world.refuses(lambda: world.refresh(tokens["refresh_token"]), "refresh_unknown", "invalid_grant")
    world.refuses(lambda: world.broker.redeem(flow, code), "code_unknown", "invalid_grant")
    honest(world)


def test_p2_2_fifty_at_once(world: World) -> None:
    """One wins or none does, and whatever was given out ends with the reuse."""
    flow, code = world.code()
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda _: world.broker.redeem(flow, code), range(50)))
    counted = Counter(reply.status_code for reply in replies)
    assert counted.keys() <= {200, 400}
    assert counted[200] <= 1
    assert {reply.get_json()["error"] for reply in replies if reply.status_code == 400} == {"invalid_grant"}
    for reply in replies:
        if reply.status_code == 200:
            assert world.userinfo(reply.get_json()["access_token"]).status_code == 401
    honest(world)


def test_p2_3_a_code_in_other_hands_is_burned(world: World) -> None:
    for thief, pool in (("rival", "local_Test1"), ("spa", "local_Test1"), ("elsewhere", OTHER_POOL)):
        flow, code = world.code()
        stolen = _grant(flow, code)
        secret = None if thief == "spa" else SECRET
        act: Callable[[], TestResponse] = lambda s=stolen, t=thief, k=secret, p=pool: world.broker.token(s, t, k, p)  # noqa: E731
        world.refuses(act, "code_of_other_client", "invalid_grant")
        world.refuses(lambda f=flow, c=code: world.broker.redeem(f, c), "code_reused", "invalid_grant", touches=REVOKES)
    honest(world)


def _grant(flow: Flow, code: str) -> dict[str, str]:
    return {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": flow.verifier}


def test_p2_4_a_code_lives_a_minute(world: World) -> None:
    flow, code = world.code()
    world.broker.clock.advance(seconds=61)
    world.refuses(lambda: world.broker.redeem(flow, code), "code_unknown", "invalid_grant")
    flow, code = world.code()
    world.broker.clock.advance(seconds=55)
    assert world.broker.redeem(flow, code).status_code == 200


def test_p2_4_of_a_user_who_was_disabled_meanwhile(world: World) -> None:
    sub = claims_of(world.tokens()["id_token"])["sub"]
    flow, code = world.code()
    world.enable_user(sub, False)
    try:
        world.refuses(lambda: world.broker.redeem(flow, code), "user_disabled", "invalid_grant")
    finally:
        world.enable_user(sub, True)
    honest(world)


def test_p2_4_of_a_client_that_was_disabled_meanwhile(world: World) -> None:
    flow, code = world.code("retired")
    was = world.client("retired", enabled=False)
    world.refuses(lambda: world.broker.redeem(flow, code), "invalid_client", "invalid_client", status=401)
    world.client("retired", enabled=was.enabled)
    honest(world, "retired")


@pytest.mark.parametrize("state", ["disabled", "draft"])
def test_p2_4_of_a_provider_that_was_closed_meanwhile(world: World, state: str) -> None:
    browser = world.broker.browser()
    flow, sent = world.broker.begin(browser, "retired", identity_provider="closing")
    code = world.broker.code_of(flow, world.broker.post_acs(browser, world.broker.saml_answer(sent)))
    world.provider("closing", state=state)
    try:
        world.refuses(lambda: world.broker.redeem(flow, code), "provider_unavailable", "invalid_grant")
        back = world.refuses(lambda: world.broker.begin(browser, "retired", prompt="none")[1], "login_required", "login_required")
        assert "code" not in back.location
    finally:
        world.provider("closing", state="live")
    flow, back = world.broker.begin(browser, "retired")
    assert world.broker.code_of(flow, back)


def test_p2_4_after_the_session_was_signed_out(world: World) -> None:
    browser = world.broker.browser()
    flow, code = world.code("app", browser)
    browser.get(world.url("/logout", client_id="app", logout_uri="https://app.example/bye"))
    world.refuses(lambda: world.broker.redeem(flow, code), "session_ended", "invalid_grant")


@pytest.mark.parametrize("address", ["", LOOPBACK, REDIRECT + "/", "https://evil.example/cb"])
def test_p2_5_the_address_is_that_of_the_request(world: World, address: str) -> None:
    flow, code = world.code("many")
    reply = world.refuses(lambda: world.broker.redeem(flow, code, redirect_uri=address), "redirect_mismatch", "unauthorized_client")
    assert reply.get_json()["error_description"] == "invalid_redirect"
    world.refuses(lambda: world.broker.redeem(flow, code), "code_reused", "invalid_grant", touches=REVOKES)
    honest(world, "many")


VERIFIERS = {
    "P2.6 missing": "", "P2.6 wrong": "x" * 43, "P2.6 42": "x" * 42, "P2.6 129": "x" * 129, "P2.6 charset": "x" * 42 + "!",
    "P2.6 space": "x" * 42 + " ", "P2.6 unicode": "x" * 42 + "é", "P2.6 the challenge itself": "challenge",
}  # fmt: skip


@pytest.mark.parametrize("name", VERIFIERS)
@pytest.mark.parametrize("client_id", ["app", "spa"])
def test_p2_6_and_8_the_verifier_must_fit(world: World, name: str, client_id: str) -> None:
    secret = None if client_id == "spa" else SECRET
    flow, code = world.code(client_id, scope="openid")
    wrong = VERIFIERS[name]
    if wrong == "challenge":
        wrong = base64.urlsafe_b64encode(hashlib.sha256(flow.verifier.encode()).digest()).rstrip(b"=").decode()
    world.refuses(lambda: world.broker.redeem(flow, code, secret, code_verifier=wrong), "pkce_mismatch", "invalid_grant")
    flow, code = world.code(client_id, scope="openid")
    assert world.broker.redeem(flow, code, secret).status_code == 200


@pytest.mark.parametrize("length", [43, 128])
def test_p2_6_the_shortest_and_the_longest_verifier(world: World, length: int) -> None:
    verifier = "~._-" + "a" * (length - 4)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    flow, code = world.code(code_challenge=challenge)
    assert world.broker.redeem(flow, code, code_verifier=verifier).status_code == 200


def test_p2_7_a_verifier_without_a_challenge_is_a_downgrade(world: World) -> None:
    without = {"code_challenge": "", "code_challenge_method": "", "scope": "openid"}
    flow, code = world.code("corponly", **without)
    world.refuses(lambda: world.broker.redeem(flow, code), "invalid_request", "invalid_request")
    flow, code = world.code("corponly", **without)
    assert world.broker.redeem(flow, code, code_verifier="").status_code == 200

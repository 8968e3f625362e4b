"""OA-P2.12 to P2.14: a refresh token is one client's, once where it rotates, and ends with what it stands on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from broker.flows.consent import withdraw_consent
from broker.flows.unlink import unlink
from tests.attacks.op.rig import OTHER_POOL, POOL, World
from tests.attacks.op.test_code import REVOKES
from tests.attacks.op.test_consent import agree, at_consent, fields_of
from tests.fakes.broker import claims_of


def test_p2_12_a_retired_token_ends_the_family(world: World) -> None:
    first = world.tokens("rotating")
    second = world.refresh(first["refresh_token"], "rotating").get_json()
    third = world.refresh(second["refresh_token"], "rotating").get_json()
    assert len({each["refresh_token"] for each in (first, second, third)}) == 3
    world.refuses(lambda: world.refresh(first["refresh_token"], "rotating"), "refresh_reused", "invalid_grant", touches=REVOKES)
    world.refuses(lambda: world.refresh(third["refresh_token"], "rotating"), "refresh_unknown", "invalid_grant")
    assert world.userinfo(third["access_token"]).status_code == 401
    assert world.refresh(world.tokens("rotating")["refresh_token"], "rotating").status_code == 200


def test_p2_12_whoever_shows_it(world: World) -> None:
    first = world.tokens("rotating")
    second = world.refresh(first["refresh_token"], "rotating").get_json()
    world.refuses(lambda: world.refresh(first["refresh_token"], "rival"), "refresh_reused", "invalid_grant", touches=REVOKES)
    assert world.refresh(second["refresh_token"], "rotating").status_code == 400


def test_p2_12_rotation_does_not_prolong(world: World) -> None:
    token = world.tokens("rotating")["refresh_token"]
    for _ in range(2):
        world.broker.clock.advance(days=14)
        token = world.refresh(token, "rotating").get_json()["refresh_token"]
    world.broker.clock.advance(days=3)
    world.refuses(lambda: world.refresh(token, "rotating"), "refresh_unknown", "invalid_grant")


def test_p2_13_in_parallel_without_grace_one_wins_or_all_lose(world: World) -> None:
    token = world.tokens("rotating")["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: world.refresh(token, "rotating"), range(8)))
    won = [reply.get_json() for reply in replies if reply.status_code == 200]
    assert len(won) <= 1
    assert {reply.get_json()["error"] for reply in replies if reply.status_code != 200} == {"invalid_grant"}
    for each in won:
        assert world.refresh(each["refresh_token"], "rotating").status_code == 400
        assert world.userinfo(each["access_token"]).status_code == 401


def test_p2_13_a_lost_answer_may_be_asked_for_again_within_the_grace(world: World) -> None:
    token = world.tokens("graceful")["refresh_token"]
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda _: world.refresh(token, "graceful"), range(4)))
    assert {reply.status_code for reply in replies} == {200}
    world.broker.clock.advance(seconds=29)
    last = world.refresh(token, "graceful").get_json()["refresh_token"]
    world.broker.clock.advance(seconds=31)
    world.refuses(lambda: world.refresh(token, "graceful"), "refresh_reused", "invalid_grant", touches=REVOKES)
    assert world.refresh(last, "graceful").status_code == 400


def test_p2_13_without_rotation_the_token_stays(world: World) -> None:
    token = world.tokens()["refresh_token"]
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda _: world.refresh(token), range(4)))
    assert {reply.status_code for reply in replies} == {200}
    assert all("refresh_token" not in reply.get_json() for reply in replies)


@pytest.mark.parametrize(("thief", "pool"), [("many", POOL), ("rival", POOL), ("spa", POOL), ("elsewhere", OTHER_POOL)])
def test_p2_14_of_another_client(world: World, thief: str, pool: str) -> None:
    token = world.tokens()["refresh_token"]
    secret = {} if thief == "spa" else {"secret": "s" * 32}
    form = {"grant_type": "refresh_token", "refresh_token": token}
    act = lambda: world.broker.token(form, thief, secret.get("secret"), pool)  # noqa: E731
    world.refuses(act, "refresh_of_other_client", "invalid_grant")
    assert world.refresh(token).status_code == 200


@pytest.mark.parametrize("scope", ["openid email profile phone", "openid https://api.example/read", "OPENID", "admin"])
def test_p2_14_with_a_wider_scope(world: World, scope: str) -> None:
    token = world.tokens(scope="openid email")["refresh_token"]
    world.refuses(lambda: world.refresh(token, scope=scope), "invalid_scope", "invalid_scope")
    narrowed = world.refresh(token, scope="openid").get_json()
    assert claims_of(narrowed["access_token"])["scope"] == narrowed["scope"] == "openid"
    assert world.refresh(token).get_json()["scope"] == "openid email"


@pytest.mark.parametrize("wrong", ["", "x", "e30.e30.e30", "x" * 5000, "é" * 30])
def test_p2_14_what_was_never_issued(world: World, wrong: str) -> None:
    reason, error = ("refresh_unknown", "invalid_grant") if wrong else ("invalid_request", "invalid_request")
    world.refuses(lambda: world.refresh(wrong), reason, error)


def _disable_user(world: World, sub: str) -> Callable[[], object]:
    world.enable_user(sub, False)
    return lambda: world.enable_user(sub, True)


def _disable_client(world: World, _: str) -> Callable[[], object]:
    world.client("retired", enabled=False)
    return lambda: world.client("retired", enabled=True)


def _close_provider(world: World, _: str) -> Callable[[], object]:
    world.provider("corp", state="disabled")
    return lambda: world.provider("corp", state="live")


ENDS = {
    "user disabled": (_disable_user, "user_disabled", "invalid_grant"),
    "client disabled": (_disable_client, "invalid_client", "invalid_client"),
    "provider closed": (_close_provider, "provider_unavailable", "invalid_grant"),
}


@pytest.mark.parametrize("name", ENDS)
def test_p2_14_while_something_it_stands_on_is_disabled(world: World, name: str) -> None:
    tokens = world.tokens("retired")
    change, reason, error = ENDS[name]
    undo = change(world, claims_of(tokens["id_token"])["sub"])
    try:
        world.refuses(lambda: world.refresh(tokens["refresh_token"], "retired"), reason, error)
    finally:
        undo()
    assert world.refresh(tokens["refresh_token"], "retired").status_code == 200


def test_p2_14_after_logout_where_the_client_says_so(world: World) -> None:
    for client_id, ended in (("many", True), ("app", False)):
        browser = world.broker.browser()
        flow, code = world.code(client_id, browser)
        token = world.broker.redeem(flow, code).get_json()["refresh_token"]
        browser.get(world.url("/logout", client_id=client_id, logout_uri="https://app.example/bye"))
        if ended:
            act = lambda token=token, client_id=client_id: world.refresh(token, client_id)  # noqa: E731
            world.refuses(act, "refresh_unknown", "invalid_grant")
        else:
            assert world.refresh(token, client_id).status_code == 200


def test_p2_14_after_consent_was_withdrawn(world: World) -> None:
    browser = world.broker.browser()
    flow, page = at_consent(world, browser, prompt="consent")
    answer = agree(world, browser, fields_of(page) | {"agree": "yes"}).headers["Refresh"]
    code = answer.partition("code=")[2].partition("&")[0]
    tokens = world.broker.redeem(flow, code).get_json()
    other = world.tokens()["refresh_token"]
    withdraw_consent(world.broker.wired.kit, POOL, claims_of(tokens["id_token"])["sub"], "partner")
    world.refuses(lambda: world.refresh(tokens["refresh_token"], "partner"), "refresh_unknown", "invalid_grant")
    assert world.refresh(other).status_code == 200


def test_p2_14_after_the_identity_was_unlinked(world: World) -> None:
    browser = world.broker.browser()
    flow, code = world.broker.saml_login(browser, name_id="dora@corp.example")
    tokens = world.broker.redeem(flow, code).get_json()
    with world.broker.wired.store.unit() as unit:
        user = unit.users.get(POOL, claims_of(tokens["id_token"])["sub"])
        pool = unit.pools.get(POOL, POOL)
    assert user is not None
    assert pool is not None
    unlink(world.broker.wired.kit, pool, user, "corp", "dora@corp.example")
    world.refuses(lambda: world.refresh(tokens["refresh_token"]), "refresh_unknown", "invalid_grant")
    assert world.userinfo(tokens["access_token"]).status_code == 401
    act = lambda: world.broker.begin(browser, prompt="none")[1]  # noqa: E731
    world.refuses(act, "login_required", "login_required")


def test_p2_14_there_is_no_password_to_change_yet(world: World) -> None:
    """The variant of a changed password goes with the pool's own directory: until then no door takes one."""
    for path in ("/signup", "/forgotPassword", "/confirmForgotPassword", "/changePassword"):
        assert world.broker.browser().get(world.url(path)).status_code == 404
        with suppress(KeyError):
            assert world.broker.browser().post(world.url(path), {"password": "x"}).status_code == 404

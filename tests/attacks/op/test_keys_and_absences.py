"""OA-P3.5: the key set. OA-P3.7 to P3.11: what we do not offer is not there, and discovery does not promise it."""

from __future__ import annotations

import json

import pytest

from broker.tokens.rotate import KeyKeeper
from tests.attacks.op.rig import POOL, World
from tests.fakes.broker import claims_of

PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k", "x5c"}


def key_set(world: World) -> list[dict[str, str]]:
    found: list[dict[str, str]] = world.broker.browser().get(world.url("/.well-known/jwks.json")).get_json()["keys"]
    return found


def test_p3_5_the_key_set_shows_public_parts_alone(world: World) -> None:
    world.tokens()
    keys = key_set(world)
    assert len(keys) >= 2
    for key in keys:
        assert not PRIVATE & key.keys()
        assert key["use"] == "sig"
        assert key["kty"] != "oct"
    assert len({key["kid"] for key in keys}) == len(keys)


def test_p3_5_an_old_key_verifies_until_its_last_token_has_ended(world: World) -> None:
    keeper = KeyKeeper(world.broker.wired.store, world.broker.clock)
    token = world.tokens()["access_token"]
    kid = _kid(token)
    new = keeper.rotate(POOL, "access")
    world.broker.clock.advance(seconds=3)
    assert {kid, new} <= {key["kid"] for key in key_set(world)}
    assert world.userinfo(token).status_code == 200
    assert _kid(world.tokens()["access_token"]) == new
    world.broker.clock.advance(hours=26)
    keeper.run_due()
    world.broker.clock.advance(seconds=3)
    assert kid not in {key["kid"] for key in key_set(world)}


def test_p3_5_a_key_can_be_taken_out_at_once(world: World) -> None:
    keeper = KeyKeeper(world.broker.wired.store, world.broker.clock)
    token = world.tokens()["access_token"]
    assert keeper.revoke(POOL, _kid(token))
    world.broker.clock.advance(seconds=3)
    assert _kid(token) not in {key["kid"] for key in key_set(world)}
    world.refuses(lambda: world.userinfo(token), "invalid_token", "invalid_token", status=401)
    assert world.userinfo(world.tokens()["access_token"]).status_code == 200


def _kid(token: str) -> str:
    import base64

    head = token.split(".", maxsplit=1)[0]
    return str(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])


REGISTRATIONS = {
    "open redirect schemes": {"redirect_uris": ["javascript:alert(1)"]},
    "logo": {"redirect_uris": ["https://evil.example/cb"], "logo_uri": "{canary}"},
    "policy": {"policy_uri": "{canary}", "tos_uri": "javascript:alert(1)"},
    "jwks_uri": {"jwks_uri": "{canary}"},
    "software_statement": {"software_statement": "e30.e30.e30"},
    "plain": {"redirect_uris": ["https://evil.example/cb"]},
    "sector_identifier_uri": {"sector_identifier_uri": "{canary}", "subject_type": "pairwise"},
}


@pytest.mark.parametrize("name", REGISTRATIONS)
@pytest.mark.parametrize("path", ["/oauth2/register", "/register", "/connect/register", "/oauth2/registration", "/clients"])
def test_p3_7_and_8_nobody_registers_a_client(world: World, name: str, path: str) -> None:
    before, calls = world.rows(), world.outbound()
    body = json.dumps(REGISTRATIONS[name]).replace("{canary}", world.op.issuer + "/canary")
    reply = world.broker.browser().client.post(
        f"/{POOL}{path}", base_url="http://localhost:8080", data=body, content_type="application/json"
    )
    assert reply.status_code == 404
    assert (world.rows(), world.outbound()) == (before, calls)


def test_p3_7_to_11_discovery_promises_none_of_it(world: World) -> None:
    document = world.broker.browser().get(world.url("/.well-known/openid-configuration")).get_json()
    absent = {
        "registration_endpoint", "device_authorization_endpoint", "backchannel_authentication_endpoint", "check_session_iframe",
        "mtls_endpoint_aliases", "dpop_signing_alg_values_supported", "userinfo_signing_alg_values_supported",
        "frontchannel_logout_supported",
    }  # fmt: skip
    assert not absent & document.keys()
    assert document["subject_types_supported"] == ["public"]
    assert document["response_types_supported"] == ["code"]
    assert document["response_modes_supported"] == ["query"]


def test_p3_8_a_sub_says_nothing_of_the_person_and_is_the_same_for_every_client(world: World) -> None:
    here, there = claims_of(world.tokens()["id_token"]), claims_of(world.tokens("rival", scope="openid")["id_token"])
    assert here["sub"] == there["sub"]
    assert "alice" not in here["sub"]


@pytest.mark.parametrize("path", ["/device", "/oauth2/device", "/oauth2/device_authorization", "/activate", "/link"])
@pytest.mark.parametrize("code", ["ABCD-EFGH", "", "1"])
def test_p3_9_to_11_there_is_no_device_to_approve(world: World, path: str, code: str) -> None:
    """No user_code to guess (P3.9), none in a link to approve with one click (P3.10), and no switch for it (P3.11)."""
    browser = world.signed_in()
    before = world.rows()
    for _ in range(5):
        assert browser.get(world.url(path, user_code=code)).status_code == 404
        assert browser.post(world.url(path), {"user_code": code, "client_id": "spa"}).status_code == 404
    assert world.rows() == before

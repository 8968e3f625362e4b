"""What an app does with its tokens: redeem, show, refresh, revoke, ask about; machines and keys of other kinds."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import jwt
import pytest
from werkzeug.test import TestResponse

from tests.attacks.op.test_client_auth import TYPE, claims, signed
from tests.fakes.broker import POOL, SECRET, claims_of
from tests.fakes.saml_forge import HONEST, Attribute
from tests.journeys.house import House

KEPT = ("sub", "origin_jti", "event_id", "auth_time", "cognito:groups")


# --- PKCE and client authentication ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client_id", ["app", "spa", "corponly"])
def test_pkce_for_a_confidential_a_public_and_an_excused_client(house: House, client_id: str) -> None:
    secret = None if client_id == "spa" else SECRET
    assert "id_token" in house.tokens(client_id, secret, scope="openid email")


def test_an_excused_client_may_go_without(house: House) -> None:
    without = {"code_challenge": "", "code_challenge_method": "", "scope": "openid"}
    flow, code = house.code("corponly", **without)
    assert house.broker.redeem(flow, code, code_verifier="").status_code == 200


def test_a_secret_may_come_in_the_form(house: House) -> None:
    flow, code = house.code()
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": flow.redirect_uri, "code_verifier": flow.verifier,
        "client_id": "app", "client_secret": SECRET,
    }  # fmt: skip
    assert house.post("/oauth2/token", form).status_code == 200


def test_private_key_jwt_from_code_to_revocation(house: House) -> None:
    def prove() -> dict[str, str]:
        return {"client_id": "signed", "client_assertion_type": TYPE, "client_assertion": signed(house, claims(house))}

    flow, code = house.code("signed")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": flow.redirect_uri, "code_verifier": flow.verifier}
    tokens = house.post("/oauth2/token", form | prove()).get_json()
    assert house.verified(tokens["id_token"], "signed")["aud"] == "signed"
    refreshed = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert house.post("/oauth2/token", refreshed | prove()).status_code == 200
    assert house.post("/oauth2/introspect", {"token": tokens["access_token"]} | prove()).get_json()["active"] is True
    assert house.post("/oauth2/revoke", {"token": tokens["refresh_token"]} | prove()).status_code == 200
    assert house.post("/oauth2/introspect", {"token": tokens["access_token"]} | prove()).get_json() == {"active": False}


ALGS = [("app", "RS256", "sha256"), ("curved", "ES256", "sha256"), ("edwards", "EdDSA", "sha512")]


@pytest.mark.parametrize(("client_id", "alg", "digest"), ALGS)
def test_tokens_are_signed_as_the_client_wants_them(house: House, client_id: str, alg: str, digest: str) -> None:
    tokens = house.tokens(client_id)
    assert jwt.get_unverified_header(tokens["id_token"]).keys() == {"kid", "alg"}
    for kind, audience in (("id_token", client_id), ("access_token", None)):
        assert jwt.get_unverified_header(tokens[kind])["alg"] == alg
        assert house.verified(tokens[kind], audience)["iss"] == house.broker.issuer()
    half = hashlib.new(digest, tokens["access_token"].encode()).digest()
    assert claims_of(tokens["id_token"])["at_hash"] == base64.urlsafe_b64encode(half[: len(half) // 2]).rstrip(b"=").decode()
    assert house.userinfo(tokens["access_token"]).status_code == 200
    assert house.refresh(tokens["refresh_token"], client_id).status_code == 200


# --- refresh -----------------------------------------------------------------------------------------------------------------------------


def test_refresh_without_rotation_keeps_the_token_and_the_sign_in(house: House) -> None:
    first = house.tokens()
    house.broker.clock.advance(minutes=30)
    second = house.refresh(first["refresh_token"]).get_json()
    assert "refresh_token" not in second
    for kind in ("id_token", "access_token"):
        old, new = claims_of(first[kind]), claims_of(second[kind])
        assert {name: new[name] for name in KEPT} == {name: old[name] for name in KEPT}
        assert new["iat"] >= old["iat"] + 1800
        assert new["jti"] != old["jti"]
    assert "nonce" not in claims_of(second["id_token"])
    assert house.refresh(first["refresh_token"]).status_code == 200


def test_refresh_reads_the_profile_anew(house: House) -> None:
    tokens = house.tokens()
    house.sign_in(house.broker.browser(), attributes=_renamed("Alicia"))
    assert claims_of(house.refresh(tokens["refresh_token"]).get_json()["id_token"])["given_name"] == "Alicia"


def _renamed(name: str) -> tuple[Any, ...]:
    return (*HONEST[:2], Attribute("urn:oid:2.5.4.42", (name,)))


def test_rotation_gives_a_new_token_each_time_and_grace_forgives_a_lost_answer(house: House) -> None:
    first = house.tokens("graceful")["refresh_token"]
    second = house.refresh(first, "graceful").get_json()["refresh_token"]
    retried = house.refresh(first, "graceful").get_json()["refresh_token"]
    assert len({first, second, retried}) == 3
    assert house.refresh(retried, "graceful").status_code == 200


def test_a_refresh_token_ends_where_its_client_says(house: House) -> None:
    tokens = house.tokens("short")
    assert tokens["expires_in"] == 300
    house.broker.clock.advance(hours=11, minutes=59)
    assert house.refresh(tokens["refresh_token"], "short").status_code == 200
    house.broker.clock.advance(minutes=2)
    assert house.refresh(tokens["refresh_token"], "short").get_json()["error"] == "invalid_grant"


# --- revoke, introspect, userInfo --------------------------------------------------------------------------------------------------------


def introspect(house: House, token: str, client_id: str = "app") -> dict[str, Any]:
    body: dict[str, Any] = house.post("/oauth2/introspect", {"token": token}, f"{client_id}:{SECRET}").get_json()
    return body


def test_revocation_ends_one_sign_in_and_no_other(house: House) -> None:
    one, other = house.tokens(), house.tokens()
    reply = house.post("/oauth2/revoke", {"token": one["refresh_token"], "token_type_hint": "refresh_token"}, f"app:{SECRET}")
    assert (reply.status_code, reply.get_data()) == (200, b"")
    assert house.userinfo(one["access_token"]).status_code == 401
    assert house.refresh(one["refresh_token"]).get_json()["error"] == "invalid_grant"
    assert house.userinfo(other["access_token"]).status_code == 200
    assert house.refresh(other["refresh_token"]).status_code == 200
    again = house.post("/oauth2/revoke", {"token": one["refresh_token"]}, f"app:{SECRET}")
    assert again.status_code == 200


def test_a_public_client_revokes_by_its_name(house: House) -> None:
    tokens = house.tokens("spa", None)
    assert house.post("/oauth2/revoke", {"token": tokens["refresh_token"], "client_id": "spa"}).status_code == 200
    assert house.userinfo(tokens["access_token"]).status_code == 401


def test_introspection_tells_a_client_about_its_own_tokens(house: House) -> None:
    tokens = house.tokens()
    told, known = introspect(house, tokens["access_token"]), claims_of(tokens["access_token"])
    assert told == known | {"active": True, "token_type": "Bearer"}
    refresh = introspect(house, tokens["refresh_token"])
    assert refresh["active"] is True
    assert (refresh["sub"], refresh["scope"], refresh["client_id"]) == (known["sub"], known["scope"], "app")
    assert 0 <= known["iat"] + 30 * 86400 - refresh["exp"] <= 60, "from the sign-in here, whenever the user signed in upstream"
    machine = house.broker.token({"grant_type": "client_credentials"}, "machine").get_json()["access_token"]
    assert introspect(house, machine, "machine")["active"] is True
    house.broker.clock.advance(hours=1)
    assert introspect(house, tokens["access_token"]) == {"active": False}


def test_userinfo_is_all_text_and_as_wide_as_the_scopes(house: House) -> None:
    tokens = house.tokens()
    everything = house.userinfo(tokens["access_token"]).get_json()
    assert everything == {
        "sub": claims_of(tokens["id_token"])["sub"], "username": "corp_alice@corp.example", "email": "alice@corp.example",
        "email_verified": "false", "given_name": everything["given_name"],
    }  # fmt: skip
    assert all(isinstance(value, str) for value in everything.values())
    by_post = house.broker.browser().post(house.url("/oauth2/userInfo"), {}, headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert by_post.get_json() == everything
    mail_alone = house.userinfo(house.tokens(scope="openid email")["access_token"]).get_json()
    assert set(mail_alone) == {"sub", "username", "email", "email_verified"}
    assert set(house.userinfo(house.tokens("narrow")["access_token"]).get_json()) == {"sub", "username", "email"}


# --- machines, resources -----------------------------------------------------------------------------------------------------------------


def test_client_credentials(house: House) -> None:
    whole = house.broker.token({"grant_type": "client_credentials"}, "machine").get_json()
    assert whole["scope"] == "https://api.example/read https://api.example/write"
    part = house.broker.token({"grant_type": "client_credentials", "scope": "https://api.example/read"}, "machine").get_json()
    told = house.verified(part["access_token"])
    assert told["scope"] == "https://api.example/read"
    assert told["sub"] == told["client_id"] == "machine"
    assert (told["token_use"], told["version"]) == ("access", 2)


@pytest.mark.parametrize("resource", ["https://api.example", "https://api.example/v1?x=1", "http://localhost:9000/", "com.example.api:/v1"])
def test_a_resource_becomes_the_audience_and_stays_it(house: House, resource: str) -> None:
    tokens = house.tokens("reader", resource=resource, scope="openid https://api.example/read")
    assert house.verified(tokens["access_token"], resource)["aud"] == resource
    assert claims_of(tokens["id_token"])["aud"] == "reader"
    refreshed = house.refresh(tokens["refresh_token"], "reader").get_json()
    assert claims_of(refreshed["access_token"])["aud"] == resource
    assert "aud" not in claims_of(house.tokens("reader", scope="openid")["access_token"])


@pytest.mark.parametrize("resource", ["api", "https://", "https://api.example#x", "http://api.example", "https://a b", "urn:x"])
def test_a_resource_that_is_no_address(house: House, resource: str) -> None:
    reply: TestResponse = house.broker.begin(house.broker.browser(), "reader", resource=resource, scope="openid")[1]
    assert "error=invalid_target" in reply.location
    assert POOL in reply.location

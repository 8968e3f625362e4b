"""OA-P3.1 to P3.4, P3.12: our own API takes our own access tokens, alive, and tells nobody about anybody else's."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from broker.tokens.generate import make_key
from tests.attacks.op.rig import OTHER_POOL, POOL, SECRET, World
from tests.attacks.op.setup import REDIRECT
from tests.fakes.broker import claims_of
from tests.fakes.oidc_op import SigningKey, b64, sign


def ours(world: World, claims: dict[str, Any], use: str = "access", pool: str = POOL) -> str:
    """Signed with the broker's own key: only the claims can be the reason."""
    return world.broker.wired.kit.keys.signer(pool, use, "RS256").compact(claims)  # type: ignore[arg-type]


def bent(**changes: Any) -> Callable[[World], str]:
    def make(world: World) -> str:
        claims = claims_of(world.tokens()["access_token"]) | changes
        return ours(world, {name: value for name, value in claims.items() if value is not None})

    return make


def elsewhere(world: World) -> dict[str, Any]:
    browser = world.broker.browser()
    flow, sent = world.broker.begin(browser, "elsewhere", OTHER_POOL, identity_provider="corp")
    back = world.broker.post_acs(browser, world.broker.saml_answer(sent), OTHER_POOL)
    form = {
        "grant_type": "authorization_code", "code": world.broker.code_of(flow, back), "redirect_uri": REDIRECT,
        "code_verifier": flow.verifier,
    }  # fmt: skip
    tokens: dict[str, Any] = world.broker.token(form, "elsewhere", pool=OTHER_POOL).get_json()
    return tokens


def revoked(world: World) -> str:
    tokens = world.tokens()
    assert world.post("/oauth2/revoke", {"token": tokens["refresh_token"]}, f"app:{SECRET}").status_code == 200
    return str(tokens["access_token"])


TOKENS: dict[str, Callable[[World], str]] = {
    "id token": lambda w: w.tokens()["id_token"],
    "refresh token": lambda w: w.tokens()["refresh_token"],
    "machine": lambda w: w.broker.token({"grant_type": "client_credentials"}, "machine").get_json()["access_token"],
    "expired": bent(exp=1_700_000_000),
    "wrong aud": lambda w: w.tokens(resource="https://api.example")["access_token"],
    "aud of another client": bent(aud="rival"),
    "wrong token_use": bent(token_use="id"),
    "wrong key for the use": lambda w: ours(w, claims_of(w.tokens()["access_token"]), "id"),
    "logout key": lambda w: ours(w, claims_of(w.tokens()["access_token"]), "logout"),
    "other tenant": lambda w: elsewhere(w)["access_token"],
    "other tenant's issuer": bent(iss="http://localhost:8080/local_Test2"),
    "revoked": revoked,
    "without openid": bent(scope="email"),
    "scope in another case": bent(scope="OPENID"),
    "of nobody": bent(sub="0b7c2ac4-0b1e-4a66-9f36-1f6a3a3ad6ee"),
    "of a family that never was": bent(origin_jti="0b7c2ac4-0b1e-4a66-9f36-1f6a3a3ad6ee"),
    "without exp": bent(exp=None),
    "without sub": bent(sub=None),
    "without client": bent(client_id=None),
    "of a client that never was": bent(client_id="nobody"),
    "nonsense": lambda w: "x",
}


@pytest.mark.parametrize("name", TOKENS)
def test_p3_1_userinfo_takes_live_access_tokens_of_this_pool(world: World, name: str) -> None:
    token = TOKENS[name](world)
    reason = "insufficient_scope" if "scope" in name or name == "without openid" else "invalid_token"
    reply = world.refuses(lambda: world.userinfo(token), reason, "invalid_token", status=401)
    assert 'error="invalid_token"' in reply.headers["WWW-Authenticate"]
    assert world.userinfo(world.tokens()["access_token"]).status_code == 200


def test_p3_1_the_user_was_disabled(world: World) -> None:
    tokens = world.tokens()
    sub = claims_of(tokens["id_token"])["sub"]
    world.enable_user(sub, False)
    try:
        world.refuses(lambda: world.userinfo(tokens["access_token"]), "invalid_token", "invalid_token")
        assert introspect(world, tokens["access_token"]).get_json() == {"active": False}
        assert introspect(world, tokens["refresh_token"]).get_json() == {"active": False}
    finally:
        world.enable_user(sub, True)
    assert world.userinfo(tokens["access_token"]).status_code == 200


def test_p3_1_the_client_was_disabled(world: World) -> None:
    tokens = world.tokens("retired")
    world.client("retired", enabled=False)
    try:
        world.refuses(lambda: world.userinfo(tokens["access_token"]), "invalid_token", "invalid_token")
    finally:
        world.client("retired", enabled=True)


def test_p3_4_a_refresh_token_whose_provider_is_closed_is_not_said_to_be_good(world: World) -> None:
    token = world.tokens()["refresh_token"]
    world.provider("corp", state="disabled")
    try:
        assert introspect(world, token).get_json() == {"active": False}
    finally:
        world.provider("corp", state="live")
    assert introspect(world, token).get_json()["active"] is True


# --- P3.2: how a token comes -------------------------------------------------------------------------------------------------------------


def send(world: World, query: str = "", form: dict[str, str] | None = None, **headers: str) -> TestResponse:
    url = world.url("/oauth2/userInfo") + query
    browser = world.broker.browser()
    return browser.get(url, headers=headers) if form is None else browser.post(url, form, headers=headers)


def test_p3_2_in_one_header_and_nowhere_else(world: World) -> None:
    token = world.tokens()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    attempts: list[tuple[Callable[[], TestResponse], str]] = [
        (lambda: send(world, f"?access_token={token}"), "invalid_request"),
        (lambda: send(world, f"?access_token={token}", **bearer), "invalid_request"),
        (lambda: send(world, form={"access_token": token}), "invalid_request"),
        (lambda: send(world, form={"access_token": token}, **bearer), "invalid_request"),
        (lambda: send(world), "invalid_request"),
        (lambda: send(world, Authorization=f"DPoP {token}"), "invalid_request"),
        (lambda: send(world, Authorization=f"Basic {token}"), "invalid_request"),
        (lambda: send(world, Authorization="Bearer"), "invalid_request"),
        (lambda: send(world, Authorization=token), "invalid_request"),
        (lambda: send(world, Authorization=f"Bearer {token}, Bearer {token}"), "invalid_token"),
        (lambda: send(world, Authorization=f"Bearer {token} {token}"), "invalid_token"),
    ]
    for act, error in attempts:
        world.refuses(act, error, error)
    assert send(world, **bearer).status_code == 200
    assert send(world, form={}, **bearer).status_code == 200
    document = world.broker.browser().get(world.url("/.well-known/openid-configuration")).get_json()
    assert not [name for name in document if "dpop" in name]


# --- P3.3: forged ------------------------------------------------------------------------------------------------------------------------


def forgeries(world: World, token: str) -> dict[str, str]:
    """The methods of OA-R1 at the wire; each is tried on the verifier itself beside its keys (tests/unit/tokens/test_forgeries.py)."""
    head, body, signature = token.split(".")
    kid = json.loads(world.broker.browser().get(world.url("/.well-known/jwks.json")).get_data())["keys"][0]["kid"]
    claims, stranger = claims_of(token), SigningKey.make(kid)
    other = b64(json.dumps(claims | {"sub": "x"}))
    signer = world.broker.wired.kit.keys.signer(POOL, "access", "RS256")
    public = json.dumps(world.broker.browser().get(world.url("/.well-known/jwks.json")).get_json()["keys"][0])

    def sealed(header: dict[str, Any], payload: str = body) -> str:
        text = f"{b64(json.dumps({'kid': signer.kid, 'alg': 'RS256'} | header))}.{payload}"
        return f"{text}.{b64(signer.sign(text.encode()))}"

    mac_text = f"{b64(json.dumps({'kid': signer.kid, 'alg': 'HS256'}))}.{body}"
    return {
        "alg none": f"{b64(json.dumps({'alg': 'none', 'kid': signer.kid}))}.{body}.",
        "alg nOnE": f"{b64(json.dumps({'alg': 'nOnE', 'kid': signer.kid}))}.{body}.",
        "no signature": f"{head}.{body}.",
        "another payload": f"{head}.{other}.{signature}",
        "HS256 over our JWK": f"{mac_text}.{b64(hmac.digest(public.encode(), mac_text.encode(), 'sha256'))}",
        "a stranger's key": sign({"alg": "RS256", "kid": signer.kid}, claims, stranger.key),
        "embedded jwk": sealed({"jwk": stranger.public()}),
        "jku": sealed({"jku": world.op.issuer + "/jwks"}),
        "x5u": sealed({"x5u": world.op.issuer + "/x"}),
        "crit": sealed({"crit": ["exp"]}),
        "b64": sealed({"b64": False, "crit": ["b64"]}),
        "typ": sealed({"typ": "JWT"}),
        "alg in another case": sealed({"alg": "rs256"}),
        "PS256": sealed({"alg": "PS256"}),
        "kid path": sealed({"kid": "../../../dev/null"}),
        "kid unknown": sealed({"kid": "x"}),
        "kid SQL": sealed({"kid": "' or '1'='1"}),
        "padded": f"{head}=.{body}.{signature}",
        "four parts": f"{token}.x",
        "five parts": f"{head}.x.x.{body}.{signature}",
        "a member twice": sealed({}, b64(json.dumps(claims)[:-1] + ', "sub": "x"}')),
        "a list": sealed({}, b64("[]")),
    }


def test_p3_3_every_way_to_forge_one(world: World) -> None:
    token = world.tokens()["access_token"]
    for name, forged in forgeries(world, token).items():
        reply = world.refuses(lambda forged=forged: world.userinfo(forged), "invalid_token", "invalid_token", status=401)
        assert reply.get_json()["error"] == "invalid_token", name
        assert introspect(world, forged).get_json() == {"active": False}, name
    assert world.userinfo(token).status_code == 200


# --- P3.4: introspection and revocation --------------------------------------------------------------------------------------------------


def introspect(world: World, token: str, basic: str | None = f"app:{SECRET}", **form: str) -> TestResponse:
    return world.post("/oauth2/introspect", {"token": token, **form}, basic)


def test_p3_4_only_a_proved_client_asks_and_only_about_its_own(world: World) -> None:
    tokens = world.tokens()
    for name in ("access_token", "refresh_token"):
        assert introspect(world, tokens[name]).get_json()["active"] is True
        for other in (f"rival:{SECRET}", f"machine:{SECRET}"):
            assert introspect(world, tokens[name], other).get_json() == {"active": False}
        for act in (
            lambda n=name: introspect(world, tokens[n], "app:wrong"),
            lambda n=name: introspect(world, tokens[n], None, client_id="app"),
            lambda n=name: introspect(world, tokens[n], None, client_id="spa"),
        ):
            world.refuses(act, "invalid_client", "invalid_client", status=401)
        world.refuses(lambda n=name: introspect(world, tokens[n], None), "invalid_request", "invalid_request")
    assert introspect(world, tokens["id_token"]).get_json() == {"active": False}
    foreign = elsewhere(world)
    assert introspect(world, foreign["access_token"]).get_json() == {"active": False}
    assert introspect(world, foreign["refresh_token"]).get_json() == {"active": False}


def test_p3_4_a_revocation_by_another_does_nothing(world: World) -> None:
    tokens = world.tokens()
    before = world.rows()
    for basic, status in ((f"rival:{SECRET}", 200), ("app:wrong", 401), ("nobody:x", 401)):
        reply = world.post("/oauth2/revoke", {"token": tokens["refresh_token"]}, basic)
        assert reply.status_code == status
    assert world.post("/oauth2/revoke", {"token": tokens["refresh_token"], "client_id": "spa"}).status_code == 200
    world.refuses(lambda: world.post("/oauth2/revoke", {"token": tokens["refresh_token"]}), "invalid_request", "invalid_request")
    jwt = {"token": tokens["access_token"]}
    world.refuses(lambda: world.post("/oauth2/revoke", jwt, f"app:{SECRET}"), "unsupported_token_type", "unsupported_token_type")
    assert world.rows() == before
    assert world.post("/oauth2/revoke", {"token": "never issued"}, f"app:{SECRET}").get_data() == b""
    assert world.post("/oauth2/revoke", {"token": tokens["refresh_token"]}, f"app:{SECRET}").status_code == 200
    world.refuses(lambda: world.refresh(tokens["refresh_token"]), "refresh_unknown", "invalid_grant")
    assert introspect(world, tokens["access_token"]).get_json() == {"active": False}


# --- P3.12: keys of tenants --------------------------------------------------------------------------------------------------------------


def test_p3_12_a_key_serves_its_own_pool_even_under_anothers_name(world: World) -> None:
    token = world.tokens()["access_token"]
    claims = claims_of(token)
    world.refuses(lambda: world.userinfo(ours(world, claims, pool=OTHER_POOL)), "invalid_token", "invalid_token")
    kid = json.loads(_decoded(token.split(".")[0]))["kid"]
    twin = replace(make_key(OTHER_POOL, "access", "ES256", "retired", world.broker.clock.now()), kid=kid)
    with world.broker.wired.store.unit() as unit:
        unit.keys.put(twin)
    world.broker.clock.advance(seconds=3)
    from joserfc.jwk import ECKey

    forged = sign({"kid": kid, "alg": "ES256"}, claims, ECKey.import_key(twin.private_pem))
    for pool in (POOL, OTHER_POOL):
        world.refuses(lambda pool=pool: world.userinfo(forged, pool), "invalid_token", "invalid_token")
    assert world.userinfo(token).status_code == 200


def _decoded(segment: str) -> bytes:
    import base64

    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))

"""OA-P1.11 to P1.19: what a request may ask for, and with which proof of who begins it."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from providers.base import LoginStart
from tests.attacks.op.rig import World, query_of
from tests.attacks.op.setup import OTHER_POOL, REDIRECT
from tests.fakes.broker import Browser, claims_of
from tests.fakes.oidc_op import SigningKey, b64, sign
from tests.fakes.saml_forge import read_request


def begin(world: World, client_id: str = "app", browser: Browser | None = None, **params: str) -> TestResponse:
    return world.broker.begin(browser or world.broker.browser(), client_id, **params)[1]


def goes_upstream(response: TestResponse) -> bool:
    return response.status_code == 303 and response.location.startswith("https://idp.example/sso")


def honest(world: World, client_id: str = "corponly", **params: str) -> None:
    assert goes_upstream(begin(world, client_id, identity_provider="corp", **({"scope": "openid"} | params)))


# --- P1.11 to P1.13: kinds of answer, doubled parameters, request objects ----------------------------------------------------------------

RESPONSE_TYPES = {
    "token": "unauthorized_client", "id_token": "unsupported_response_type", "none": "unsupported_response_type",
    "code token": "unsupported_response_type", "code id_token": "unsupported_response_type", "id_token token": "unsupported_response_type",
    "code code": "unsupported_response_type", "CODE": "unsupported_response_type",
}  # fmt: skip


@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
@pytest.mark.parametrize("client_id", ["app", "implicit"])
def test_p1_11_only_code_whatever_a_client_has_stored(world: World, response_type: str, client_id: str) -> None:
    error = RESPONSE_TYPES[response_type]
    answer = world.refuses(lambda: begin(world, client_id, response_type=response_type), error, error)
    assert "#" not in answer.location
    honest(world, "implicit")


@pytest.mark.parametrize("response_mode", ["fragment", "form_post", "web_message", "query.jwt", "jwt"])
def test_p1_11_only_the_query_carries_an_answer(world: World, response_mode: str) -> None:
    world.refuses(lambda: begin(world, response_mode=response_mode), "invalid_request", "invalid_request")
    honest(world, response_mode="query")


DOUBLED = ["client_id", "state", "scope", "code_challenge", "nonce", "prompt", "response_type", "code_challenge_method", "login_hint"]


@pytest.mark.parametrize("name", DOUBLED)
@pytest.mark.parametrize("same", [True, False])
def test_p1_12_a_doubled_parameter(world: World, name: str, same: bool) -> None:
    first = {"login_hint": "a", "prompt": "login"}
    extra = f"&{name}={'evil' if not same else first.get(name, 'x')}"
    url = _raw(world, **first) + extra
    world.refuses(lambda: world.broker.browser().get(url), "invalid_request", status=400)
    honest(world)


@pytest.mark.parametrize("name", ["client_id[]", "state[]", "scope[0]"])
def test_p1_12_an_array_is_an_unknown_name(world: World, name: str) -> None:
    """Unknown parameters are ignored (RFC 6749 3.1): `client_id[]` never counts as client_id."""
    response = world.broker.browser().get(f"{_raw(world)}&{name}=evil")
    assert response.status_code == 303
    assert "evil" not in response.location


def _raw(world: World, **more: str) -> str:
    query = {
        "response_type": "code", "client_id": "app", "redirect_uri": REDIRECT, "scope": "openid", "state": "x", "nonce": "x",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256", **more,
    }  # fmt: skip
    return f"{world.url('/oauth2/authorize')}?{urlencode(query)}"


def request_objects() -> dict[str, str]:
    key = SigningKey.make("k", "ES256")
    claims = {"iss": "app", "aud": "http://localhost:8080/local_Test1", "client_id": "app", "redirect_uri": REDIRECT, "exp": 4_000_000_000}
    signed = {
        "signed": claims, "wrong aud": claims | {"aud": "x"}, "wrong iss": claims | {"iss": "x"}, "expired": claims | {"exp": 1},
        "other client": claims | {"client_id": "rival"},
    }  # fmt: skip
    header = {"alg": "ES256", "kid": "k"}
    none, empty = b64('{"alg": "none"}'), b64("{}")
    return {name: sign(header, each, key.key) for name, each in signed.items()} | {"alg none": f"{none}.{empty}."}


@pytest.mark.parametrize("name", request_objects())
def test_p1_13_request_objects_are_not_offered(world: World, name: str) -> None:
    world.refuses(lambda: begin(world, request=request_objects()[name]), "request_not_supported", "request_not_supported")
    honest(world)


@pytest.mark.parametrize("tail", ["/object", "/object#fragment", "/" + "x" * 600])
def test_p1_13_a_request_uri_is_never_fetched(world: World, tail: str) -> None:
    reason = "request_uri_not_supported" if len(tail) < 500 else "invalid_request"
    world.refuses(lambda: begin(world, request_uri=world.op.issuer + tail), reason, status=400)
    honest(world)


def test_p1_13_discovery_says_so(world: World) -> None:
    document = world.broker.browser().get(world.url("/.well-known/openid-configuration")).get_json()
    assert document["request_parameter_supported"] is False
    assert document["request_uri_parameter_supported"] is False
    assert not [name for name in document if name.startswith("request_object")]


# --- P1.14 to P1.16: PKCE ----------------------------------------------------------------------------------------------------------------

PKCE = {
    "P1.14 missing, public": ("spa", {"code_challenge": "", "code_challenge_method": ""}),
    "P1.15 missing, confidential": ("app", {"code_challenge": "", "code_challenge_method": ""}),
    "P1.15 challenge missing": ("app", {"code_challenge": ""}),
    "P1.16 plain": ("app", {"code_challenge_method": "plain"}),
    "P1.16 no method": ("app", {"code_challenge_method": ""}),
    "P1.16 no method, opted out": ("corponly", {"code_challenge_method": "", "scope": "openid"}),
    "P1.16 plain, opted out": ("corponly", {"code_challenge_method": "plain", "scope": "openid"}),
    "P1.16 lower case": ("app", {"code_challenge_method": "s256"}),
    "P1.16 unknown": ("app", {"code_challenge_method": "S512"}),
    "P1.16 short": ("app", {"code_challenge": "x" * 42}),
    "P1.16 long": ("app", {"code_challenge": "x" * 44}),
    "P1.16 alphabet": ("app", {"code_challenge": "x" * 42 + "="}),
}


@pytest.mark.parametrize("name", PKCE)
def test_p1_14_to_16_no_code_without_s256(world: World, name: str) -> None:
    client_id, params = PKCE[name]
    world.refuses(lambda: begin(world, client_id, **params), "invalid_request", "invalid_request")
    honest(world, client_id)


# --- P1.17: who is signed in already -----------------------------------------------------------------------------------------------------


def test_p1_17_prompt_none_asks_nobody(world: World) -> None:
    world.refuses(lambda: begin(world, prompt="none"), "login_required", "login_required")
    browser = world.signed_in()
    assert "code" in query_of(begin(world, browser=browser, prompt="none").location)


@pytest.mark.parametrize("prompt", ["none login", "none select_account", "login bad", "NONE"])
def test_p1_17_prompts_that_make_no_sense(world: World, prompt: str) -> None:
    browser = world.signed_in()
    world.refuses(lambda: begin(world, browser=browser, prompt=prompt), "invalid_request", "invalid_request")


@pytest.mark.parametrize("params", [{"prompt": "login"}, {"max_age": "0"}, {"prompt": "select_account"}])
def test_p1_17_a_session_does_not_stand_for_a_fresh_sign_in(world: World, params: dict[str, str]) -> None:
    browser = world.signed_in()
    sent = begin(world, browser=browser, identity_provider="corp", **params)
    assert goes_upstream(sent)
    again = world.refuses(lambda: begin(world, browser=browser, max_age="0", prompt="none"), "login_required", "login_required")
    assert "code" not in query_of(again.location)


def test_p1_17_a_forced_sign_in_is_forced_upstream_and_makes_a_new_session(world: World) -> None:
    browser = world.signed_in()
    first = claims_of(_tokens(world, browser)["id_token"])
    world.broker.clock.advance(seconds=90)
    flow, sent = world.broker.begin(browser, identity_provider="corp", prompt="login")
    asked = read_request(LoginStart("redirect", sent.location, {}, b""))
    assert asked.root.get("ForceAuthn") == "true"
    back = world.broker.post_acs(browser, world.broker.saml_answer(sent))
    second = claims_of(world.broker.redeem(flow, world.broker.code_of(flow, back)).get_json()["id_token"])
    assert second["auth_time"] >= first["auth_time"] + 90
    assert second["sid"] != first["sid"]


def test_p1_17_max_age_counts_from_the_sign_in(world: World) -> None:
    browser = world.signed_in()
    world.broker.clock.advance(seconds=100)
    assert "code" in query_of(begin(world, browser=browser, max_age="200").location)
    world.refuses(lambda: begin(world, browser=browser, max_age="100", prompt="none"), "login_required", "login_required")


def test_p1_17_acr_values_go_upstream_and_promise_nothing(world: World) -> None:
    browser = world.broker.browser()
    flow, sent = world.broker.begin(browser, identity_provider="op", acr_values="urn:high")
    assert query_of(sent.location)["acr_values"] == "urn:high"
    pairs = world.op.browse(sent.location)
    back = browser.get(world.url("/oauth2/idpresponse", **dict(pairs)))
    tokens = world.broker.redeem(flow, world.broker.code_of(flow, back)).get_json()
    assert "acr" not in claims_of(tokens["id_token"])


def _tokens(world: World, browser: Browser) -> dict[str, str]:
    flow, back = world.broker.begin(browser)
    body: dict[str, str] = world.broker.redeem(flow, world.broker.code_of(flow, back)).get_json()
    return body


# --- P1.18: id_token_hint ----------------------------------------------------------------------------------------------------------------


def forged_hints(world: World) -> dict[str, str]:
    token = world.tokens()["id_token"]
    head, body, signature = token.split(".")
    none = b64('{"alg": "none"}')
    return {
        "alg none": f"{none}.{body}.", "alg none, signature kept": f"{none}.{body}.{signature}", "no signature": f"{head}.{body}.",
        "bent": f"{head}.{body}.{signature[:-4]}AAAA", "other client": world.tokens("rival", scope="openid")["id_token"],
        "access token": world.tokens()["access_token"], "nonsense": "hint",
        "own key": sign({"alg": "RS256", "kid": "k"}, claims_of(token), SigningKey.make("k").key),
    }  # fmt: skip


def test_p1_18_a_hint_that_is_not_ours_or_not_this_clients(world: World) -> None:
    browser, forged = world.signed_in(), forged_hints(world)
    assert len(forged) == 8
    for hint in forged.values():
        world.refuses(lambda hint=hint: begin(world, browser=browser, id_token_hint=hint), "invalid_request", "invalid_request")
    mine = world.tokens()["id_token"]
    assert "code" in query_of(begin(world, browser=browser, id_token_hint=mine).location)


def test_p1_18_the_hint_of_somebody_else_is_no_session(world: World) -> None:
    mine = world.tokens()["id_token"]
    browser = world.broker.browser()
    world.broker.saml_login(browser, name_id="bob@corp.example")
    world.refuses(lambda: begin(world, browser=browser, id_token_hint=mine, prompt="none"), "login_required", "login_required")
    assert goes_upstream(begin(world, browser=browser, id_token_hint=mine, identity_provider="corp"))


def test_p1_18_nobody_else_comes_out_of_a_login_that_named_somebody(world: World) -> None:
    """The MUST of OpenID Connect Core 3.1.2.2: not even by signing in afresh as another."""
    mine = world.tokens()["id_token"]
    browser = world.broker.browser()
    _, sent = world.broker.begin(browser, identity_provider="corp", id_token_hint=mine)
    fields = world.broker.saml_answer(sent, name_id="bob@corp.example")
    back = world.broker.post_acs(browser, fields)
    assert query_of(back.location)["error"] == "login_required"
    assert world.audit()[-1]["reason"] == "login_required"
    flow, sent = world.broker.begin(browser, identity_provider="corp", id_token_hint=mine)
    assert world.broker.code_of(flow, world.broker.post_acs(browser, world.broker.saml_answer(sent)))


def test_p1_18_an_expired_hint_still_names_its_user(world: World) -> None:
    hint = world.tokens()["id_token"]
    world.broker.clock.advance(hours=2)
    browser = world.signed_in()
    assert "code" in query_of(begin(world, browser=browser, id_token_hint=hint, prompt="none").location)


def test_p1_18_another_pools_hint(world: World) -> None:
    browser = world.broker.browser()
    flow, sent = world.broker.begin(browser, "elsewhere", OTHER_POOL, identity_provider="corp")
    back = world.broker.post_acs(browser, world.broker.saml_answer(sent), OTHER_POOL)
    reply = world.broker.token(_grant(flow.verifier, world.broker.code_of(flow, back)), "elsewhere", pool=OTHER_POOL)
    hint, browser = reply.get_json()["id_token"], world.signed_in()
    world.refuses(lambda: begin(world, browser=browser, id_token_hint=hint), "invalid_request", "invalid_request")


def _grant(verifier: str, code: str) -> dict[str, str]:
    return {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": verifier}


# --- P1.19: scopes -----------------------------------------------------------------------------------------------------------------------

SCOPES = [
    "openid phone", "openid https://api.example/write", "aws.cognito.signin.user.admin", "openid admin", "OpenID", "openid Email",
    "openid  email", " openid", "openid ", "openid\u00a0email", "openid\u2028email", "email profile", "openid,email", "openid+email",
    "*", "openid *",
]  # fmt: skip


@pytest.mark.parametrize("scope", SCOPES)
def test_p1_19_a_scope_that_the_client_does_not_have(world: World, scope: str) -> None:
    world.refuses(lambda: begin(world, "many", scope=scope), "invalid_scope", "invalid_scope")
    honest(world, "many")


@pytest.mark.parametrize("claims", ["{}", '{"id_token":{"email":{"essential":true}}}', '{"userinfo":{"custom:admin":null}}'])
def test_p1_19_the_claims_parameter_is_not_offered(world: World, claims: str) -> None:
    world.refuses(lambda: begin(world, claims=claims), "invalid_request", "invalid_request")
    honest(world)


def test_p1_19_scopes_come_out_as_they_were_asked(world: World) -> None:
    tokens = world.tokens("many", scope="openid https://api.example/read openid")
    assert tokens["scope"] == claims_of(tokens["access_token"])["scope"] == "openid https://api.example/read"

"""OA-P2.15 to P2.19: which grants there are, how a request must look, and that an error tells a stranger nothing."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from broker.config import loads
from broker.errors import ConfigError
from tests.attacks.op.rig import POOL, World
from tests.attacks.op.setup import OTHER_POOL
from tests.fakes.broker import SECRET, claims_of
from tests.fakes.setup import TOML

MACHINE = {"grant_type": "client_credentials"}
READ = "https://api.example/read"

GRANTS = [
    "password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:token-exchange",
    "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:saml2-bearer", "urn:openid:params:grant-type:ciba",
    "none", "Authorization_Code", "authorization_code ",
]  # fmt: skip


@pytest.mark.parametrize("grant", GRANTS)
def test_p2_15_a_grant_that_is_not_offered(world: World, grant: str) -> None:
    form = {"grant_type": grant, "username": "corp_alice@corp.example", "password": "x", "assertion": "e30.e30.x", "device_code": "x"}
    world.refuses(lambda: world.broker.token(form), "unsupported_grant_type", "unsupported_grant_type", status=400)
    document = world.broker.browser().get(world.url("/.well-known/openid-configuration")).get_json()
    assert document["grant_types_supported"] == ["authorization_code", "refresh_token", "client_credentials"]


@pytest.mark.parametrize(
    ("client_id", "grant"), [("app", "client_credentials"), ("spa", "client_credentials"), ("machine", "authorization_code")]
)
def test_p2_15_a_grant_that_this_client_does_not_have(world: World, client_id: str, grant: str) -> None:
    form = {"grant_type": grant, "code": "x", "refresh_token": "x"}
    secret = None if client_id == "spa" else SECRET
    world.refuses(lambda: world.broker.token(form, client_id, secret), "unauthorized_client", "unauthorized_client")
    assert world.broker.token(MACHINE, "machine").status_code == 200


@pytest.mark.parametrize("scope", ["openid", "aws.cognito.signin.user.admin", "https://api.example/admin", f"{READ} openid", "read"])
def test_p2_15_a_machine_has_its_own_scopes_alone(world: World, scope: str) -> None:
    world.refuses(lambda: world.broker.token(MACHINE | {"scope": scope}, "machine"), "invalid_scope", "invalid_scope")
    assert world.broker.token(MACHINE | {"scope": READ}, "machine").get_json()["scope"] == READ


def test_p2_15_a_machine_names_no_resource(world: World) -> None:
    form = MACHINE | {"resource": "https://api.example"}
    world.refuses(lambda: world.broker.token(form, "machine"), "invalid_request", "invalid_request")


def test_p2_16_a_machine_is_never_a_user(world: World) -> None:
    tokens = world.broker.token(MACHINE, "machine").get_json()
    assert tokens.keys() == {"access_token", "expires_in", "token_type", "scope"}
    claims = claims_of(tokens["access_token"])
    assert claims["sub"] == claims["client_id"] == "machine"
    assert not {"username", "cognito:username", "email", "sid", "origin_jti"} & claims.keys()
    world.refuses(lambda: world.userinfo(tokens["access_token"]), "invalid_token", "invalid_token", status=401)


def test_p2_16_a_client_id_can_never_be_a_users_sub(tmp_path: Path) -> None:
    text = TOML[: TOML.index("[[user_pool.provider]]")].replace('id = "machine"', 'id = "0b7c2ac4-0b1e-4a66-9f36-1f6a3a3ad6ee"')
    with pytest.raises(ConfigError) as caught:
        loads(text, tmp_path / "crossgate.toml")
    assert "is not a client id" in caught.value.private


# --- P2.17: the shape of a request -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/revoke", "/oauth2/introspect", "/oauth2/par"])
@pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "head"])
def test_p2_17_only_post(world: World, path: str, method: str) -> None:
    before = world.rows()
    response = getattr(world.broker.browser().client, method)(f"/{POOL}{path}", base_url="http://localhost:8080")
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]
    assert world.rows() == before


TYPES = ["application/json", "text/plain", "multipart/form-data; boundary=x", "", "application/x-www-form-urlencoded; charset=utf-7"]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/revoke", "/oauth2/introspect", "/oauth2/par"])
def test_p2_17_only_forms(world: World, path: str, kind: str) -> None:
    body = f"grant_type=client_credentials&client_id=machine&client_secret={SECRET}"
    client = world.broker.browser().client
    sent = {"path": f"/{POOL}{path}", "base_url": "http://localhost:8080", "data": body, "content_type": kind}
    world.refuses(lambda: client.post(**sent), "invalid_request", "invalid_request", status=400)
    assert client.post(**(sent | {"path": f"/{POOL}/oauth2/token", "content_type": "application/x-www-form-urlencoded"})).status_code == 200


@pytest.mark.parametrize("size", [65_000, 10_000_000])
def test_p2_17_a_body_has_a_limit(world: World, size: int) -> None:
    world.refuses(
        lambda: world.broker.token(MACHINE | {"x": "x" * (size + 600)}, "machine"), "payload_too_large", "invalid_request", status=413
    )


@pytest.mark.parametrize("name", ["grant_type", "scope", "client_id", "client_secret", "code", "unknown"])
@pytest.mark.parametrize("same", [True, False])
def test_p2_17_a_doubled_parameter(world: World, name: str, same: bool) -> None:
    pairs = [("grant_type", "client_credentials"), ("client_id", "machine"), ("client_secret", SECRET)]
    first = dict(pairs).get(name, READ)
    extra = [(name, first)] if name in dict(pairs) else [(name, first), (name, first)]
    if not same:
        extra[-1] = (name, "other")
    world.refuses(lambda: world.post("/oauth2/token", [*pairs, *extra]), "invalid_request", "invalid_request", status=400)
    assert world.post("/oauth2/token", pairs).status_code == 200


BROKEN_BODIES = [b"grant_type=%ff", b"grant_type=a%00b", b"\xff\xfe", b"&".join([b"a=1"] * 200), b"grant_type=client_credentials%0a", b""]


@pytest.mark.parametrize("body", BROKEN_BODIES)
def test_p2_17_bytes_that_are_no_form(world: World, body: bytes) -> None:
    client = world.broker.browser().client
    sent = {"base_url": "http://localhost:8080", "data": body, "content_type": "application/x-www-form-urlencoded"}
    world.refuses(lambda: client.post(f"/{POOL}/oauth2/token", **sent), "invalid_request", "invalid_request", status=400)


def test_p2_17_scripts_of_other_origins_may_read_three_endpoints_and_never_with_cookies(world: World) -> None:
    origin = {"Origin": "https://evil.example"}
    browser = world.signed_in()
    open_to_all = {"/oauth2/token", "/oauth2/revoke", "/oauth2/userInfo"}
    others = {
        "/oauth2/authorize",
        "/oauth2/introspect",
        "/oauth2/par",
        "/login",
        "/consent",
        "/logout",
        "/oauth2/idpresponse",
        "/saml2/logout",
    }
    for path in open_to_all | others:
        for response in (
            browser.client.open(f"/{POOL}{path}", base_url=browser.base, method=method, headers=origin) for method in ("GET", "OPTIONS")
        ):
            allowed = response.headers.get("Access-Control-Allow-Origin")
            assert "Access-Control-Allow-Credentials" not in response.headers
            if path in others:
                assert allowed is None, path
            elif response.status_code != 405:
                assert allowed == "*", path
    for path in ("/oauth2/token", "/oauth2/revoke"):
        assert world.post(path, {}).headers["Access-Control-Allow-Origin"] == "*"
    # What is public anyhow, and the same for everybody, a script may read too.
    for path in ("/.well-known/openid-configuration", "/.well-known/jwks.json"):
        assert browser.get(world.url(path)).headers["Access-Control-Allow-Origin"] == "*"


# --- P2.18: nothing tells a client that exists from one that does not --------------------------------------------------------------------


def refused(world: World, client_id: str, secret: str) -> TestResponse:
    return world.broker.token(MACHINE, client_id, secret)


def test_p2_18_an_unknown_client_and_a_wrong_secret_look_the_same(world: World) -> None:
    was = world.client("retired", enabled=False)
    replies = [
        refused(world, *pair)
        for pair in (("nobody", SECRET), ("machine", "wrong"), ("retired", SECRET), ("elsewhere", SECRET), ("spa", SECRET))
    ]
    world.client("retired", enabled=was.enabled)
    assert {(reply.status_code, reply.get_data(), reply.headers["WWW-Authenticate"]) for reply in replies} == {
        (401, replies[0].get_data(), 'Basic realm="oauth2", charset="UTF-8"')
    }
    assert replies[0].get_json()["error"] == "invalid_client"
    names = [sorted(set(reply.headers.keys())) for reply in replies]
    assert all(each == names[0] for each in names)


def test_p2_18_and_take_about_as_long(world: World) -> None:
    """Medians, alternated; a compare that stopped at the first octet would not show here, a lookup or a hash more would."""
    times: dict[str, list[float]] = {"nobody": [], "machine": []}
    for _ in range(15):
        for client_id, spent in times.items():
            began = time.perf_counter()
            refused(world, client_id, "wrong")
            spent.append(time.perf_counter() - began)
    fast, slow = sorted(statistics.median(spent) for spent in times.values())
    assert slow < 3 * fast + 0.005


def test_p2_19_there_is_no_device_flow(world: World) -> None:
    browser = world.broker.browser()
    for path in ("/oauth2/device_authorization", "/oauth2/device", "/device", "/oauth2/deviceAuthorization"):
        for response in (browser.get(world.url(path)), browser.post(world.url(path), {"client_id": "spa"})):
            assert response.status_code == 404
    document = browser.get(world.url("/.well-known/openid-configuration", OTHER_POOL)).get_json()
    assert "device_authorization_endpoint" not in document
    for code in ("not yet approved", "slow_down", "denied", "expired", "reused", "other client"):
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": code}
        act = lambda form=form: world.broker.token(form, "spa", None)  # noqa: E731
        world.refuses(act, "unsupported_grant_type", "unsupported_grant_type")

"""Other people's clients sign their users in here: npm openid-client, Apache's mod_auth_openidc, and Authlib."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from joserfc.jwk import ECKey

from tests.parties.kit.agent import Agent
from tests.parties.kit.apache import Apache
from tests.parties.kit.app import CALLBACK, App
from tests.parties.kit.broker import CLIENT_SECRET, OIDC_MAPPING, Broker, client, pool
from tests.parties.kit.openid_provider import OpenidProvider
from tests.parties.kit.places import free_port
from tests.parties.kit.relying_party import RelyingParty

pytestmark = pytest.mark.parties

POOL = "rp_Pool"
UPSTREAM_SECRET = "an-upstream-secret-of-good-length-0123456789"


@dataclass
class Stage:
    """The broker, whoever signs people in behind it, and the apps in front of it."""

    broker: Broker
    basic: RelyingParty
    jwt: RelyingParty
    apache: Apache


def _clients(basic: RelyingParty, jwt: RelyingParty, apache: Apache, public_key: dict[str, Any]) -> list[dict[str, Any]]:
    machine = {
        "id": "machine",
        "secret": CLIENT_SECRET,
        "flows": ["client_credentials"],
        "scopes": ["api/read", "api/write"],
        "providers": [],
    }
    return [
        client(id="basic", redirect_uris=[basic.callback], logout_uris=[basic.bye], rotation=True),
        client(id="jwt", redirect_uris=[jwt.callback], logout_uris=[jwt.bye], jwks={"keys": [public_key]}, secret=None),
        client(id="apache", redirect_uris=[apache.callback], logout_uris=[f"{apache.url}/"], backchannel_logout_uri=apache.backchannel),
        client(id="authlib", scopes=["openid", "email", "profile", "api/read"]),
        machine,
    ]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """One pool, one upstream, an app client for each."""
    port, op_port = free_port(), free_port()
    key = ECKey.generate_key("P-256", {"kid": "app", "use": "sig", "alg": "ES256"})
    registered = {
        "client_id": "broker", "client_secret": UPSTREAM_SECRET, "redirect_uris": [f"http://127.0.0.1:{port}/{POOL}/oauth2/idpresponse"],
    }  # fmt: skip
    api = {"identifier": "api", "name": "An API", "scopes": [{"name": "read", "description": "Read"}, {"name": "write"}]}
    with ExitStack() as stack:
        basic = stack.enter_context(closing(RelyingParty("openid-client")))
        jwt = stack.enter_context(closing(RelyingParty("openid-client-jwt")))
        apache = stack.enter_context(closing(Apache()))
        op = stack.enter_context(closing(OpenidProvider([registered], op_port)))
        provider = {
            "name": "workforce", "kind": "oidc", "issuer": op.issuer, "client_id": "broker", "client_secret": UPSTREAM_SECRET,
            "mapping": OIDC_MAPPING, "logout": False,
        }  # fmt: skip
        clients = _clients(basic, jwt, apache, dict(key.as_dict(private=False)))
        pools = [pool(POOL, [provider], clients, resource_server=[api])]
        broker = stack.enter_context(closing(Broker(pools, name="broker-rp", port=port)))
        basic.start(issuer=broker.issuer(POOL), client_id="basic", client_secret=CLIENT_SECRET)
        jwt.start(issuer=broker.issuer(POOL), client_id="jwt", private_jwk=key.as_dict(private=True), par=True)
        apache.start(broker.issuer(POOL), "apache", CLIENT_SECRET)
        yield Stage(broker, basic, jwt, apache)
        assert broker.tracebacks() == []


def test_openid_client(stage: Stage, agent: Agent) -> None:
    """Discovery, code with PKCE, the iss parameter, userinfo, introspection, refresh with rotation, revocation."""
    got = stage.basic.sign_in(agent)
    assert got["claims"]["email"] == "alice@example.org"
    assert (got["token_type"], got["refreshable"]) == ("bearer", True)
    assert set(got["scope"].split()) == {"openid", "email", "profile"}
    userinfo = stage.basic.call("/userinfo")
    assert (userinfo["sub"], userinfo["email"]) == (got["claims"]["sub"], "alice@example.org")
    assert stage.basic.call("/introspect")["active"] is True
    assert stage.basic.call("/refresh") == {"renewed": True, "rotated": True}
    assert stage.basic.call("/revoke") == {"revoked": True}
    refused = stage.basic.call("/refresh", status=400)
    assert refused["error"] == "invalid_grant", refused


def test_openid_client_logs_out(stage: Stage, agent: Agent) -> None:
    """RP-initiated logout by id_token_hint comes back with its state, and nobody is signed in any more."""
    stage.basic.sign_in(agent)
    page = agent.open(f"{stage.basic.url}/logout")
    assert page.url == f"{stage.basic.bye}?state=gone", page.shown()
    assert "login_required" in agent.open(f"{stage.basic.url}/login?prompt=none").content.decode()


def test_openid_client_with_keys_and_par(stage: Stage, agent: Agent) -> None:
    """private_key_jwt at every endpoint, and the request pushed beforehand."""
    got = stage.jwt.sign_in(agent)
    assert got["claims"]["email"] == "alice@example.org"
    started = next(url for _, _, url in agent.history if "/oauth2/authorize?" in url)
    assert "request_uri=" in started
    assert "scope=" not in started
    assert stage.jwt.call("/refresh")["renewed"] is True
    assert stage.jwt.call("/revoke") == {"revoked": True}


def test_openid_client_hears_of_errors(stage: Stage, agent: Agent) -> None:
    """An error comes back as the specification shapes it, with iss, or openid-client would not take it."""
    page = agent.open(f"{stage.basic.url}/login?prompt=none")
    assert (page.status, "login_required" in page.content.decode()) == (400, True), page.content
    assert "AuthorizationResponseError" in page.content.decode()


def test_mod_auth_openidc(stage: Stage, agent: Agent) -> None:
    """Apache lets in whom we signed in, and tells its pages who that is."""
    page = agent.open(stage.apache.members)
    page = agent.sign_in(page, "alice", "alicepass")
    assert page.url == stage.apache.members, page.shown()
    assert "user=alice@example.org" in page.text
    assert f"issuer={stage.broker.issuer(POOL)}" in page.text
    assert agent.open(stage.apache.members).status == 200


def test_mod_auth_openidc_logs_out(stage: Stage, agent: Agent) -> None:
    """Logging out at Apache ends the session here as well."""
    agent.sign_in(agent.open(stage.apache.members), "alice", "alicepass")
    page = agent.open(f"{stage.apache.callback}?logout={stage.apache.url}%2F")
    assert page.url.startswith(f"{stage.apache.url}/"), page.shown()
    assert "login_required" in App(stage.broker.issuer(POOL), "authlib", CLIENT_SECRET).silent(agent).url


def test_back_channel_logout_reaches_apache(stage: Stage, agent: Agent) -> None:
    """A sign-out at another app reaches Apache by our logout token, which mod_auth_openidc verifies."""
    agent.sign_in(agent.open(stage.apache.members), "alice", "alicepass")
    stage.basic.sign_in(agent)  # the same browser session: no password
    agent.open(f"{stage.basic.url}/logout")
    until = time.monotonic() + 30
    while (page := agent.step("GET", stage.apache.members)).status == 200 and time.monotonic() < until:
        time.sleep(0.2)
    assert page.status == 302, stage.apache.log()[-3000:]


def test_authlib(stage: Stage, agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """Authlib's client: code with PKCE, an API's scope, userinfo, refresh, revocation."""
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    app = App(stage.broker.issuer(POOL), "authlib", CLIENT_SECRET)
    with OAuth2Session(
        "authlib", CLIENT_SECRET, scope="openid email api/read", redirect_uri=CALLBACK, code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_post",
    ) as session:  # fmt: skip
        verifier = "v" * 64
        start, state = session.create_authorization_url(app.endpoints["authorization_endpoint"], code_verifier=verifier, nonce="n-1")
        page = agent.journey(start)
        token = session.fetch_token(app.endpoints["token_endpoint"], authorization_response=page.url, code_verifier=verifier, state=state)
        read = app.read(token)
        assert read.id_token["nonce"] == "n-1"
        assert set(read.access_token["scope"].split()) == {"openid", "email", "api/read"}
        assert session.get(app.endpoints["userinfo_endpoint"]).json()["email"] == "alice@example.org"
        fresh = session.refresh_token(app.endpoints["token_endpoint"])
        assert fresh["access_token"] != read.raw["access_token"]
        session.revoke_token(app.endpoints["revocation_endpoint"], token=fresh["refresh_token"]).raise_for_status()
        assert app.refresh(read).json()["error"] == "invalid_grant"


def test_authlib_client_credentials(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine gets a token for an API, and none for a scope that it was not given."""
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    app = App(stage.broker.issuer(POOL), "machine", CLIENT_SECRET)
    with OAuth2Session("machine", CLIENT_SECRET, scope="api/read") as session:
        token = session.fetch_token(app.endpoints["token_endpoint"], grant_type="client_credentials")
    assert (token["token_type"], "refresh_token" in token, "id_token" in token) == ("Bearer", False, False)
    refused = app.post("token_endpoint", grant_type="client_credentials", scope="openid")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")
    unknown = requests.post(
        app.endpoints["token_endpoint"], data={"grant_type": "client_credentials"}, auth=("machine", "wrong"), timeout=30
    )
    assert (unknown.status_code, unknown.json()["error"]) == (401, "invalid_client")

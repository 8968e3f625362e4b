"""npm oidc-provider signs people in: both ways to prove ourselves, claims from userinfo, both logouts, and new signing keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
from joserfc.jwk import ECKey

from tests.parties.kit.agent import Agent
from tests.parties.kit.app import SIGNED_OUT
from tests.parties.kit.broker import OIDC_MAPPING, Broker, pool
from tests.parties.kit.openid_provider import OpenidProvider
from tests.parties.kit.places import free_port

pytestmark = pytest.mark.parties

SECRET = "an-upstream-secret-of-good-length-0123456789"
METHODS = {"op_Basic": "client_secret_basic", "op_Post": "client_secret_post", "op_Jwt": "private_key_jwt"}


@dataclass
class Stage:
    """A broker and the provider in front of it."""

    op: OpenidProvider
    broker: Broker


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """A pool for each way of proving ourselves; the provider knows their callbacks before the broker starts."""
    port = free_port()
    key = ECKey.generate_key("P-256", {"kid": "ours", "use": "sig", "alg": "ES256"})
    clients, pools = [], []
    op_port = free_port()
    for name, method in METHODS.items():
        base = f"http://127.0.0.1:{port}/{name}"
        proof = {"jwks": {"keys": [key.as_dict(private=False)]}} if method == "private_key_jwt" else {"client_secret": SECRET}
        clients.append({
            "client_id": name, "redirect_uris": [f"{base}/oauth2/idpresponse"], "grant_types": ["authorization_code"],
            "response_types": ["code"], "token_endpoint_auth_method": method, "post_logout_redirect_uris": [f"{base}/signedout"],
            "backchannel_logout_uri": f"{base}/oauth2/idplogout/workforce", "backchannel_logout_session_required": True,
            **({"token_endpoint_auth_signing_alg": "ES256"} if method == "private_key_jwt" else {}), **proof,
        })  # fmt: skip
        ours = {"private_key": key.as_pem(private=True).decode()} if method == "private_key_jwt" else {"client_secret": SECRET}
        provider = {"name": "workforce", "kind": "oidc", "issuer": f"http://127.0.0.1:{op_port}", "client_id": name, "token_auth": method}
        pools.append(pool(name, [{**provider, "mapping": OIDC_MAPPING, **ours}]))
    with closing(OpenidProvider(clients, op_port)) as op, closing(Broker(pools, name="broker-oidc", port=port)) as broker:
        yield Stage(op, broker)
        assert broker.tracebacks() == []


@pytest.mark.parametrize("name", METHODS)
def test_sign_in(stage: Stage, agent: Agent, name: str) -> None:
    """Code and PKCE, whichever way we prove ourselves; the claims stand at userinfo alone."""
    claims = stage.broker.app(name).sign_in(agent).id_token
    assert (claims["email"], claims["email_verified"], claims["name"]) == ("alice@example.org", True, "Alice Liddell")
    assert claims["identities"][0]["providerName"] == "workforce"
    asked = next(url for _, _, url in agent.history if url.startswith(f"{stage.op.issuer}/auth?"))
    assert "code_challenge_method=S256" in asked


def test_unverified_address_stays_unverified(stage: Stage, agent: Agent) -> None:
    """What the provider does not vouch for, we do not either."""
    claims = stage.broker.app("op_Basic").sign_in(agent, "bob", "bobpass").id_token
    assert (claims["email"], claims["email_verified"]) == ("bob@example.org", False)


def test_wrong_password(stage: Stage, agent: Agent) -> None:
    """The provider says no, and the login stays open for the right password."""
    app = stage.broker.app("op_Basic")
    journey = app.begin()
    start = agent.open(journey.url)
    page = agent.sign_in(start, "alice", "wrong")
    assert page.status == 401
    assert app.finish(journey, agent.sign_in(page, "alice", "alicepass")).id_token["email"] == "alice@example.org"


def test_prompt_login_asks_again(stage: Stage, agent: Agent) -> None:
    """prompt=login travels on to the provider, which asks although its session is alive."""
    app = stage.broker.app("op_Basic")
    app.sign_in(agent)
    page = agent.open(app.begin(prompt="login").url)
    assert page.asks_password, page.shown()


def test_logout_from_the_app_ends_both_sessions(stage: Stage, agent: Agent) -> None:
    """The browser goes by the provider's own logout and comes back to the app."""
    app = stage.broker.app("op_Basic")
    app.sign_in(agent)
    page = agent.open(app.logout_url())
    if not page.arrived:
        assert page.url.startswith(stage.op.issuer), page.shown()
        page = agent.submit(page, button="Yes")
    assert page.url.startswith(SIGNED_OUT), page.shown()
    assert "login_required" in app.silent(agent).url
    assert agent.open(app.begin().url).asks_password


def test_logout_at_the_provider_ends_ours(stage: Stage, agent: Agent) -> None:
    """Its logout token ends the session that it names, with its refresh tokens, and nobody else's."""
    app = stage.broker.app("op_Basic")
    tokens = app.sign_in(agent)
    bob = Agent(*agent.until)
    app.sign_in(bob, "bob", "bobpass")
    page = agent.submit(agent.open(stage.op.logout_url()), button="Yes")
    assert page.status == 200, page.shown()
    assert "login_required" in app.silent(agent).url
    assert app.refresh(tokens).json()["error"] == "invalid_grant"
    assert "code" in app.silent(bob).query
    assert "backchannel.error" not in stage.op.process.tail(200)


def test_new_signing_keys(stage: Stage, agent: Agent) -> None:
    """The provider comes back with new keys alone: the next sign-in fetches them, without a restart of ours."""
    app = stage.broker.app("op_Basic")
    before = app.sign_in(agent).id_token["sub"]
    stage.op.rotate("second")
    assert app.sign_in(Agent(*agent.until)).id_token["sub"] == before


def test_trace_tells_where_a_claim_came_from(stage: Stage, agent: Agent) -> None:
    """What happened stands in the audit file, one object a line."""
    stage.broker.app("op_Basic").sign_in(agent)
    lines = (stage.broker.directory / "broker-oidc-audit.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert any(event.get("provider") == "workforce" and event.get("outcome") == "ok" for event in events), events[-3:]

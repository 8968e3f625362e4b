"""SimpleSAMLphp signs people in: every signature policy, encryption, both bindings, both logouts, and what it must not get away with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.parties.kit.agent import Agent, Page
from tests.parties.kit.app import CALLBACK, SIGNED_OUT
from tests.parties.kit.broker import SAML_MAPPING, Broker, pool
from tests.parties.kit.simplesaml import SimpleSaml, entity_id

pytestmark = pytest.mark.parties

SIGNED = {"saml20__sign__response": True, "saml20__sign__assertion": True}

# pool -> our provider's options, the identity provider's options for us.
VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ssp_Both": ({"signature_policy": "both", "sign_out": True}, SIGNED),
    "ssp_Response": ({"signature_policy": "response"}, {**SIGNED, "saml20__sign__assertion": False}),
    "ssp_Assertion": ({"signature_policy": "assertion"}, {**SIGNED, "saml20__sign__response": False}),
    "ssp_Either": ({}, {**SIGNED, "saml20__sign__response": False}),
    "ssp_Post": ({"request_binding": "post"}, SIGNED),
    # SimpleSAMLphp seals for a certificate with AES-CBC alone.
    "ssp_Sealed": ({"want_encrypted": True}, {**SIGNED, "assertion__encryption": True}),
    "ssp_SealedAssertion": ({"signature_policy": "assertion"}, {**SIGNED, "saml20__sign__response": False, "assertion__encryption": True}),
    "ssp_Started": ({"idp_initiated": True}, SIGNED),
}
# pool -> the same for what must be refused.
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ssp_Unsigned": ({}, {"saml20__sign__response": False, "saml20__sign__assertion": False}),
    "ssp_WantsBoth": ({"signature_policy": "both"}, {**SIGNED, "saml20__sign__assertion": False}),
    "ssp_WantsSealed": ({"want_encrypted": True}, SIGNED),
    "ssp_NoCbc": ({"allow_aes_cbc": False}, {**SIGNED, "assertion__encryption": True}),
    "ssp_Sha1": ({}, {**SIGNED, "signature__algorithm": "http://www.w3.org/2000/09/xmldsig#rsa-sha1"}),
    "ssp_Stale": ({"clock_skew_seconds": 0}, {**SIGNED, "assertion__lifetime": -120}),
}


def _sso_method(agent: Agent) -> str:
    return next(method for method, _, url in agent.history if "SSOService.php" in url)


@pytest.fixture(scope="module")
def broker(ssp: SimpleSaml) -> Iterator[Broker]:
    """One broker with a pool for each variant, each registered at the identity provider."""
    metadata = ssp.metadata()
    pools = [
        pool(name, [{"name": "campus", "kind": "saml", "metadata": metadata, "mapping": SAML_MAPPING, **ours}])
        for name, (ours, _) in {**VARIANTS, **REFUSED}.items()
    ]
    with closing(Broker(pools, name="broker-saml")) as party:
        for name, (_, theirs) in {**VARIANTS, **REFUSED}.items():
            ssp.register(name, party.sp_metadata(name), **theirs)
        yield party
        assert party.tracebacks() == []


@pytest.mark.parametrize("name", VARIANTS)
def test_sign_in(broker: Broker, agent: Agent, name: str) -> None:
    """The same person with the same claims, whatever is signed, sealed and posted."""
    tokens = broker.app(name).sign_in(agent)
    claims = tokens.id_token
    assert (claims["email"], claims["given_name"], claims["family_name"]) == ("alice@example.org", "Alice", "Liddell")
    assert claims["identities"][0]["providerName"] == "campus"
    assert claims["sub"] == tokens.access_token["sub"]


@pytest.mark.parametrize("name", REFUSED)
def test_refused(broker: Broker, agent: Agent, name: str) -> None:
    """What the policy forbids gives no code: the app hears of an error, or the person sees a page."""
    app = broker.app(name)
    journey = app.begin()
    page = agent.sign_in(agent.open(journey.url), "alice", "alicepass")
    assert page.arrived or 400 <= page.status < 500, page.shown()
    assert "code" not in page.query
    assert "login_required" in app.silent(agent).url


def test_request_by_post_is_posted(broker: Broker, agent: Agent) -> None:
    """The AuthnRequest goes by the binding that was chosen."""
    broker.app("ssp_Post").sign_in(agent)
    assert _sso_method(agent) == "POST"
    other = Agent(*agent.until)
    broker.app("ssp_Both").sign_in(other)
    assert _sso_method(other) == "GET"


def test_same_person_twice_is_one_profile(broker: Broker, agent: Agent) -> None:
    """A second sign-in finds the profile of the first; another person has another."""
    app = broker.app("ssp_Both")
    first = app.sign_in(agent).id_token["sub"]
    assert app.sign_in(Agent(*agent.until)).id_token["sub"] == first
    assert app.sign_in(Agent(*agent.until), "bob", "bobpass").id_token["sub"] != first


def test_session_asks_nobody_twice(broker: Broker, agent: Agent) -> None:
    """A browser that is signed in gets its next code without the identity provider."""
    app = broker.app("ssp_Both")
    app.sign_in(agent)
    steps = len(agent.history)
    page = agent.open(app.begin().url)
    assert page.arrived
    assert not [url for _, _, url in agent.history[steps:] if "SSOService" in url]


def test_wrong_password(broker: Broker, agent: Agent, ssp: SimpleSaml) -> None:
    """The identity provider says no; the login stays open, and the right password still completes it."""
    app = broker.app("ssp_Both")
    journey = app.begin()
    page = agent.sign_in(agent.open(journey.url), "alice", "wrong")
    assert page.url.startswith(ssp.url)
    assert page.asks_password
    assert "login_required" in app.silent(agent).url
    tokens = app.finish(journey, agent.sign_in(page, "alice", "alicepass"))
    assert tokens.id_token["email"] == "alice@example.org"


def test_force_authn(broker: Broker, agent: Agent) -> None:
    """prompt=login asks for the password although both sessions are alive; without it, nobody asks."""
    app = broker.app("ssp_Both")
    before = app.sign_in(agent)
    page = agent.open(app.begin().url)
    assert page.arrived
    journey = app.begin(prompt="login")
    page = agent.open(journey.url)
    assert page.asks_password, page.shown()
    after = app.finish(journey, agent.sign_in(page, "alice", "alicepass"))
    assert after.id_token["auth_time"] >= before.id_token["auth_time"]
    assert after.id_token["sub"] == before.id_token["sub"]


def test_logout_from_the_app_ends_both_sessions(broker: Broker, agent: Agent, ssp: SimpleSaml) -> None:
    """Our signed LogoutRequest is taken, its signed answer too, and the app gets the browser back."""
    app = broker.app("ssp_Both")
    app.sign_in(agent)
    steps = len(agent.history)
    page = agent.open(app.logout_url())
    assert page.arrived, page.shown()
    assert page.url.startswith(SIGNED_OUT)
    walked = [url for _, _, url in agent.history[steps:]]
    assert [url for url in walked if url.startswith(ssp.url) and "SingleLogoutService" in url], walked
    assert [url for url in walked if "/saml2/logout" in url and "SAMLResponse" in url], walked
    assert "login_required" in app.silent(agent).url
    assert agent.open(app.begin().url).asks_password


def test_logout_at_the_identity_provider_ends_ours(broker: Broker, agent: Agent, ssp: SimpleSaml) -> None:
    """Its signed LogoutRequest ends the session and the refresh tokens, and our signed answer lets it finish."""
    app = broker.app("ssp_Both")
    tokens = app.sign_in(agent)
    assert app.refresh(tokens).status_code == 200
    page = agent.open(ssp.logout_url(SIGNED_OUT))
    assert page.arrived, page.shown()
    assert page.url.startswith(SIGNED_OUT)
    assert "login_required" in app.silent(agent).url
    refused = app.refresh(tokens)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_logout_leaves_other_people_alone(broker: Broker, agent: Agent, ssp: SimpleSaml) -> None:
    """Alice's logout at the identity provider is hers: bob's session and alice's other browser stay."""
    app = broker.app("ssp_Both")
    app.sign_in(agent)
    bob, elsewhere = Agent(*agent.until), Agent(*agent.until)
    app.sign_in(bob, "bob", "bobpass")
    app.sign_in(elsewhere)
    agent.open(ssp.logout_url(SIGNED_OUT))
    assert "code" in app.silent(bob).query
    assert "code" in app.silent(elsewhere).query
    assert "login_required" in app.silent(agent).url


def test_started_at_the_identity_provider(broker: Broker, agent: Agent, ssp: SimpleSaml) -> None:
    """Where a pool allows it, a sign-in may begin at the identity provider; elsewhere it is refused."""

    def start(name: str, browser: Agent) -> Page:
        relay = {
            "identity_provider": "campus", "client_id": broker.app(name).client_id, "redirect_uri": CALLBACK, "response_type": "code",
            "scope": "openid email",
        }  # fmt: skip
        start = ssp.idp_initiated_url(entity_id(broker.sp_metadata(name)), urlencode(relay))
        return browser.sign_in(browser.open(start), "alice", "alicepass")

    page = start("ssp_Started", agent)
    assert page.arrived, page.shown()
    app = broker.app("ssp_Started")
    redeemed = app.post("token_endpoint", grant_type="authorization_code", code=page.query["code"], redirect_uri=CALLBACK)
    assert app.read(redeemed.json()).id_token["email"] == "alice@example.org"

    page = start("ssp_Both", Agent(*agent.until))
    assert not page.arrived, page.shown()
    assert 400 <= page.status < 500

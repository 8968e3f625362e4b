"""What a door does when it is only looked at (HEAD), and what a sign-out takes along to the sign-in that follows it."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.fakes.broker import POOL, PUBLIC, REDIRECT, TestBroker

SIGN_IN = {
    "response_type": "code",
    "client_id": "app",
    "redirect_uri": REDIRECT,
    "scope": "openid email",
    "state": "s",
    "nonce": "n",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}


@pytest.mark.parametrize(
    "path", ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/.well-known/jwks.json", "/saml2/metadata"]
)
def test_head_is_answered_where_get_only_shows(broker: TestBroker, path: str) -> None:
    reply = broker.browser().client.head(f"/{POOL}{path}", base_url=PUBLIC)
    assert (reply.status_code, reply.get_data()) == (200, b"")


@pytest.mark.parametrize(
    "path", ["/oauth2/authorize", "/oauth2/idpresponse", "/saml2/logout", "/login", "/consent", "/logout", "/signedout?state=x"]
)
def test_head_spends_nothing_where_get_does_something(broker: TestBroker, path: str) -> None:
    reply = broker.browser().client.head(f"/{POOL}{path}", base_url=PUBLIC)
    assert reply.status_code == 405
    assert "GET" in reply.headers["Allow"]
    assert "Set-Cookie" not in reply.headers


def test_signing_in_again_keeps_what_the_sign_in_needs(broker: TestBroker) -> None:
    browser = broker.browser()
    reply = browser.get(f"{broker.issuer()}/logout?{urlencode({**SIGN_IN, 'lang': 'de'})}")
    assert dict(parse_qsl(urlsplit(reply.location).query)) == {**SIGN_IN, "lang": "de"}
    assert browser.get(reply.location).location.startswith(f"{broker.issuer()}/login")

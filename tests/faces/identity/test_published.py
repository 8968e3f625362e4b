"""What an identity pool publishes: enough for anybody to verify its tokens by, and at one address only."""

from __future__ import annotations

import base64

import jwt
import pytest
from cryptography.x509 import load_der_x509_certificate

from tests.fakes.access import POOL_A, POOL_B, Access
from tests.fakes.broker import PUBLIC

UUID = POOL_A.partition(":")[2]
BASE = f"{PUBLIC}/identity/{UUID}/.well-known"


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Access:
    return Access.start(tmp_path_factory.mktemp("published"))


def test_discovery_leads_to_the_keys_that_verify_a_token(access: Access) -> None:
    browser = access.broker.browser()
    document = browser.get(f"{BASE}/openid-configuration")
    assert document.content_type == "application/json"
    assert document.headers["Access-Control-Allow-Origin"] == "*"
    assert document.get_json()["issuer"] == f"{PUBLIC}/identity/{UUID}"
    assert document.get_json()["id_token_signing_alg_values_supported"] == ["RS512"]
    keys = browser.get(document.get_json()["jwks_uri"]).get_json()
    assert browser.get(f"{BASE}/jwks.json").get_json() == keys
    token = access.token(access.identity())
    header = jwt.get_unverified_header(token)
    assert header == {"alg": "RS512", "typ": "JWS", "kid": keys["keys"][0]["kid"]}
    key = jwt.PyJWK(keys["keys"][0])
    claims = jwt.decode(token, key, algorithms=["RS512"], audience=POOL_A, issuer=document.get_json()["issuer"])
    assert claims["sub"] == access.identity()


def test_each_key_comes_with_its_certificate(access: Access) -> None:
    (key,) = access.broker.browser().get(f"{BASE}/jwks_uri").get_json()["keys"]
    certificate = load_der_x509_certificate(base64.b64decode(key["x5c"][0], validate=True))
    assert certificate.public_key() == jwt.PyJWK(key).key
    assert "d" not in key


def test_pools_have_keys_of_their_own(access: Access) -> None:
    browser = access.broker.browser()
    other = browser.get(BASE.replace(UUID, POOL_B.partition(":")[2]) + "/jwks_uri").get_json()["keys"][0]["kid"]
    assert other != browser.get(f"{BASE}/jwks_uri").get_json()["keys"][0]["kid"]


@pytest.mark.parametrize(
    "url",
    [
        f"{PUBLIC}/identity/dddddddd-1111-4111-8111-111111111111/.well-known/jwks_uri",
        f"{PUBLIC}/identity/{UUID.upper()}/.well-known/jwks_uri",
        f"{PUBLIC}/identity/eu-west-1:{UUID}/.well-known/jwks_uri",
        f"{PUBLIC}/identity/../.well-known/jwks_uri",
        f"{PUBLIC}/local_Test1/identity/{UUID}/.well-known/jwks_uri",
        f"{PUBLIC}/identity/{UUID}",
    ],
)
def test_anywhere_else_there_is_nothing(access: Access, url: str) -> None:
    assert access.broker.browser().get(url).status_code == 404
    assert access.broker.browser().get(f"{BASE}/jwks_uri").status_code == 200


def test_only_reading_is_offered(access: Access) -> None:
    assert access.broker.browser().post(f"{BASE}/jwks_uri", {}).status_code == 405

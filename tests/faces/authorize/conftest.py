"""The broker of these tests."""

from __future__ import annotations

import pytest

from broker.model.sts import Grant
from tests.faces.authorize.stage import IDENTITY_POOL, ROLE, SETTINGS, World
from tests.fakes.broker import TestBroker
from tests.fakes.setup import TOML


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    toml = TOML.replace("{issuer}", "https://op.example") + SETTINGS
    trusted = 'public_url = "http://localhost:8080"\ntrusted_proxies = ["127.0.0.1"]'
    broker = TestBroker.start(tmp_path_factory.mktemp("authorize"), toml.replace('public_url = "http://localhost:8080"', trusted, 1))
    grant = Grant(
        openid_token=lambda: "",
        provider="cognito-identity.amazonaws.com",
        role_arn=ROLE,
        session_name="CognitoIdentityCredentials",
        ttl=3600,
        tags={"Department": "marketing"},
        federated={
            "cognito-identity.amazonaws.com:aud": IDENTITY_POOL,
            "cognito-identity.amazonaws.com:sub": "eu-west-1:22222222-2222-4222-8222-222222222222",
            "cognito-identity.amazonaws.com:amr": ("authenticated",),
        },
        identity_id="eu-west-1:22222222-2222-4222-8222-222222222222",
        identity_pool_id=IDENTITY_POOL,
    )
    return World(broker, broker.wired.services.access.kit.credentials.issue(grant))

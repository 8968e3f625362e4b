"""The OpenID Connect adapter where nobody attacks it: what it asks, what it answers, what its settings change."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from metadata.errors import DocumentInvalid
from metadata.fetch import Fetcher
from metadata.oidc.strict_json import parse_json, parse_object
from providers.base import Inbound, LoginAsk, LogsOut, ProviderSpec, Toolbox, UpstreamIdentity
from providers.errors import ProviderMisconfigured, UpstreamUnavailable
from providers.oauth.client import assertion_alg
from providers.oauth.memo import UNPROVEN
from providers.oidc.provider import OidcProvider
from tests.fakes.oidc_op import FakeOp

CALLBACK = "https://broker.example/cb"


@pytest.fixture(scope="module")
def _op() -> Iterator[FakeOp]:
    with FakeOp() as made:
        yield made


@pytest.fixture
def op(_op: FakeOp) -> FakeOp:
    _op.reset()
    _op.clients = {"client-1": "a-secret-that-is-quite-long-enough"}
    return _op


def provider(op: FakeOp, secret: str | None = None, **options: Any) -> OidcProvider:
    told = {} if secret == "" else {"client_secret": secret or op.clients["client-1"]}
    chosen = {"issuer": op.issuer, "client_id": "client-1", **options}
    spec = ProviderSpec("pool", "idp", "IdP", "oidc", chosen, told, callback_urls=(CALLBACK,), operator_declared=True)
    tools = Toolbox(lambda: datetime.now(UTC), Fetcher(("127.0.0.1",)), secrets.token_urlsafe)
    return OidcProvider.from_spec(spec, tools)


def login(op: FakeOp, made: OidcProvider, **ask: Any) -> UpstreamIdentity:
    started = made.start(LoginAsk("h" * 43, CALLBACK, **ask))
    return made.finish(started.memo, Inbound("GET", CALLBACK, tuple(op.browse(started.url))))


def asked(made: OidcProvider, **ask: Any) -> dict[str, str]:
    url = made.start(LoginAsk("h" * 43, CALLBACK, **ask)).url
    return {n: v[0] for n, v in parse_qs(urlsplit(url).query).items()}


def test_an_identity_has_all_that_the_broker_needs(op: FakeOp) -> None:
    made = provider(op)
    identity = login(op, made)
    assert isinstance(made, LogsOut)
    assert (identity.provider_id, identity.issuer, identity.subject, identity.subject_key) == ("idp", op.issuer, "user-1", "user-1")
    assert identity.attributes["email"] == "ada@example.com"
    assert identity.session.sid == "session-1"
    assert identity.amr == ("pwd",)
    assert identity.authenticated_at is not None
    assert len(identity.burns) == 1
    evidence = json.loads(identity.evidence)
    assert evidence["id_token"] == identity.session.id_token
    assert evidence["userinfo"]["name"] == "Ada Lovelace"


def test_what_is_asked_for_is_passed_on(op: FakeOp) -> None:
    everything = {
        "login_hint": "ada@example.com",
        "prompt": ("login", "consent"),
        "acr_values": ("mfa",),
        "max_age": 0,
        "ui_locales": "de",
        "scopes": ("phone", "email"),
    }
    sent = asked(provider(op, authorize_params={"hd": "example.com"}), **everything)
    assert sent["scope"] == "openid email profile phone"
    assert (sent["prompt"], sent["acr_values"], sent["max_age"], sent["ui_locales"]) == ("login consent", "mfa", "0", "de")
    assert sent["hd"] == "example.com"
    less = asked(provider(op, forward=["login_hint"]), **everything)
    assert less["login_hint"] == "ada@example.com"
    assert not {"prompt", "acr_values", "max_age", "ui_locales"} & set(less)


def test_what_was_not_forwarded_is_not_demanded(op: FakeOp) -> None:
    assert login(op, provider(op, forward=[]), acr_values=("mfa",), max_age=1).acr is None
    op.forge.claims = lambda c: {**c, "acr": "other"}
    assert login(op, provider(op, require_acr=False), acr_values=("mfa",)).acr == "other"


def test_a_new_sign_in_is_asked_for_and_the_provider_says_when_it_was(op: FakeOp) -> None:
    for ask in ({"prompt": ("login",)}, {"max_age": 0}, {"max_age": 60, "prompt": ("login", "consent")}):
        identity = login(op, provider(op), **ask)
        assert identity.authenticated_at is not None, ask
        assert identity.notes == (), ask


def test_a_provider_that_does_not_say_when_is_only_noted_for_prompt_login(op: FakeOp) -> None:
    op.forge.claims = lambda c: {name: value for name, value in c.items() if name != "auth_time"}
    identity = login(op, provider(op), prompt=("login",))
    assert identity.authenticated_at is None
    assert identity.notes == (UNPROVEN,)
    assert login(op, provider(op)).notes == (), "nobody asked"


@pytest.mark.parametrize("age", ["soon", "-1", "", "1.5", "\u0663"])
def test_a_max_age_of_the_providers_own_is_a_number(op: FakeOp, age: str) -> None:
    with pytest.raises(ProviderMisconfigured, match="max_age"):
        provider(op, authorize_params={"max_age": age})
    assert asked(provider(op, authorize_params={"max_age": "60"}))["max_age"] == "60"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_secrets_with_odd_characters_arrive(op: FakeOp, method: str) -> None:
    op.clients["client-1"] = "p%:+ &=/ü ~-_.secret"
    assert login(op, provider(op, token_auth=method)).subject == "user-1"
    form = next(s for s in op.seen if s.path == "/token")
    assert ("authorization" in form.headers) == (method == "client_secret_basic")


def test_the_method_is_the_one_that_the_provider_lists(op: FakeOp) -> None:
    op.forge.discovery = lambda d: {**d, "token_endpoint_auth_methods_supported": ["client_secret_post"]}
    login(op, provider(op))
    assert "client_secret=" in next(s.body for s in op.seen if s.path == "/token")


def test_a_public_client(op: FakeOp) -> None:
    op.clients["client-1"] = ""
    assert login(op, provider(op, secret="", token_auth="none")).subject == "user-1"


def test_a_wrong_secret_is_our_fault_not_the_users(op: FakeOp) -> None:
    with pytest.raises(ProviderMisconfigured) as caught:
        login(op, provider(op, secret="wrong"))
    assert caught.value.reason == "client_refused"


def test_endpoints_written_out_need_no_discovery(op: FakeOp) -> None:
    urls = {
        "authorize_url": "/authorize",
        "token_url": "/token",
        "jwks_uri": "/jwks",
        "attributes_url": "/userinfo",
        "end_session_url": "/logout",
    }
    made = provider(op, **{name: op.issuer + path for name, path in urls.items()})
    identity = login(op, made)
    assert identity.attributes["name"] == "Ada Lovelace"
    assert op.hits("/.well-known/openid-configuration") == 0
    assert made.start_logout(identity.session, "h", "https://broker.example/out") is not None


def test_userinfo_by_post_or_not_at_all(op: FakeOp) -> None:
    login(op, provider(op, attributes_request_method="POST"))
    assert next(s.method for s in op.seen if s.path == "/userinfo") == "POST"
    op.reset()
    assert "name" not in login(op, provider(op, userinfo=False)).attributes
    assert op.hits("/userinfo") == 0


def test_shared_secret_algorithms_by_choice(op: FakeOp) -> None:
    from joserfc.jwk import OctKey

    from tests.fakes.oidc_op import sign

    key = OctKey.import_key(op.clients["client-1"])
    op.forge.token = lambda h, c, k: sign({"alg": "HS256"}, c, key)
    assert login(op, provider(op, id_token_algs="HS256")).subject == "user-1"


def test_an_upstream_that_is_down(op: FakeOp) -> None:
    op.forge.reply["/.well-known/openid-configuration"] = lambda: (503, {}, b"")
    with pytest.raises(UpstreamUnavailable) as caught:
        login(op, provider(op))
    assert caught.value.reason == "discovery_failed"


def test_two_adapters_of_one_toolbox_share_what_was_fetched(op: FakeOp) -> None:
    first = provider(op)
    second = OidcProvider.from_spec(first.spec, first._tools)
    login(op, first)
    login(op, second)
    assert op.hits("/jwks") == op.hits("/.well-known/openid-configuration") == 1


@pytest.mark.parametrize("text", [b'{"a":1}', b"[1]", b'"\\u00fc"', b'"\\\\u0000"', b"1e300", b'{"a":{"a":1}}'])
def test_json_that_is_json(text: bytes) -> None:
    assert parse_json(text) == json.loads(text)


@pytest.mark.parametrize(
    "text", [b"", b"{", b'{"a":1,"a":1}', b"NaN", b"1e999", b'"\\u0000"', b'"\\ud800"', b"\xff", b"[" * 100_000, b'"\\\\\\u0000"']
)
def test_json_that_two_readers_would_not_read_alike(text: bytes) -> None:
    with pytest.raises(DocumentInvalid):
        parse_json(text)


def test_an_object_is_wanted() -> None:
    with pytest.raises(DocumentInvalid):
        parse_object(b"[]")


@pytest.mark.parametrize(("kind", "alg"), [("RSA", "RS256"), ("P-256", "ES256"), ("P-384", "ES384"), ("Ed25519", "EdDSA")])
def test_the_algorithm_follows_the_private_key(kind: str, alg: str) -> None:
    made = {"RSA": lambda: RSAKey.generate_key(2048), "Ed25519": lambda: OKPKey.generate_key("Ed25519")}
    key = made.get(kind, lambda: ECKey.generate_key(kind))()
    assert assertion_alg(key.as_pem(private=True).decode()) == alg

"""Each row of the table against a sample of what its provider really answers."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from metadata.fetch import Fetcher
from providers.base import Inbound, LoginAsk, Provider, ProviderSpec, Toolbox
from providers.catalog import FACTORIES, KINDS, QUIRKS, build, validate
from providers.errors import ProviderError, ProviderMisconfigured
from providers.oauth.authorize import RESERVED
from providers.oauth.memo import UNPROVEN
from providers.social.presets import PRESETS
from tests.fakes.oidc_op import FakeOp

GOLDEN = Path(__file__).parents[2] / "golden" / "social"
CALLBACK = "https://broker.example/cb"
SECRET = {"client_secret": "a-secret-that-is-quite-long-enough"}


@pytest.fixture(scope="module")
def op() -> Iterator[FakeOp]:
    with FakeOp() as made:
        yield made


def tools() -> Toolbox:
    return Toolbox(lambda: datetime.now(UTC), Fetcher(("127.0.0.0/8",)), secrets.token_urlsafe)


def spec(kind: str, **options: Any) -> ProviderSpec:
    return ProviderSpec("pool", "p", "P", kind, {"client_id": "client-1", **options}, SECRET, "", (CALLBACK,), operator_declared=True)


def at(op: FakeOp, kind: str) -> Provider:
    """The row's provider, its URLs led to the fake."""
    if PRESETS[kind].protocol == "oidc":
        return build(spec(kind, issuer=op.issuer), tools())
    urls = {"authorize_url": "/authorize", "token_url": "/token", "attributes_url": "/user"}
    return build(spec(kind, **{name: op.issuer + path for name, path in urls.items()}), tools())


def test_every_row_has_its_sample_and_every_sample_its_row() -> None:
    assert {p.stem for p in GOLDEN.glob("*.json")} == set(PRESETS)


@pytest.mark.parametrize("kind", PRESETS)
def test_a_row_turns_its_sample_into_these_attributes(op: FakeOp, kind: str) -> None:
    op.reset()
    sample = json.loads((GOLDEN / f"{kind}.json").read_text())
    for path, body in sample["replies"].items():
        reply = (200, {"Content-Type": "application/json"}, json.dumps(body).encode())
        op.forge.reply[path] = lambda reply=reply: reply
    op.forge.claims = lambda c: {**c, **sample.get("id_token", {})}
    provider = at(op, kind)
    started = provider.start(LoginAsk("h" * 43, CALLBACK))
    identity = provider.finish(started.memo, Inbound("GET", CALLBACK, tuple(op.browse(started.url))))
    assert identity.subject == identity.subject_key == sample["subject"]
    assert sample["attributes"].items() <= identity.attributes.items()
    assert identity.issuer == op.issuer
    assert json.loads(identity.evidence)["userinfo"]


@pytest.mark.parametrize("ask", [{"prompt": ("login",)}, {"max_age": 0}], ids=str)
def test_plain_oauth_2_claims_no_time_of_sign_in(op: FakeOp, ask: dict[str, Any]) -> None:
    op.reset()
    for path, body in json.loads((GOLDEN / "github.json").read_text())["replies"].items():
        reply = (200, {"Content-Type": "application/json"}, json.dumps(body).encode())
        op.forge.reply[path] = lambda reply=reply: reply
    started = at(op, "github").start(LoginAsk("h" * 43, CALLBACK, **ask))
    identity = at(op, "github").finish(started.memo, Inbound("GET", CALLBACK, tuple(op.browse(started.url))))
    assert identity.authenticated_at is None
    assert identity.notes == (UNPROVEN,)
    sent = parse_qs(urlsplit(started.url).query)
    assert (sent.get("prompt"), "max_age" in sent) == (["login"] if "prompt" in ask else None, False)


@pytest.mark.parametrize("kind", PRESETS)
def test_a_row_is_complete(kind: str) -> None:
    row = PRESETS[kind]
    assert row.kind == kind
    assert row.display
    assert row.docs.startswith("https://")
    urls = (row.authorize_url, row.token_url, row.userinfo_url) if row.protocol == "oauth2" else (row.issuer,)
    assert all(u.startswith("https://") for u in urls)
    assert row.subject not in ("login", "name", "email", "username")
    assert not RESERVED & set(row.authorize_params)
    assert (row.email_verified == "quirk") <= (kind in QUIRKS)
    assert kind in FACTORIES


def test_google_is_itself_unless_told_otherwise() -> None:
    row = PRESETS["google"]
    assert row.issuer == "https://accounts.google.com"
    assert row.issuer_aliases == ("accounts.google.com",)
    assert validate(replace(spec("google"), operator_declared=False)) is None


def test_github_is_asked_with_its_own_words() -> None:
    provider = build(spec("github"), tools())
    started = provider.start(LoginAsk("h" * 43, CALLBACK, login_hint="octocat", prompt=("select_account",), acr_values=("x",)))
    asked = {n: v[0] for n, v in parse_qs(urlsplit(started.url).query).items()}
    assert started.url.startswith("https://github.com/login/oauth/authorize?")
    assert asked["scope"] == "read:user user:email"
    assert (asked["login"], asked["prompt"], asked["code_challenge_method"]) == ("octocat", "select_account", "S256")
    assert not {"login_hint", "acr_values", "nonce", "response_mode"} & set(asked)


def test_an_api_that_is_down_or_refuses(op: FakeOp) -> None:
    for status, why in ((500, "userinfo_status"), (401, "userinfo_status"), (302, "userinfo_status"), (200, "userinfo_not_json")):
        op.reset()
        op.forge.reply["/user"] = lambda status=status: (status, {"Location": "/x"}, b"oops")
        provider = at(op, "github")
        started = provider.start(LoginAsk("h" * 43, CALLBACK))
        answer = Inbound("GET", CALLBACK, tuple(op.browse(started.url)))
        with pytest.raises(ProviderError) as caught:
            provider.finish(started.memo, answer)
        assert caught.value.reason == why
    assert op.hits("/x") == 0


def test_a_provider_that_an_operator_describes_himself(op: FakeOp) -> None:
    op.reset()
    profile = {"user": {"uuid": "u-7", "mail": "a@b.example"}, "email_verified": True}
    op.forge.reply["/me"] = lambda: (200, {}, json.dumps(profile).encode())
    urls = {"authorize_url": f"{op.issuer}/authorize", "token_url": f"{op.issuer}/token", "attributes_url": f"{op.issuer}/me"}
    described = spec("oauth2", **urls, scopes="me", subject="user.uuid", claims={"email": "user.mail"})
    provider = build(described, tools())
    started = provider.start(LoginAsk("h" * 43, CALLBACK))
    identity = provider.finish(started.memo, Inbound("GET", CALLBACK, tuple(op.browse(started.url))))
    assert identity.subject == "u-7"
    assert identity.attributes["email"] == "a@b.example"
    assert identity.attributes["email_verified"] is False  # unless the operator says that it can be believed


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("nonsense", {}, "kind 'nonsense' is none of"),
        ("oidc", {}, "issuer"),
        ("oidc", {"issuer": "http://x.example"}, "issuer"),
        ("oidc", {"issuer": "https://x.example", "scopes": "email"}, "openid"),
        ("oidc", {"issuer": "https://x.example", "authorize_url": "https://x.example/a"}, "together"),
        ("oidc", {"issuer": "https://x.example", "clock_skew": 61}, "clock_skew"),
        ("oidc", {"issuer": "https://x.example", "id_token_algs": "none"}, "id_token_algs"),
        ("oidc", {"issuer": "https://x.example", "id_token_algs": "HS256 RS256"}, "mix"),
        ("oidc", {"issuer": "https://x.example", "authorize_params": {"state": "x"}}, "state"),
        ("oidc", {"issuer": "https://x.example", "isuer": "x"}, "isuer"),
        ("oidc", {"issuer": "https://x.example", "token_auth": "private_key_jwt"}, "private_key"),
        ("oidc", {"issuer": "https://x.example?a=b"}, "query"),
        ("oauth2", {}, "authorize_url"),
        ("github", {"token_url": "http://x.example"}, "token_url"),
        ("github", {"authorize_params": {"redirect_uri": "x"}}, "redirect_uri"),
    ],
)
def test_what_is_wrong_is_said_by_name(kind: str, options: dict[str, Any], words: str) -> None:
    stranger = replace(spec(kind, **options), operator_declared=False)
    said = validate(stranger)
    assert said is not None
    assert words in said
    assert SECRET["client_secret"] not in said
    with pytest.raises(ProviderMisconfigured):
        build(stranger, tools())


def test_a_missing_secret_is_named() -> None:
    for kind in ("github", "google"):
        assert "client_secret" in str(validate(replace(spec(kind), secrets={})))
    short = replace(spec("oidc", issuer="https://x.example", id_token_algs="HS256"), secrets={"client_secret": "short"})
    assert "32 bytes" in str(validate(short))


def test_the_kinds() -> None:
    assert KINDS == ("saml", "oidc", "oauth2", "github", "google")

"""OA-R3 as far as the adapter can be asked; the browser's binding to its login is the broker's, and so are those rows."""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from providers.base import KeyPair
from providers.errors import ProviderError, ProviderMisconfigured, ResponseInvalid, UpstreamRefused
from tests.attacks.oidc_rp.flows import ROWS
from tests.attacks.oidc_rp.rig import CALLBACK, Rig, Row, refuses_then_accepts
from tests.fakes.oidc_op import FakeOp, SigningKey, sign


def reason(caught: pytest.ExceptionInfo[ProviderError]) -> str:
    return caught.value.reason


def query(url: str) -> dict[str, str]:
    return {n: v[0] for n, v in parse_qs(urlsplit(url).query).items()}


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_row(rig: Rig, row: Row) -> None:
    refuses_then_accepts(rig, row)
    assert rig.op.hits("/canary") == 0


def test_r3_1_no_memo_is_no_login(rig: Rig) -> None:
    provider = rig.provider()
    started = rig.begin(provider)
    pairs = rig.op.browse(started.url)
    for memo, why in ((None, "unsolicited"), (b"", "memo_invalid"), (b"{}", "memo_invalid"), (b"[]", "memo_invalid")):
        with pytest.raises(ResponseInvalid) as caught:
            provider.finish(memo, rig.inbound(pairs))
        assert reason(caught) == why
    assert provider.finish(started.memo, rig.inbound(pairs)).subject == "user-1"


def test_r3_2_a_login_begun_at_one_provider_does_not_end_at_another(rig: Rig) -> None:
    here, there = rig.provider(), rig.provider(provider_id="other")
    started = rig.begin(here)
    pairs = rig.op.browse(started.url)
    for provider in (there, rig.provider(pool_id="other-pool")):
        with pytest.raises(ResponseInvalid) as caught:
            provider.finish(started.memo, rig.inbound(pairs))
        assert reason(caught) == "provider_mismatch"
    assert rig.op.hits("/token") == 0
    assert here.finish(started.memo, rig.inbound(pairs)).subject == "user-1"


def test_r3_2_the_provider_was_given_another_issuer_in_between(rig: Rig) -> None:
    started = rig.begin()
    pairs = rig.op.browse(started.url)
    moved = rig.provider(options={"issuer": "https://new.example", "client_id": "client-1"})
    with pytest.raises(ResponseInvalid) as caught:
        moved.finish(started.memo, rig.inbound(pairs))
    assert reason(caught) == "provider_mismatch"


def test_r3_4_a_code_goes_to_the_issuer_that_made_it_and_to_nobody_else(rig: Rig) -> None:
    """The evil provider sends the browser on to the honest one, with its own login's state: the honest code comes back to us."""
    with FakeOp() as evil:
        bad = rig.provider(provider_id="evil", options={"issuer": evil.issuer, "client_id": "client-1"})
        begun = rig.begin(bad)
        sent_on = begun.url.replace(evil.issuer, rig.op.issuer)
        pairs = rig.op.browse(sent_on)
        with pytest.raises(ResponseInvalid) as caught:
            bad.finish(begun.memo, rig.inbound(pairs))
        assert reason(caught) == "iss_mismatch"
        assert evil.hits("/token") == 0
    assert rig.login().subject == "user-1"


@pytest.mark.parametrize("checks_pkce", [True, False])
def test_r3_6_a_stolen_code_in_ones_own_login(rig: Rig, checks_pkce: bool) -> None:
    """PKCE stops it at the provider; where a provider does not look, the nonce stops it here (also OA-R3.9)."""
    provider = rig.provider()
    victim, own = rig.begin(provider), rig.begin(provider)
    stolen = dict(rig.op.browse(victim.url))["code"]
    answer = [(n, stolen if n == "code" else v) for n, v in rig.op.browse(own.url)]
    if not checks_pkce:
        asked = rig.op._codes[stolen]
        asked["code_challenge"] = query(own.url)["code_challenge"]
    with pytest.raises(ResponseInvalid) as caught:
        provider.finish(own.memo, rig.inbound(answer))
    assert reason(caught) == ("code_refused" if checks_pkce else "id_token_nonce")


def test_r3_8_pkce_always_fresh_and_never_logged(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    provider = rig.provider()
    first, second = rig.begin(provider), rig.begin(provider)
    asked = [query(s.url) for s in (first, second)]
    assert {a["code_challenge_method"] for a in asked} == {"S256"}
    for name in ("code_challenge", "nonce", "state"):
        assert len({a[name] for a in asked}) == 2
        assert all(len(a[name]) >= 43 for a in asked)
    identity = provider.finish(first.memo, rig.inbound(rig.op.browse(first.url)))
    form = parse_qs(next(s.body for s in rig.op.seen if s.path == "/token"))
    for word in (form["code_verifier"][0], form["code"][0], identity.session.id_token or "", "a-secret-that"):
        assert word not in caplog.text
        assert word not in repr(first) + repr(identity) + repr(provider.spec)


def test_r3_9_metadata_without_pkce_changes_nothing(rig: Rig) -> None:
    rig.op.forge.discovery = lambda d: {n: v for n, v in d.items() if n != "code_challenge_methods_supported"}
    asked = query(rig.begin().url)
    assert asked["code_challenge"]
    assert asked["nonce"]


def test_r3_10_the_words_of_an_error_are_cleaned(rig: Rig) -> None:
    words = "<script>alert(1)</script>\r\nSet-Cookie: a=b\x00\x1b[31m" + "x" * 1000
    provider = rig.provider()
    started = rig.begin(provider)
    rig.op.forge.callback = lambda ps: [("error", "access_denied\r\n"), ("error_description", words.replace("\0", "")), *ps[1:]]
    with pytest.raises(UpstreamRefused) as caught:
        provider.finish(started.memo, rig.inbound(rig.op.browse(started.url)))
    assert caught.value.error == "access_denied"
    assert caught.value.description.isprintable()
    assert len(caught.value.description) <= 200
    assert caught.value.public == ProviderError.public


def test_r3_11_a_post_only_where_it_was_asked_for(rig: Rig) -> None:
    provider = rig.provider()
    started = rig.begin(provider)
    pairs = rig.op.browse(started.url)
    rig.method = "POST"
    with pytest.raises(ResponseInvalid) as caught:
        provider.finish(started.memo, rig.inbound(pairs))
    assert reason(caught) == "response_mode"
    rig.options["response_mode"] = "form_post"
    assert rig.login().subject == "user-1"
    provider = rig.provider()
    started = rig.begin(provider)
    pairs = rig.op.browse(started.url)
    with pytest.raises(ResponseInvalid) as caught:
        provider.finish(started.memo, rig.inbound(pairs, query=(("code", "x"),)))
    assert reason(caught) == "parameter_misplaced"
    with pytest.raises(ResponseInvalid) as caught:
        provider.finish(started.memo, replace(rig.inbound(()), method="GET", query=tuple(pairs)))
    assert reason(caught) == "response_mode"


def test_r3_12_tokens_in_front_of_a_code_are_not_looked_at(rig: Rig) -> None:
    rig.op.forge.callback = lambda ps: [*ps, ("access_token", "evil"), ("id_token", "e.v.il")]
    assert rig.login().subject == "user-1"


def test_r3_13_the_callback_is_configured_and_the_same_at_both_ends(rig: Rig) -> None:
    provider = rig.provider()
    rig.ask["callback_url"] = "https://evil.example/oauth2/idpresponse"
    with pytest.raises(ProviderMisconfigured) as caught:
        rig.begin(provider)
    assert reason(caught) == "callback_unknown"
    rig.ask.clear()
    started = rig.begin(provider)
    pairs = rig.op.browse(started.url)
    with pytest.raises(ResponseInvalid) as refused:
        provider.finish(started.memo, rig.inbound(pairs, callback_url="https://evil.example/oauth2/idpresponse"))
    assert reason(refused) == "callback_mismatch"
    assert provider.finish(started.memo, rig.inbound(pairs)).subject == "user-1"
    assert parse_qs(next(s.body for s in rig.op.seen if s.path == "/token"))["redirect_uri"] == [CALLBACK]


@pytest.mark.parametrize("own_key", [True, False])
def test_r3_15_an_assertion_is_for_one_issuer(rig: Rig, own_key: bool) -> None:
    """However the metadata names its endpoints, `aud` is the issuer that the operator configured, and one string."""
    key = SigningKey.make("ours")
    pem = key.key.as_pem(private=True).decode()
    rig.options["token_auth"] = "private_key_jwt"
    rig.secrets = {"private_key": pem, "private_key_id": "ours"} if own_key else {}
    signing = None if own_key else KeyPair("ours", pem)
    rig.op.forge.discovery = lambda d: {**d, "token_endpoint": f"{rig.op.issuer}/token?x=https://honest.example/token"}
    provider = rig.provider(signing_key=signing)
    started = rig.begin(provider)
    assert provider.finish(started.memo, rig.inbound(rig.op.browse(started.url))).subject == "user-1"
    form = parse_qs(next(s.body for s in rig.op.seen if s.path == "/token"))
    import jwt  # an independent reader

    claims = jwt.decode(
        form["client_assertion"][0], key.key.as_pem(private=False), algorithms=["RS256"], audience=rig.op.issuer,
        options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
    )  # fmt: skip
    assert claims["aud"] == rig.op.issuer
    assert (claims["iss"], claims["sub"]) == ("client-1", "client-1")
    assert claims["exp"] - claims["iat"] == 60
    assert "client_secret" not in form


def logout(rig: Rig, token: str) -> Any:
    return rig.provider().receive_logout(replace(rig.inbound(()), method="POST", form=(("logout_token", token),)))


LOGOUT: dict[str, tuple[dict[str, Any], str]] = {
    "another aud": ({"aud": "client-2"}, "logout_token_aud"),
    "no aud": ({"aud": None}, "logout_token_aud"),
    "another iss": ({"iss": "https://evil.example"}, "logout_token_iss"),
    "no iss": ({"iss": None}, "logout_token_iss"),
    "a nonce": ({"nonce": "n"}, "logout_token_nonce"),
    "no events": ({"events": None}, "logout_token_events"),
    "other events": ({"events": {"x": {}}}, "logout_token_events"),
    "events in a list": ({"events": ["http://schemas.openid.net/event/backchannel-logout"]}, "logout_token_events"),
    "no jti": ({"jti": None}, "logout_token_jti"),
    "no iat": ({"iat": None}, "logout_token_iat"),
    "old": ({"iat": 1_000_000_000}, "logout_token_iat"),
    "expired": ({"exp": 1_000_000_000}, "logout_token_exp"),
    "neither sub nor sid": ({"sub": None, "sid": None}, "logout_token_subject"),
    "sid no string": ({"sid": 1}, "logout_token_sid"),
    "sub no string": ({"sub": 1}, "logout_token_sub"),
}


@pytest.mark.parametrize("name", LOGOUT)
def test_r3_20_a_logout_token_that_is_not_right(rig: Rig, name: str) -> None:
    changes, why = LOGOUT[name]
    with pytest.raises(ResponseInvalid) as caught:
        logout(rig, rig.op.logout_token(**changes))
    assert reason(caught) == why
    assert logout(rig, rig.op.logout_token()).subject_key == "user-1"


def test_r3_20_algorithms_types_and_forms(rig: Rig) -> None:
    key, good = rig.op.key, rig.op.logout_token()
    head, body, _ = good.split(".")
    claims = {"iss": rig.op.issuer, "aud": "client-1"}
    for token, why in (
        (f"eyJhbGciOiJub25lIn0.{body}.", "alg"),
        (sign({"alg": "PS256", "kid": key.kid}, claims, key.key), "alg"),
        (sign({"alg": "RS256", "kid": key.kid, "typ": "at+jwt"}, claims, key.key), "typ"),
        (sign({"alg": "RS256", "kid": key.kid}, claims, SigningKey.make("x").key), "signature"),
        (f"{head}.{body}.", "signature"),
        ("", "form"),
    ):
        with pytest.raises(ResponseInvalid) as caught:
            logout(rig, token)
        assert reason(caught) == f"logout_token_{why}"
    assert logout(rig, good).session_indexes == ("session-1",)


def test_r3_20_an_id_token_is_no_logout_token_and_the_reverse(rig: Rig) -> None:
    token = rig.login().session.id_token
    assert token
    with pytest.raises(ResponseInvalid) as caught:
        logout(rig, token)
    assert reason(caught) == "logout_token_nonce"
    rig.op.forge.tokens = lambda t: {**t, "id_token": rig.op.logout_token()}
    with pytest.raises(ResponseInvalid) as caught:
        rig.login()
    assert reason(caught) == "id_token_typ"


def test_r3_20_a_jti_is_burned_until_it_could_no_longer_pass(rig: Rig) -> None:
    token = rig.op.logout_token(exp=int(rig.clock().timestamp()) + 10**6)
    burn, again = logout(rig, token).burns[0], logout(rig, token).burns[0]
    assert burn == again  # the same key twice: the flow that burns it refuses the second
    rig.clock.now = burn.until
    with pytest.raises(ResponseInvalid):
        logout(rig, token)


def test_r3_21_there_is_no_front_channel_logout(rig: Rig) -> None:
    provider = rig.provider()
    asked = (("iss", rig.op.issuer), ("sid", "session-1"))
    for inbound in (rig.inbound(list(asked)), replace(rig.inbound(()), method="POST", form=asked)):
        with pytest.raises(ResponseInvalid) as caught:
            provider.receive_logout(inbound)
        assert reason(caught) == "logout_token_missing"


def test_our_own_logout_comes_back_with_our_state(rig: Rig) -> None:
    provider = rig.provider()
    session = rig.login().session
    handle = secrets.token_urlsafe(16)
    started = provider.start_logout(session, handle, "https://broker.example/done")
    assert started is not None
    asked = query(started.url)
    assert asked["id_token_hint"] == session.id_token
    assert asked["post_logout_redirect_uri"] == "https://broker.example/done"
    provider.finish_logout(started.memo, rig.inbound([("state", handle)]))
    for pairs in ([], [("state", "x")], [("state", handle), ("state", handle)]):
        with pytest.raises(ResponseInvalid):
            provider.finish_logout(started.memo, rig.inbound(pairs))
    rig.options["logout"] = False
    assert rig.provider().start_logout(session, handle, "https://broker.example/done") is None

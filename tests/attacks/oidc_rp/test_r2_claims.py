"""OA-R2: claims that are not so are refused, each for its own reason; the honest login is accepted right after."""

from __future__ import annotations

from typing import Any

import pytest

from providers.errors import ProviderError
from tests.attacks.oidc_rp.claims import ROWS, TENANT_ROWS, entra, now
from tests.attacks.oidc_rp.rig import Rig, Row, refuses_then_accepts
from tests.fakes.oidc_op import SigningKey


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_row(rig: Rig, row: Row) -> None:
    refuses_then_accepts(rig, row)


@pytest.mark.parametrize("row", TENANT_ROWS, ids=str)
def test_tenant_row(rig: Rig, row: Row) -> None:
    entra(rig)
    row.attack(rig)
    with pytest.raises(ProviderError) as caught:
        rig.login()
    assert caught.value.reason == row.refused
    entra(rig)
    identity = rig.login()
    assert identity.issuer == "https://login.example/tenant-a/v2.0"
    # The same sub in another tenant is another person.
    assert identity.subject_key == "tenant-a|user-1"


WITHIN: dict[str, dict[str, Any]] = {
    "aud in a list": {"aud": ["client-1"]},
    "azp is us": {"azp": "client-1"},
    "a trusted audience more": {"aud": ["client-1", "api"], "azp": "client-1"},
    "exp within the skew": {"exp": now(-29)},
    "iat ahead within the skew": {"iat": now(25)},
    "iat eight minutes ago": {"iat": now(-500)},
    "nbf past": {"nbf": now(-1)},
    "sub of 255": {"sub": "x" * 255},
    "times with a fraction": {"iat": lambda rig: rig.clock().timestamp()},
}


@pytest.mark.parametrize("changes", WITHIN.values(), ids=WITHIN)
def test_what_is_just_within_the_rules(rig: Rig, changes: dict[str, Any]) -> None:
    rig.options["trusted_audiences"] = ["api"]
    rig.options["userinfo"] = False
    rig.op.forge.claims = lambda c: {**c, **{n: v(rig) if callable(v) else v for n, v in changes.items()}}
    assert rig.login().issuer == rig.op.issuer


def test_r2_17_signed_userinfo_is_taken_if_it_is_right(rig: Rig) -> None:
    rig.op.userinfo_signed = True
    assert rig.login().attributes["name"] == "Ada Lovelace"


def test_r2_17_id_token_values_win_and_a_flag_does_not_cross_over(rig: Rig) -> None:
    rig.op.forge.claims = lambda c: {**c, "email": "real@example.com"}
    rig.op.forge.userinfo = lambda c: {**c, "email": "admin@example.com", "email_verified": True, "name": "U"}
    attributes = rig.login().attributes
    assert attributes["email"] == "real@example.com"
    assert "email_verified" not in attributes
    assert attributes["name"] == "U"


def test_r2_19_no_refresh_no_refreshed_token(rig: Rig) -> None:
    """We keep no upstream refresh token, so that there is no refreshed ID token to be fooled by."""
    provider = rig.provider()
    assert not hasattr(provider, "refresh")
    rig.op.forge.tokens = lambda t: {**t, "refresh_token": "keep-me"}
    assert b"keep-me" not in rig.login().evidence
    assert "offline_access" not in rig.begin(provider).url


def test_r2_20_claims_that_others_vouch_for_are_dropped(rig: Rig) -> None:
    sources = {"src1": {"JWT": "x.y.z"}, "src2": {"endpoint": f"{rig.op.issuer}/canary", "access_token": "t"}}
    extra = {"_claim_names": {"groups": "src1", "email": "src2"}, "_claim_sources": sources}
    rig.op.forge.userinfo = lambda c: {**c, **extra}
    rig.op.forge.claims = lambda c: {**c, **extra}
    attributes = rig.login().attributes
    assert not {"_claim_names", "_claim_sources", "groups"} & set(attributes)
    assert rig.op.hits("/canary") == 0


def test_an_other_clients_key_does_not_serve(rig: Rig) -> None:
    """Two providers of one pool: a token signed with the key of the one is nothing at the other."""
    rig.login()
    theirs = SigningKey.make("b").public()
    rig.op.forge.jwks = lambda d: {"keys": [theirs]}
    other = rig.provider(provider_id="other")
    started = rig.begin(other)
    with pytest.raises(ProviderError) as caught:
        other.finish(started.memo, rig.inbound(rig.op.browse(started.url)))
    assert caught.value.reason == "id_token_key"
    assert rig.login().subject == "user-1"

"""OA-R1: an ID token whose cryptography is not as it must be is refused; the same provider's honest one is accepted right after."""

from __future__ import annotations

import json

import pytest
from joserfc.util import urlsafe_b64decode

from providers.errors import ProviderError
from tests.attacks.oidc_rp.rig import Rig, Row, refuses_then_accepts
from tests.attacks.oidc_rp.tokens import ROWS, es256, other_key, other_rsa
from tests.fakes.oidc_op import b64, sign


@pytest.mark.filterwarnings("ignore:Key size")  # the attacker's
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_row(rig: Rig, row: Row) -> None:
    refuses_then_accepts(rig, row)


@pytest.mark.parametrize("name", ["jku", "x5u", "x5c"])
def test_r1_7_key_references_are_never_followed(rig: Rig, name: str) -> None:
    value = [b64("chain")] if name == "x5c" else f"{rig.op.issuer}/canary"
    rig.op.forge.reply["/canary"] = lambda: (200, {}, json.dumps({"keys": [other_key().public()]}).encode())
    rig.op.forge.token = lambda h, c, k: sign({**h, name: value}, c, other_key().key)
    with pytest.raises(ProviderError) as caught:
        rig.login()
    assert caught.value.reason == "id_token_signature"
    assert rig.op.hits("/canary") == 0
    # The same header around an honest signature changes nothing: it is simply not looked at.
    rig.op.forge.token = lambda h, c, k: sign({**h, name: value}, c, k.key)
    assert rig.login().subject == "user-1"
    assert rig.op.hits("/canary") == 0


@pytest.mark.parametrize("others", [0, 1, 7])
def test_r1_9_no_kid_is_taken_if_a_published_key_fits(rig: Rig, others: int) -> None:
    rig.op.forge.header = lambda h: {"alg": h["alg"]}
    more = [other_rsa(n) for n in range(others)]
    rig.op.forge.jwks = lambda d: {"keys": more + d["keys"]}
    assert rig.login().subject == "user-1"


def test_r1_15_high_s_is_the_same_signature(rig: Rig) -> None:
    """RFC 7518 asks for no low s, and nothing of ours keys on a signature's bytes: replay is stopped by nonce and jti."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    es256(rig)

    def flipped(h: dict[str, object], c: dict[str, object], k: object) -> str:
        head, _, tail = sign(h, c, rig.op.key.key).rpartition(".")
        both = urlsafe_b64decode(tail.encode())
        return f"{head}.{b64(both[:32] + (order - int.from_bytes(both[32:])).to_bytes(32))}"

    rig.op.forge.token = flipped
    assert rig.login().subject == "user-1"


@pytest.mark.parametrize("alg", ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "EdDSA"])
def test_every_algorithm_that_can_be_allowed_works(rig: Rig, alg: str) -> None:
    rig.options["id_token_algs"] = [alg]
    rig.op.rotate(alg)
    assert rig.login().subject == "user-1"

"""Every way of OA-R1 to forge a token, against our own API (attacks OA-P3.1, P3.3, P3.12), each with the untouched token as its twin."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import InvalidToken
from broker.tokens.jws import Signer, sign_with
from broker.tokens.verify import LONGEST
from tests.unit.tokens.keyroom import NOW, OTHER, URL, KeyRoom

ROOM = KeyRoom()
GOOD = ROOM.issuer.issue(ROOM.ask()).access_token
ID_TOKEN = ROOM.issuer.issue(ROOM.ask()).id_token or ""
SIGNER = ROOM.ring.signer("eu_one", "access", "RS256")
CLAIMS: dict[str, Any] = dict(ROOM.verifier.verify("eu_one", GOOD).claims)
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = serialization.load_pem_private_key(
    next(key for key in ROOM.store.rows.values() if key.kid == SIGNER.kid).private_pem.encode(), None
).public_key()


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sealed(header: object, payload: object = None, sign: Callable[[bytes], bytes] = SIGNER.sign) -> str:
    """A token with any header and payload, signed by our own key unless told otherwise: only the oddity itself can be the reason."""
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    body = payload if isinstance(payload, bytes) else json.dumps(CLAIMS if payload is None else payload).encode()
    signing = f"{b64(head)}.{b64(body)}"
    return f"{signing}.{b64(sign(signing.encode()))}"


def header(**changes: object) -> dict[str, object]:
    return {"kid": SIGNER.kid, "alg": "RS256"} | changes


def mac(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda message: hmac.digest(secret, message, hashlib.sha256)


PEM = PUBLIC.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
DER = PUBLIC.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
JWK = ROOM.ring.jwks("eu_one")["keys"][0]
HEAD, BODY, SIGNATURE = GOOD.split(".")

FORGERIES: dict[str, object] = {
    "R1.1 none": sealed(header(alg="none"), sign=lambda _: b""),
    "R1.1 none, signed all the same": sealed(header(alg="none")),
    "R1.1 empty signature": f"{HEAD}.{BODY}.",
    "R1.3 nOnE": sealed(header(alg="nOnE")),
    "R1.3 none with a blank": sealed(header(alg="none ")),
    "R1.3 null": sealed(header(alg=None)),
    "R1.3 array": sealed(header(alg=["RS256"])),
    "R1.3 lower case": sealed(header(alg="rs256")),
    "R1.4 HS256 over PEM": sealed(header(alg="HS256"), sign=mac(PEM)),
    "R1.4 HS256 over PEM without newline": sealed(header(alg="HS256"), sign=mac(PEM.strip())),
    "R1.4 HS256 over DER": sealed(header(alg="HS256"), sign=mac(DER)),
    "R1.4 HS256 over JWK": sealed(header(alg="HS256"), sign=mac(json.dumps(JWK).encode())),
    "R1.4 HS256 over modulus": sealed(header(alg="HS256"), sign=mac(str(JWK["n"]).encode())),
    "R1.5 attacker's key, our kid": sealed(header(), sign=sign_with(STRANGER, "RS256")),
    "R1.6 embedded jwk": sealed(header(jwk=JWK)),
    "R1.7 jku": sealed(header(jku="https://evil.example/jwks")),
    "R1.7 x5u": sealed(header(x5u="https://evil.example/c.pem")),
    "R1.7 x5c": sealed(header(x5c=["MIIB"])),
    "R1.8 kid path": sealed(header(kid="../../dev/null")),
    "R1.8 kid SQL": sealed(header(kid="' or 1=1 --")),
    "R1.8 kid 10 kB": sealed(header(kid="k" * 10_000)),
    "R1.8 kid number": sealed(header(kid=7)),
    "R1.8 kid array": sealed(header(kid=[SIGNER.kid])),
    "R1.9 no kid": sealed({"alg": "RS256"}),
    "R1.11 PS256": sealed(header(alg="PS256")),
    "R1.11 RS512": sealed(header(alg="RS512")),
    "R1.11 ES256": sealed(header(alg="ES256")),
    "R1.12 crit": sealed(header(crit=["exp"])),
    "R1.12 empty crit": sealed(header(crit=[])),
    "R1.12 b64 false": sealed(header(b64=False, crit=["b64"])),
    "R1.13 typ at+jwt": sealed(header(typ="at+jwt")),
    "R1.13 typ logout+jwt": sealed(header(typ="logout+jwt")),
    "R1.14 zip": sealed(header(zip="DEF")),
    "R1.14 JWE of five parts": f"{HEAD}.{BODY}.{SIGNATURE}.AAAA.AAAA",
    "R1.17 two kids": sealed(f'{{"kid":"x","kid":"{SIGNER.kid}","alg":"RS256"}}'.encode()),
    "R1.17 two algs": sealed(f'{{"kid":"{SIGNER.kid}","alg":"none","alg":"RS256"}}'.encode()),
    "R1.17 two subs": sealed(header(), json.dumps(CLAIMS).replace('"sub":', '"sub": "root", "sub":').encode()),
    "R1.18 payload array": sealed(header(), [CLAIMS]),
    "R1.18 payload string": sealed(header(), "claims"),
    "R1.18 NaN": sealed(header(), json.dumps(CLAIMS | {"exp": float("nan")}).encode()),
    "R1.18 Infinity": sealed(header(), json.dumps(CLAIMS | {"exp": float("inf")}).encode()),
    "R1.18 deep payload": sealed(header(), b"[" * 100_000),
    "R1.18 deep header": sealed(b"[" * 300),
    "R1.18 exp text": sealed(header(), CLAIMS | {"exp": str(CLAIMS["exp"])}),
    "R1.18 exp 1e400": sealed(header(), json.dumps(CLAIMS).replace(str(CLAIMS["exp"]), "1e400").encode()),
    "R1.18 exp float": sealed(header(), CLAIMS | {"exp": CLAIMS["exp"] + 0.5}),
    "R1.18 exp true": sealed(header(), CLAIMS | {"exp": True}),
    "R1.18 exp huge": sealed(header(), CLAIMS | {"exp": 10**30}),
    "R1.18 exp missing": sealed(header(), {name: value for name, value in CLAIMS.items() if name != "exp"}),
    "R1.18 header is no object": sealed([header()]),
    "R1.19 padding": GOOD + "=",
    "R1.19 blank before": " " + GOOD,
    "R1.19 newline after": GOOD + "\n",
    "R1.19 junk within": f"{HEAD}.{BODY[:9]}!{BODY[9:]}.{SIGNATURE}",
    "R1.19 plus and slash": f"{HEAD}.{BODY}.{'+/' + SIGNATURE[2:]}",
    "R1.19 two parts": f"{HEAD}.{BODY}",
    "R1.19 four parts": GOOD + ".AAAA",
    "R1.19 empty": "",
    "R1.19 dots": "..",
    "R1.19 not ASCII": GOOD + "é",
    "R1.19 surrogate": GOOD + "\ud800",
    "R1.19 1 MB header": sealed(header(pad="x" * 1_000_000)),
    "R1.19 too long": GOOD + "A" * LONGEST,
    "R1.20 JSON serialisation": json.dumps({"payload": BODY, "protected": HEAD, "signature": SIGNATURE}),
    "R1.20 not text": {"payload": BODY, "protected": HEAD, "signature": SIGNATURE},
    "R1.20 bytes": GOOD.encode(),
    "P3.1 an ID token": ID_TOKEN,
    "P3.1 an ID token's claims under the access key": sealed(header(), CLAIMS | {"token_use": "id"}),
    "P3.1 access claims under the ID key": ROOM.ring.signer("eu_one", "id", "RS256").compact(CLAIMS),
    "P3.1 a refresh token": "zsuQ2Jq9t6bC1jZrYxv0s1bq3m2k",
    "P3.1 expired": sealed(header(), CLAIMS | {"exp": int(NOW.timestamp())}),
    "P3.1 another issuer": sealed(header(), CLAIMS | {"iss": f"{URL}/eu_two"}),
    "P3.1 issuer with a slash": sealed(header(), CLAIMS | {"iss": f"{URL}/eu_one/"}),
    "P3.1 no sub": sealed(header(), CLAIMS | {"sub": ""}),
    "P3.1 sub is a number": sealed(header(), CLAIMS | {"sub": 1}),
    "P3.1 no client": sealed(header(), CLAIMS | {"client_id": None}),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_is_refused(name: str) -> None:
    began = time.process_time()
    with pytest.raises(InvalidToken):
        ROOM.verifier.verify("eu_one", FORGERIES[name])  # type: ignore[arg-type]
    assert time.process_time() - began < 0.25
    assert ROOM.verifier.verify("eu_one", GOOD).sub == CLAIMS["sub"]


def test_the_ways_of_this_file_make_good_tokens_when_nothing_is_odd() -> None:
    assert ROOM.verifier.verify("eu_one", sealed(header())).claims == CLAIMS


def test_stray_bits_in_the_last_character_are_refused() -> None:
    """A signature has one spelling: else a denied token would come back as a new string."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = alphabet[alphabet.index(GOOD[-1]) ^ 1]  # 256 octets leave two unused bits
    assert base64.urlsafe_b64decode(SIGNATURE[:-1] + twin + "==") == base64.urlsafe_b64decode(SIGNATURE + "==")
    with pytest.raises(InvalidToken, match="stray"):
        ROOM.verifier.verify("eu_one", GOOD[:-1] + twin)


def test_a_kid_says_nothing_in_another_pool() -> None:
    """P3.12: even when the other pool's key is known by the same kid, it does not verify for this one."""
    room = KeyRoom()
    theirs = room.ring.signer(OTHER.id, "access", "RS256")
    ours = room.ring.signer("eu_one", "access", "RS256")
    claims = dict(room.verifier.verify("eu_one", room.issuer.issue(room.ask()).access_token).claims)
    assert room.ring.verifier("eu_one", theirs.kid) is None
    for forged in (theirs.compact(claims), Signer(ours.kid, "RS256", theirs.sign).compact(claims)):
        with pytest.raises(InvalidToken):
            room.verifier.verify("eu_one", forged)
    with pytest.raises(InvalidToken):
        room.verifier.verify("eu_nowhere", room.issuer.issue(room.ask()).access_token)


@pytest.mark.parametrize("signature", [bytes(64), b"\xff" * 64, bytes(63), bytes(65), b""])
def test_odd_ecdsa_signatures_are_refused(signature: bytes) -> None:
    signer = ROOM.ring.signer("eu_one", "access", "ES256")
    with pytest.raises(InvalidToken):
        ROOM.verifier.verify("eu_one", Signer(signer.kid, "ES256", lambda _: signature).compact(CLAIMS))
    assert ROOM.verifier.verify("eu_one", signer.compact(CLAIMS)).sub == CLAIMS["sub"]


def test_ecdsa_in_der_is_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256

    signer = ROOM.ring.signer("eu_one", "access", "ES256")
    pem = ROOM.store.rows[signer.kid].private_pem.encode()
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    with pytest.raises(InvalidToken):
        ROOM.verifier.verify("eu_one", Signer(signer.kid, "ES256", lambda message: key.sign(message, ec.ECDSA(SHA256()))).compact(CLAIMS))


def outcome(token: object) -> str:
    try:
        ROOM.verifier.verify("eu_one", token)  # type: ignore[arg-type]
    except InvalidToken:
        return "refused"
    return "accepted"


@given(st.text() | st.lists(st.text(), max_size=6).map(".".join) | st.binary() | st.none() | st.integers())
def test_anything_at_all_is_refused_and_nothing_else_is_raised(token: object) -> None:
    assert outcome(token) == "refused"


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_octets_under_our_own_signature_are_refused(head: bytes, body: bytes) -> None:
    assert outcome(sealed(head, body)) == "refused"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["kid", "alg", "typ", "crit", "jwk", "zip", "b64"]), JSON, max_size=5))
def test_any_header_is_refused(odd: dict[str, object]) -> None:
    assert outcome(sealed(json.dumps(odd).encode())) == "refused"


@given(st.dictionaries(st.sampled_from(["iss", "exp", "sub", "token_use", "client_id"]), JSON, min_size=1, max_size=5))
def test_any_payload_raises_nothing_else(odd: dict[str, object]) -> None:
    assert outcome(sealed(header(), json.dumps(CLAIMS | odd).encode())) in {"refused", "accepted"}


@given(st.data())
def test_a_changed_character_is_always_seen(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(GOOD) - 1))
    char = data.draw(st.characters(min_codepoint=33, max_codepoint=126).filter(lambda char: char != GOOD[at]))
    assert outcome(GOOD[:at] + char + GOOD[at + 1 :]) == "refused"

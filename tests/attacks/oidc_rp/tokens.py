"""OA-R1: what can be wrong with the cryptography of an ID token."""

# ruff: noqa: E501 - a table is read a row a line

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc import jws
from joserfc.jwk import OctKey
from joserfc.util import urlsafe_b64decode

from tests.attacks.oidc_rp.rig import SECRET, Rig, Row
from tests.fakes.oidc_op import SigningKey, b64, sign

Token = Callable[[dict[str, Any], dict[str, Any], SigningKey], str]


@cache
def other_key(alg: str = "RS256", bits: int = 2048) -> SigningKey:
    """The attacker's own."""
    return SigningKey.make("attacker", alg, bits)


def token(make: Token) -> Callable[[Rig], None]:
    """The provider answers with this token."""

    def attack(rig: Rig) -> None:
        other_key()  # made beforehand: while the provider answers, a clock is running
        rig.op.forge.token = make

    return attack


def header(**changes: Any) -> Callable[[Rig], None]:
    """The header changed, and signed with the right key all the same."""
    return token(lambda h, c, k: raw(k, json.dumps({**h, **changes}), json.dumps(c)))


def raw(key: SigningKey, head: str, payload: str) -> str:
    """Signed as the key does, whatever the header says."""
    text = f"{b64(head)}.{b64(payload)}"
    model = jws.JWSRegistry.algorithms[key.alg]
    return f"{text}.{b64(model.sign(text.encode(), key.key))}"


def unsigned(alg: Any) -> Callable[[Rig], None]:
    return token(lambda h, c, k: f"{b64(json.dumps({**h, 'alg': alg}))}.{b64(json.dumps(c))}.")


def by_attacker(**changes: Any) -> Callable[[Rig], None]:
    return token(lambda h, c, k: sign({**h, **changes}, c, other_key().key))


def hmac_with(secret: Callable[[SigningKey], bytes], alg: str) -> Callable[[Rig], None]:
    return token(lambda h, c, k: hmac_sign({**h, "alg": alg}, c, secret(k)))


def published(change: Callable[[dict[str, Any], SigningKey], list[dict[str, Any]]]) -> Callable[[Rig], None]:
    """The JWKS changed; the token is honest."""

    def attack(rig: Rig) -> None:
        rig.op.forge.jwks = lambda document: {"keys": change(document["keys"][0], rig.op.key)}

    return attack


def signed_by(alg: str, make: Token | None = None) -> Callable[[Rig], None]:
    """The provider has a key of this algorithm and uses it."""

    def attack(rig: Rig) -> None:
        rig.op.rotate(alg)
        rig.op.forge.token = make

    return attack


def text(change: Callable[[str], str]) -> Callable[[Rig], None]:
    return token(lambda h, c, k: change(sign(h, c, k.key)))


def payload(change: Callable[[str], str]) -> Callable[[Rig], None]:
    return token(lambda h, c, k: raw(k, json.dumps(h), change(json.dumps(c))))


def es256(rig: Rig) -> None:
    rig.op.keys = [SigningKey.make("ec", "ES256")]


def with_signature(signature: bytes) -> Callable[[Rig], None]:
    return text(lambda t: t.rpartition(".")[0] + "." + b64(signature))


def der(h: dict[str, Any], c: dict[str, Any], key: SigningKey) -> str:
    head, _, tail = sign(h, c, key.key).rpartition(".")
    both = urlsafe_b64decode(tail.encode())
    return f"{head}.{b64(encode_dss_signature(int.from_bytes(both[:32]), int.from_bytes(both[32:])))}"


def hs_only(rig: Rig) -> None:
    rig.options["id_token_algs"] = ["HS256"]
    rig.op.keys = [SigningKey("shared", "HS256", OctKey.import_key(SECRET))]


def many_keys(rig: Rig) -> None:
    """Nine keys that fit a token without kid, the right one last: more than are tried."""
    eight = [other_rsa(n) for n in range(8)]  # made here: while the provider answers, a clock is running
    rig.op.forge.jwks = lambda d: {"keys": eight + d["keys"]}
    rig.op.forge.header = lambda h: {"alg": h["alg"]}


@cache
def other_rsa(n: int) -> dict[str, Any]:
    return SigningKey.make(f"k{n}").public()


PUBLIC_AS_SECRET: dict[str, Callable[[SigningKey], bytes]] = {
    "PEM": lambda k: k.key.as_pem(private=False),
    "PEM without newline": lambda k: k.key.as_pem(private=False).strip(),
    "DER": lambda k: k.key.as_der(private=False),
    "JWK": lambda k: json.dumps(k.public()).encode(),
    "modulus": lambda k: k.public()["n"].encode(),
}


def hmac_sign(head: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """By hand: joserfc, to its credit, takes no PEM and no DER for a secret."""
    text = f"{b64(json.dumps(head))}.{b64(json.dumps(claims))}"
    digest = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}[head["alg"]]
    return f"{text}.{b64(hmac.digest(secret, text.encode(), digest))}"


def confused(make: Callable[[SigningKey], bytes], alg: str) -> Callable[[Rig], None]:
    return token(lambda h, c, k: hmac_sign({**h, "alg": alg}, c, make(k)))


def encrypted(**head: Any) -> Callable[[Rig], None]:
    return token(
        lambda h, c, k: ".".join(
            (b64(json.dumps({"enc": "A128GCM", "kid": k.kid, **head})), b64("key"), b64("iv"), b64("text"), b64("tag"))
        )
    )


def serialized(general: bool) -> Token:
    def make(h: dict[str, Any], c: dict[str, Any], k: SigningKey) -> str:
        protected, body, signature = sign(h, c, k.key).split(".")
        one = {"protected": protected, "signature": signature}
        return json.dumps({"payload": body, "signatures": [one]} if general else {"payload": body, **one})

    return make


ROWS = [
    Row("OA-R1.1", "alg none", unsigned("none"), "id_token_alg"),
    Row("OA-R1.1", "alg none with the signature left on", header(alg="none"), "id_token_alg"),
    Row("OA-R1.1", "right alg, no signature", text(lambda t: t.rpartition(".")[0] + "."), "id_token_signature"),
    Row("OA-R1.2", "alg none, and the metadata lists it", unsigned("none"), "id_token_alg"),
    *(Row("OA-R1.3", f"alg {a!r}", unsigned(a), "id_token_alg") for a in ("nOnE", "NONE", "none ", " none", None, ["none"], ["RS256"], 0, "", "rs256", "RS256 ")),
    *(Row("OA-R1.4", f"{alg} with the public key as {n}", confused(f, alg), "id_token_alg") for n, f in PUBLIC_AS_SECRET.items() for alg in ("HS256", "HS384", "HS512")),
    Row("OA-R1.4", "HS256 allowed, another secret", hmac_with(lambda k: b"x" * 40, "HS256"), "id_token_signature", hs_only),
    Row("OA-R1.4", "HS256 allowed, RS256 presented", token(lambda h, c, k: sign({**h, "alg": "RS256"}, c, other_key().key)), "id_token_alg", hs_only),
    Row("OA-R1.5", "attacker's key, victim's kid", by_attacker(), "id_token_signature"),
    Row("OA-R1.5", "honest signature, another payload", text(lambda t: ".".join((t.split(".")[0], b64('{"sub":"admin"}'), t.split(".")[2]))), "id_token_signature"),
    Row("OA-R1.6", "embedded jwk", token(lambda h, c, k: sign({**h, "jwk": other_key().public()}, c, other_key().key)), "id_token_signature"),
    Row("OA-R1.6", "embedded jwk without kid", token(lambda h, c, k: sign({"alg": "RS256", "jwk": other_key().public()}, c, other_key().key)), "id_token_signature"),
    *(Row("OA-R1.8", f"kid {str(k)[:24]!r}", header(kid=k), f"id_token_{why}") for k, why in (
        ("../../../dev/null", "key"), ("' OR 1=1 --", "key"), ("$(id)", "key"), ("*)(uid=*", "key"), ("x" * 3000, "kid"), ("x" * 10_000, "form"),
        (7, "kid"), (None, "kid"), (["key-1"], "kid"), ({"a": 1}, "kid"), ("", "kid"), ("a\0b", "form"), ("a\nb", "kid"))),
    Row("OA-R1.9", "no kid, attacker's key", token(lambda h, c, k: sign({"alg": "RS256"}, c, other_key().key)), "id_token_signature"),
    Row("OA-R1.9", "no kid, more keys than are tried", many_keys, "id_token_signature"),
    Row("OA-R1.10", "two keys under one kid", published(lambda d, k: [d, {**other_key().public(), "kid": k.kid}]), "jwks_invalid"),
    Row("OA-R1.10", "two keys under one kid, a third good", published(lambda d, k: [d, {**other_key().public(), "kid": k.kid}, other_rsa(0)]), "id_token_key"),
    Row("OA-R1.10", "use is enc", published(lambda d, k: [{**d, "use": "enc"}]), "jwks_invalid"),
    Row("OA-R1.10", "key_ops without verify", published(lambda d, k: [{**d, "key_ops": ["encrypt"]}]), "jwks_invalid"),
    Row("OA-R1.10", "the key is for another alg", published(lambda d, k: [{**d, "alg": "RS512"}]), "id_token_key"),
    *(Row("OA-R1.11", f"{alg} not in the list", signed_by(alg), "id_token_alg") for alg in ("PS256", "EdDSA")),
    Row("OA-R1.11", "ES256K", header(alg="ES256K"), "id_token_alg"),
    *(Row("OA-R1.12", n, header(**h), "id_token_crit") for n, h in {
        "crit unknown": {"crit": ["exp2"], "exp2": 1}, "crit empty": {"crit": []}, "b64 false": {"b64": False, "crit": ["b64"]},
        "b64 alone": {"b64": True}, "crit names what is absent": {"crit": ["urn:x"]}, "crit is a string": {"crit": "exp"}}.items()),
    *(Row("OA-R1.13", f"typ {t!r}", header(typ=t), "id_token_typ") for t in ("at+jwt", "logout+jwt", "secevent+jwt", "application/at+jwt", "AT+JWT", 1, None, ["JWT"])),
    *(Row("OA-R1.14", n, encrypted(**h), "id_token_encrypted") for n, h in {
        "zip bomb": {"alg": "RSA-OAEP", "zip": "DEF"}, "PBES2 count": {"alg": "PBES2-HS256+A128KW", "p2c": 2**31, "p2s": "x"},
        "RSA1_5": {"alg": "RSA1_5"}, "nested none": {"alg": "dir", "cty": "JWT"}}.items()),
    Row("OA-R1.15", "r = s = 0", with_signature(bytes(64)), "id_token_signature", es256),
    Row("OA-R1.15", "r = 0, s = 1", with_signature(bytes(63) + b"\1"), "id_token_signature", es256),
    Row("OA-R1.15", "r = s = n", with_signature(bytes.fromhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551") * 2), "id_token_signature", es256),
    Row("OA-R1.15", "DER instead of P1363", token(der), "id_token_signature", es256),
    Row("OA-R1.15", "too long by one byte", text(lambda t: t + "AA"), "id_token_signature", es256),
    Row("OA-R1.15", "a key of another curve", signed_by("ES384", lambda h, c, k: raw(k, json.dumps({**h, "alg": "ES256"}), json.dumps(c))), "id_token_key", es256),
    Row("OA-R1.16", "RSA 1024", lambda rig: setattr(rig.op, "keys", [SigningKey("weak", "RS256", other_key("RS256", 1024).key)]), "jwks_invalid"),
    Row("OA-R1.16", "RSA with exponent 1", published(lambda d, k: [{**d, "e": "AQ"}]), "jwks_invalid"),
    Row("OA-R1.17", "alg twice", token(lambda h, c, k: raw(k, '{"alg":"none",' + json.dumps(h)[1:], json.dumps(c))), "id_token_form"),
    Row("OA-R1.17", "sub twice", payload(lambda p: '{"sub":"admin",' + p[1:]), "id_token_form"),
    Row("OA-R1.17", "a nested member twice", payload(lambda p: '{"x":{"a":1,"a":2},' + p[1:]), "id_token_form"),
    *(Row("OA-R1.18", n, payload(f), f"id_token_{why}") for n, f, why in (
        ("array", lambda p: f"[{p}]", "form"), ("string", lambda p: '"x"', "form"), ("number", lambda p: "1", "form"), ("empty", lambda p: "", "form"),
        ("NaN", lambda p: '{"x":NaN,' + p[1:], "form"), ("Infinity", lambda p: '{"x":-Infinity,' + p[1:], "form"),
        ("1e400", lambda p: '{"x":1e400,' + p[1:], "form"), ("deep", lambda p: '{"x":' + "[" * 30_000 + "]" * 30_000 + "," + p[1:], "form"),
        ("long number", lambda p: '{"x":' + "9" * 10_000 + "," + p[1:], "form"), ("NUL in a string", lambda p: '{"x":"\\u0000",' + p[1:], "form"),
        ("lone surrogate", lambda p: '{"x":"\\ud800",' + p[1:], "form"), ("trailing words", lambda p: p + "{}", "form"))),
    Row("OA-R1.19", "padding", text(lambda t: t.replace(".", "=.", 1)), "id_token_form"),
    Row("OA-R1.19", "padded signature", text(lambda t: t + "=="), "id_token_form"),
    Row("OA-R1.19", "junk", text(lambda t: t[:10] + "!" + t[10:]), "id_token_form"),
    Row("OA-R1.19", "white space", text(lambda t: t + "\n"), "id_token_form"),
    Row("OA-R1.19", "standard alphabet", text(lambda t: t.rpartition(".")[0] + "." + "+/" * 171), "id_token_form"),
    Row("OA-R1.19", "not ASCII", text(lambda t: "é" + t), "id_token_form"),
    Row("OA-R1.19", "two parts", text(lambda t: t.rpartition(".")[0]), "id_token_form"),
    Row("OA-R1.19", "four parts", text(lambda t: t + ".x"), "id_token_form"),
    Row("OA-R1.19", "five parts", text(lambda t: t + ".x.y"), "id_token_encrypted"),
    Row("OA-R1.19", "a thousand parts", text(lambda t: t + "." * 1000), "id_token_form"),
    Row("OA-R1.19", "empty payload part", text(lambda t: ".".join((t.split(".")[0], "", t.split(".")[2]))), "id_token_form"),
    Row("OA-R1.19", "header of 100 kB", token(lambda h, c, k: raw(k, json.dumps({**h, "x": "y" * 75_000}), json.dumps(c))), "id_token_form"),
    Row("OA-R1.19", "a token of 1 MB", text(lambda t: t + "A" * 150_000), "id_token_form"),
    Row("OA-R1.20", "general serialisation", token(serialized(True)), "id_token_form"),
    Row("OA-R1.20", "flattened serialisation", token(serialized(False)), "id_token_form"),
    Row("OA-R1.20", "empty signatures", token(lambda h, c, k: json.dumps({"payload": b64(json.dumps(c)), "signatures": []})), "id_token_form"),
    Row("OA-R1.20", "an object instead of a string", lambda rig: setattr(rig.op.forge, "tokens", lambda t: {**t, "id_token": {"payload": ""}}), "id_token_missing"),
]  # fmt: skip
"""Every refused row of OA-R1; what may be accepted (R1.9) and what must not be fetched (R1.7) stand in the test."""

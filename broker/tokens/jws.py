"""Compact JWS (RFC 7515) with our own keys: four algorithms, one header, nothing optional.

Written over the primitives because it is short, and because the generic libraries read header members that we never want read.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA512

from broker.model.keys import KeyUse

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_PKCS1 = padding.PKCS1v15()
_SHA256 = SHA256()
_RSA_HASHES: Mapping[str, SHA256 | SHA512] = {"RS256": _SHA256, "RS512": SHA512()}
_ECDSA = ec.ECDSA(SHA256())


def b64(data: bytes) -> str:
    """base64url without padding (RFC 7515 2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key ready for use. `sign` takes the signing input and returns the raw JWS signature."""

    kid: str
    alg: str
    sign: Callable[[bytes], bytes] = field(repr=False)

    def compact(self, claims: Mapping[str, Any], typ: str = "") -> str:
        """Serialise and sign. The header is exactly kid and alg (spec A.1); `typ` is for tokens of other kinds, such as logout+jwt."""
        # ASCII escapes: whatever text a directory holds, a token can be made of it.
        body = _header(self.kid, self.alg, typ) + "." + b64(_json(claims))
        return body + "." + b64(self.sign(body.encode("ascii")))


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key ready for use. `verify(signature, message)` raises cryptography's InvalidSignature."""

    kid: str
    alg: str
    use: KeyUse
    verify: Callable[[bytes, bytes], None] = field(repr=False)


def sign_with(key: PrivateKey, alg: str) -> Callable[[bytes], bytes]:
    """The JWS signing function of a private key: ES256 or EdDSA by the key's own type, RS256 or RS512 as `alg` says."""
    if isinstance(key, rsa.RSAPrivateKey):
        digest = _RSA_HASHES[alg]
        return lambda message: key.sign(message, _PKCS1, digest)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign

    def es256(message: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(message, _ECDSA))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")  # RFC 7518 3.4: not DER

    return es256


def verify_with(key: PublicKey, alg: str) -> Callable[[bytes, bytes], None]:
    """The JWS verifying function of a public key: `(signature, message)`, raising InvalidSignature."""
    if isinstance(key, rsa.RSAPublicKey):
        digest = _RSA_HASHES[alg]
        return lambda signature, message: key.verify(signature, message, _PKCS1, digest)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key.verify

    def es256(signature: bytes, message: bytes) -> None:
        if len(signature) != 64:
            raise InvalidSignature
        der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
        key.verify(der, message, _ECDSA)

    return es256


def public_jwk(key: PublicKey) -> dict[str, str]:
    """The public parts as a JWK (RFC 7518 6, RFC 8037 2): only the members that the thumbprint counts."""
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return {"kty": "RSA", "n": _uint(numbers.n), "e": _uint(numbers.e)}
    if isinstance(key, ed25519.Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": b64(key.public_bytes_raw())}
    point = key.public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": b64(point.x.to_bytes(32, "big")), "y": b64(point.y.to_bytes(32, "big"))}


def _uint(number: int) -> str:
    return b64(number.to_bytes((number.bit_length() + 7) // 8, "big"))


@lru_cache(maxsize=1024)
def _header(kid: str, alg: str, typ: str) -> str:
    return b64(_json({"kid": kid, "alg": alg} | ({"typ": typ} if typ else {})))


def _json(value: Mapping[str, Any]) -> bytes:
    return _encode(value).encode("ascii")

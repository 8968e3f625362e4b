"""Keys and certificates of the SAML side: judged once, loaded once.

A certificate is only the envelope of a pinned key: no chain, no issuer, no revocation is looked at (rows C5 to C10). Loading is slow
(libxmlsec reads some PEM files in 43 ms), so loaded keys are cached by their text; the caches are bounded and safe to use from threads.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from metadata.errors import DocumentInvalid
from metadata.saml.entity import SigningKey
from metadata.saml.native import xmlsec

KeyKind = Literal["rsa", "ec"]
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
MAX_CERTIFICATE_CHARS = 16_384


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """A public key ready to verify with. `native` is libxmlsec's own object; nothing writes to it, so threads may share it."""

    kind: KeyKind
    sha256: str
    native: Any


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key of ours, ready to sign with. `certificate_body` is its certificate as KeyInfo carries it, or empty.

    `native` is libxmlsec's object, for signatures in XML; `plain` is cryptography's, which signs octets faster.
    """

    kind: KeyKind
    certificate_body: str
    native: Any
    plain: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def certificate_body(pem_or_base64: str) -> str:
    """The bare base64 of one certificate, from PEM or from what stands in ds:X509Certificate.

    Raises DocumentInvalid: private_key_pasted, certificate_invalid.
    """
    if "PRIVATE KEY" in pem_or_base64:
        raise DocumentInvalid(
            "This contains a private key. Remove it, treat it as disclosed, and paste the certificate only.",
            "a private key where a certificate belongs",
            code="private_key_pasted",
        )
    found = _PEM.findall(pem_or_base64)
    if len(found) > 1:
        raise _bad("several certificates where one belongs")
    body = "".join((found[0] if found else pem_or_base64).split())
    if not body or len(body) > MAX_CERTIFICATE_CHARS:
        raise _bad("empty or too long")
    return body


@lru_cache(maxsize=4096)
def read_certificate(pem_or_base64: str) -> SigningKey:
    """Read a certificate and judge its key (row C20). Raises DocumentInvalid: those of certificate_body, and weak_key."""
    try:
        der = base64.b64decode(certificate_body(pem_or_base64), validate=True)
        certificate = x509.load_der_x509_certificate(der)
        public = certificate.public_key()
    except DocumentInvalid:
        raise
    except (binascii.Error, ValueError, TypeError) as error:
        raise _bad(str(error)[:200]) from None
    except Exception as error:  # an unsupported key type has an error class of its own, per release
        raise _bad(f"{type(error).__name__}"[:200]) from None
    judge(public)
    return SigningKey(
        certificate_pem=certificate.public_bytes(serialization.Encoding.PEM).decode("ascii"),
        sha256=hashlib.sha256(der).hexdigest(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
    )


def judge(key: object) -> KeyKind:
    """RSA of 2048 to 8192 bits with an exponent of 65537 or more, or a NIST curve; anything else is refused with code weak_key.

    A small exponent makes forgery easier where padding is read leniently, and a giant key is a way to burn CPU.
    """
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        if 2048 <= key.key_size <= 8192 and numbers.e >= 65_537 and numbers.e % 2 and numbers.e.bit_length() <= 64:
            return "rsa"
        raise _weak(f"RSA of {key.key_size} bits, exponent {str(numbers.e)[:20]}")
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name in _CURVES:
            return "ec"
        raise _weak(f"curve {key.curve.name}")
    raise _weak(type(key).__name__)


@lru_cache(maxsize=4096)
def verify_key(certificate_pem: str) -> VerifyKey:
    """Load a pinned certificate's key for verifying. Raises DocumentInvalid as read_certificate does."""
    known = read_certificate(certificate_pem)
    public = x509.load_pem_x509_certificate(known.certificate_pem.encode("ascii")).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    native = xmlsec.Key.from_memory(pem, xmlsec.KeyFormat.PEM, None)
    return VerifyKey(judge(public), known.sha256, native)


@lru_cache(maxsize=512)
def private_key(private_pem: str, certificate_pem: str) -> PrivateKey:
    """Load a key of ours for signing. Raises DocumentInvalid (private_key_invalid, certificate_invalid, weak_key)."""
    try:
        key = serialization.load_pem_private_key(private_pem.encode("ascii"), None)
    except (ValueError, TypeError, UnicodeEncodeError):
        raise DocumentInvalid("A SAML signing key of this pool cannot be read.", code="private_key_invalid") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise _weak(type(key).__name__)
    kind = judge(key.public_key())
    body = certificate_body(read_certificate(certificate_pem).certificate_pem) if certificate_pem else ""
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return PrivateKey(kind, body, xmlsec.Key.from_memory(pem, xmlsec.KeyFormat.PEM, None), key)


def _bad(private: str) -> DocumentInvalid:
    return DocumentInvalid(
        "A certificate cannot be read. Export it again as a Base-64 (PEM) X.509 certificate.",
        f"certificate: {private}",
        code="certificate_invalid",
    )


def _weak(private: str) -> DocumentInvalid:
    return DocumentInvalid(
        "The key is too weak or of a kind that is not accepted. Use RSA of at least 2048 bits, or P-256, P-384, P-521.",
        f"key refused: {private}",
        code="weak_key",
    )

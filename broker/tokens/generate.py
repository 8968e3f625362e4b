"""New keys, and the self-signed certificates that some partners want to see."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from broker.model.keys import KeyRecord, KeyState, KeyUse
from broker.tokens.jws import PrivateKey, b64, public_jwk

SAML_USES: frozenset[KeyUse] = frozenset({"saml_signing", "saml_decryption"})
CERTIFIED: frozenset[KeyUse] = SAML_USES | {"openid"}
"""Uses whose partners want a certificate, be it self-signed."""
_CERTIFICATE_LIFE = timedelta(days=3652)  # ten years (spec B.6)
_BACKDATED = timedelta(hours=1)  # so that a partner whose clock is slow takes the certificate at once


def make_key(pool_id: str, use: KeyUse, alg: str, state: KeyState, now: datetime) -> KeyRecord:
    """A fresh key: RSA of 2,048 bits for RS256 and RS512, P-256 for ES256, Ed25519 for EdDSA. Raises ValueError for another `alg`.

    The kid is the key's RFC 7638 thumbprint, so no two keys share one, in this pool or in any other (attack OA-P3.12).
    """
    key = _generate(alg)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode("ascii")
    return KeyRecord(
        kid=thumbprint(key),
        pool_id=pool_id,
        use=use,
        alg=alg,
        state=state,
        created_at=now,
        private_pem=pem,
        certificate_pem=_self_signed(key, pool_id, now) if use in CERTIFIED and isinstance(key, rsa.RSAPrivateKey) else "",
        activated_at=now if state == "current" else None,
    )


def thumbprint(key: PrivateKey) -> str:
    """RFC 7638, SHA-256."""
    canonical = json.dumps(public_jwk(key.public_key()), separators=(",", ":"), sort_keys=True)
    return b64(sha256(canonical.encode("ascii")).digest())


def _generate(alg: str) -> PrivateKey:
    if alg in ("RS256", "RS512"):
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if alg == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if alg == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    raise ValueError(f"no such algorithm: {alg}")


def _self_signed(key: rsa.RSAPrivateKey, pool_id: str, now: datetime) -> str:
    # Nobody validates a path to it: partners pin it. The name only helps a human to tell certificates apart.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"crossgate {pool_id}"[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _CERTIFICATE_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")

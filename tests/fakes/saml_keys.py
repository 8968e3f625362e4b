"""Keys and certificates of the made-up parties, generated when first asked for and kept for the session."""

from __future__ import annotations

import base64
import functools
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import NameOID

NOT_BEFORE = datetime(2024, 1, 1, tzinfo=UTC)
NOT_AFTER = datetime(2044, 1, 1, tzinfo=UTC)


class Key:
    """A private key with its certificate, in every form that a forger needs."""

    def __init__(self, name: str, private: Any, certificate: x509.Certificate) -> None:
        self.name = name
        self.private = private
        self.certificate = certificate

    def __repr__(self) -> str:
        return f"Key({self.name})"

    @cached_property
    def private_pem(self) -> str:
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    @cached_property
    def certificate_der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @cached_property
    def certificate_pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @cached_property
    def certificate_b64(self) -> str:
        return base64.b64encode(self.certificate_der).decode()

    @cached_property
    def public(self) -> Any:
        return self.private.public_key()

    @cached_property
    def xmlsec(self) -> xmlsec.Key:
        """Loading an RSA key costs xmlsec 40 ms, so once only."""
        return xmlsec.Key.from_memory(self.private_pem, xmlsec.constants.KeyDataFormatPem)


def private_key(name: str, kind: str = "rsa2048") -> Any:
    """The private key of that name: the same one each time within a session. `kind` is rsa<bits>, rsa2048e3, ec<bits>, dsa, ed."""
    return _generate(name, kind)


@functools.cache
def _generate(name: str, kind: str) -> Any:
    if kind == "ed":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "dsa":
        return dsa.generate_private_key(1024)
    if kind.startswith("ec"):
        curves = {"ec256": ec.SECP256R1, "ec384": ec.SECP384R1, "ec521": ec.SECP521R1, "ec192": ec.SECP192R1}
        return ec.generate_private_key(curves[kind]())
    bits, _, exponent = kind.removeprefix("rsa").partition("e")
    return rsa.generate_private_key(int(exponent or 65537), int(bits))


def certify(
    name: str,
    private: Any,
    *,
    not_before: datetime = NOT_BEFORE,
    not_after: datetime = NOT_AFTER,
    serial: int | None = None,
    issuer: Key | None = None,
) -> Key:
    """A certificate for `private`: self-signed, or issued by `issuer`."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = issuer.private if issuer else private
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(private.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return Key(name, private, builder.sign(signer, digest))


def key(name: str, kind: str = "rsa2048") -> Key:
    """The named party's key under a plain self-signed certificate."""
    return _plain(name, kind)


@functools.cache
def _plain(name: str, kind: str) -> Key:
    return certify(name, private_key(name, kind))


@functools.cache
def clone_of(name: str, forger: str) -> Key:
    """The forger's key under a certificate with the subject, serial and dates of the victim's (SAMLRaider's certificate clone)."""
    victim = key(name).certificate
    return certify(
        name,
        private_key(forger),
        serial=victim.serial_number,
        not_before=victim.not_valid_before_utc,
        not_after=victim.not_valid_after_utc,
    )

"""The people of the sample identity providers, and the key that each provider signs with."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in at a sample provider."""

    name: str
    password: str = field(repr=False)
    id: str
    email: str
    given_name: str
    family_name: str
    department: str
    groups: tuple[str, ...] = ()


PEOPLE = {
    person.name: person
    for person in (
        Person("alice", "alicepass", "u-1001", "alice@example.com", "Alice", "Archer", "marketing", ("engineering", "admins")),
        Person("bob", "bobpass", "u-1002", "bob@example.com", "Bob", "Baker", "sales", ("sales",)),
    )
}


def sign_in(name: str, password: str) -> Person | None:
    """The person, if the password is right."""
    person = PEOPLE.get(name.strip().lower())
    return person if person and hmac.compare_digest(person.password.encode(), password.encode()) else None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key made for this run, with a certificate for those who want one."""

    private: rsa.RSAPrivateKey = field(repr=False)
    certificate: x509.Certificate

    def pem(self) -> bytes:
        """The private key."""
        return self.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

    def certificate_base64(self) -> str:
        """The certificate as SAML metadata has it."""
        return base64.b64encode(self.certificate.public_bytes(serialization.Encoding.DER)).decode()


def make_key(common_name: str) -> SigningKey:
    """A fresh key: nothing of the demo outlives it."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=30))
        .sign(private, hashes.SHA256())
    )
    return SigningKey(private, certificate)

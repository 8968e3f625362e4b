"""The sample identity provider's view of its service provider: read from metadata, and every request checked against it."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

import requests
import xmlsec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

from broker.demo import saml_message as s


class PeerError(Exception):
    """A message of the service provider that this provider does not accept."""


@dataclass(frozen=True, slots=True)
class ServiceProvider:
    """What the service provider's metadata says."""

    entity_id: str
    acs: tuple[str, ...]
    slo: str | None
    certificates: tuple[bytes, ...] = field(repr=False)

    def verify_query(self, raw_query: str) -> None:
        """Check a Redirect binding's signature, over the octets as they were sent. Raises PeerError."""
        parts = dict(part.partition("=")[::2] for part in raw_query.split("&"))
        signed = "&".join(f"{name}={parts[name]}" for name in ("SAMLRequest", "SAMLResponse", "RelayState", "SigAlg") if name in parts)
        if unquote_plus(parts.get("SigAlg", "")) != s.RSA_SHA256 or "Signature" not in parts:
            raise PeerError("The request is not signed with RSA-SHA256.")
        signature = base64.b64decode(unquote_plus(parts["Signature"]))
        if not any(_fits(der, signature, signed.encode()) for der in self.certificates):
            raise PeerError("The request's signature does not fit the service provider's certificates.")

    def verify_element(self, root: etree._Element) -> None:
        """Check a POST binding's signature over the whole message. Raises PeerError."""
        signature = root.find("ds:Signature", s.NS)
        reference = None if signature is None else signature.find("ds:SignedInfo/ds:Reference", s.NS)
        if signature is None or reference is None or reference.get("URI") != f"#{root.get('ID')}":
            raise PeerError("The request is not signed.")
        for der in self.certificates:
            context = xmlsec.SignatureContext()
            context.key = xmlsec.Key.from_memory(der, xmlsec.constants.KeyDataFormatCertDer)
            context.register_id(root, "ID")
            try:
                return context.verify(signature)
            except xmlsec.Error:
                continue
        raise PeerError("The request's signature does not fit the service provider's certificates.")


def _fits(der: bytes, signature: bytes, signed: bytes) -> bool:
    public = x509.load_der_x509_certificate(der).public_key()
    if not isinstance(public, rsa.RSAPublicKey):
        return False
    try:
        public.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def fetch(url: str) -> ServiceProvider:
    """Read the service provider's metadata. Raises PeerError."""
    try:
        answer = requests.get(url, timeout=10)
        answer.raise_for_status()
        root = s.parse(answer.content)
    except (requests.RequestException, etree.XMLSyntaxError, ValueError) as failed:
        raise PeerError(f"The service provider's metadata cannot be read: {failed}") from failed
    descriptor = root.find("md:SPSSODescriptor", s.NS)
    if descriptor is None:
        raise PeerError("The metadata has no service provider in it.")
    keys = [key for key in descriptor.findall("md:KeyDescriptor", s.NS) if key.get("use") in {None, "signing"}]
    certificates = [element.text or "" for key in keys for element in key.iter(f"{{{s.DS}}}X509Certificate")]
    services = descriptor.findall("md:SingleLogoutService", s.NS)
    redirect = [service for service in services if service.get("Binding") == s.REDIRECT]
    return ServiceProvider(
        entity_id=str(root.get("entityID")),
        acs=tuple(str(acs.get("Location")) for acs in descriptor.findall("md:AssertionConsumerService", s.NS)),
        slo=str((redirect or services)[0].get("Location")) if services else None,
        certificates=tuple(base64.b64decode("".join(text.split())) for text in certificates),
    )

"""Our own metadata as a service provider, signed with our current key (saml-metadata-2.0-os, section 2.4.4).

Made with lxml: it is one small fixed document, and an order of elements that one can read beats a builder with forty parameters.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from metadata.saml import names
from metadata.saml.keys import PrivateKey, certificate_body
from metadata.saml.names import BINDING_POST, BINDING_REDIRECT, DS, MD, SAMLP, tag
from metadata.saml.sign import sign_element
from metadata.saml.times import write_time

ENCRYPTION_METHODS = (
    "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    "http://www.w3.org/2009/xmlenc11#aes128-gcm",
    "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
    "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
    "http://www.w3.org/2009/xmlenc11#rsa-oaep",
)
DEFAULT_NAME_ID_FORMATS = (names.NAME_ID_PERSISTENT, names.NAME_ID_EMAIL, names.NAME_ID_UNSPECIFIED)


@dataclass(frozen=True, slots=True)
class SpDescription:
    """What our metadata says. Certificates are PEM, the current one first, then the next; URLs are ours, the preferred one first.

    `valid_until` (aware) may be left out; then the document never ends by itself.
    """

    entity_id: str
    acs_urls: tuple[str, ...]
    logout_urls: tuple[str, ...] = ()
    signing_certificates: tuple[str, ...] = ()
    encryption_certificates: tuple[str, ...] = ()
    name_id_formats: tuple[str, ...] = DEFAULT_NAME_ID_FORMATS
    want_assertions_signed: bool = True
    requests_signed: bool = True
    valid_until: datetime | None = None


def sp_metadata(sp: SpDescription, key: PrivateKey | None) -> bytes:
    """The EntityDescriptor as UTF-8 XML, signed if there is a key. The same input gives the same document (RSA). Raises DocumentInvalid."""
    root = etree.Element(tag(MD, "EntityDescriptor"), nsmap={"md": MD, "ds": DS}, entityID=sp.entity_id)
    if sp.valid_until is not None:
        root.set("validUntil", write_time(sp.valid_until))
    role = etree.SubElement(root, tag(MD, "SPSSODescriptor"), protocolSupportEnumeration=SAMLP)
    role.set("AuthnRequestsSigned", _boolean(sp.requests_signed))
    role.set("WantAssertionsSigned", _boolean(sp.want_assertions_signed))
    for certificate in dict.fromkeys(sp.signing_certificates):
        _key(role, "signing", certificate)
    for certificate in dict.fromkeys(sp.encryption_certificates):
        descriptor = _key(role, "encryption", certificate)
        for method in ENCRYPTION_METHODS:
            etree.SubElement(descriptor, tag(MD, "EncryptionMethod"), Algorithm=method)
    for url in sp.logout_urls:
        for binding in (BINDING_REDIRECT, BINDING_POST):
            etree.SubElement(role, tag(MD, "SingleLogoutService"), Binding=binding, Location=url)
    for name_id_format in sp.name_id_formats:
        etree.SubElement(role, tag(MD, "NameIDFormat")).text = name_id_format
    for index, url in enumerate(sp.acs_urls):
        service = etree.SubElement(role, tag(MD, "AssertionConsumerService"), Binding=BINDING_POST, Location=url)
        service.set("index", str(index))
        if index == 0:
            service.set("isDefault", "true")
    if key is not None:
        root.set("ID", "_" + hashlib.sha256(etree.tostring(root)).hexdigest()[:40])
        sign_element(root, key)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _key(role: etree._Element, use: str, certificate: str) -> etree._Element:
    descriptor = etree.SubElement(role, tag(MD, "KeyDescriptor"), use=use)
    info = etree.SubElement(descriptor, tag(DS, "KeyInfo"))
    data = etree.SubElement(info, tag(DS, "X509Data"))
    etree.SubElement(data, tag(DS, "X509Certificate")).text = certificate_body(certificate)
    return descriptor

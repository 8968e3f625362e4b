"""Signing our own messages: XML (metadata, POST binding) and the query string of the Redirect binding."""

from __future__ import annotations

import base64
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree

from metadata.errors import DocumentInvalid
from metadata.saml import names
from metadata.saml.keys import KeyKind, PrivateKey
from metadata.saml.names import DS, SAML, tag
from metadata.saml.native import xmlsec
from metadata.saml.signed_info import METHODS

_PKCS1 = padding.PKCS1v15()
_DIGESTS: Final[dict[str, hashes.HashAlgorithm]] = {
    names.RSA_SHA256: hashes.SHA256(),
    names.RSA_SHA384: hashes.SHA384(),
    names.RSA_SHA512: hashes.SHA512(),
    names.ECDSA_SHA256: hashes.SHA256(),
    names.ECDSA_SHA384: hashes.SHA384(),
    names.ECDSA_SHA512: hashes.SHA512(),
}
DEFAULT_METHOD: Final[dict[KeyKind, str]] = {"rsa": names.RSA_SHA256, "ec": names.ECDSA_SHA256}


def sign_element(element: etree._Element, key: PrivateKey) -> None:
    """Put an enveloped signature into `element`, behind its Issuer or first, over its ID; the certificate goes along in KeyInfo.

    RSA-SHA256 or ECDSA-SHA256 by the kind of key, SHA-256 digests, exclusive c14n. Raises DocumentInvalid (signing_failed).
    """
    method = METHODS[DEFAULT_METHOD[key.kind]][1]
    signature = xmlsec.template.create(element, xmlsec.Transform.EXCL_C14N, method, ns="ds")
    first = element[0] if len(element) else None
    element.insert(1 if first is not None and first.tag == tag(SAML, "Issuer") else 0, signature)
    reference = xmlsec.template.add_reference(signature, xmlsec.Transform.SHA256, uri=f"#{element.get('ID')}")
    xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
    xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
    if key.certificate_body:
        info = etree.SubElement(signature, tag(DS, "KeyInfo"))
        data = etree.SubElement(info, tag(DS, "X509Data"))
        etree.SubElement(data, tag(DS, "X509Certificate")).text = key.certificate_body
    context = xmlsec.SignatureContext()
    context.key = key.native
    try:
        context.register_id(element, "ID")
        context.sign(signature)
    except xmlsec.Error as error:
        raise DocumentInvalid("A message could not be signed.", f"libxmlsec: {error}", code="signing_failed") from None


def sign_octets(octets: bytes, key: PrivateKey) -> tuple[str, str]:
    """(SigAlg, base64 Signature) over the octets of a query string (saml-bindings-2.0-os, section 3.4.4.1)."""
    algorithm = DEFAULT_METHOD[key.kind]
    return algorithm, base64.b64encode(sign_raw(octets, key, algorithm)).decode("ascii")


def sign_raw(octets: bytes, key: PrivateKey, algorithm: str) -> bytes:
    """The signature's octets; ECDSA in the r||s form of XML Signature. Raises DocumentInvalid (signing_failed)."""
    if METHODS.get(algorithm, ("",))[0] != key.kind:
        raise DocumentInvalid("A message could not be signed.", f"{algorithm} with a {key.kind} key", code="signing_failed")
    digest, plain = _DIGESTS[algorithm], key.plain
    if isinstance(plain, rsa.RSAPrivateKey):
        return plain.sign(octets, _PKCS1, digest)
    size = (plain.curve.key_size + 7) // 8
    return b"".join(number.to_bytes(size, "big") for number in decode_dss_signature(plain.sign(octets, ec.ECDSA(digest))))

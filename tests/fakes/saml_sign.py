"""Signing as an identity provider does it (python-xmlsec), and by hand, for signatures that no honest library would make."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import xmlsec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree

from tests.fakes import saml_names as n
from tests.fakes.saml_keys import Key

Signer = Callable[[bytes], bytes]

# python-xmlsec wants its own objects where the standard speaks of URIs.
XMLSEC = {found.href: found for found in vars(xmlsec.constants).values() if hasattr(found, "href")}


def place(element: etree._Element, signature: etree._Element) -> None:
    """Put a signature where the schema wants it: right after Issuer, or first in metadata."""
    issuer = element.find(n.q("saml:Issuer"))
    element.insert(0 if issuer is None else element.index(issuer) + 1, signature)


def sign(
    element: etree._Element,
    key: Key,
    *,
    method: str = n.RSA_SHA256,
    digest: str = n.SHA256,
    c14n: str = n.EXC_C14N,
    prefixes: str = "",
    key_info: bool = True,
    prefix: str = "ds",
) -> etree._Element:
    """Sign an element with an ID as SAML's profile of XML Signature has it: enveloped, one reference, exclusive canonicalisation."""
    signature = xmlsec.template.create(element, XMLSEC[c14n], XMLSEC[method], ns=prefix or None)
    reference = xmlsec.template.add_reference(signature, XMLSEC[digest], uri="#" + element.get("ID"))
    xmlsec.template.add_transform(reference, XMLSEC[n.ENVELOPED])
    exclusive = xmlsec.template.add_transform(reference, XMLSEC[n.EXC_C14N])
    if prefixes:
        etree.SubElement(exclusive, n.q("ec:InclusiveNamespaces"), PrefixList=prefixes, nsmap={"ec": n.EC})
    place(element, signature)
    context = xmlsec.SignatureContext()
    context.key = key.xmlsec
    context.register_id(element, "ID")
    context.sign(signature)
    if key_info:
        signature.append(certificate_info(key))
    return signature


def certificate_info(key: Key) -> etree._Element:
    """A KeyInfo that carries the key's certificate."""
    return n.xml(f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{key.certificate_b64}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>")


def canonical(element: etree._Element, *, exclusive: bool = True, comments: bool = False) -> bytes:
    """The octets that a digest or a signature covers."""
    return etree.tostring(element, method="c14n", exclusive=exclusive, with_comments=comments)


EXCLUSIVE = f'<ds:Transform Algorithm="{n.EXC_C14N}"/>'
STANDARD = (f'<ds:Transform Algorithm="{n.ENVELOPED}"/>', EXCLUSIVE)
ENVELOPED_ONLY = STANDARD[:1]


@dataclass(frozen=True)
class Reference:
    """One ds:Reference. Without `octets`, the digest is taken of the signed element in exclusive form, whatever the URI says."""

    uri: str | None = ""
    transforms: tuple[str, ...] = STANDARD
    method: str = n.SHA256
    octets: bytes | None = None
    type_uri: str = ""

    def markup(self, default: bytes) -> str:
        octets = default if self.octets is None else self.octets
        uri = "" if self.uri is None else f' URI="{self.uri}"'
        kind = f' Type="{self.type_uri}"' if self.type_uri else ""
        transforms = f"<ds:Transforms>{''.join(self.transforms)}</ds:Transforms>" if self.transforms else ""
        value = base64.b64encode(digest(self.method, octets)).decode()
        return (
            f'<ds:Reference{uri}{kind}>{transforms}<ds:DigestMethod Algorithm="{self.method}"/>'
            f"<ds:DigestValue>{value}</ds:DigestValue></ds:Reference>"
        )


def digest(method: str, octets: bytes) -> bytes:
    """The digest that a DigestMethod URI names."""
    name = method.rpartition("#")[2]
    return hashlib.new({"ripemd160": "sha256"}.get(name, name), octets).digest()


@dataclass(frozen=True)
class ByHand:
    """Everything about a hand-made signature. Without `references`, the one standard Reference to the element's ID."""

    signer: Signer
    method: str = n.RSA_SHA256
    method_body: str = ""
    c14n: str = n.EXC_C14N
    c14n_exclusive: bool = True
    references: tuple[Reference, ...] | None = None
    key_info: str = ""
    extra: str = field(default="", repr=False)


def sign_by_hand(element: etree._Element, how: ByHand) -> etree._Element:
    """Sign with cryptography alone. The signature's shape is whatever `how` says, and its value is right for that shape."""
    octets = canonical(element)
    references = (Reference("#" + element.get("ID", "")),) if how.references is None else how.references
    signature = n.xml(
        f'<ds:Signature><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{how.c14n}"/>'
        f'<ds:SignatureMethod Algorithm="{how.method}">{how.method_body}</ds:SignatureMethod>'
        f"{''.join(reference.markup(octets) for reference in references)}</ds:SignedInfo>"
        f"<ds:SignatureValue/>{how.key_info}{how.extra}</ds:Signature>"
    )
    place(element, signature)
    info = n.find(signature, "ds:SignedInfo")
    value = how.signer(canonical(info, exclusive=how.c14n_exclusive, comments=how.c14n.endswith("Comments")))
    n.find(signature, "ds:SignatureValue").text = base64.b64encode(value).decode()
    return signature


def rsa_signer(key: Key, algorithm: Any = None) -> Signer:
    """RSASSA-PKCS1-v1_5, SHA-256 unless told otherwise."""
    return lambda octets: key.private.sign(octets, padding.PKCS1v15(), algorithm or hashes.SHA256())


def pss_signer(key: Key) -> Signer:
    """RSASSA-PSS with SHA-256."""
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256().digest_size)
    return lambda octets: key.private.sign(octets, pss, hashes.SHA256())


def ecdsa_signer(key: Key, algorithm: Any = None) -> Signer:
    """ECDSA in the form of XML Signature: r and s side by side, each as long as the curve's order."""
    from cryptography.hazmat.primitives.asymmetric import ec

    size = (key.private.curve.key_size + 7) // 8

    def signer(octets: bytes) -> bytes:
        r, s = decode_dss_signature(key.private.sign(octets, ec.ECDSA(algorithm or hashes.SHA256())))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    return signer


def hmac_signer(secret: bytes, name: str, truncate_bits: int | None = None) -> Signer:
    """An HMAC under a secret of the forger's choice, whole or truncated."""

    def signer(octets: bytes) -> bytes:
        whole = hmac.new(secret, octets, name).digest()
        return whole if truncate_bits is None else whole[: (truncate_bits + 7) // 8]

    return signer

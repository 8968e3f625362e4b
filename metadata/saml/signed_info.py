"""The allow-list: the one shape that a Signature in SAML may have (xmldsig-core1; saml-core-2.0-os, section 5.4).

Everything here is read from the canonical bytes of SignedInfo, re-parsed: what is judged is what the signature's value covers.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from metadata.errors import SignatureInvalid
from metadata.saml import names
from metadata.saml.keys import KeyKind
from metadata.saml.names import DS, EXC_C14N, tag
from metadata.saml.native import xmlsec
from metadata.saml.xml import children, text

METHODS: Final[dict[str, tuple[KeyKind, Any]]] = {
    names.RSA_SHA256: ("rsa", xmlsec.Transform.RSA_SHA256),
    names.RSA_SHA384: ("rsa", xmlsec.Transform.RSA_SHA384),
    names.RSA_SHA512: ("rsa", xmlsec.Transform.RSA_SHA512),
    names.ECDSA_SHA256: ("ec", xmlsec.Transform.ECDSA_SHA256),
    names.ECDSA_SHA384: ("ec", xmlsec.Transform.ECDSA_SHA384),
    names.ECDSA_SHA512: ("ec", xmlsec.Transform.ECDSA_SHA512),
}
"""The signature methods that are verified: URI -> kind of key, libxmlsec's transform."""
METHODS_SHA1: Final[dict[str, tuple[KeyKind, Any]]] = {
    **METHODS,
    names.RSA_SHA1: ("rsa", xmlsec.Transform.RSA_SHA1),
}
"""The same with SHA-1: only for a provider that opted in."""
DIGESTS: Final[dict[str, Callable[[bytes], Any]]] = {
    names.SHA256: hashlib.sha256,
    names.SHA384: hashlib.sha384,
    names.SHA512: hashlib.sha512,
}
DIGESTS_SHA1: Final[dict[str, Callable[[bytes], Any]]] = {**DIGESTS, names.SHA1: hashlib.sha1}
_PREFIX_LIST = tag(EXC_C14N, "InclusiveNamespaces")
# What may stand on the elements of a signature; a stray `xml:xmlns` is an attempt to show two parsers two things (A30).
_ATTRIBUTES: Final[dict[str, frozenset[str]]] = {
    tag(DS, local): frozenset(allowed.split())
    for local, allowed in {
        "Signature": "Id",
        "SignedInfo": "Id",
        "SignatureValue": "Id",
        "KeyInfo": "Id",
        "CanonicalizationMethod": "Algorithm",
        "SignatureMethod": "Algorithm",
        "Reference": "URI Id",  # no Type: it may name a Manifest, which nobody would check (A27)
        "Transforms": "",
        "Transform": "Algorithm",
        "DigestMethod": "Algorithm",
        "DigestValue": "",
    }.items()
}


@dataclass(frozen=True, slots=True)
class SignedInfo:
    """What a signature that passed says: how it was made, the digest, and the prefixes to keep when canonicalising the element."""

    method: str
    digest_method: str
    digest: bytes
    prefixes: tuple[str, ...]


def refuse(code: str, private: str) -> SignatureInvalid:
    """The error for a signature that is refused."""
    return SignatureInvalid("The signature could not be verified.", private, code=code)


def read_signed_info(info: etree._Element, element: etree._Element, *, allow_sha1: bool) -> SignedInfo:
    """Hold a SignedInfo against the list: exclusive c14n, a method and a digest that are allowed, one Reference to `element`.

    Raises SignatureInvalid (signature_structure, _algorithm, _reference, _transforms), DocumentInvalid, ValueError.
    """
    canonicalization, method, reference = exactly(info, "CanonicalizationMethod", "SignatureMethod", "Reference")
    canonicalization_prefixes(canonicalization, element)
    algorithm = method.get("Algorithm", "")
    if algorithm not in (METHODS_SHA1 if allow_sha1 else METHODS):
        raise refuse("signature_algorithm", f"SignatureMethod {algorithm[:100]!r} is not allowed")
    if reference.get("URI") != f"#{element.get('ID', '')}" or not element.get("ID"):
        raise refuse("signature_reference", "the Reference is not to the element that holds the Signature")  # A23 to A26
    transforms, digest_method, digest_value = exactly(reference, "Transforms", "DigestMethod", "DigestValue")
    digest_algorithm = digest_method.get("Algorithm", "")
    if digest_algorithm not in (DIGESTS_SHA1 if allow_sha1 else DIGESTS):
        raise refuse("signature_algorithm", f"DigestMethod {digest_algorithm[:100]!r} is not allowed")
    if len(method) or len(digest_method):
        raise refuse("signature_structure", "a method with parameters")  # C16: HMACOutputLength
    return SignedInfo(algorithm, digest_algorithm, strict_base64(text(digest_value)), _check_transforms(transforms, element))


def _check_transforms(transforms: etree._Element, element: etree._Element) -> tuple[str, ...]:
    """Enveloped-signature, then exclusive c14n; nothing else, nothing twice, no other order (C22 to C24)."""
    steps = children(transforms)
    if [step.tag for step in steps] != [tag(DS, "Transform")] * 2:
        raise refuse("signature_transforms", f"{len(steps)} transforms")
    _check_attributes(*steps)
    if [step.get("Algorithm") for step in steps] != [names.ENVELOPED, EXC_C14N] or len(steps[0]):
        raise refuse("signature_transforms", "not enveloped-signature followed by exclusive c14n")
    return _prefixes(steps[1], element)


def canonicalization_prefixes(method: etree._Element, element: etree._Element) -> tuple[str, ...]:
    """The PrefixList of a CanonicalizationMethod, which must be exclusive c14n without comments (B23)."""
    if method.get("Algorithm") != EXC_C14N:
        raise refuse("signature_algorithm", "CanonicalizationMethod is not exclusive c14n without comments")
    return _prefixes(method, element)


def _prefixes(method: etree._Element, element: etree._Element) -> tuple[str, ...]:
    """The InclusiveNamespaces PrefixList, which Okta and OpenSAML send to keep `xs` of xsi:type.

    Every prefix must be declared somewhere in or around the signed element: canonicalisers differ on one that is not (B22).
    """
    inside = children(method)
    if not inside:
        return ()
    if len(inside) > 1 or inside[0].tag != _PREFIX_LIST or len(inside[0]):
        raise refuse("signature_transforms", "a canonicalization method with foreign parameters")
    prefixes = tuple((inside[0].get("PrefixList") or "").split())
    if len(prefixes) > 20 or len(set(prefixes)) != len(prefixes):
        raise refuse("signature_transforms", "PrefixList too long or with doubles")
    missing = set(prefixes) - {"#default"} - {prefix for prefix in element.nsmap if prefix}
    if missing and missing - {prefix for inner in element.iter() for prefix in inner.nsmap if prefix}:
        raise refuse("signature_transforms", "PrefixList names a prefix that is not declared")
    return prefixes


def exactly(parent: etree._Element, *locals_: str, optional: str = "") -> list[etree._Element]:
    """The children of `parent`, which must be these of XML Signature, in order, without unknown attributes."""
    found = children(parent)
    wanted = [tag(DS, local) for local in locals_]
    tags = [element.tag for element in found]
    if tags != wanted and not (optional and tags == [*wanted, tag(DS, optional)]):
        raise refuse("signature_structure", f"{etree.QName(parent).localname} does not hold {', '.join(locals_)}")
    _check_attributes(parent, *found)
    return found


def _check_attributes(*elements: etree._Element) -> None:
    for element in elements:
        if not _ATTRIBUTES[str(element.tag)].issuperset(element.attrib):
            raise refuse("signature_structure", f"unknown attributes on {etree.QName(element).localname}")


def strict_base64(value: str) -> bytes:
    """Base64, white space apart; an empty value is refused (C2). Raises SignatureInvalid, ValueError."""
    data = base64.b64decode("".join(value.split()), validate=True)
    if not data:
        raise refuse("signature_structure", "an empty value")
    return data

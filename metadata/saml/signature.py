"""XML signatures in the one shape that SAML allows, verified with pinned keys; the answer is the bytes that were signed.

libxmlsec verifies more than SAML permits: XSLT, XPath, MD5, `URI=""`, XPointer (rows A23 to A27, C15 to C24). So the signature is first
held against an allow-list, element by element; then libxmlsec verifies; then we canonicalise the signed element ourselves and hold the
digest against the signed DigestValue. Those canonical bytes are what readers parse: they cannot read what was not signed (A32).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from lxml import etree

from metadata.errors import DocumentInvalid, SignatureInvalid
from metadata.saml import names
from metadata.saml.keys import KeyKind, VerifyKey, verify_key
from metadata.saml.names import DS, EXC_C14N, SAML, tag
from metadata.saml.native import xmlsec
from metadata.saml.xml import children, text

SIGNATURE: Final = tag(DS, "Signature")
_PREFIXES = tag(EXC_C14N, "InclusiveNamespaces")

METHODS: Final[dict[str, tuple[KeyKind, Any]]] = {
    names.RSA_SHA256: ("rsa", xmlsec.Transform.RSA_SHA256),
    names.RSA_SHA384: ("rsa", xmlsec.Transform.RSA_SHA384),
    names.RSA_SHA512: ("rsa", xmlsec.Transform.RSA_SHA512),
    names.ECDSA_SHA256: ("ec", xmlsec.Transform.ECDSA_SHA256),
    names.ECDSA_SHA384: ("ec", xmlsec.Transform.ECDSA_SHA384),
    names.ECDSA_SHA512: ("ec", xmlsec.Transform.ECDSA_SHA512),
}
"""The signature methods that are verified: URI -> kind of key, libxmlsec's transform."""
METHODS_SHA1: Final[dict[str, tuple[KeyKind, Any]]] = {names.RSA_SHA1: ("rsa", xmlsec.Transform.RSA_SHA1)}
"""Only for a provider that opted in."""
_DIGESTS: dict[str, tuple[Callable[[bytes], Any], Any]] = {
    names.SHA256: (hashlib.sha256, xmlsec.Transform.SHA256),
    names.SHA384: (hashlib.sha384, xmlsec.Transform.SHA384),
    names.SHA512: (hashlib.sha512, xmlsec.Transform.SHA512),
}
_DIGESTS_SHA1 = {names.SHA1: (hashlib.sha1, xmlsec.Transform.SHA1)}


@dataclass(frozen=True, slots=True)
class Verified:
    """What a signature covered. `data` is the signed element in exclusive canonical form, without its Signature.

    `key_sha256` is the fingerprint of the certificate whose key verified; `method` the SignatureMethod.
    """

    data: bytes = field(repr=False)
    key_sha256: str
    method: str


@dataclass(frozen=True, slots=True)
class _Shape:
    """A signature that passed the allow-list."""

    method: str
    digest_method: str
    digest: bytes
    prefixes: tuple[str, ...]


def refuse(code: str, private: str) -> SignatureInvalid:
    """The error for a signature that is refused."""
    return SignatureInvalid("The signature could not be verified.", private, code=code)


def is_signed(element: etree._Element) -> bool:
    """Whether the element has a Signature of its own, wherever among its children it stands."""
    return element.find(SIGNATURE) is not None


def verify(element: etree._Element, certificates: Iterable[str], *, allow_sha1: bool = False) -> Verified:
    """Verify the enveloped signature of `element` with the pinned `certificates` (PEM), trying each of the right kind.

    `element` is consumed: its Signature is taken out. IDs must already be unique in its document (metadata.saml.xml sees to that).
    Raises SignatureInvalid: signature_missing, signature_position, signature_structure, signature_algorithm, signature_reference,
    signature_transforms, signature_key_missing, signature_wrong. Section 5.4 of saml-core-2.0-os.
    """
    signature = _find(element)
    shape = _check_shape(element, signature, allow_sha1)
    key = _verify_with_any(element, signature, shape, certificates)
    data = _canonical(element, signature, shape.prefixes)
    digest = (_DIGESTS | _DIGESTS_SHA1)[shape.digest_method][0](data).digest()
    if not data or not hmac.compare_digest(digest, shape.digest):
        raise refuse("signature_wrong", "our own canonical form has another digest")
    return Verified(data, key.sha256, shape.method)


def _find(element: etree._Element) -> etree._Element:
    """The Signature stands right behind Issuer, or first where there is none (schema; rows A19 to A21)."""
    signatures = element.findall(SIGNATURE)
    if not signatures:
        raise refuse("signature_missing", f"no Signature in {etree.QName(element).localname}")
    elements = children(element)
    place = 1 if elements[0].tag == tag(SAML, "Issuer") else 0
    if len(signatures) > 1 or elements[place] is not signatures[0]:
        raise refuse("signature_position", "the Signature is doubled or not where the schema has it")
    return signatures[0]


def _check_shape(element: etree._Element, signature: etree._Element, allow_sha1: bool) -> _Shape:
    try:
        return _read_shape(element, signature, allow_sha1)
    except SignatureInvalid:
        raise
    except (DocumentInvalid, ValueError, binascii.Error) as error:
        raise refuse("signature_structure", f"malformed Signature: {error}") from None


def _read_shape(element: etree._Element, signature: etree._Element, allow_sha1: bool) -> _Shape:
    info, value, *_key_info = _exactly(signature, "SignedInfo", "SignatureValue", optional="KeyInfo")
    canonicalization, method, reference = _exactly(info, "CanonicalizationMethod", "SignatureMethod", "Reference")
    if canonicalization.get("Algorithm") != EXC_C14N:
        raise refuse("signature_algorithm", "CanonicalizationMethod is not exclusive c14n without comments")  # B23
    _prefixes(canonicalization, element)
    algorithm = method.get("Algorithm", "")
    if algorithm not in METHODS and not (allow_sha1 and algorithm in METHODS_SHA1):
        raise refuse("signature_algorithm", f"SignatureMethod {algorithm[:100]!r} is not allowed")
    if len(method):
        raise refuse("signature_structure", "SignatureMethod has parameters")  # C16: HMACOutputLength
    _strict_base64(text(value))
    if reference.get("URI") != f"#{element.get('ID', '')}" or not element.get("ID"):
        raise refuse("signature_reference", "the Reference is not to the element that holds the Signature")
    transforms, digest_method, digest_value = _exactly(reference, "Transforms", "DigestMethod", "DigestValue")
    digest_algorithm = digest_method.get("Algorithm", "")
    if digest_algorithm not in _DIGESTS and not (allow_sha1 and digest_algorithm in _DIGESTS_SHA1):
        raise refuse("signature_algorithm", f"DigestMethod {digest_algorithm[:100]!r} is not allowed")
    if len(digest_method):
        raise refuse("signature_structure", "DigestMethod has parameters")
    prefixes = _check_transforms(transforms, element)
    return _Shape(algorithm, digest_algorithm, _strict_base64(text(digest_value)), prefixes)


def _check_transforms(transforms: etree._Element, element: etree._Element) -> tuple[str, ...]:
    """Enveloped-signature, then exclusive c14n; nothing else, nothing twice, no other order (C22 to C24)."""
    steps = children(transforms)
    if [step.tag for step in steps] != [tag(DS, "Transform")] * 2:
        raise refuse("signature_transforms", f"{len(steps)} transforms")
    _check_attributes(*steps)
    if [step.get("Algorithm") for step in steps] != [names.ENVELOPED, EXC_C14N] or len(steps[0]):
        raise refuse("signature_transforms", "not enveloped-signature followed by exclusive c14n")
    return _prefixes(steps[1], element)


def _prefixes(method: etree._Element, element: etree._Element) -> tuple[str, ...]:
    """The InclusiveNamespaces PrefixList, which Okta and OpenSAML send to keep `xs` of xsi:type.

    Every prefix must be declared somewhere in or around the signed element: canonicalisers differ on one that is not (B22).
    """
    inside = children(method)
    if not inside:
        return ()
    if len(inside) > 1 or inside[0].tag != _PREFIXES or len(inside[0]):
        raise refuse("signature_transforms", "a canonicalization method with foreign parameters")
    prefixes = tuple((inside[0].get("PrefixList") or "").split())
    if len(prefixes) > 20 or len(set(prefixes)) != len(prefixes):
        raise refuse("signature_transforms", "PrefixList too long or with doubles")
    missing = {None if prefix == "#default" else prefix for prefix in prefixes} - set(element.nsmap) - {None}
    if missing and missing - {prefix for inner in element.iter() for prefix in inner.nsmap}:
        raise refuse("signature_transforms", "PrefixList names a prefix that is not declared")
    return prefixes


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


def _exactly(parent: etree._Element, *locals_: str, optional: str = "") -> list[etree._Element]:
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


def _strict_base64(value: str) -> bytes:
    data = base64.b64decode("".join(value.split()), validate=True)
    if not data:
        raise refuse("signature_structure", "an empty value")  # C2
    return data


def _verify_with_any(element: etree._Element, signature: etree._Element, shape: _Shape, certificates: Iterable[str]) -> VerifyKey:
    kind, transform = (METHODS | METHODS_SHA1)[shape.method]
    digest = (_DIGESTS | _DIGESTS_SHA1)[shape.digest_method][1]
    candidates = [key for key in map(verify_key, certificates) if key.kind == kind]
    if not candidates:
        raise refuse("signature_key_missing", f"no pinned {kind} key to verify {shape.method} with")
    for key in candidates:
        context = xmlsec.SignatureContext()
        context.key = key.native  # a key that is set beforehand makes libxmlsec ignore KeyInfo (C5 to C9)
        for allowed in (xmlsec.Transform.EXCL_C14N, transform):
            context.enable_signature_transform(allowed)
        for allowed in (xmlsec.Transform.ENVELOPED, xmlsec.Transform.EXCL_C14N, digest):
            context.enable_reference_transform(allowed)
        try:
            context.register_id(element, "ID")
            context.verify(signature)
        except xmlsec.Error:
            continue
        return key
    raise refuse("signature_wrong", f"does not verify with any of {len(candidates)} pinned keys")


def _canonical(element: etree._Element, signature: etree._Element, prefixes: tuple[str, ...]) -> bytes:
    """The signed element as the transforms leave it. The white space behind the Signature was signed, so it stays."""
    tail = signature.tail
    before = signature.getprevious()
    element.remove(signature)
    if tail and before is not None:
        before.tail = (before.tail or "") + tail
    elif tail:
        element.text = (element.text or "") + tail
    try:
        if prefixes and element.getparent() is not None:
            # lxml canonicalises a subtree without its ancestors' declarations, which PrefixList may name.
            element = etree.fromstring(etree.tostring(element, with_tail=False), _PLAIN)
        return etree.tostring(
            element, method="c14n", exclusive=True, with_comments=False, with_tail=False,
            inclusive_ns_prefixes=list(prefixes) or None,
        )  # fmt: skip
    except (etree.C14NError, etree.XMLSyntaxError, ValueError) as error:
        raise refuse("signature_wrong", f"cannot be canonicalised: {error}") from None  # B20 to B22


# Only ever fed what libxml2 itself serialised from a tree that passed the door.
_PLAIN = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)

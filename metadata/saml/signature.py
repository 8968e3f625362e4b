"""XML signatures as SAML uses them, verified with pinned keys; the answer is the bytes that were signed.

libxmlsec's engine verifies more than SAML permits: XSLT, XPath, MD5, `URI=""`, XPointer (rows A23 to A27, C15 to C24). So a message never
reaches that engine. SAML leaves one shape, and for it the rules of XML Signature come down to three steps:

1. canonicalise SignedInfo, re-parse those bytes, and hold them against the allow-list (`signed_info`);
2. verify the signature's value over those same bytes with libxmlsec and a pinned key; KeyInfo is not looked at (C5 to C9);
3. canonicalise the element without its Signature, and hold its digest against the one in SignedInfo.

The bytes of step 3 are what readers parse, so they cannot read what was not signed (A32). tests/unit/saml holds the outcome against
libxmlsec's own engine.
"""

from __future__ import annotations

import binascii
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from metadata.errors import DocumentInvalid, SignatureInvalid
from metadata.saml.keys import VerifyKey, verify_key
from metadata.saml.names import DS, SAML, tag
from metadata.saml.native import xmlsec
from metadata.saml.signed_info import (
    DIGESTS_SHA1,
    METHODS_SHA1,
    SignedInfo,
    canonicalization_prefixes,
    exactly,
    read_signed_info,
    refuse,
    strict_base64,
)
from metadata.saml.xml import canonical, children, reparse, text

SIGNATURE: Final = tag(DS, "Signature")


@dataclass(frozen=True, slots=True)
class Verified:
    """What a signature covered. `data` is the signed element in exclusive canonical form, without its Signature.

    `key_sha256` is the fingerprint of the certificate whose key verified; `method` the SignatureMethod.
    """

    data: bytes = field(repr=False)
    key_sha256: str
    method: str


def is_signed(element: etree._Element) -> bool:
    """Whether the element has a Signature of its own, wherever among its children it stands."""
    return element.find(SIGNATURE) is not None


def verify(element: etree._Element, certificates: Iterable[str], *, allow_sha1: bool = False) -> Verified:
    """Verify the enveloped signature of `element` with the pinned `certificates` (PEM), trying each of the right kind.

    `element` is consumed: its Signature is taken out. IDs must already be unique in its document (metadata.saml.xml sees to that).
    Raises SignatureInvalid: signature_missing, signature_position, signature_structure, signature_algorithm, signature_reference,
    signature_transforms, signature_key_missing, signature_wrong. Section 5.4 of saml-core-2.0-os.
    """
    info, key = open_signature(element, certificates, allow_sha1=allow_sha1)
    try:
        data = canonical(element, info.prefixes)
    except (DocumentInvalid, ValueError) as error:
        raise refuse("signature_structure", f"malformed: {error}") from None  # B20 to B22: what cannot be canonicalised
    check_digest(info, DIGESTS_SHA1[info.digest_method](data).digest())
    if not data.startswith(b"<"):
        raise refuse("signature_wrong", "nothing was signed")
    return Verified(data, key.sha256, info.method)


def open_signature(element: etree._Element, certificates: Iterable[str], *, allow_sha1: bool = False) -> tuple[SignedInfo, VerifyKey]:
    """The first half of `verify`: judge the signature of `element`, verify its value and take it out. Nothing is proved of the element
    until `check_digest` has seen the digest of its canonical form, which a reader of large documents makes as it goes. Raises as `verify`.
    """
    signature = _find(element)
    try:
        info, octets, value = _open(signature, element, allow_sha1)
        key = _verify_value(octets, value, info.method, certificates)
        _take_out(signature, element)
    except SignatureInvalid:
        raise
    except (DocumentInvalid, ValueError, binascii.Error) as error:
        raise refuse("signature_structure", f"malformed: {error}") from None
    return info, key


def check_digest(info: SignedInfo, digest: bytes) -> None:
    """Hold the digest of what was read against the signed one. Raises SignatureInvalid (signature_wrong)."""
    if not hmac.compare_digest(digest, info.digest):
        raise refuse("signature_wrong", "the element has another digest")


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


def _open(signature: etree._Element, element: etree._Element, allow_sha1: bool) -> tuple[SignedInfo, bytes, bytes]:
    """What the signature says, the octets its value is over, and the value."""
    info, value, *_key_info = exactly(signature, "SignedInfo", "SignatureValue", optional="KeyInfo")
    method = info.find(tag(DS, "CanonicalizationMethod"))
    if method is None:
        raise refuse("signature_structure", "no CanonicalizationMethod")
    octets = canonical(info, canonicalization_prefixes(method, element))
    return read_signed_info(reparse(octets), element, allow_sha1=allow_sha1), octets, strict_base64(text(value))


def _verify_value(octets: bytes, value: bytes, method: str, certificates: Iterable[str]) -> VerifyKey:
    candidates = [key for key in map(verify_key, certificates) if key.kind == METHODS_SHA1[method][0]]
    if not candidates:
        raise refuse("signature_key_missing", f"no pinned key to verify {method} with")
    for key in candidates:
        if verify_octets(octets, value, method, key):
            return key
    raise refuse("signature_wrong", f"does not verify with any of {len(candidates)} pinned keys")


def verify_octets(octets: bytes, value: bytes, method: str, key: VerifyKey) -> bool:
    """Whether `value` is `key`'s signature over `octets` by the SignatureMethod `method`; ECDSA in the form r||s."""
    context = xmlsec.SignatureContext()
    context.key = key.native
    try:
        context.verify_binary(octets, METHODS_SHA1[method][1], value)
    except xmlsec.Error:
        return False
    return True


def _take_out(signature: etree._Element, element: etree._Element) -> None:
    """Remove the Signature, as the enveloped-signature transform does. The white space behind it was signed, so it stays."""
    tail = signature.tail
    before = signature.getprevious()
    element.remove(signature)
    if tail and before is not None:
        before.tail = (before.tail or "") + tail
    elif tail:
        element.text = (element.text or "") + tail

"""XML signatures: what verifies, what does not, and that libxmlsec's own engine agrees."""

from __future__ import annotations

import pytest
import xmlsec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from metadata.errors import DocumentInvalid, SignatureInvalid
from metadata.saml import names
from metadata.saml.keys import certificate_body, private_key, read_certificate
from metadata.saml.names import SAML
from metadata.saml.sign import sign_element
from metadata.saml.signature import is_signed, verify
from metadata.saml.xml import parse
from tests.fakes.saml_keys import Key, key
from tests.fakes.saml_sign import sign

DOCUMENT = (
    f'<r xmlns:xs="urn:xs" xmlns:p="urn:p"><saml:Assertion xmlns:saml="{SAML}" ID="_a1">\n  <saml:Issuer>i</saml:Issuer>\n'
    '  <saml:Subject p:q="1"> text </saml:Subject>\n</saml:Assertion>tail</r>'
)  # fmt: skip
WHITE = "\n   "


def signed(with_key: Key, **how: str) -> bytes:
    root = etree.fromstring(DOCUMENT)
    signature = sign(root[0], with_key, **how)
    signature.tail = None
    return etree.tostring(root)


def engine_agrees(document: bytes, with_key: Key) -> bool:
    """libxmlsec's whole engine, on the same octets."""
    element = parse(document)[0]
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(with_key.certificate_pem, xmlsec.KeyFormat.CERT_PEM, None)
    context.register_id(element, "ID")
    try:
        context.verify(element.find(f"{{{names.DS}}}Signature"))
    except xmlsec.Error:
        return False
    return True


HOW = [
    {},
    {"prefix": ""},
    {"prefixes": "xs"},
    {"prefixes": "xs p", "prefix": ""},
    {"method": names.RSA_SHA384, "digest": names.SHA384},
    {"method": names.RSA_SHA512, "digest": names.SHA512},
]


@pytest.mark.parametrize("how", HOW, ids=str)
def test_every_allowed_form_verifies_and_the_engine_agrees(how: dict[str, str]) -> None:
    document = signed(key("unit-idp"), **how)
    verified = verify(parse(document)[0], [key("unit-idp").certificate_pem])
    assert engine_agrees(document, key("unit-idp"))
    assert verified.key_sha256 == read_certificate(key("unit-idp").certificate_pem).sha256
    again = parse(verified.data)
    assert again.get("ID") == "_a1"
    assert not is_signed(again)
    assert again[1].text == " text "


@pytest.mark.parametrize("curve", ["ec256", "ec384", "ec521"])
def test_curves(curve: str) -> None:
    document = signed(key(f"unit-{curve}", curve), method=names.ECDSA_SHA256)
    assert verify(parse(document)[0], [key(f"unit-{curve}", curve).certificate_pem]).method == names.ECDSA_SHA256


def test_several_pinned_keys_are_tried() -> None:
    others = [key("unit-other").certificate_pem, key("unit-ec256", "ec256").certificate_pem]
    document = signed(key("unit-idp"))
    assert verify(parse(document)[0], [*others, key("unit-idp").certificate_pem])
    with pytest.raises(SignatureInvalid) as caught:
        verify(parse(document)[0], others)
    assert caught.value.code == "signature_wrong"
    with pytest.raises(SignatureInvalid) as caught:
        verify(parse(document)[0], others[1:])
    assert caught.value.code == "signature_key_missing"


def test_white_space_behind_the_signature_was_signed() -> None:
    root = etree.fromstring(DOCUMENT)
    sign_element(root[0], private_key(key("unit-idp").private_pem, key("unit-idp").certificate_pem))
    document = etree.tostring(root)
    assert verify(parse(document)[0], [key("unit-idp").certificate_pem])
    moved = document.replace(b"</ds:Signature>", b"</ds:Signature>" + WHITE.encode())
    with pytest.raises(SignatureInvalid):
        verify(parse(moved)[0], [key("unit-idp").certificate_pem])


SHA1 = [{"method": names.RSA_SHA1}, {"digest": names.SHA1}, {"method": names.RSA_SHA1, "digest": names.SHA1}]


@pytest.mark.parametrize("how", SHA1, ids=str)
def test_sha1_only_on_request(how: dict[str, str]) -> None:
    document = signed(key("unit-idp"), **how)
    with pytest.raises(SignatureInvalid) as caught:
        verify(parse(document)[0], [key("unit-idp").certificate_pem])
    assert caught.value.code == "signature_algorithm"
    assert verify(parse(document)[0], [key("unit-idp").certificate_pem], allow_sha1=True)


EDITS = {
    "missing": (lambda s: s.getparent().remove(s), "signature_missing"),
    "doubled": (lambda s: s.addnext(parse(etree.tostring(s, with_tail=False))), "signature_position"),
    "moved": (lambda s: s.getparent().append(s), "signature_position"),
    "object": (lambda s: etree.SubElement(s, f"{{{names.DS}}}Object"), "signature_structure"),
    "whole document": (lambda s: s[0][2].set("URI", ""), "signature_reference"),
    "other id": (lambda s: s[0][2].set("URI", "#_b"), "signature_reference"),
    "type": (lambda s: s[0][2].set("Type", names.DS + "Manifest"), "signature_structure"),
    "inclusive": (lambda s: s[0][0].set("Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"), "signature_algorithm"),
    "hmac": (lambda s: s[0][1].set("Algorithm", names.DS + "hmac-sha1"), "signature_algorithm"),
    "one transform": (lambda s: s[0][2][0].remove(s[0][2][0][0]), "signature_transforms"),
    "parameters": (lambda s: etree.SubElement(s[0][1], f"{{{names.DS}}}HMACOutputLength"), "signature_structure"),
    "no value": (lambda s: setattr(s[1], "text", ""), "signature_structure"),
    "not base64": (lambda s: setattr(s[1], "text", "***"), "signature_structure"),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_another_shape_is_refused_before_it_is_verified(name: str) -> None:
    edit, code = EDITS[name]
    root = parse(signed(key("unit-idp")))
    edit(root[0].find(f"{{{names.DS}}}Signature"))
    with pytest.raises(SignatureInvalid) as caught:
        verify(root[0], [key("unit-idp").certificate_pem])
    assert caught.value.code == code


_GOOD = signed(key("unit-idp"))
_DATA = verify(parse(_GOOD)[0], [key("unit-idp").certificate_pem]).data


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.integers(0, len(_GOOD) - 1), st.integers(1, 255))
def test_a_changed_octet_is_refused_or_changes_nothing_that_is_read(place: int, flip: int) -> None:
    changed = bytearray(_GOOD)
    changed[place] ^= flip
    try:
        verified = verify(parse(bytes(changed))[0], [key("unit-idp").certificate_pem])
    except (DocumentInvalid, IndexError):
        return
    assert verified.data == _DATA


@pytest.mark.parametrize(("name", "kind"), [("unit-1024", "rsa1024"), ("unit-e3", "rsa2048e3"), ("unit-ed", "ed")])
def test_weak_and_strange_keys_are_refused(name: str, kind: str) -> None:
    with pytest.raises(DocumentInvalid) as caught:
        read_certificate(key(name, kind).certificate_pem)
    assert caught.value.code == "weak_key"


def test_a_private_key_is_never_taken_for_a_certificate() -> None:
    with pytest.raises(DocumentInvalid) as caught:
        certificate_body(key("unit-idp").private_pem)
    assert caught.value.code == "private_key_pasted"
    assert "PRIVATE" not in str(caught.value)


@pytest.mark.parametrize("junk", ["", "AAAA", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----", "ü" * 10])
def test_junk_is_no_certificate(junk: str) -> None:
    with pytest.raises(DocumentInvalid) as caught:
        read_certificate(junk)
    assert caught.value.code == "certificate_invalid"


def test_keys_are_loaded_once() -> None:
    from metadata.saml.keys import verify_key

    assert verify_key(key("unit-idp").certificate_pem) is verify_key(key("unit-idp").certificate_pem)

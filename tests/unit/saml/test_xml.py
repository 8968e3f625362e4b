"""The only door by which XML enters."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from metadata.errors import DocumentInvalid
from metadata.saml.names import DS, SAML
from metadata.saml.xml import DOCUMENT, MESSAGE, Limits, canonical, check_ids, children, is_ncname, parse, reparse, text

A = f'xmlns="{SAML}"'
REFUSED = {
    "doctype": (b"<!DOCTYPE a><a/>", "xml_doctype"),
    "doctype later": (b'<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY x "y">]><a/>', "xml_doctype"),
    "entity in the open": (b'<a/><!ENTITY x "y">', "xml_doctype"),
    "comment": (b"<a>x<!-- y --></a>", "xml_comment"),
    "comment behind": (b"<a/><!-- y -->", "xml_comment"),
    "processing instruction": (b"<a><?x y?></a>", "xml_processing_instruction"),
    "utf-16": ('<?xml version="1.0" encoding="utf-16"?><a/>'.encode("utf-16"), "xml_encoding"),
    "utf-16 without a mark": ("<a/>".encode("utf-16-le"), "xml_encoding"),
    "utf-7 declared": (b'<?xml version="1.0" encoding="utf-7"?><a/>', "xml_encoding"),
    "version 1.1": (b'<?xml version="1.1"?><a/>', "xml_encoding"),
    "overlong": (b"<a>\xc0\xbc</a>", "xml_encoding"),
    "surrogate": (b"<a>\xed\xa0\x80</a>", "xml_encoding"),
    "nul": (b"<a>\0</a>", "xml_encoding"),
    "leading space": (b" <a/>", "xml_malformed"),
    "junk behind": (b"<a/>x", "xml_malformed"),
    "two roots": (b"<a/><b/>", "xml_malformed"),
    "undefined entity": (b"<a>&x;</a>", "xml_malformed"),
    "unbound prefix": (b"<x:a/>", "xml_malformed"),
    "nothing": (b"", "xml_malformed"),
    "deep": (b"<a>" * 41 + b"</a>" * 41, "xml_too_deep"),
    "very deep": (b"<a>" * 20_000 + b"</a>" * 20_000, "xml_malformed"),
    "many elements": (b"<a>" + b"<b/>" * 10_000 + b"</a>", "xml_too_many_nodes"),
    "many attributes": (b"<a>" + b'<b c="" d="" e=""/>' * 7_000 + b"</a>", "xml_too_many_nodes"),
    "big": (b"<a>" + b"x" * 1_000_000 + b"</a>", "xml_too_large"),
    "same id twice": (f'<Assertion {A} ID="_1"><Assertion ID="_1"/></Assertion>'.encode(), "xml_id_duplicate"),
    "id with a space": (f'<Assertion {A} ID="a b"/>'.encode(), "xml_id_invalid"),
    "id with a digit first": (f'<Assertion {A} ID="1a"/>'.encode(), "xml_id_invalid"),
    "id in lower case": (f'<Assertion {A} id="_1"/>'.encode(), "xml_id_lookalike"),
    "Id on an assertion": (f'<Assertion {A} Id="_1"/>'.encode(), "xml_id_lookalike"),
    "xml:id": (f'<Assertion {A} xml:id="_1"/>'.encode(), "xml_id_lookalike"),
    "saml:ID": (f'<Assertion {A} xmlns:s="{SAML}" s:ID="_1"/>'.encode(), "xml_id_lookalike"),
    "id behind a line break": (f'<Assertion {A}\niD\t=\n"_1"/>'.encode(), "xml_id_lookalike"),
    "ID on a signature": (f'<Signature xmlns="{DS}" ID="_1"/>'.encode(), "xml_id_lookalike"),
    "xsi:type": (
        b'<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="b"/>',
        "xml_schema_instance",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_message_needs_is_refused(name: str) -> None:
    data, code = REFUSED[name]
    with pytest.raises(DocumentInvalid) as caught:
        parse(data, MESSAGE)
    assert caught.value.code == code


ACCEPTED = [
    b"<a/>",
    b"\xef\xbb\xbf<a/>",
    b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<a/>\n',
    b"<a><![CDATA[<b>]]>&#64;&amp;</a>",
    f'<Signature xmlns="{DS}" Id="_1"/>'.encode(),
    f'<Assertion {A} ID="_1" SPProvidedID="x">id = "y"</Assertion>'.encode(),
]


@pytest.mark.parametrize("data", ACCEPTED)
def test_plain_documents_pass(data: bytes) -> None:
    assert parse(data, MESSAGE).getparent() is None


def test_the_size_is_the_callers_to_lower() -> None:
    with pytest.raises(DocumentInvalid, match="allowed"):
        parse(b"<a>" + b"x" * 100 + b"</a>", Limits(50, 10, 10, 10))


@given(st.binary(max_size=200))
def test_no_octets_make_it_crash(data: bytes) -> None:
    for limits in (MESSAGE, DOCUMENT):
        with contextlib.suppress(DocumentInvalid):
            assert etree.iselement(parse(data, limits))


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_text_comes_out_whole(value: str) -> None:
    root = etree.Element("a")
    try:
        root.text = value
    except ValueError:  # not a character of XML
        return
    assert text(parse(etree.tostring(root))) == value


@given(st.lists(st.sampled_from(["ab", "<!-- x -->", "<![CDATA[cd]]>", "&lt;", "<?p i?>"]), max_size=8))
def test_a_comment_never_cuts_text(parts: list[str]) -> None:
    """Where comments are allowed, the text on both sides counts (B1)."""
    plain = {"<!-- x -->": "", "<![CDATA[cd]]>": "cd", "&lt;": "<", "<?p i?>": ""}
    root = parse(f"<a>{''.join(parts)}</a>".encode(), DOCUMENT)
    assert text(root) == "".join(plain.get(part, part) for part in parts)


def test_text_with_an_element_in_it_is_refused() -> None:
    with pytest.raises(DocumentInvalid, match="text only"):
        text(parse(b"<a>x<b/>y</a>"))


def test_text_between_elements_is_refused() -> None:
    assert [child.tag for child in children(parse(b"<a> <b/>\n<c/> </a>"))] == ["b", "c"]
    for stray in (b"<a>x<b/></a>", b"<a><b/>x</a>"):
        with pytest.raises(DocumentInvalid, match="between"):
            children(parse(stray))


def test_canonical_bytes_of_a_part_keep_what_the_list_names() -> None:
    root = parse(b'<a xmlns:p="urn:p" xmlns:q="urn:q"><q:b>x</q:b>tail</a>')
    assert canonical(root[0]) == b'<q:b xmlns:q="urn:q">x</q:b>'
    assert canonical(root[0], ("p",)) == b'<q:b xmlns:p="urn:p" xmlns:q="urn:q">x</q:b>'
    assert reparse(canonical(root[0])).tag == "{urn:q}b"


def test_what_cannot_be_canonicalised_is_refused() -> None:
    """A relative namespace URI made other canonicalisers come out empty (B20)."""
    root = parse(b'<a xmlns:v="1" v:x=""/>')
    with pytest.raises(DocumentInvalid, match="canonicalised"):
        canonical(root)


def test_metadata_may_call_its_attributes_id() -> None:
    check_ids(parse(b'<a id="1"/>', DOCUMENT), strict=False)


@pytest.mark.parametrize(("value", "good"), [("_a", True), ("é1", True), ("", False), ("a:b", False), ("-a", False), ("a" * 257, False)])
def test_ncnames(value: str, good: bool) -> None:
    assert is_ncname(value) is good

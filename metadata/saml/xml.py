"""The only door by which XML enters: refuse on the raw bytes, parse once with libxml2, then look at the tree's shape.

Two parsers that disagree were the root of most attacks on SAML (rows B10 to B18), so there is one parser, and what it could be told by a
document (DTDs, entities, encodings, processing instructions) is refused before it sees a byte. Everything raises `DocumentInvalid` with a
`code` that begins with `xml_`.

No XML Schema is applied. libxml2 would do it, but the readers walk every element they use in the order of the schema and refuse what
they do not know, which is stricter than the schemas (those admit `xs:any` in the very places where wrapping attacks hide things).
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Any

from lxml import etree

from metadata.errors import DocumentInvalid
from metadata.saml.names import DS, MD, SAML, SAMLP, XENC, XSI, tag

_DECLARATION = re.compile(
    rb"<\?xml[ \t\r\n]+version[ \t]*=[ \t]*[\"']1\.0[\"']"
    rb"(?:[ \t\r\n]+encoding[ \t]*=[ \t]*[\"']([A-Za-z][A-Za-z0-9._-]*)[\"'])?"
    rb"(?:[ \t\r\n]+standalone[ \t]*=[ \t]*[\"'](?:yes|no)[\"'])?[ \t\r\n]*\?>"
)
_MARKUP_DECLARATION = re.compile(rb"<!(?!\[CDATA\[|--)")
_NCNAME = re.compile(r"[A-Za-z_][A-Za-z0-9._\-]*")
_FOREIGN = re.compile(r"[^\W\d][\w.\-]*")

# `ID` counts in SAML's own namespaces and `Id` in those of the W3C; every other attribute that some tool might take for an
# identifier is refused in a protocol message, for a verifier and a reader may resolve different ones (row A29).
_ID_ATTRIBUTE = {SAML: "ID", SAMLP: "ID", MD: "ID", DS: "Id", XENC: "Id"}
_ID_LOOKALIKES: Any = etree.XPath(
    '//@*[translate(local-name(), "iD", "Id") = "Id" and not((name() = "ID" or name() = "Id"))]', smart_strings=False
)
_ID_NAME = re.compile(rb"id[ \t\r\n]*=")
_IDS: Any = etree.XPath("//@ID | //@Id")
_ATTRIBUTES: Any = etree.XPath("count(//@*)")
_ELEMENTS: Any = etree.XPath("count(//*)")
_MARKUP: Any = etree.XPath("boolean(//comment() | //processing-instruction())")
_XSI: Any = etree.XPath("//@xsi:*/..", namespaces={"xsi": XSI}, smart_strings=False)
_NOT_ELEMENTS = (etree._Comment, etree._ProcessingInstruction)


@dataclass(frozen=True, slots=True)
class Limits:
    """How big a document may be. `max_bytes` counts the octets of the XML; `max_depth` the elements on a path from the root."""

    max_bytes: int
    max_elements: int
    max_attributes: int
    max_depth: int
    comments: bool = False


MESSAGE = Limits(max_bytes=1_000_000, max_elements=10_000, max_attributes=20_000, max_depth=40)
"""For protocol messages; a provider may lower the size. Comments and processing instructions are refused (rows B1 to B7)."""
DOCUMENT = Limits(max_bytes=5_000_000, max_elements=50_000, max_attributes=100_000, max_depth=60, comments=True)
"""For the metadata of one entity, which people write by hand and comment."""


def refuse(code: str, private: str, public: str = "The XML document is not acceptable.") -> DocumentInvalid:
    """The error for a document that is refused; `code` names the rule that it broke."""
    return DocumentInvalid(public, private, code=code)


def parse(data: bytes, limits: Limits = MESSAGE) -> etree._Element:
    """Parse a whole document and return its root.

    Raises DocumentInvalid: xml_too_large, xml_encoding, xml_doctype, xml_comment, xml_processing_instruction, xml_malformed, xml_too_deep,
    xml_too_many_nodes, xml_id_invalid, xml_id_duplicate, xml_id_lookalike, xml_schema_instance.
    """
    screened = screen(data, limits)
    try:
        root = etree.fromstring(screened, _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise refuse("xml_malformed", f"not well-formed: {error}"[:300]) from None
    _check_shape(root, screened, limits)
    return root


def canonical(element: etree._Element, prefixes: tuple[str, ...] = ()) -> bytes:
    """An element in exclusive canonical form, without what follows it; `prefixes` is an InclusiveNamespaces PrefixList.

    Raises DocumentInvalid (xml_malformed), as for a relative namespace URI, on which canonicalisers have come out empty (B20).
    """
    try:
        if prefixes and element.getparent() is not None:
            # lxml canonicalises a subtree without its ancestors' declarations, which the list may name.
            element = reparse(etree.tostring(element, with_tail=False))
        return etree.tostring(
            element, method="c14n", exclusive=True, with_comments=False, with_tail=False,
            inclusive_ns_prefixes=list(prefixes) or None,
        )  # fmt: skip
    except (etree.C14NError, etree.XMLSyntaxError, ValueError) as error:
        raise refuse("xml_malformed", f"cannot be canonicalised: {error}"[:200]) from None


def reparse(data: bytes) -> etree._Element:
    """Parse bytes that libxml2 itself wrote from a tree which came in by `parse`; what was judged is not judged again."""
    return etree.fromstring(data, _parser())


_local = threading.local()


def _parser() -> etree.XMLParser:
    """One parser a thread: making one costs as much as reading a small message, and lxml locks a shared one."""
    parser: etree.XMLParser | None = getattr(_local, "parser", None)
    if parser is None:
        parser = _local.parser = etree.XMLParser(
            encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
            attribute_defaults=False, huge_tree=False, remove_comments=False, remove_pis=False, recover=False,
        )  # fmt: skip
    return parser


def screen(data: bytes, limits: Limits) -> bytes:
    """Refuse what no SAML document needs, on the raw octets and before any parser; returns the octets without BOM and XML declaration.

    A `<!` that does not open a CDATA section is a DOCTYPE or an entity (B10 to B18, H4), or a comment. Only UTF-8 passes, so that none of
    this can be hidden from the search by an encoding (B24).
    """
    if len(data) > limits.max_bytes:
        raise refuse("xml_too_large", f"{len(data)} octets, {limits.max_bytes} allowed")
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refuse("xml_encoding", f"not UTF-8 at octet {error.start}") from None
    if b"\0" in data:
        raise refuse("xml_encoding", "a NUL: UTF-16, UTF-32 or binary")
    if not data.startswith(b"<"):
        raise refuse("xml_malformed", "does not begin with '<'")  # B25: no junk, no leading white space
    if data.startswith(b"<?xml"):
        found = _DECLARATION.match(data)
        if found is None or (found[1] or b"utf-8").lower() not in (b"utf-8", b"utf8"):
            raise refuse("xml_encoding", "an XML declaration of another version or encoding, or a malformed one")
        data = data[found.end() :].lstrip(b" \t\r\n")
    if b"!" in data and _MARKUP_DECLARATION.search(data):
        raise refuse("xml_doctype", "a DOCTYPE, ENTITY or other declaration")
    if not limits.comments:
        if b"!" in data and b"<!--" in data:
            raise refuse("xml_comment", "a comment in a protocol message")
        if b"?" in data and b"<?" in data:
            raise refuse("xml_processing_instruction", "a processing instruction in a protocol message")
    return data


def screen_more(data: bytes) -> None:
    """What `screen` refuses, for a later part of a document that is read in parts; each part ends behind a tag."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refuse("xml_encoding", f"not UTF-8 at octet {error.start} of a part") from None
    if b"\0" in data:
        raise refuse("xml_encoding", "a NUL")
    if b"!" in data and _MARKUP_DECLARATION.search(data):
        raise refuse("xml_doctype", "a DOCTYPE, ENTITY or other declaration")


def _check_shape(root: etree._Element, data: bytes, limits: Limits) -> None:
    document: Any = root.getroottree()
    if document.docinfo.internalDTD is not None or document.docinfo.externalDTD is not None:
        raise refuse("xml_doctype", "a DTD reached the tree")
    if not limits.comments and _MARKUP(root):
        raise refuse("xml_comment", "a comment or processing instruction reached the tree")
    if _ELEMENTS(root) > limits.max_elements or _ATTRIBUTES(root) > limits.max_attributes:
        raise refuse("xml_too_many_nodes", "too many elements or attributes")
    if _too_deep(limits.max_depth)(root):
        raise refuse("xml_too_deep", f"deeper than {limits.max_depth} elements")
    if not limits.comments:
        _check_schema_instance(root)
        if _may_have_lookalikes(data) and _ID_LOOKALIKES(root):
            raise refuse("xml_id_lookalike", "an attribute that some tools would take for an ID")
    check_ids(root, strict=not limits.comments)


def _may_have_lookalikes(data: bytes) -> bool:
    """Whether the octets hold an `id` of any case that is not a plain `ID`. An attribute's name cannot be written in any other way, so
    most messages need no search of the tree, which costs as much as parsing it."""
    for found in _ID_NAME.finditer(data.lower()):
        start = found.start()
        before = data[start - 1 : start]
        if before == b":" or (before in (b" ", b"\t", b"\r", b"\n") and data[start : start + 2] != b"ID"):
            return True
    return False


_DEPTH_TESTS: dict[int, Any] = {}


def _too_deep(depth: int) -> Any:
    test = _DEPTH_TESTS.get(depth)
    if test is None:
        test = _DEPTH_TESTS.setdefault(depth, etree.XPath(f"boolean({'/*' * (depth + 1)})"))
    return test


def _check_schema_instance(root: etree._Element) -> None:
    """`xsi:type` on an AttributeValue is everyday and is ignored; anywhere else xsi: may change what a schema-aware reader sees (B26)."""
    value = tag(SAML, "AttributeValue")
    allowed = {tag(XSI, "type"), tag(XSI, "nil")}
    for element in _XSI(root):
        names = {name for name in element.attrib if str(name).startswith(f"{{{XSI}}}")}
        if element.tag != value or not names <= allowed:
            raise refuse("xml_schema_instance", "xsi:type, xsi:nil or xsi:schemaLocation where it has no business")


def check_ids(root: etree._Element, *, strict: bool = True) -> None:
    """All identifiers of a tree: each an NCName and unique document-wide (rows A15 to A17); `strict` refuses look-alikes too (A29)."""
    seen: set[str] = set()
    for value in _IDS(root):
        name = str(value.getparent().tag)
        if strict and value.attrname != _ID_ATTRIBUTE.get(name[1:].partition("}")[0] if name.startswith("{") else ""):
            raise refuse("xml_id_lookalike", "an ID attribute on an element that has none")
        if not is_ncname(value):
            raise refuse("xml_id_invalid", "an ID that is not an NCName")
        if value in seen:
            raise refuse("xml_id_duplicate", "the same ID twice")
        seen.add(str(value))


def is_ncname(value: str) -> bool:
    """Whether `value` is an NCName of at most 256 characters, as xs:ID demands (B29). Letters beyond ASCII are admitted."""
    return len(value) <= 256 and bool(_NCNAME.fullmatch(value) or _FOREIGN.fullmatch(value))


def text(element: etree._Element) -> str:
    """The whole text of an element that must hold nothing but text.

    lxml's `.text` stops at the first comment and would make `admin@corp<!-- -->.evil` read `admin@corp` (B1 to B5), so nothing else may
    call it. Raises DocumentInvalid (xml_unexpected_element) if the element has child elements; comments are skipped, never cut at.
    """
    if not len(element):
        return element.text or ""
    parts = [element.text or ""]
    for child in element:
        if not isinstance(child, _NOT_ELEMENTS):
            raise refuse("xml_unexpected_element", f"{etree.QName(element).localname} must hold text only")
        parts.append(child.tail or "")
    return "".join(parts)


def children(element: etree._Element) -> list[etree._Element]:
    """The child elements, without comments. Raises DocumentInvalid (xml_unexpected_text) if there is text between them."""
    found, between = [], element.text
    for child in element:
        if between and not between.isspace():
            break
        between = child.tail
        if not isinstance(child, _NOT_ELEMENTS):
            found.append(child)
    if between and not between.isspace():
        raise refuse("xml_unexpected_text", f"text between the children of {etree.QName(element).localname}")
    return found

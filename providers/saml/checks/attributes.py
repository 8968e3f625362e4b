"""Reading the attributes: from the verified assertion's own statements and from nowhere else (saml-core-2.0-os, 2.7.3)."""

from __future__ import annotations

from lxml import etree

from metadata.saml.names import SAML, XSI, tag
from metadata.saml.xml import children, text
from providers.saml.expected import quoted, refuse
from providers.saml.shape import AssertionParts

_ATTRIBUTE = tag(SAML, "Attribute")
_VALUE = tag(SAML, "AttributeValue")
_NAME_ID = tag(SAML, "NameID")
_NIL = tag(XSI, "nil")
_UNSPECIFIED = "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"
MAX_NAME = 512
MAX_VALUES = 5_000

Attributes = dict[str, list[str]]


def read_attributes(parts: AssertionParts) -> tuple[Attributes, tuple[str, ...]]:
    """Values by Attribute Name (exact, case-sensitive), in order, and notes on what was left out.

    - The same Name twice in one statement adds its values (Keycloak sends each role so); in two statements it is refused (E44), and so
      is one Name with two NameFormats (E45): a reader that takes the first and one that takes the last would see different people.
    - FriendlyName is never a key.
    - A value is text. xsi:nil adds nothing. A value made of elements is left out with a note, except one NameID, which is its text.
    - Characters of four octets in UTF-8 are refused (spec B.6, item 10). Encrypted attributes are not offered.
    """
    found: Attributes = {}
    formats: dict[str, str] = {}
    notes: list[str] = []
    for statement in parts.attributes:
        here: set[str] = set()
        for element in statement:
            name = _name(element)
            if name in formats and name not in here:
                refuse("attribute_doubled", f"{quoted(name)} in two statements")
            name_format = element.get("NameFormat", _UNSPECIFIED)
            if formats.setdefault(name, name_format) != name_format:
                refuse("attribute_doubled", f"{quoted(name)} with two NameFormats")
            here.add(name)
            values = found.setdefault(name, [])
            for value in element:
                _add(values, value, name, notes)
    if sum(map(len, found.values())) > MAX_VALUES:
        refuse("attributes_too_many")
    return found, tuple(notes)


def _name(element: etree._Element) -> str:
    if element.tag != _ATTRIBUTE:
        refuse("attribute_structure", f"not a plain Attribute: {quoted(element.tag)}")
    name = element.get("Name", "")
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        refuse("attribute_name", quoted(name))
    return name


def _add(values: list[str], element: etree._Element, name: str, notes: list[str]) -> None:
    if element.tag != _VALUE:
        refuse("attribute_structure", f"not an AttributeValue: {quoted(element.tag)}")
    if element.attrib and element.get(_NIL) in ("true", "1"):
        if len(element) or element.text:
            refuse("attribute_structure", "xsi:nil on a value that is there")  # B26
        return
    if not len(element):
        value = text(element)
    elif len(element) == 1 and element[0].tag == _NAME_ID:
        value = text(children(element)[0])
    else:
        notes.append(f"attribute {quoted(name)}: a value made of elements was left out")
        return
    if not value.isascii() and max(value) > "\uffff":
        refuse("attribute_four_octets", quoted(name))
    values.append(value)

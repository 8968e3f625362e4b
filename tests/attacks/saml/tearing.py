"""How a forger takes a signed message apart: clone, strip, rewrite, move."""

from __future__ import annotations

import copy

from lxml import etree

from tests.fakes import saml_names as n

VICTIM = "admin@corp.example"
RESPONSE = "/samlp:Response"
ASSERTION = "/samlp:Response/saml:Assertion"
Element = etree._Element


def clone(element: Element) -> Element:
    """A deep copy that stands alone."""
    made = copy.deepcopy(element)
    made.tail = None
    return made


def strip(element: Element) -> Element:
    """Remove the element's own signature."""
    for signature in element.findall(n.q("ds:Signature")):
        element.remove(signature)
    return element


def rewrite(element: Element, new_id: str | None = None) -> Element:
    """Make it speak of the victim; and give it another ID."""
    for name_id in element.iter(n.q("saml:NameID")):
        name_id.text = VICTIM
    for value in element.iter(n.q("saml:AttributeValue")):
        value.text = VICTIM if "@" in (value.text or "") else value.text
    if new_id is not None:
        element.set("ID", new_id)
    return element


def forged(element: Element, new_id: str | None = "_evil") -> Element:
    """An unsigned clone that speaks of the victim."""
    return rewrite(strip(clone(element)), new_id)


def insert_before(there: Element, element: Element) -> None:
    parent = there.getparent()
    parent.insert(parent.index(there), element)


def insert_after(there: Element, element: Element) -> None:
    parent = there.getparent()
    parent.insert(parent.index(there) + 1, element)


def signature_of(element: Element) -> Element:
    """The element's own signature, which must be there."""
    return n.find(element, "ds:Signature")


def assertion_of(root: Element) -> Element:
    return n.find(root, "saml:Assertion")


def in_object(signature: Element, *hidden: Element) -> Element:
    """Hide elements in a ds:Object of a signature."""
    holder = etree.SubElement(signature, n.q("ds:Object"))
    holder.extend(hidden)
    return holder


def in_extensions(root: Element, *hidden: Element) -> Element:
    """Hide elements in samlp:Extensions, where the schema allows anything."""
    holder = etree.Element(n.q("samlp:Extensions"))
    holder.extend(hidden)
    issuer = root.find(n.q("saml:Issuer"))
    signature = root.find(n.q("ds:Signature"))
    insert_after(issuer if signature is None else signature, holder)
    return holder


def in_status_detail(root: Element, *hidden: Element) -> Element:
    """Hide elements in samlp:StatusDetail, likewise."""
    holder = etree.SubElement(n.find(root, "samlp:Status"), n.q("samlp:StatusDetail"))
    holder.extend(hidden)
    return holder

"""The shape of a Response and an Assertion: what may stand where, in the order of the schema, and nothing else.

This stands in for XML Schema validation, and is stricter: it admits no element that the checks would not look at (rows A7, A12 to A18,
A31).
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from metadata.saml.names import DS, SAML, SAMLP, XENC, tag
from metadata.saml.signature import SIGNATURE
from metadata.saml.xml import MESSAGE, Limits, children, parse
from providers.saml.expected import quoted, refuse

ASSERTION = tag(SAML, "Assertion")
ENCRYPTED = tag(SAML, "EncryptedAssertion")
ISSUER = tag(SAML, "Issuer")
RESPONSE = tag(SAMLP, "Response")
_STATEMENTS = (tag(SAML, "AuthnStatement"), tag(SAML, "AttributeStatement"))


@dataclass(frozen=True, slots=True)
class AssertionParts:
    """The children of an assertion by their place. `attributes` are the AttributeStatements."""

    root: etree._Element
    issuer: etree._Element
    subject: etree._Element
    conditions: etree._Element
    authn: etree._Element
    attributes: tuple[etree._Element, ...]


def open_message(xml: bytes, local: str, max_bytes: int) -> etree._Element:
    """Parse a protocol message whose root must be samlp:`local` (row H14). Raises DocumentInvalid, ResponseInvalid."""
    root = parse(xml, Limits(max_bytes, MESSAGE.max_elements, MESSAGE.max_attributes, MESSAGE.max_depth))
    if root.tag != tag(SAMLP, local):
        refuse("message_kind", f"not a {local}: {quoted(root.tag)}")
    refuse_strays(root)
    return root


def refuse_strays(root: etree._Element) -> None:
    """No assertion, response or part of a signature anywhere but in its one place: donors and decoys. Raises ResponseInvalid.

    An Advice may carry others' assertions, and is never read (E43).
    """
    for element in root.iter(ASSERTION, ENCRYPTED, RESPONSE, tag(DS, "*")):
        parent = element.getparent()
        if parent is None or str(parent.tag).startswith(f"{{{DS}}}"):
            continue  # parts of a signature are judged with the signature
        if element.tag in (ASSERTION, ENCRYPTED):
            placed = parent.tag == RESPONSE or _in_advice(element)
        elif element.tag == SIGNATURE:
            placed = parent is root or parent.tag == ASSERTION
        else:
            placed = element.tag != RESPONSE and str(parent.tag).startswith(f"{{{XENC}}}")
        if not placed:
            refuse("stray_element", quoted(element.tag))


def _in_advice(element: etree._Element) -> bool:
    return next(element.iterancestors(tag(SAML, "Advice")), None) is not None


def assertions_of(response: etree._Element) -> list[etree._Element]:
    """Hold a Response to its order (Issuer, Signature, Extensions, Status, assertions) and return its assertions, encrypted or not."""
    rest = children(response)
    for name in (ISSUER, SIGNATURE, tag(SAMLP, "Extensions")):
        if rest and rest[0].tag == name:
            del rest[0]
    if not rest or rest[0].tag != tag(SAMLP, "Status"):
        refuse("response_structure", "Status is missing or out of its place")
    for element in rest[1:]:
        if element.tag not in (ASSERTION, ENCRYPTED):
            refuse("response_structure", f"unexpected {quoted(element.tag)}")
    return rest[1:]


def assertion_parts(root: etree._Element) -> AssertionParts:
    """Take an assertion apart (saml-core-2.0-os, 2.3.3). Raises ResponseInvalid: assertion_structure, subject_missing,
    conditions_missing, authn_statement_missing, authn_statement_doubled, statement_unknown."""
    if root.tag != ASSERTION:
        refuse("assertion_structure", f"not an Assertion: {quoted(root.tag)}")
    rest = children(root)
    issuer = _take(rest, "Issuer") if rest else None
    if issuer is None:
        refuse("issuer_missing", "the Assertion has no Issuer")
    _take_signature(rest)
    subject, conditions = _take(rest, "Subject"), _take(rest, "Conditions")
    _take(rest, "Advice")
    if subject is None:
        refuse("subject_missing")
    if conditions is None:
        refuse("conditions_missing")
    if any(element.tag not in _STATEMENTS for element in rest):
        refuse("statement_unknown", "something other than AuthnStatement and AttributeStatement")
    authn = [element for element in rest if element.tag == _STATEMENTS[0]]
    if len(authn) != 1:
        refuse("authn_statement_doubled" if authn else "authn_statement_missing")
    attributes = tuple(element for element in rest if element.tag == _STATEMENTS[1])
    return AssertionParts(root, issuer, subject, conditions, authn[0], attributes)


def _take(rest: list[etree._Element], local: str) -> etree._Element | None:
    return rest.pop(0) if rest and rest[0].tag == tag(SAML, local) else None


def _take_signature(rest: list[etree._Element]) -> None:
    if rest and rest[0].tag == SIGNATURE:
        del rest[0]

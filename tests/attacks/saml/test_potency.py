"""The forgeries are worth refusing: a bare XML Signature library accepts those that the catalogue says it does.

A construction that nothing would ever accept proves nothing about the reader.
"""

from __future__ import annotations

import pytest
import xmlsec
from lxml import etree

from tests.attacks.saml import test_keys, test_references, test_text
from tests.attacks.saml.oracle import Case
from tests.attacks.saml.ring import BASES, Base, Scene, idp_a, ring
from tests.attacks.saml.tearing import assertion_of
from tests.fakes import saml_names as n


def naive(root: etree._Element, element: etree._Element) -> bool:
    """Verify as the library does when nobody tells it what to refuse."""
    context = xmlsec.SignatureContext()
    context.key = idp_a().key.xmlsec
    for found in root.iter():
        if found.get("ID"):
            context.register_id(found, "ID")
    try:
        context.verify(n.find(element, "ds:Signature"))
    except xmlsec.Error:
        return False
    return True


def tree_of(message: bytes | etree._Element) -> etree._Element:
    return n.parse(message if isinstance(message, bytes) else n.serialize(message))


def case_of(table: list[Case], row: str, variant: str) -> Case:
    return next(case for case in table if (case.row, case.variant) == (row, variant))


@pytest.mark.parametrize("base", BASES)
def test_the_honest_bases_verify(base: Base) -> None:
    root = Scene(ring(), base).tree()
    if base in ("G-R", "G-B", "G-E"):
        assert naive(root, root)
    if base in ("G-A", "G-B"):
        assert naive(root, assertion_of(root))


@pytest.mark.parametrize(
    ("row", "variant"),
    [
        ("A22", ""),
        ("A23", "absent"),
        ("A23", "empty"),
        ("A24", "root"),
        ("A24", "id"),
        ("A27", "besides"),
        ("C17", ""),
        ("C18", ""),
        ("C19", "md5 signature"),
        ("C19", "md5 digest"),
        ("C21", "sha512"),
        ("C22", "xslt"),
        ("C22", "xslt, tampered"),
        ("C23", "xpath"),
        ("C23", "xpath, tampered"),
        ("C23", "filter, tampered"),
        ("B23", "inclusive"),
        ("B23", "with comments"),
    ],
)
def test_a_bare_library_accepts_what_we_refuse(row: str, variant: str) -> None:
    tables = {"A": test_references.CASES, "B": test_text.CASES, "C": test_keys.CASES}
    scene = Scene(ring(), "G-R")
    root = tree_of(case_of(tables[row[0]], row, variant).craft(scene))  # type: ignore[arg-type]
    assert naive(root, root)


@pytest.mark.parametrize("kind", test_references.DONORS)
def test_the_donors_are_truly_signed(kind: str) -> None:
    giver = tree_of(test_references.donor(kind, Scene(ring(), "G-A")))
    assert naive(giver, giver)


def test_a_comment_after_signing_leaves_the_signature_whole_and_cuts_the_text() -> None:
    """The reason why B1 exists: the signature holds, and a careless reader stops at the comment."""
    case = case_of(test_text.CASES, "B1", "empty comment")
    root = tree_of(case.craft(Scene(ring(), "G-R", case.said)))  # type: ignore[arg-type]
    assert naive(root, root)
    assert n.find(root, ".//saml:NameID").text == "admin@corp.example"

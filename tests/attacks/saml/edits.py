"""What a row lets the identity provider itself sign: an edit of the honest words, before the signature."""

from __future__ import annotations

from collections.abc import Callable

from lxml import etree

from tests.attacks.saml.ring import Scene
from tests.fakes import saml_names as n

Element = etree._Element
Edit = Callable[[Element], object]
Craft = Callable[[Scene], bytes]

SCD = ".//saml:SubjectConfirmationData"
CONFIRMATION = ".//saml:SubjectConfirmation"
CONDITIONS = ".//saml:Conditions"
AUTHN = ".//saml:AuthnStatement"
RESPONSE = "."
INNER = "saml:Assertion"


def signed(*edits: Edit) -> Craft:
    """The IdP signs the words after these edits."""

    def craft(scene: Scene) -> bytes:
        def all_of(root: Element) -> None:
            for edit in edits:
                edit(root)

        return scene.signed(all_of)

    return craft


def said(**changes: object) -> Craft:
    """The IdP signs other words."""
    return lambda scene: scene.signed(**changes)


def put(path: str, name: str, value: str | None) -> Edit:
    """Set an attribute, or take it away."""

    def edit(root: Element) -> None:
        found = n.find(root, path)
        if value is None:
            assert found.attrib.pop(name, None) is not None, f"{name} was not there"
        else:
            found.set(name, value)

    return edit


def words(path: str, value: str) -> Edit:
    """Set an element's text."""

    def edit(root: Element) -> None:
        n.find(root, path).text = value

    return edit


def drop(path: str) -> Edit:
    def edit(root: Element) -> None:
        for found in n.find_all(root, path):
            found.getparent().remove(found)

    return edit


def add(path: str, markup: str, at: int | None = None) -> Edit:
    """A new child at the end, or at a place."""

    def edit(root: Element) -> None:
        parent = n.find(root, path)
        parent.insert(len(parent) if at is None else at, n.xml(markup))

    return edit


def swap(path: str, markup: str) -> Edit:
    """One element for another."""

    def edit(root: Element) -> None:
        old = n.find(root, path)
        old.getparent().replace(old, n.xml(markup))

    return edit


ISSUER_OF_RESPONSE = "./saml:Issuer"
ISSUER_OF_ASSERTION = "./saml:Assertion/saml:Issuer"

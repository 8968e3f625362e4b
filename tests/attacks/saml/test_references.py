"""SAML-A21 to A34: what a signature may refer to, ids that mean two things, and donors of good signatures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from tests.attacks.saml.listener import Listener
from tests.attacks.saml.oracle import ALL, PLAIN, SIGNED_ASSERTION, Case, as_policy_says, check, over, refused, rows, unchanged
from tests.attacks.saml.ring import Scene
from tests.attacks.saml.tearing import (
    Element,
    assertion_of,
    clone,
    forged,
    in_extensions,
    in_object,
    in_status_detail,
    insert_after,
    rewrite,
    signature_of,
    strip,
)
from tests.fakes import saml_names as n
from tests.fakes.saml_forge import another
from tests.fakes.saml_keys import key
from tests.fakes.saml_logout import LogoutReply, posted
from tests.fakes.saml_sign import STANDARD, ByHand, Reference, canonical, rsa_signer, sign, sign_by_hand

Craft = Callable[[Scene], Element]


def two_signatures(attackers: bool, first: bool) -> Craft:
    """Two Signature children: the IdP's is right for what stands beside it. The other is an attacker's, or the IdP's own once more."""

    def craft(scene: Scene) -> Element:
        root = scene.unsigned()
        element = assertion_of(root) if scene.base == "G-A" else root
        sign(element, key("attacker") if attackers else scene.idp.key)
        later = sign(element, scene.idp.key)
        if not first:
            insert_after(element.findall(n.q("ds:Signature"))[1], later)
        return root

    return craft


def by_hand(*references: Reference, prepare: Callable[[Element, Element], object] | None = None) -> Craft:
    """The IdP's own key on a signature of odd references: the worst case, where only their shape can tell."""

    def craft(scene: Scene) -> Element:
        root = scene.unsigned()
        if prepare is not None:
            prepare(root, assertion_of(root))
        for element in signed_elements(scene, root):
            sign_by_hand(element, ByHand(rsa_signer(scene.idp.key), references=references))
        return root

    return craft


def signed_elements(scene: Scene, root: Element) -> list[Element]:
    """What the base signs, the inner first."""
    inner = [assertion_of(root)] if scene.base in ("G-A", "G-B") else []
    return inner + ([root] if scene.base in ("G-R", "G-B") else [])


def two_references(scene: Scene) -> Element:
    root = scene.unsigned()
    evil = forged(assertion_of(root))
    in_extensions(root, evil)
    for element in signed_elements(scene, root):
        references = (Reference("#" + element.get("ID", "")), Reference("#_evil", octets=canonical(evil)))
        sign_by_hand(element, ByHand(rsa_signer(scene.idp.key), references=references))
    return root


def whole_document(uri: str | None) -> Craft:
    """A reference that means the document, right for it as it stood."""

    def craft(scene: Scene) -> Element:
        root = scene.unsigned()
        reference = Reference(uri, octets=canonical(root))
        element = assertion_of(root) if scene.base == "G-A" else root
        sign_by_hand(element, ByHand(rsa_signer(scene.idp.key), references=(reference,)))
        return root

    return craft


def tampered_after(craft: Craft) -> Craft:
    """The same, and the words changed afterwards."""
    return lambda scene: rewrite(craft(scene))


def to_descendant(scene: Scene) -> Element:
    root = scene.unsigned()
    good = assertion_of(root)
    subject = n.find(good, "saml:Subject")
    subject.set("ID", "_sub")
    sign_by_hand(good, ByHand(rsa_signer(scene.idp.key), references=(Reference("#_sub", octets=canonical(subject)),)))
    return root


def to_statement(scene: Scene) -> Element:
    root = scene.unsigned()
    good = assertion_of(root)
    statement = n.find(good, "saml:AttributeStatement")
    statement.set("ID", "_st")
    sign_by_hand(good, ByHand(rsa_signer(scene.idp.key), references=(Reference("#_st", octets=canonical(statement)),)))
    return root


def to_ancestor(scene: Scene) -> Element:
    root = scene.unsigned()
    reference = Reference("#" + root.get("ID", ""), octets=canonical(root))
    sign_by_hand(assertion_of(root), ByHand(rsa_signer(scene.idp.key), references=(reference,)))
    return root


def to_other_assertion(scene: Scene) -> Element:
    """The Response's signature names the assertion inside it."""
    root = scene.unsigned()
    good = assertion_of(root)
    sign_by_hand(root, ByHand(rsa_signer(scene.idp.key), references=(Reference("#" + good.get("ID", ""), octets=canonical(good)),)))
    return root


def manifest(with_good_reference: bool) -> Craft:
    """A Manifest whose inner digests are wrong: core validation does not look at them."""
    inner = (
        '<ds:Manifest Id="_man"><ds:Reference URI="#_a1"><ds:DigestMethod Algorithm="{0}"/>'
        "<ds:DigestValue>AAAA</ds:DigestValue></ds:Reference></ds:Manifest>"
    )

    def craft(scene: Scene) -> Element:
        root = scene.unsigned()
        listed = inner.format(n.SHA256)
        octets = canonical(n.xml(f"<ds:Object>{listed}</ds:Object>")[0])
        to_manifest = Reference("#_man", (STANDARD[1],), octets=octets, type_uri=n.DS + "Manifest")
        for element in signed_elements(scene, root):
            own = (Reference("#" + element.get("ID", "")),) if with_good_reference else ()
            how = ByHand(rsa_signer(scene.idp.key), references=(*own, to_manifest), extra=f"<ds:Object>{listed}</ds:Object>")
            sign_by_hand(element, how)
        return root

    return craft


def two_users(mine_first: bool) -> Craft:
    """The forger's own signed assertion beside the victim's, both good."""

    def craft(scene: Scene) -> Element:
        root = strip(scene.tree())
        theirs = n.parse(scene.idp.respond(another(scene.answer, name_id="mallory@corp.example"), "G-A"))
        mine = assertion_of(theirs)
        if mine_first:
            root.insert(root.index(assertion_of(root)), mine)
        else:
            root.append(mine)
        return root

    return craft


def two_users_signed(scene: Scene) -> Element:
    """The IdP itself signs a Response of two assertions."""
    root = scene.unsigned()
    root.append(assertion_of(n.parse(another(scene.answer, name_id="mallory@corp.example").response().encode())))
    return scene.idp.finish(root, scene.base)


POLLUTERS = {
    "saml": f"{{{n.SAML}}}ID",
    "samlp": f"{{{n.SAMLP}}}ID",
    "xml": "{http://www.w3.org/XML/1998/namespace}id",
    "wsu": "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}Id",
    "Id": "Id",
    "id": "id",
    "AssertionID": "AssertionID",
}


def polluted(attribute: str, keep_original: bool) -> Craft:
    """The forgery has an ID of its own and the good one in an attribute that some reader takes for the ID."""

    def craft(scene: Scene) -> Element:
        root = strip(scene.tree())
        good = assertion_of(root)
        evil = rewrite(clone(good), "_evil")
        evil.set(attribute, good.get("ID", ""))
        root.replace(good, evil)
        if keep_original:
            in_extensions(root, good)
        return root

    return craft


def octets(change: Callable[[bytes], bytes]) -> Callable[[Scene], bytes]:
    """A change of the octets; it must really change something."""

    def craft(scene: Scene) -> bytes:
        before = scene.document
        after = change(before)
        assert after != before
        return after

    return craft


def replacing(old: str, new: str, count: int = -1) -> Callable[[Scene], bytes]:
    return octets(lambda document: document.replace(old.encode(), new.encode(), count))


def fake_signature_first(scene: Scene) -> Element:
    """A Signature by its local name only, ahead of the true one on a forged assertion."""
    root = strip(scene.tree())
    good = assertion_of(root)
    fake = etree.fromstring(n.serialize(signature_of(good)).replace(n.DS.encode(), b"urn:evil:dsig"))
    rewrite(good)
    good.insert(1, fake)
    return root


def mixed_namespaces(scene: Scene) -> Element:
    """A SignedInfo of another namespace, right for the forgery, inside the true Signature."""
    root = strip(scene.tree())
    good = assertion_of(root)
    signature = signature_of(good)
    fake = etree.fromstring(n.serialize(n.find(signature, "ds:SignedInfo")).replace(n.DS.encode(), b"urn:evil:dsig"))
    signature.insert(0, fake)
    rewrite(good)
    return root


def foreign_assertion(local: str, hide_good: bool) -> Craft:
    """An element of that local name in a namespace of the forger's, ahead of everything."""

    def craft(scene: Scene) -> Element:
        root = strip(scene.tree())
        evil = etree.fromstring(n.serialize(forged(assertion_of(root))).replace(n.SAML.encode(), b"urn:evil:saml"))
        evil.tag = f"{{urn:evil:saml}}{local}"
        root.insert(1, evil)
        if hide_good:
            in_extensions(root, assertion_of(root))
        return root

    return craft


def foreign_root(scene: Scene) -> Element:
    wrapper = etree.Element("{urn:evil:samlp}Response", nsmap={"x": "urn:evil:samlp"})
    wrapper.append(forged(assertion_of(scene.tree())) if scene.base in PLAIN else etree.Element("x"))
    wrapper.append(scene.tree())
    return wrapper


def beside_the_signature(change: Callable[[Element], object]) -> Craft:
    """Change what no signature covers."""

    def craft(scene: Scene) -> Element:
        root = scene.tree()
        change(root)
        return root

    return craft


def status_message(root: Element) -> None:
    status = n.find(root, "samlp:Status")
    etree.SubElement(status, n.q("samlp:StatusMessage")).text = "admin@corp.example is welcome"


def donor(kind: str, scene: Scene) -> Element:
    """A document that the IdP truly signed, of another kind."""
    if kind == "metadata":
        return n.parse(scene.idp.metadata(sign_with=scene.idp.key).encode())
    if kind == "logout response":
        return n.parse(posted(LogoutReply(scene.idp.entity_id, scene.answer.acs, scene.answer.now, "_x").markup(), scene.idp.key))
    words = another(scene.answer, status="Responder")
    root = n.parse(words.response().encode())
    root.remove(assertion_of(root))
    sign(root, scene.idp.key)
    return root


def with_donor(kind: str, hide: Callable[..., object]) -> Craft:
    """The donor hidden; a forged assertion carries its ID and a copy of its signature."""

    def craft(scene: Scene) -> Element:
        giver = donor(kind, scene)
        root = scene.unsigned()
        evil = rewrite(assertion_of(root), giver.get("ID"))
        insert_after(n.find(evil, "saml:Issuer"), clone(signature_of(giver)))
        hide(root, giver)
        return root

    return craft


def donor_as_response(kind: str) -> Craft:
    """The donor hidden in a Response that carries its ID and its signature."""

    def craft(scene: Scene) -> Element:
        giver = donor(kind, scene)
        root = rewrite(scene.unsigned(), giver.get("ID"))
        root.set("ID", giver.get("ID", ""))
        insert_after(n.find(root, "saml:Issuer"), clone(signature_of(giver)))
        in_extensions(root, giver)
        return root

    return craft


def in_own_object(root: Element, giver: Element) -> None:
    in_object(n.find(root, "saml:Assertion/ds:Signature"), giver)


OPENING = f'<ds:Signature xmlns:ds="{n.DS}"'
PAIRS = ("G-A", "G-R")
DONORS = ("metadata", "logout response", "error response")
CASES = [
    Case("A21", "attacker's first", two_signatures(attackers=True, first=False), PAIRS),
    Case("A21", "attacker's last", two_signatures(attackers=True, first=True), PAIRS),
    Case("A21", "both the IdP's", two_signatures(attackers=False, first=True), PAIRS),
    Case("A22", "", two_references, PLAIN),
    *(
        Case(row, f"{label}{' tampered' if tampered else ''}", (tampered_after if tampered else lambda c: c)(whole_document(uri)), PAIRS)
        for tampered in (False, True)
        for row, label, uri in (
            ("A23", "absent", None),
            ("A23", "empty", ""),
            ("A23", "hash", "#"),
            ("A24", "root", "#xpointer(/)"),
            ("A24", "id", "#xpointer(id('_r1'))"),
        )
    ),
    Case("A24", "id of the assertion", by_hand(Reference("#xpointer(id('_a1'))")), ("G-A",)),
    Case("A26", "descendant", to_descendant, ("G-A",)),
    Case("A26", "statement", to_statement, ("G-A",)),
    Case("A26", "ancestor", to_ancestor, ("G-A",)),
    Case("A26", "child of the response", to_other_assertion, ("G-R",)),
    Case("A27", "only", manifest(with_good_reference=False), PLAIN),
    Case("A27", "besides", manifest(with_good_reference=True), PLAIN),
    Case("A28", "mine first", two_users(mine_first=True), ("G-A",)),
    Case("A28", "mine last", two_users(mine_first=False), ("G-A",)),
    Case("A28", "signed as one", two_users_signed, ALL),
    *(
        Case("A29", f"{label}{' with original' if keep else ''}", polluted(attribute, keep), SIGNED_ASSERTION)
        for label, attribute in POLLUTERS.items()
        for keep in (True, False)
    ),
    Case("A30", "fake first", fake_signature_first, SIGNED_ASSERTION),
    Case("A30", "fake signed info", mixed_namespaces, SIGNED_ASSERTION),
    Case("A30", "xml:xmlns", replacing(OPENING, f'<ds:Signature xml:xmlns="urn:evil" xmlns:ds="{n.DS}"', 1), PLAIN),
    Case("A30", "xml:xmlns for the prefix", replacing(OPENING, f'<ds:Signature xml:xmlns="{n.DS}"', 1), PLAIN),
    Case("A30", "prefix undeclared", replacing(f' xmlns:ds="{n.DS}"', f' xml:ds="{n.DS}"'), PLAIN),
    Case("A30", "prefix re-bound", replacing("<ds:SignedInfo>", '<ds:SignedInfo xmlns:ds="urn:evil">', 1), PLAIN),
    Case("A31", "assertion", foreign_assertion("Assertion", hide_good=False), ("G-A",), unchanged),
    Case("A31", "assertion alone", foreign_assertion("Assertion", hide_good=True), ("G-A",)),
    Case("A31", "encrypted assertion", foreign_assertion("EncryptedAssertion", hide_good=False), ("G-A",), unchanged),
    Case("A31", "response", foreign_root, ALL),
    Case("A32", "response id", beside_the_signature(lambda root: root.set("ID", "_other")), ("G-A", "G-EA"), unchanged),
    Case("A32", "more attributes", beside_the_signature(lambda root: root.set("Consent", "urn:evil")), ("G-A", "G-EA"), unchanged),
    Case("A32", "foreign attribute", beside_the_signature(lambda root: root.set("{urn:evil}NameID", "x")), ("G-A", "G-EA"), unchanged),
    Case("A32", "status message", beside_the_signature(status_message), ("G-A", "G-EA"), unchanged),
    Case("A32", "destination", beside_the_signature(lambda root: root.set("Destination", "https://evil.example/")), ("G-A", "G-EA")),
    Case("A32", "issuer", beside_the_signature(lambda root: setattr(n.find(root, "saml:Issuer"), "text", "urn:evil")), ("G-A", "G-EA")),
    *(
        Case("A33", f"{kind} in {where}", with_donor(kind, hide), ("G-A",))
        for kind in DONORS
        for where, hide in (("extensions", in_extensions), ("status detail", in_status_detail), ("object", in_own_object))
    ),
    *(Case("A33", f"{kind} as response", donor_as_response(kind), ("G-R",)) for kind in DONORS),
    Case("A34", "the matrix", lambda scene: scene.document, ALL, as_policy_says),
    Case("A34", "nothing signed", Scene.unsigned, ALL),
]


@over(CASES)
def test_a_reference_names_its_own_element_and_nothing_else(case: Case) -> None:
    check(case)


EXTERNAL = ("file", "http", "cid")


@rows("A25")
@pytest.mark.parametrize("scheme", EXTERNAL)
def test_a_reference_outside_the_document_is_refused_unread(scheme: str, listener: Listener, secret_file: Path) -> None:
    uri = {"file": secret_file.as_uri(), "http": listener.url + "/ref", "cid": "cid:part1@corp.example"}[scheme]
    what = {"file": secret_file.read_bytes(), "http": b"admin@corp.example", "cid": b""}[scheme]
    for transforms in ((), STANDARD):
        craft = by_hand(Reference(uri, transforms, octets=what))
        check(Case("A25", scheme, craft, PLAIN, refused))

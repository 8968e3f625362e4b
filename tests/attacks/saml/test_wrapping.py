"""SAML-A1 to A20: signature wrapping, where what is verified is not what is read. The XSW numbers are Somorovsky's (2012)."""

from __future__ import annotations

import base64
from collections.abc import Callable

from lxml import etree

from tests.attacks.saml.oracle import ALL, SIGNED_ASSERTION, SIGNED_RESPONSE, Case, Craft, as_policy_says, check, over
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
    insert_before,
    rewrite,
    signature_of,
    strip,
)
from tests.fakes import saml_names as n
from tests.fakes.saml_sign import canonical, digest

Tear = Callable[[Element, Element], object]


def on_response(tear: Callable[[Element], object]) -> Craft:
    """Tear at a signed Response."""

    def craft(scene: Scene) -> Element:
        root = scene.tree()
        tear(root)
        return root

    return craft


def on_assertion(tear: Tear) -> Craft:
    """Tear at a signed Assertion; the Response around it loses its own signature, which could not survive."""

    def craft(scene: Scene) -> Element:
        root = strip(scene.tree())
        tear(root, assertion_of(root))
        return root

    return craft


def keeping_response_signature(tear: Tear) -> Craft:
    """Tear at the assertion and leave the Response's signature where it is, broken or not."""

    def craft(scene: Scene) -> Element:
        root = scene.tree()
        tear(root, assertion_of(root))
        return root

    return craft


def xsw1(root: Element) -> None:
    original = strip(clone(root))
    rewrite(strip(assertion_of(root)))
    root.set("ID", "_evil")
    signature_of(root).append(original)


def xsw2(root: Element) -> None:
    original = strip(clone(root))
    rewrite(strip(assertion_of(root)))
    root.set("ID", "_evil")
    insert_before(signature_of(root), original)


def xsw3(root: Element, good: Element) -> None:
    insert_before(good, forged(good))


def xsw4(root: Element, good: Element) -> None:
    evil = forged(good)
    root.append(evil)
    evil.append(good)


def xsw5(root: Element, good: Element) -> None:
    original = strip(clone(good))
    rewrite(good, "_evil")
    root.append(original)


def xsw6(root: Element, good: Element) -> None:
    original = strip(clone(good))
    rewrite(good, "_evil")
    signature_of(good).append(original)


def xsw7(root: Element, good: Element) -> None:
    in_extensions(root, forged(good, None))


def xsw8(root: Element, good: Element) -> None:
    original = strip(clone(good))
    rewrite(good, "_evil")
    in_object(signature_of(good), original)


def xsw9(evil_id: str | None, attackers_first: bool) -> Tear:
    """Two SignedInfo: one that the signature value is right for, one whose digest is right for the forgery."""

    def tear(root: Element, good: Element) -> None:
        wrapper = etree.SubElement(root, "Wrapper")
        wrapper.append(clone(good))
        rewrite(good, evil_id)
        signature = signature_of(good)
        info = n.find(signature, "ds:SignedInfo")
        second = clone(info)
        n.find(second, ".//ds:Reference").set("URI", "#" + good.get("ID", ""))
        n.find(second, ".//ds:DigestValue").text = digest_of(strip(clone(good)))
        if attackers_first:
            signature.insert(0, second)
        else:
            signature.append(second)

    return tear


def digest_of(element: Element) -> str:
    return base64.b64encode(digest(n.SHA256, canonical(element))).decode()


def evil_after(root: Element, good: Element) -> None:
    good.tail = None
    root.append(forged(good, good.get("ID", "") + "_attack"))


def nested(where: str) -> Tear:
    """The signed assertion inside the forged one."""

    def tear(root: Element, good: Element) -> None:
        evil = forged(good)
        root.replace(good, evil)
        if where == "Advice":
            holder = etree.Element(n.q("saml:Advice"))
            insert_after(n.find(evil, "saml:Conditions"), holder)
        else:
            holder = n.find(evil, f".//saml:{where}")
        holder.append(good)

    return tear


def signature_at_response(hide: Callable[[Element, Element], object]) -> Tear:
    """The assertion's signature becomes the Response's; what it names is hidden."""

    def tear(root: Element, good: Element) -> None:
        evil = forged(good)
        root.replace(good, evil)
        signature = signature_of(good)
        insert_after(n.find(root, "saml:Issuer"), signature)
        hide(root, good)

    return tear


def smuggled(what: str) -> Tear:
    """A digest of the forgery ahead of the real one in document order (CVE-2024-45409)."""

    def tear(root: Element, good: Element) -> None:
        rewrite(good)
        value = digest_of(strip(clone(good)))
        if what == "SignedInfo":
            hidden = clone(n.find(good, "ds:Signature/ds:SignedInfo"))
            n.find(hidden, ".//ds:DigestValue").text = value
        elif what == "Signature":
            hidden = clone(signature_of(good))
            n.find(hidden, ".//ds:DigestValue").text = value
        else:
            hidden = n.xml(f"<ds:DigestValue>{value}</ds:DigestValue>")
        in_status_detail(root, hidden)

    return tear


def twin_id(hide: Callable[..., object]) -> Tear:
    """The good assertion hidden, a forgery of the same ID with a copy of its signature in its place."""

    def tear(root: Element, good: Element) -> None:
        evil = rewrite(clone(good))
        root.replace(good, evil)
        hide(root, good)

    return tear


def duplicate(evil_first: bool, with_signature: bool = False) -> Tear:
    def tear(root: Element, good: Element) -> None:
        evil = rewrite(clone(good)) if with_signature else forged(good, None)
        (insert_before if evil_first else insert_after)(good, evil)

    return tear


def enveloping(root: Element) -> None:
    """The signed Response inside an Object of its own signature, which now stands in the forged one."""
    original = strip(clone(root))
    rewrite(strip(assertion_of(root)))
    root.set("ID", "_evil")
    in_object(signature_of(root), original)


def enveloping_assertion(root: Element, good: Element) -> None:
    signature_at_response(lambda root, good: in_object(signature_of(root), good))(root, good)


def detached(place: Callable[[Element, Element], None]) -> Tear:
    """The signature beside the element that it names, which is untouched."""

    def tear(root: Element, good: Element) -> None:
        place(good, signature_of(good))

    return tear


def misplaced(target: str) -> Callable[[Element], object]:
    """The signature elsewhere inside its own element: the enveloped transform takes it out all the same."""

    def tear(element: Element) -> None:
        signature = signature_of(element)
        holder = element if target == "." else n.find(element, target)
        holder.append(signature)

    return tear


def in_assertion(tear: Callable[[Element], object]) -> Tear:
    return lambda root, good: tear(good)


def append_to_root(root: Element, good: Element) -> None:
    root.append(good)


RESPONSES: list[tuple[str, str, Callable[[Element], object]]] = [
    ("A1", "", xsw1),
    ("A2", "", xsw2),
    ("A18", "response in its own signature", enveloping),
    ("A20", "response last child", misplaced(".")),
    ("A20", "response in status", misplaced("samlp:Status")),
]
ASSERTIONS: list[tuple[str, str, Tear]] = [
    ("A3", "", xsw3),
    ("A4", "", xsw4),
    ("A5", "", xsw5),
    ("A6", "", xsw6),
    ("A7", "", xsw7),
    ("A8", "", xsw8),
    ("A9", "own id, last", xsw9("_evil", attackers_first=False)),
    ("A9", "own id, first", xsw9("_evil", attackers_first=True)),
    ("A9", "same id, last", xsw9(None, attackers_first=False)),
    ("A9", "same id, first", xsw9(None, attackers_first=True)),
    ("A10", "", evil_after),
    ("A11", "", xsw3),
    ("A12", "subject", nested("Subject")),
    ("A12", "attribute value", nested("AttributeValue")),
    ("A12", "advice", nested("Advice")),
    ("A13", "hidden in extensions", signature_at_response(in_extensions)),
    ("A13", "hidden as last child", signature_at_response(append_to_root)),
    ("A13", "hidden in status detail", signature_at_response(in_status_detail)),
    ("A14", "digest value", smuggled("DigestValue")),
    ("A14", "signed info", smuggled("SignedInfo")),
    ("A14", "signature", smuggled("Signature")),
    ("A15", "", twin_id(in_extensions)),
    ("A16", "", twin_id(in_status_detail)),
    ("A17", "evil first", duplicate(evil_first=True)),
    ("A17", "evil last", duplicate(evil_first=False)),
    ("A17", "evil first, signature copied", duplicate(evil_first=True, with_signature=True)),
    ("A17", "evil last, signature copied", duplicate(evil_first=False, with_signature=True)),
    ("A18", "assertion in the signature", enveloping_assertion),
    ("A19", "after", detached(insert_after)),
    ("A19", "before", detached(insert_before)),
    ("A20", "last child", in_assertion(misplaced("."))),
    ("A20", "in subject", in_assertion(misplaced("saml:Subject"))),
    ("A20", "in conditions", in_assertion(misplaced("saml:Conditions"))),
]


def cases() -> list[Case]:
    made = [Case(row, variant, on_response(tear), SIGNED_RESPONSE) for row, variant, tear in RESPONSES]
    made += [Case(row, variant, on_assertion(tear), SIGNED_ASSERTION) for row, variant, tear in ASSERTIONS]
    for row, variant, tear in ASSERTIONS:
        label = f"{variant}, response signature kept".lstrip(", ")
        made.append(Case(row, label, keeping_response_signature(tear), ("G-B",)))
    return made


CASES = cases()


@over(CASES)
def test_a_wrapped_signature_is_refused(case: Case) -> None:
    check(case)


UNTORN = [Case("A20", "nothing moved", Scene.tree, ALL, as_policy_says)]


@over(UNTORN)
def test_parsing_and_writing_a_message_anew_is_no_forgery(case: Case) -> None:
    """The tools of this file do not break a message by themselves."""
    check(case)

"""SAML-B1 to B9 and B20 to B23: comments, doubled elements and canonicalisation, where the text read is not the text signed."""

from __future__ import annotations

import base64
from collections.abc import Callable

from lxml import etree

from providers.errors import ProviderError
from tests.attacks.saml.oracle import ALL, PLAIN, SIGNED_ASSERTION, Case, Judge, Outcome, check, honest, over, refused, unchanged
from tests.attacks.saml.ring import Scene
from tests.attacks.saml.tearing import Element, assertion_of, clone, rewrite, signature_of, strip
from tests.fakes import saml_names as n
from tests.fakes.saml_forge import HONEST, Attribute
from tests.fakes.saml_sign import ENVELOPED_ONLY, EXCLUSIVE, STANDARD, ByHand, Reference, canonical, digest, rsa_signer, sign_by_hand

LONG = "admin@corp.example.evil.example"
CUT = len("admin@corp.example")
AMPERSAND = "alice&bob@corp.example"
EMPTY_SHA256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


def whole(scene: Scene, outcome: Outcome) -> None:
    """The full text or a refusal: never the part before the cut."""
    if not isinstance(outcome, ProviderError):
        honest(scene, outcome)


def swap(old: str, new: str, count: int = 1) -> Callable[[Scene], bytes]:
    """A change of octets after the signature, which must find its place."""

    def craft(scene: Scene) -> bytes:
        document = scene.document
        assert old.encode() in document, f"{old} is not in the message"
        return document.replace(old.encode(), new.encode(), count)

    return craft


def cut(text: str, what: str = "<!---->") -> str:
    return text[:CUT] + what + text[CUT:]


def signed_then_cut(path: str, suffix: str, what: str = "<!-- -->") -> Callable[[Scene], bytes]:
    """The IdP signs a longer text; the comment is put where the right one ends."""

    def craft(scene: Scene) -> bytes:
        def lengthen(root: Element) -> None:
            for found in n.find_all(root, path):
                found.text = (found.text or "") + suffix

        document = scene.signed(lengthen)
        assert suffix.encode() in document
        return document.replace(suffix.encode(), what.encode() + suffix.encode())

    return craft


def recipient_markup(scene: Scene) -> bytes:
    return scene.document.replace(b'Recipient="https:', b'Recipient="<!-- -->https:', 1)


def signed_with_instruction(scene: Scene) -> bytes:
    """The IdP signs a NameID with a processing instruction in it."""

    def split(root: Element) -> None:
        name_id = n.find(root, ".//saml:NameID")
        instruction = etree.PI("x", "y")
        instruction.tail = ".evil.example"
        name_id.append(instruction)

    return scene.signed(split)


def in_signature(local: str, how: Callable[[Element], object], *, forge: bool = False) -> Callable[[Scene], Element]:
    """Touch every such element of the document's signatures, perhaps on words of the forger's."""

    def craft(scene: Scene) -> Element:
        root = scene.tree()
        if forge:
            rewrite(root)
        for found in n.find_all(root, f".//ds:{local}"):
            how(found)
        return root

    return craft


def comment_inside(element: Element) -> None:
    text = element.text or ""
    comment = etree.Comment("x")
    comment.tail = text[4:]
    element.text = text[:4]
    element.insert(0, comment)


def doubled(first: bool) -> Callable[[Scene], Element]:
    """A second DigestValue, right for the forgery."""

    def craft(scene: Scene) -> Element:
        root = rewrite(strip(scene.tree()))
        good = assertion_of(root)
        value = n.find(good, ".//ds:DigestValue")
        second = clone(value)
        second.text = base64.b64encode(digest(n.SHA256, canonical(strip(clone(good))))).decode()
        parent = value.getparent()
        parent.insert(parent.index(value) + (0 if first else 1), second)
        return root

    return craft


def doubled_info(where: str) -> Callable[[Scene], Element]:
    """A second SignedInfo, right for the forgery: before the true one, after it, or nested in another element."""

    def craft(scene: Scene) -> Element:
        root = rewrite(strip(scene.tree()))
        good = assertion_of(root)
        signature = signature_of(good)
        second = clone(n.find(signature, "ds:SignedInfo"))
        n.find(second, ".//ds:DigestValue").text = base64.b64encode(digest(n.SHA256, canonical(strip(clone(good))))).decode()
        if where == "nested":
            holder = etree.SubElement(signature, n.q("ds:Object"))
            holder.append(second)
        elif where == "nested first":
            holder = etree.Element(n.q("ds:KeyInfo"))
            holder.append(second)
            signature.insert(0, holder)
        else:
            signature.insert(0 if where == "first" else 1, second)
        return root

    return craft


def hand(scene: Scene, **how: object) -> Element:
    """The words signed by hand with the IdP's key, on whatever the base signs."""
    root = scene.unsigned()
    element = root if scene.base == "G-R" else assertion_of(root)
    sign_by_hand(element, ByHand(rsa_signer(scene.idp.key), **how))  # type: ignore[arg-type]
    return root


def void_element(scene: Scene) -> Element:
    """A relative namespace URI makes libxml2 refuse to canonicalise: a careless verifier then digests nothing at all."""
    root = hand(scene, references=(Reference("#_a1" if scene.base == "G-A" else "#_r1", octets=b""),))
    element = root if scene.base == "G-R" else assertion_of(root)
    assert n.find(element, ".//ds:DigestValue").text == EMPTY_SHA256
    return reopened(root, element)


def reopened(root: Element, element: Element) -> Element:
    """The same document with a relative namespace URI on that element and other words."""
    rewrite(root)
    mark = f' ID="{element.get("ID")}"'
    data = n.serialize(root).decode().replace(mark, f' xmlns:v="1"{mark}', 1)
    return n.parse(data.encode())


def void_signed_info(scene: Scene) -> Element:
    """SignedInfo under an ancestor that cannot be canonicalised; the signature value is right for the empty string."""
    root = rewrite(scene.unsigned())
    element = root if scene.base == "G-R" else assertion_of(root)
    sign_by_hand(element, ByHand(lambda octets: rsa_signer(scene.idp.key)(b"")))
    data = n.serialize(root).decode().replace("<ds:Signature ", '<ds:Signature xmlns:v="1" ', 1)
    data = data.replace("<ds:Signature>", '<ds:Signature xmlns:v="1">', 1)
    assert 'xmlns:v="1"' in data
    return n.parse(data.encode())


def undeclared_prefix(scene: Scene) -> Element:
    exclusive = EXCLUSIVE.replace("/>", '><ec:InclusiveNamespaces PrefixList="nobody #default xs"/></ds:Transform>')
    element_id = "#_r1" if scene.base == "G-R" else "#_a1"
    return hand(scene, references=(Reference(element_id, (STANDARD[0], exclusive)),))


def inclusive_with_inheritance(scene: Scene) -> Element:
    """Inclusive canonicalisation takes xml:lang and xml:base from outside: words that change with the place."""
    root = scene.unsigned()
    root.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
    root.set("{http://www.w3.org/XML/1998/namespace}base", "https://evil.example/")
    good = assertion_of(root)
    transforms = (STANDARD[0], f'<ds:Transform Algorithm="{n.C14N}"/>')
    reference = Reference("#_a1", transforms, octets=canonical(good, exclusive=False))
    sign_by_hand(good, ByHand(rsa_signer(scene.idp.key), references=(reference,)))
    return root


def many_namespaces(scene: Scene) -> bytes:
    """More namespace nodes than a parser of limits will take."""
    bound = " ".join(f'xmlns:p{i}="urn:evil:{i}"' for i in range(20_000))
    return scene.document.replace(b"<samlp:Response ", f"<samlp:Response {bound} ".encode(), 1)


def method(uri: str, **how: object) -> Callable[[Scene], Element]:
    """A SignedInfo canonicalised in another way, and signed as it says."""
    return lambda scene: hand(scene, c14n=uri, **how)


def judged(judge: Judge, *cases: tuple[str, str, Callable[[Scene], bytes | Element], dict[str, object]]) -> list[Case]:
    return [Case(row, variant, craft, ALL[:3], judge, said) for row, variant, craft, said in cases]


LONG_NAME = {"name_id": LONG}
LONG_MAIL = {"attributes": (Attribute("email", (LONG,)), *HONEST[1:])}
AND_NAME = {"name_id": AMPERSAND}
CASES = [
    *judged(
        whole,
        ("B1", "empty comment", swap(f">{LONG}</saml:NameID>", f">{cut(LONG)}</saml:NameID>"), LONG_NAME),
        ("B1", "comment of words", swap(f">{LONG}</saml:NameID>", f">{cut(LONG, '<!-- x -->')}</saml:NameID>"), LONG_NAME),
        ("B1", "comment first", swap(f">{LONG}</saml:NameID>", f"><!---->{LONG}</saml:NameID>"), LONG_NAME),
        ("B2", "", swap(f">{LONG}</saml:AttributeValue>", f">{cut(LONG)}</saml:AttributeValue>"), LONG_MAIL),
        ("B5", "cdata", swap(">alice&amp;bob@", "><![CDATA[alice&bob]]>@"), AND_NAME),
        ("B5", "cdata all", swap(">alice&amp;bob@corp.example<", "><![CDATA[alice&bob@corp.example]]><"), AND_NAME),
        ("B5", "cdata in the middle", swap(">alice&amp;bob@", ">alice<![CDATA[&]]>bob@"), AND_NAME),
        ("B5", "decimal", swap(">alice&amp;bob@", ">alice&#38;bob&#64;"), AND_NAME),
        ("B5", "hexadecimal", swap(">alice&amp;bob@", ">&#x61;lice&#x26;bob@"), AND_NAME),
    ),
    Case("B3", "issuer", signed_then_cut(".//saml:Issuer", ".evil"), PLAIN),
    Case("B3", "issuer of the assertion", signed_then_cut("./saml:Assertion/saml:Issuer", ".evil"), PLAIN),
    Case("B3", "audience", signed_then_cut(".//saml:Audience", ".evil"), PLAIN),
    Case("B3", "recipient", recipient_markup, PLAIN),
    Case("B4", "after signing", swap("alice@corp.example</saml:NameID>", "alice@corp<?x y?>.example</saml:NameID>"), PLAIN),
    Case("B4", "signed", signed_with_instruction, PLAIN),
    Case("B6", "", in_signature("DigestValue", comment_inside), PLAIN),
    Case("B7", "signature value", in_signature("SignatureValue", comment_inside), PLAIN),
    Case("B7", "certificate", in_signature("X509Certificate", comment_inside), PLAIN),
    Case("B8", "evil first", doubled(first=True), SIGNED_ASSERTION),
    Case("B8", "evil second", doubled(first=False), SIGNED_ASSERTION),
    *(Case("B9", where, doubled_info(where), SIGNED_ASSERTION) for where in ("first", "second", "nested", "nested first")),
    Case("B20", "", void_element, ("G-A", "G-R")),
    Case("B21", "", void_signed_info, ("G-A", "G-R")),
    Case("B22", "undeclared prefix", undeclared_prefix, ("G-A", "G-R"), unchanged),
    Case("B22", "inclusive", inclusive_with_inheritance, ("G-A",)),
    Case("B22", "too many namespaces", many_namespaces, ("G-A", "G-R")),
    Case("B23", "inclusive", method(n.C14N, c14n_exclusive=False), ("G-A", "G-R")),
    Case("B23", "c14n11", method(n.C14N11, c14n_exclusive=False), ("G-A", "G-R")),
    Case("B23", "with comments", method(n.EXC_C14N + "WithComments"), ("G-A", "G-R")),
    Case("B23", "unknown", method("urn:evil:c14n"), ("G-A", "G-R")),
    Case("B23", "transform with comments", lambda scene: hand(scene, references=(commented(scene),)), ("G-A", "G-R")),
    Case("B23", "enveloped only", lambda scene: hand(scene, references=(enveloped_only(scene),)), ("G-A", "G-R")),
]


def commented(scene: Scene) -> Reference:
    transforms = (STANDARD[0], f'<ds:Transform Algorithm="{n.EXC_C14N}WithComments"/>')
    return Reference("#_r1" if scene.base == "G-R" else "#_a1", transforms)


def enveloped_only(scene: Scene) -> Reference:
    """No canonicalisation named means the inclusive one."""
    root = scene.unsigned()
    element = root if scene.base == "G-R" else assertion_of(root)
    return Reference("#" + element.get("ID", ""), ENVELOPED_ONLY, octets=canonical(element, exclusive=False))


@over(CASES)
def test_what_is_read_is_what_was_signed(case: Case) -> None:
    check(case)


def test_refusal_is_the_default_of_this_table() -> None:
    """Only rows about text that may be read whole are judged more softly."""
    assert {case.row for case in CASES if case.judge is not refused} == {"B1", "B2", "B5", "B22"}

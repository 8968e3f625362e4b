"""SAML messages of the sample identity provider: written with lxml, signed and verified in process by python-xmlsec."""

from __future__ import annotations

import base64
import secrets
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import xmlsec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree

from broker.demo.people import Person, SigningKey

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
MD = "urn:oasis:names:tc:SAML:2.0:metadata"
DS = "http://www.w3.org/2000/09/xmldsig#"
NS = {"saml": SAML, "samlp": SAMLP, "md": MD, "ds": DS}
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"  # the name of a context class
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
BASIC = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"

PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """To whom a Response goes, and about whom it speaks."""

    issuer: str
    audience: str
    recipient: str
    in_response_to: str
    person: Person
    session_index: str


def E(name: str, *content: str | etree._Element, **attributes: str) -> etree._Element:  # noqa: N802 -- as lxml.builder has it
    """An element: `E("saml:Issuer", "text")`, `E("md:KeyDescriptor", child, use="signing")`."""
    prefix, _, local = name.partition(":")
    element = etree.Element(f"{{{NS[prefix]}}}{local}", attributes, nsmap={prefix: NS[prefix]})
    for part in content:
        if isinstance(part, str):
            element.text = part
        else:
            element.append(part)
    return element


def parse(octets: bytes) -> etree._Element:
    """Parse a message. Raises etree.XMLSyntaxError or ValueError."""
    if b"<!DOCTYPE" in octets:
        raise ValueError("it has a DOCTYPE")
    return etree.fromstring(octets, PARSER)


def inflate(text: str) -> bytes:
    """Undo the Redirect binding's encoding."""
    return zlib.decompressobj(-15).decompress(base64.b64decode(text, validate=True), 200_000)


def new_id() -> str:
    """A message id."""
    return "_" + secrets.token_hex(16)


def instant(moved: timedelta = timedelta()) -> str:
    """Now, moved, as SAML writes it."""
    return (datetime.now(UTC) + moved).strftime("%Y-%m-%dT%H:%M:%SZ")


def response(answer: Answer, key: SigningKey) -> bytes:
    """A Response whose assertion is signed."""
    assertion = _assertion(answer)
    root = E(
        "samlp:Response",
        E("saml:Issuer", answer.issuer),
        E("samlp:Status", E("samlp:StatusCode", Value=SUCCESS)),
        assertion,
        ID=new_id(),
        Version="2.0",
        IssueInstant=instant(),
        Destination=answer.recipient,
        InResponseTo=answer.in_response_to,
    )
    sign(assertion, key)
    return bytes(etree.tostring(root))


def _assertion(answer: Answer) -> etree._Element:
    soon = instant(timedelta(minutes=5))
    person = answer.person
    return E(
        "saml:Assertion",
        E("saml:Issuer", answer.issuer),
        E(
            "saml:Subject",
            E("saml:NameID", person.id, Format=PERSISTENT),
            E(
                "saml:SubjectConfirmation",
                E("saml:SubjectConfirmationData", Recipient=answer.recipient, NotOnOrAfter=soon, InResponseTo=answer.in_response_to),
                Method=BEARER,
            ),
        ),
        E(
            "saml:Conditions",
            E("saml:AudienceRestriction", E("saml:Audience", answer.audience)),
            NotBefore=instant(-timedelta(seconds=30)),
            NotOnOrAfter=soon,
        ),
        E(
            "saml:AuthnStatement",
            E("saml:AuthnContext", E("saml:AuthnContextClassRef", PASSWORD)),
            AuthnInstant=instant(),
            SessionIndex=answer.session_index,
        ),
        E(
            "saml:AttributeStatement",
            _attribute("mail", person.email),
            _attribute("firstName", person.given_name),
            _attribute("lastName", person.family_name),
            _attribute("department", person.department),
            _attribute("memberOf", *person.groups),
        ),
        ID=new_id(),
        Version="2.0",
        IssueInstant=instant(),
    )


def _attribute(name: str, *values: str) -> etree._Element:
    return E("saml:Attribute", *(E("saml:AttributeValue", value) for value in values), Name=name, NameFormat=BASIC)


def sign(element: etree._Element, key: SigningKey) -> None:
    """Sign an element in its place: enveloped, one reference to its ID, exclusive canonicalisation, RSA-SHA256."""
    signature = xmlsec.template.create(element, xmlsec.constants.TransformExclC14N, xmlsec.constants.TransformRsaSha256, ns="ds")
    reference = xmlsec.template.add_reference(signature, xmlsec.constants.TransformSha256, uri="#" + str(element.get("ID")))
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformEnveloped)
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformExclC14N)
    element.insert(1, signature)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(key.pem(), xmlsec.constants.KeyDataFormatPem)
    context.register_id(element, "ID")
    context.sign(signature)


def logout_request(issuer: str, destination: str, person: Person, session_index: str) -> etree._Element:
    """Tell the other side that somebody has signed out here."""
    return E(
        "samlp:LogoutRequest",
        E("saml:Issuer", issuer),
        E("saml:NameID", person.id, Format=PERSISTENT),
        E("samlp:SessionIndex", session_index),
        ID=new_id(),
        Version="2.0",
        IssueInstant=instant(),
        Destination=destination,
        NotOnOrAfter=instant(timedelta(minutes=5)),
    )


def logout_response(issuer: str, destination: str, in_response_to: str) -> etree._Element:
    """Answer the other side's LogoutRequest."""
    return E(
        "samlp:LogoutResponse",
        E("saml:Issuer", issuer),
        E("samlp:Status", E("samlp:StatusCode", Value=SUCCESS)),
        ID=new_id(),
        Version="2.0",
        IssueInstant=instant(),
        Destination=destination,
        InResponseTo=in_response_to,
    )


def redirect_url(url: str, field: str, message: etree._Element, relay_state: str | None, key: SigningKey) -> str:
    """A message by the Redirect binding, its query signed (SAML bindings 3.4.4.1)."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    octets = deflate.compress(bytes(etree.tostring(message))) + deflate.flush()
    pairs = {field: base64.b64encode(octets).decode()}
    if relay_state is not None:
        pairs["RelayState"] = relay_state
    query = urlencode({**pairs, "SigAlg": RSA_SHA256})
    signature = key.private.sign(query.encode(), padding.PKCS1v15(), hashes.SHA256())
    query += "&" + urlencode({"Signature": base64.b64encode(signature).decode()})
    return f"{url}{'&' if '?' in url else '?'}{query}"


def metadata(base: str, key: SigningKey) -> bytes:
    """The provider's metadata, as its administrator would hand it over."""
    root = E(
        "md:EntityDescriptor",
        E(
            "md:IDPSSODescriptor",
            E("md:KeyDescriptor", E("ds:KeyInfo", E("ds:X509Data", E("ds:X509Certificate", key.certificate_base64()))), use="signing"),
            E("md:SingleLogoutService", Binding=REDIRECT, Location=f"{base}/slo"),
            E("md:SingleLogoutService", Binding=POST, Location=f"{base}/slo"),
            E("md:NameIDFormat", PERSISTENT),
            E("md:SingleSignOnService", Binding=REDIRECT, Location=f"{base}/sso"),
            E("md:SingleSignOnService", Binding=POST, Location=f"{base}/sso"),
            protocolSupportEnumeration=SAMLP,
            WantAuthnRequestsSigned="true",
        ),
        entityID=f"{base}/metadata",
    )
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))

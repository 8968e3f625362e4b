"""A SAML identity provider in a box: metadata, honest Responses to the requests it gets, and every part open to a forger.

idp = IdpBox("https://idp.example/metadata", key("idp"))
asked = read_request(login_start)                   # our AuthnRequest, from the redirect or the form
xml = idp.respond(idp.answer_to(asked, now), "G-B")  # response and assertion signed
"""

from __future__ import annotations

import base64
import urllib.parse
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal
from xml.sax.saxutils import escape as escape_markup
from xml.sax.saxutils import quoteattr

from lxml import etree

from providers.base import LoginStart
from tests.fakes import saml_names as n
from tests.fakes.saml_keys import Key
from tests.fakes.saml_seal import Seal, encrypt_element
from tests.fakes.saml_sign import sign

Base = Literal["G-R", "G-A", "G-B", "G-E", "G-EA", "none"]
Edit = Callable[[etree._Element], object]


def escape(text: str) -> str:
    """Text as XML carries it; a carriage return would not survive the parser as itself."""
    return escape_markup(text, {"\r": "&#13;"})


def stamp(moment: datetime) -> str:
    """A moment as SAML writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Attribute:
    """One attribute of an assertion. `name_format` None leaves it out."""

    name: str
    values: tuple[str, ...]
    name_format: str | None = n.NAME_BASIC
    friendly_name: str | None = None

    def markup(self) -> str:
        optional = {"NameFormat": self.name_format, "FriendlyName": self.friendly_name}
        extra = "".join(f" {key}={quoteattr(value)}" for key, value in optional.items() if value is not None)
        values = "".join(f"<saml:AttributeValue>{escape(value)}</saml:AttributeValue>" for value in self.values)
        return f"<saml:Attribute Name={quoteattr(self.name)}{extra}>{values}</saml:Attribute>"


HONEST = (
    Attribute("email", ("alice@corp.example",)),
    Attribute("groups", ("staff", "readers")),
    Attribute("urn:oid:2.5.4.42", ("Alice",), n.NAME_URI, "givenName"),
)


@dataclass(frozen=True)
class Answer:
    """What the identity provider says. Every field is honest by default; a row changes those it is about."""

    issuer: str
    acs: str
    audience: str
    now: datetime
    in_response_to: str | None = None
    name_id: str = "alice@corp.example"
    name_id_format: str | None = n.FORMAT_EMAIL
    name_id_extra: tuple[tuple[str, str], ...] = ()
    attributes: tuple[Attribute, ...] = HONEST
    response_id: str = "_r1"
    assertion_id: str = "_a1"
    session_index: str | None = "_s1"
    authn_context: str = n.PASSWORD_CONTEXT
    status: str = "Success"
    lifetime: timedelta = timedelta(minutes=5)

    def issuer_markup(self) -> str:
        return f"<saml:Issuer>{escape(self.issuer)}</saml:Issuer>"

    def subject(self) -> str:
        given = (("Format", self.name_id_format), *self.name_id_extra)
        about = "".join(f" {key}={quoteattr(value)}" for key, value in given if value is not None)
        reply = f" InResponseTo={quoteattr(self.in_response_to)}" if self.in_response_to else ""
        return (
            f"<saml:Subject><saml:NameID{about}>{escape(self.name_id)}</saml:NameID>"
            f'<saml:SubjectConfirmation Method="{n.BEARER}"><saml:SubjectConfirmationData{reply}'
            f' NotOnOrAfter="{stamp(self.now + self.lifetime)}" Recipient={quoteattr(self.acs)}/>'
            "</saml:SubjectConfirmation></saml:Subject>"
        )

    def conditions(self) -> str:
        return (
            f'<saml:Conditions NotBefore="{stamp(self.now - timedelta(seconds=30))}"'
            f' NotOnOrAfter="{stamp(self.now + self.lifetime)}"><saml:AudienceRestriction>'
            f"<saml:Audience>{escape(self.audience)}</saml:Audience></saml:AudienceRestriction></saml:Conditions>"
        )

    def authn_statement(self) -> str:
        index = f" SessionIndex={quoteattr(self.session_index)}" if self.session_index else ""
        return (
            f'<saml:AuthnStatement AuthnInstant="{stamp(self.now - timedelta(seconds=5))}"{index}'
            f' SessionNotOnOrAfter="{stamp(self.now + timedelta(hours=8))}"><saml:AuthnContext>'
            f"<saml:AuthnContextClassRef>{escape(self.authn_context)}</saml:AuthnContextClassRef>"
            "</saml:AuthnContext></saml:AuthnStatement>"
        )

    def assertion(self) -> str:
        attributes = "".join(attribute.markup() for attribute in self.attributes)
        statement = f"<saml:AttributeStatement>{attributes}</saml:AttributeStatement>" if attributes else ""
        return (
            f'<saml:Assertion xmlns:saml="{n.SAML}" ID={quoteattr(self.assertion_id)} Version="2.0"'
            f' IssueInstant="{stamp(self.now)}">{self.issuer_markup()}{self.subject()}{self.conditions()}'
            f"{self.authn_statement()}{statement}</saml:Assertion>"
        )

    def response(self) -> str:
        reply = f" InResponseTo={quoteattr(self.in_response_to)}" if self.in_response_to else ""
        return (
            f'<samlp:Response xmlns:samlp="{n.SAMLP}" xmlns:saml="{n.SAML}" ID={quoteattr(self.response_id)}'
            f' Version="2.0" IssueInstant="{stamp(self.now)}" Destination={quoteattr(self.acs)}{reply}>'
            f'{self.issuer_markup()}<samlp:Status><samlp:StatusCode Value="{n.STATUS}{self.status}"/>'
            f"</samlp:Status>{self.assertion()}</samlp:Response>"
        )


@dataclass(frozen=True)
class Asked:
    """Our own AuthnRequest, as the identity provider reads it."""

    request_id: str
    acs: str
    issuer: str
    destination: str
    relay_state: str
    root: etree._Element = field(repr=False)
    parameters: Mapping[str, str] = field(repr=False)


def inflate(text: str) -> bytes:
    """Undo the DEFLATE encoding of the redirect binding."""
    return zlib.decompress(base64.b64decode(text), -15)


def deflate(data: bytes) -> str:
    """The DEFLATE encoding of the redirect binding, before URL encoding."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return base64.b64encode(packer.compress(data) + packer.flush()).decode()


def read_request(start: LoginStart) -> Asked:
    """Read the AuthnRequest that a LoginStart would bring to the identity provider."""
    if start.method == "redirect":
        query = urllib.parse.urlsplit(start.url).query
        parameters = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        data = inflate(parameters["SAMLRequest"])
    else:
        parameters = dict(start.fields)
        data = base64.b64decode(parameters["SAMLRequest"])
    root = n.parse(data)
    return Asked(
        root.get("ID", ""),
        root.get("AssertionConsumerServiceURL", ""),
        n.find(root, "saml:Issuer").text or "",
        root.get("Destination", ""),
        parameters.get("RelayState", ""),
        root,
        parameters,
    )


@dataclass(frozen=True)
class IdpBox:
    """An identity provider: its name, its keys, where it listens, and to whom it encrypts."""

    entity_id: str
    key: Key
    sp_encryption: Key | None = None
    sso: str = ""
    slo: str = ""
    more_keys: tuple[Key, ...] = ()
    encryption_keys: tuple[Key, ...] = ()

    @property
    def sso_url(self) -> str:
        return self.sso or self.entity_id.rsplit("/", 1)[0] + "/sso"

    @property
    def slo_url(self) -> str:
        return self.slo or self.entity_id.rsplit("/", 1)[0] + "/slo"

    def metadata(self, extra: str = "", *, sign_with: Key | None = None) -> str:
        """The IdP's metadata; `extra` goes before the services. Signed only when a key is given."""
        signing = "".join(key_descriptor(key, "signing") for key in (self.key, *self.more_keys))
        sealing = "".join(key_descriptor(key, "encryption") for key in self.encryption_keys)
        services = "".join(
            f'<md:{name} Binding="{binding}" Location="{location}"/>'
            for name, location in (("SingleLogoutService", self.slo_url), ("SingleSignOnService", self.sso_url))
            for binding in (n.REDIRECT, n.POST)
        )
        markup = (
            f'<md:EntityDescriptor xmlns:md="{n.MD}" xmlns:ds="{n.DS}" ID="_md1" entityID={quoteattr(self.entity_id)}>'
            f'<md:IDPSSODescriptor protocolSupportEnumeration="{n.SAMLP}">{signing}{sealing}{extra}{services}'
            "</md:IDPSSODescriptor></md:EntityDescriptor>"
        )
        root = n.parse(markup.encode())
        if sign_with is not None:
            sign(root, sign_with)
        return n.serialize(root).decode()

    def answer_to(self, asked: Asked, now: datetime) -> Answer:
        """An honest answer to a request."""
        return Answer(self.entity_id, asked.acs, asked.issuer, now, asked.request_id)

    def respond(self, answer: Answer, base: Base, edit: Edit | None = None) -> bytes:
        """The signed Response document. `edit` changes it before the IdP signs: what comes out is truly signed."""
        root = n.parse(answer.response().encode())
        if edit is not None:
            edit(root)
        return n.serialize(self.finish(root, base))

    def finish(self, root: etree._Element, base: Base, *, key: Key | None = None) -> etree._Element:
        """Sign and encrypt a Response as the base says: G-R response, G-A assertion, G-B both, G-E and G-EA encrypted."""
        key = key or self.key
        assertions = root.findall(n.q("saml:Assertion"))
        if base in ("G-A", "G-B", "G-E", "G-EA"):
            for assertion in assertions:
                sign(assertion, key)
        if base in ("G-E", "G-EA"):
            for assertion in assertions:
                encrypt_element(assertion, self.seal())
        if base in ("G-R", "G-B", "G-E"):
            sign(root, key)
        return root

    def seal(self) -> Seal:
        """How this IdP encrypts to its service provider."""
        if self.sp_encryption is None:
            raise LookupError("this IdP knows no encryption certificate of its service provider")
        return Seal(self.sp_encryption)


def key_descriptor(key: Key, use: str) -> str:
    """A KeyDescriptor of metadata; no use means both."""
    wanted = f' use="{use}"' if use else ""
    return (
        f"<md:KeyDescriptor{wanted}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{key.certificate_b64}"
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )


def another(answer: Answer, **changes: object) -> Answer:
    """The same answer with other ids, so that both may stand in one document, and whatever else is to differ."""
    return replace(answer, **{"response_id": "_r2", "assertion_id": "_a2", **changes})  # type: ignore[arg-type]


def form_value(document: bytes) -> str:
    """A document as a form field of the POST binding carries it."""
    return base64.b64encode(document).decode()

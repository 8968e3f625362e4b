"""A made-up federation: aggregates of any size, shaped like eduGAIN's (about 8 kB an entity) and signed as federations sign."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lxml import etree

from tests.fakes import saml_names as n
from tests.fakes.saml_keys import Key, key
from tests.fakes.saml_sign import sign

P = "urn:oasis:names:tc:SAML:2.0"
NAMESPACES = (
    f'xmlns:md="{n.MD}" xmlns:ds="{n.DS}" xmlns:saml="{n.SAML}" xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui" '
    'xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute" xmlns:mdrpi="urn:oasis:names:tc:SAML:metadata:rpi" '
    'xmlns:shibmd="urn:mace:shibboleth:metadata:1.0"'
)


def entity_id(number: int) -> str:
    return f"https://idp.univ{number}.example.edu/idp/shibboleth"


def entity(number: int, *, inside: str = "", attributes: str = "", scope: str = '<shibmd:Scope regexp="false">{}</shibmd:Scope>') -> str:
    """An identity provider. `inside` goes into its role's UIInfo; `attributes` onto its EntityDescriptor."""
    base, domain = f"https://idp.univ{number}.example.edu", f"univ{number}.example.edu"
    certificate = key(f"federation-idp-{number % 8}").certificate_b64
    keys = "".join(
        f'<md:KeyDescriptor use="{use}"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>\n{certificate}\n</ds:X509Certificate></ds:X509Data>'
        "</ds:KeyInfo></md:KeyDescriptor>"
        for use in ("signing", "encryption")
    )
    services = "".join(
        f'<md:{kind}Service Binding="{P}:bindings:HTTP-{binding}" Location="{base}/{binding}/{kind}"/>\n'
        for kind in ("SingleLogout", "SingleSignOn")
        for binding in ("Redirect", "POST")
    )
    return f"""<md:EntityDescriptor entityID="{entity_id(number)}" {attributes}>
<md:Extensions><mdrpi:RegistrationInfo registrationAuthority="https://fed{number % 70}.example.net"/>
<mdattr:EntityAttributes><saml:Attribute Name="http://macedir.org/entity-category-support"><saml:AttributeValue>\
http://refeds.org/category/research-and-scholarship</saml:AttributeValue></saml:Attribute>\
<saml:Attribute Name="http://macedir.org/entity-category"><saml:AttributeValue>http://refeds.org/category/hide-from-discovery\
</saml:AttributeValue></saml:Attribute><saml:Attribute Name="urn:oasis:names:tc:SAML:attribute:assurance-certification">\
<saml:AttributeValue>https://refeds.org/sirtfi</saml:AttributeValue></saml:Attribute></mdattr:EntityAttributes></md:Extensions>
<md:IDPSSODescriptor protocolSupportEnumeration="{P}:protocol"><md:Extensions>{scope.format(domain)}
<mdui:UIInfo><mdui:DisplayName xml:lang="en">University {number}</mdui:DisplayName>\
<mdui:DisplayName xml:lang="de">Universität {number}</mdui:DisplayName><mdui:Keywords xml:lang="en">bears+honey</mdui:Keywords>\
<mdui:Logo height="60" width="80">{base}/logo.png</mdui:Logo>{inside}</mdui:UIInfo>
<mdui:DiscoHints><mdui:DomainHint>hint.{domain}</mdui:DomainHint></mdui:DiscoHints></md:Extensions>
{keys}{services}</md:IDPSSODescriptor>
<md:Organization><md:OrganizationName xml:lang="en">U{number}</md:OrganizationName><md:OrganizationDisplayName xml:lang="en">U{number}\
</md:OrganizationDisplayName><md:OrganizationURL xml:lang="en">{base}</md:OrganizationURL></md:Organization>
</md:EntityDescriptor>
"""


@dataclass(frozen=True)
class Federation:
    """Who signs, and what the root says."""

    signer: Key = field(default_factory=lambda: key("federation"))
    now: datetime = datetime(2026, 5, 4, 12, tzinfo=UTC)
    valid_for: timedelta | None = timedelta(days=14)
    attributes: str = 'cacheDuration="PT6H"'

    def plain(self, body: str) -> bytes:
        """The aggregate around `body`, unsigned."""
        until = "" if self.valid_for is None else f'validUntil="{(self.now + self.valid_for):%Y-%m-%dT%H:%M:%SZ}"'
        head = f'<md:EntitiesDescriptor {NAMESPACES} ID="_federation" Name="urn:example:federation" {until} {self.attributes}>\n'
        return (head + body + "</md:EntitiesDescriptor>").encode()

    def signed(self, body: str, **how: str) -> bytes:
        """The aggregate around `body`, signed; `how` is for `saml_sign.sign`."""
        root = etree.fromstring(self.plain(body), etree.XMLParser(huge_tree=True, resolve_entities=False))
        sign(root, self.signer, **how)  # type: ignore[arg-type]
        return etree.tostring(root, encoding="UTF-8", xml_declaration=True)

    def entities(self, count: int) -> bytes:
        """A signed aggregate of so many identity providers."""
        return self.signed("".join(entity(number) for number in range(count)))

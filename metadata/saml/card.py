"""What a discovery page and a filter need to know of one entity of a federation, and the octets to read the rest from.

Everything is read at its one place: MDUI and scopes in the role's Extensions, attributes and registration in the entity's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from lxml import etree

from metadata.errors import DocumentInvalid
from metadata.saml.descriptor import logo_url
from metadata.saml.lifetime import Lifetime, lifetime
from metadata.saml.names import MD, MDUI, SAML, SAMLP, XML, tag
from metadata.saml.xml import DOCUMENT, refuse, reparse, text

MDATTR: Final = "urn:oasis:names:tc:SAML:metadata:attribute"
MDRPI: Final = "urn:oasis:names:tc:SAML:metadata:rpi"
SHIBMD: Final = "urn:mace:shibboleth:metadata:1.0"
CATEGORY: Final = "http://macedir.org/entity-category"
CATEGORY_SUPPORT: Final = "http://macedir.org/entity-category-support"
ASSURANCE: Final = "urn:oasis:names:tc:SAML:attribute:assurance-certification"
MAX_VALUES: Final = 100
_IDP_ROLE = tag(MD, "IDPSSODescriptor")
_EXTENSIONS = tag(MD, "Extensions")
_LANGUAGE = tag(XML, "lang")


@dataclass(frozen=True, slots=True)
class EntityCard:
    """One entity. `octets` is its EntityDescriptor, which stands alone; from `valid_until` (UTC) on it must not be used (J4).

    Names and keywords are pairs of language and text: others' words, to be escaped where they are shown (J16). `scopes` are those that are
    plain domains; a regular expression is never one (J17). `domains` adds the domain hints, which prove nothing and only help searching.
    """

    entity_id: str
    octets: bytes = field(repr=False)
    display_names: tuple[tuple[str, str], ...]
    keywords: tuple[tuple[str, str], ...]
    scopes: tuple[str, ...]
    domains: tuple[str, ...]
    logo_url: str
    registration_authority: str
    categories: tuple[str, ...]
    supported_categories: tuple[str, ...]
    assurance: tuple[str, ...]
    valid_until: datetime | None


def read_card(octets: bytes, around: Lifetime, now: datetime) -> EntityCard:
    """Read octets that `metadata.saml.splitter` cut. `around` is the lifetime of the groups that the entity is in.

    Raises DocumentInvalid, for this entity alone: entity_id_invalid, metadata_expired, several_roles, no_saml2, valid_until_invalid, xml_*.
    """
    try:
        root = reparse(octets)
    except etree.XMLSyntaxError as error:
        raise refuse("xml_malformed", f"not well-formed: {error}"[:300]) from None  # deeper than libxml2 allows
    if sum(1 for _ in root.iter()) > DOCUMENT.max_elements:
        raise refuse("xml_too_many_nodes", "too many elements in one entity")
    entity_id = root.get("entityID", "")
    if not entity_id or len(entity_id) > 1024 or not entity_id.isprintable() or any(char.isspace() for char in entity_id):
        raise _unfit("entity_id_invalid", "The entity id is empty, too long, or holds spaces.")  # J9
    role = _role(root)
    life = lifetime((root,) if role is None else (root, role)).within(around)
    if life.valid_until is not None and life.valid_until <= now:
        raise _unfit("metadata_expired", "The metadata of this entity has expired.")
    attributes = _attributes(root)
    names, keywords, scopes, hints = _shown(role) if role is not None else ((), (), (), ())
    return EntityCard(
        entity_id=entity_id,
        octets=octets,
        display_names=names or _organization(root),
        keywords=keywords,
        scopes=scopes,
        domains=tuple(dict.fromkeys((*scopes, *hints))),
        logo_url=logo_url(role) if role is not None else "",
        registration_authority=_authority(root),
        categories=attributes.get(CATEGORY, ()),
        supported_categories=attributes.get(CATEGORY_SUPPORT, ()),
        assurance=attributes.get(ASSURANCE, ()),
        valid_until=life.valid_until,
    )


def _unfit(code: str, public: str) -> DocumentInvalid:
    return DocumentInvalid(public, code=code)


def _role(root: etree._Element) -> etree._Element | None:
    roles = root.findall(_IDP_ROLE)
    fitting = [role for role in roles if SAMLP in role.get("protocolSupportEnumeration", "").split()]
    if len(fitting) > 1:
        raise _unfit("several_roles", "The metadata describes two SAML 2.0 roles of one identity provider.")  # J18
    if roles and not fitting:
        raise _unfit("no_saml2", "This identity provider does not speak SAML 2.0.")
    return fitting[0] if fitting else None


Pairs = tuple[tuple[str, str], ...]


def _shown(role: etree._Element) -> tuple[Pairs, Pairs, tuple[str, ...], tuple[str, ...]]:
    names: list[tuple[str, str]] = []
    keywords: list[tuple[str, str]] = []
    scopes: list[str] = []
    hints: list[str] = []
    for extension in (child for extensions in role.findall(_EXTENSIONS) for child in extensions):
        if extension.tag == tag(SHIBMD, "Scope"):
            if extension.get("regexp", "false") in ("false", "0"):
                scopes += _domain(extension)
        elif extension.tag == tag(MDUI, "UIInfo"):
            names += [_pair(element) for element in extension.findall(tag(MDUI, "DisplayName"))]
            keywords += [_pair(element) for element in extension.findall(tag(MDUI, "Keywords"))]
        elif extension.tag == tag(MDUI, "DiscoHints"):
            hints += [domain for element in extension.findall(tag(MDUI, "DomainHint")) for domain in _domain(element)]
    return tuple(names[:MAX_VALUES]), tuple(keywords[:MAX_VALUES]), tuple(scopes[:MAX_VALUES]), tuple(hints[:MAX_VALUES])


def _domain(element: etree._Element) -> list[str]:
    """The domain in lower case; nothing if it could not be one, such as `*` or `.`."""
    name = text(element).strip().lower()
    labels = name.split(".")
    good = len(name) <= 253 and len(labels) > 1 and all(label and label.replace("-", "").isalnum() for label in labels)
    return [name] if good else []


def _pair(element: etree._Element) -> tuple[str, str]:
    words = " ".join(text(element).split())
    return element.get(_LANGUAGE, "").lower()[:35], "".join(char for char in words if char.isprintable())[:256]


def _organization(root: etree._Element) -> Pairs:
    return tuple(_pair(name) for name in root.findall(f"{tag(MD, 'Organization')}/{tag(MD, 'OrganizationDisplayName')}")[:MAX_VALUES])


def _authority(root: etree._Element) -> str:
    found = root.find(f"{_EXTENSIONS}/{tag(MDRPI, 'RegistrationInfo')}")
    return "" if found is None else found.get("registrationAuthority", "").strip()[:1024]


def _attributes(root: etree._Element) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for attribute in root.findall(f"{_EXTENSIONS}/{tag(MDATTR, 'EntityAttributes')}/{tag(SAML, 'Attribute')}"):
        values = tuple(text(value).strip()[:1024] for value in attribute.findall(tag(SAML, "AttributeValue")))
        name = attribute.get("Name", "")
        found[name] = (*found.get(name, ()), *values)[:MAX_VALUES]
    return found

"""From the metadata of a customer's identity provider to an `IdpEntity`, or to a sentence that says what to do.

The people who meet these errors have never seen SAML, so each says which document or key to fetch instead. `code` is for machines.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NoReturn

from lxml import etree

from metadata.errors import DocumentInvalid
from metadata.saml import signature
from metadata.saml.descriptor import display_name, logo_url, name_id_formats, services, signing_keys
from metadata.saml.entity import IdpEntity, SigningKey
from metadata.saml.names import MD, SAMLP, tag
from metadata.saml.times import read_duration, read_time
from metadata.saml.xml import DOCUMENT, Limits, check_ids, parse

MIN_CACHE_SECONDS: Final = 300
MAX_CACHE_SECONDS: Final = 30 * 86_400
_SOON = timedelta(days=30)
_ENTITY = tag(MD, "EntityDescriptor")
_ENTITIES = tag(MD, "EntitiesDescriptor")


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read a document. `now` is an aware datetime.

    `entity_id` picks one of several, and pins the only one. `pinned_certificate` (PEM) demands that the root be signed with its key.
    `allow_expired` keeps keys whose certificates have ended, with a warning: it is for metadata that is already in use, for a certificate's
    end stops nothing at the IdP. `plain_http` allows `http:` locations (only where the operator himself wrote the document).
    """

    now: datetime
    entity_id: str | None = None
    pinned_certificate: str | None = None
    allow_expired: bool = False
    plain_http: bool = False
    limits: Limits = DOCUMENT


def parse_idp(data: bytes | str, how: Reading) -> IdpEntity:
    """Read the metadata of one identity provider (saml-metadata-2.0-os).

    Raises DocumentInvalid with code: private_key_pasted, html_given, metadata_unparsable, not_metadata, sp_metadata, several_idps,
    no_idp, entity_id_mismatch, entity_id_invalid, metadata_expired, no_saml2, several_roles, no_signing_key, only_encryption_key, weak_key,
    certificate_invalid, certificate_expired, no_sso_binding, location_invalid, valid_until_invalid; and SignatureInvalid with signature_*.
    """
    root = _root(data, how)
    entity = _choose(root, how.entity_id)
    entity_id = _entity_id(entity)
    role = _role(entity)
    valid_until, cache = _lifetime(role)
    if valid_until is not None and valid_until <= how.now:
        fail("metadata_expired", "This metadata has expired. Download it again from the identity provider.")
    keys, warnings = signing_keys(role)
    keys, more = _by_date(keys, how)
    sso, slo = services(role, plain_http=how.plain_http)
    return IdpEntity(
        entity_id=entity_id,
        signing_keys=keys,
        sso=sso,
        slo=slo,
        name_id_formats=name_id_formats(role),
        want_authn_requests_signed=role.get("WantAuthnRequestsSigned") in ("true", "1"),
        valid_until=valid_until,
        cache_duration_seconds=cache,
        display_name=display_name(entity, role),
        logo_url=logo_url(role),
        warnings=(*warnings, *more),
    )


def fail(code: str, public: str, private: str = "") -> NoReturn:
    """Raise the error that the admin will read."""
    raise DocumentInvalid(public, private, code=code)


def _root(data: bytes | str, how: Reading) -> etree._Element:
    octets = (data.encode("utf-8", "replace") if isinstance(data, str) else data).strip(b" \t\r\n")
    if b"PRIVATE KEY-----" in octets:
        fail(
            "private_key_pasted",
            "This contains a private key. Treat that key as disclosed, and give the metadata only.",
        )
    if octets[:200].lower().lstrip(b"\xef\xbb\xbf").startswith((b"<!doctype html", b"<html")):
        fail("html_given", "This is a web page. Download the metadata file itself (XML) from the identity provider.")
    try:
        root = parse(octets, how.limits)
    except DocumentInvalid as error:
        fail(
            "metadata_unparsable",
            "This is not well-formed SAML metadata. Download the XML file again and give it unchanged.",
            f"{error.code}: {error.private}",
        )
    if how.pinned_certificate is not None:
        root = parse(signature.verify(root, [how.pinned_certificate]).data, how.limits)
    check_ids(root, strict=False)
    if root.tag not in (_ENTITY, _ENTITIES):
        fail(
            "not_metadata",
            "This XML is not SAML metadata: it does not begin with EntityDescriptor.",
            f"root is {str(root.tag)[:200]}",
        )
    return root


def _choose(root: etree._Element, entity_id: str | None) -> etree._Element:
    entities = list(root.iter(_ENTITY))
    if entity_id is not None:
        found = [entity for entity in entities if entity.get("entityID") == entity_id]
        if len(found) == 1:
            return found[0]
        if len(found) > 1:
            fail("several_idps", "The metadata describes this entity id more than once.")
        fail("entity_id_mismatch", "The metadata does not describe the identity provider that is set up here.")
    found = [entity for entity in entities if entity.find(tag(MD, "IDPSSODescriptor")) is not None]
    if len(found) > 1:
        fail("several_idps", "The metadata describes several identity providers. Say which by its entity id.")
    if found:
        return found[0]
    if any(entity.find(tag(MD, "SPSSODescriptor")) is not None for entity in entities):
        fail("sp_metadata", "This is the metadata of a service provider. Give that of the identity provider.")
    fail("no_idp", "The metadata describes no identity provider.")


def _entity_id(entity: etree._Element) -> str:
    value = entity.get("entityID", "")
    if not value or len(value) > 1024 or not value.isprintable() or any(char.isspace() for char in value):
        fail("entity_id_invalid", "The entity id in the metadata is empty, too long, or holds spaces.")  # J9
    return value


def _role(entity: etree._Element) -> etree._Element:
    roles = entity.findall(tag(MD, "IDPSSODescriptor"))
    if not roles:
        if entity.find(tag(MD, "SPSSODescriptor")) is not None:
            fail("sp_metadata", "This is the metadata of a service provider. Give that of the identity provider.")
        fail("no_idp", "The metadata describes no identity provider.")
    fitting = [role for role in roles if SAMLP in role.get("protocolSupportEnumeration", "").split()]
    if not fitting:
        fail("no_saml2", "This identity provider does not speak SAML 2.0.")
    if len(fitting) > 1:
        fail("several_roles", "The metadata describes two SAML 2.0 roles of one identity provider.")  # J18
    return fitting[0]


def _lifetime(role: etree._Element) -> tuple[datetime | None, int | None]:
    """The earliest end and the shortest cache time of the role and all that is around it (saml-metadata-2.0-os, 2.3.1)."""
    ends, durations = [], []
    for element in (role, *role.iterancestors()):
        if (end := element.get("validUntil")) is not None:
            try:
                ends.append(read_time(end))
            except ValueError:
                fail("valid_until_invalid", "The metadata's validUntil is not a date.", end[:100])
        if (cache := element.get("cacheDuration")) is not None:
            try:
                durations.append(read_duration(cache))
            except ValueError:
                continue  # J5: nonsense shortens nothing, and lengthens nothing
    cached = min(max(min(durations), MIN_CACHE_SECONDS), MAX_CACHE_SECONDS) if durations else None
    return (min(ends) if ends else None), cached


def _by_date(keys: tuple[SigningKey, ...], how: Reading) -> tuple[tuple[SigningKey, ...], list[str]]:
    """Expired certificates are refused when a provider is set up (spec B.6), and only warned of once it is in use."""
    kept, warnings = [], []
    for key in keys:
        label = f"The signing certificate {key.sha256[:16]}"
        if key.not_after <= how.now:
            warnings.append(f"{label} expired on {key.not_after:%Y-%m-%d}.")
            if not how.allow_expired:
                continue
        elif key.not_after <= how.now + _SOON:
            warnings.append(f"{label} ends on {key.not_after:%Y-%m-%d}.")
        elif key.not_before > how.now:
            warnings.append(f"{label} is valid only from {key.not_before:%Y-%m-%d}.")
        kept.append(key)
    if not kept:
        fail("certificate_expired", "The signing certificate in the metadata has expired. Renew it at the identity provider.")
    return tuple(kept), warnings

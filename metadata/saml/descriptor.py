"""What stands in an IDPSSODescriptor: its keys, its endpoints, its names (saml-metadata-2.0-os, section 2.4.3)."""

from __future__ import annotations

from urllib.parse import urlsplit

from lxml import etree

from metadata.errors import DocumentInvalid
from metadata.saml.entity import Binding, Endpoint, SigningKey
from metadata.saml.keys import read_certificate
from metadata.saml.names import BINDING_POST, BINDING_REDIRECT, DS, MD, MDUI, XML, tag
from metadata.saml.xml import text

_BINDINGS: dict[str, Binding] = {BINDING_REDIRECT: "redirect", BINDING_POST: "post"}
MAX_KEYS = 12


def signing_keys(role: etree._Element) -> tuple[tuple[SigningKey, ...], list[str]]:
    """The keys that may sign, and warnings of those that were left out.

    Of each X509Data the first certificate counts: the rest is a chain, and the key of a CA is not the key of the IdP (C10).
    Raises DocumentInvalid (no_signing_key, only_encryption_key, private_key_pasted, weak_key, certificate_invalid).
    """
    found: dict[str, SigningKey] = {}
    problems: list[DocumentInvalid] = []
    descriptors = role.findall(tag(MD, "KeyDescriptor"))
    fitting = [descriptor for descriptor in descriptors if descriptor.get("use") in (None, "signing")]
    for descriptor in fitting[:MAX_KEYS]:
        for data in descriptor.iter(tag(DS, "X509Data")):
            certificate = data.find(tag(DS, "X509Certificate"))
            if certificate is None:
                continue
            try:
                key = read_certificate(text(certificate))
            except DocumentInvalid as error:
                if error.code == "private_key_pasted":
                    raise
                problems.append(error)
            else:
                found[key.sha256] = key
    if not found:
        raise problems[0] if problems else _keyless(bool(descriptors) and not fitting)
    return tuple(found.values()), [f"A signing certificate was left out. {problem.public}" for problem in problems]


def _keyless(encryption_only: bool) -> DocumentInvalid:
    if encryption_only:
        return DocumentInvalid(
            "The metadata has a certificate for encryption only. The one for signing is needed.",
            code="only_encryption_key",
        )
    return DocumentInvalid("The metadata has no signing certificate. Download it again, with the certificate.", code="no_signing_key")


def services(role: etree._Element, *, plain_http: bool) -> tuple[tuple[Endpoint, ...], tuple[Endpoint, ...]]:
    """The SSO and SLO endpoints with bindings that we speak. Raises DocumentInvalid (no_sso_binding, location_invalid)."""
    sso = _endpoints(role, "SingleSignOnService", plain_http)
    slo = _endpoints(role, "SingleLogoutService", plain_http)
    if not sso:
        raise DocumentInvalid(
            "The identity provider offers no sign-in by HTTP-Redirect or HTTP-POST. Turn one of them on.",
            code="no_sso_binding",
        )
    return sso, slo


def _endpoints(role: etree._Element, local: str, plain_http: bool) -> tuple[Endpoint, ...]:
    found: dict[Binding, Endpoint] = {}
    for element in role.findall(tag(MD, local)):
        binding = _BINDINGS.get(element.get("Binding", ""))
        if binding is None or binding in found:
            continue
        response = element.get("ResponseLocation")
        location = element.get("Location", "")
        for address in (location, *([response] if response is not None else [])):
            _check_location(address, local, plain_http)
        found[binding] = Endpoint(binding, location, response)
    return tuple(found.values())


def _check_location(location: str, local: str, plain_http: bool) -> None:
    """An absolute https URL and nothing cleverer: the browser is sent there, and a form posts to it (J12)."""
    try:
        parts = urlsplit(location)
        good = bool(parts.hostname) and parts.username is None and parts.password is None and (parts.port or 1) > 0
    except ValueError:
        good, parts = False, urlsplit("")
    schemes = ("https", "http") if plain_http else ("https",)
    plain = location.isascii() and location.isprintable() and not set(location) & set(" \"'<>\\^`{|}#")
    if not good or not plain or parts.scheme not in schemes or len(location) > 2048:
        raise DocumentInvalid(
            f"The address of {local} in the metadata is not a plain https address.", location[:200], code="location_invalid"
        )


def name_id_formats(role: etree._Element) -> tuple[str, ...]:
    """The NameID formats that the IdP says it supports, at most 20."""
    return tuple(text(element).strip() for element in role.findall(tag(MD, "NameIDFormat"))[:20])


def display_name(entity: etree._Element, role: etree._Element) -> str:
    """mdui:DisplayName, else the organization's; English if there is a choice. Others' words: whoever shows them escapes them (J16)."""
    organization = entity.find(tag(MD, "Organization"))
    candidates = list(role.iter(tag(MDUI, "DisplayName")))
    if not candidates and organization is not None:
        candidates = organization.findall(tag(MD, "OrganizationDisplayName"))
    candidates.sort(key=lambda element: not element.get(tag(XML, "lang"), "").lower().startswith("en"))
    name = " ".join(text(candidates[0]).split()) if candidates else ""
    return "".join(char for char in name if char.isprintable())[:128]


def logo_url(role: etree._Element) -> str:
    """The https address of the first mdui:Logo, or nothing; data: and the like are left out."""
    for element in role.iter(tag(MDUI, "Logo")):
        address = text(element).strip()
        try:
            _check_location(address, "Logo", plain_http=False)
        except DocumentInvalid:
            continue
        return address
    return ""

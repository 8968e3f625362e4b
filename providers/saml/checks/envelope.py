"""Checks of the Response around the assertion (saml-core-2.0-os, 3.2.2; saml-profiles-2.0-os, 4.1.4.2)."""

from __future__ import annotations

from datetime import timedelta

from lxml import etree

from metadata.saml.names import NAME_ID_ENTITY, SAMLP, STATUS_SUCCESS, tag
from metadata.saml.xml import children, is_ncname, text
from providers.errors import UpstreamRefused
from providers.saml.expected import Expected, moment, quoted, refuse
from providers.saml.shape import ISSUER

_STATUS = "urn:oasis:names:tc:SAML:2.0:status:"


def version(root: etree._Element, want: Expected) -> None:
    """2.0 and an ID (E38)."""
    if root.get("Version") != "2.0":
        refuse("version", quoted(root.get("Version")))
    if not is_ncname(root.get("ID", "")):
        refuse("id_missing", "no ID, or not an NCName")


def destination(root: etree._Element, want: Expected) -> None:
    """Exactly the address where it arrived, signed or not (E17 to E20)."""
    found = root.get("Destination")
    if found is None:
        refuse("destination_missing")
    if found != want.callback_url:
        refuse("destination_mismatch", quoted(found))


def issuer(root: etree._Element, want: Expected) -> None:
    """Issuer of the Response = Issuer of the Assertion = the IdP that we expect; this is the Response's part (E41, E42, K2 to K7)."""
    elements = root.findall(ISSUER)
    if len(elements) != 1:
        refuse("issuer_missing", f"{len(elements)} Issuers in the message")
    check_issuer(elements[0], want)


def check_issuer(element: etree._Element, want: Expected) -> None:
    """The exact entity id, and no qualifiers (saml-core-2.0-os, 8.3.6)."""
    if element.get("Format", NAME_ID_ENTITY) != NAME_ID_ENTITY or set(element.attrib) - {"Format"}:
        refuse("issuer_format", "the Issuer has another Format, or qualifiers")
    if text(element) != want.idp.entity_id:
        refuse("issuer_mismatch", quoted(text(element)))


def in_response_to(root: etree._Element, want: Expected) -> None:
    """The request that this browser's login sent, to this IdP, lately; or none at all (E1 to E9)."""
    found = root.get("InResponseTo")
    if want.memo is None:
        if not want.options.idp_initiated:
            refuse("unsolicited", "an answer that nobody asked for, and the provider does not allow it")
        if found is not None:
            refuse("in_response_to_unexpected", quoted(found))
        return
    if want.memo.entity_id != want.idp.entity_id:
        refuse("request_for_another_idp", "the request was sent to an IdP that this provider no longer is")
    if want.memo.callback_url != want.callback_url:
        refuse("callback_mismatch", "the answer came to another address than the request named")
    if want.now > want.memo.sent_at + timedelta(seconds=want.options.request_max_age_seconds):
        refuse("request_expired", "the answer came too late")
    if found is None:
        refuse("in_response_to_missing")
    if found != want.memo.request_id:
        refuse("in_response_to_mismatch", quoted(found))


def issue_instant(root: etree._Element, want: Expected) -> None:
    """Not of the future, not older than the request; unsolicited, not older than the provider allows (E26).

    It bounds how long a message can be replayed at all, whatever its NotOnOrAfter says.
    """
    issued = moment(root.get("IssueInstant"), "issue_instant")
    if issued > want.now + want.skew:
        refuse("issue_instant_future", str(issued))
    recently = want.now - timedelta(seconds=want.options.unsolicited_max_age_seconds)
    oldest = want.memo.sent_at if want.memo is not None else recently
    if issued < oldest - want.skew:
        refuse("issue_instant_past", str(issued))


def status(root: etree._Element, want: Expected) -> None:
    """Success at the top, or the IdP's own refusal as UpstreamRefused, in printable words (E36, E37)."""
    elements = root.findall(tag(SAMLP, "Status"))
    codes = elements[0].findall(tag(SAMLP, "StatusCode")) if len(elements) == 1 else []
    if len(codes) != 1:
        refuse("status_malformed", "not exactly one StatusCode")
    top = codes[0].get("Value", "")
    if top == STATUS_SUCCESS:
        if len(codes[0]):
            refuse("status_malformed", "a success with a second status")
        return
    second = [element.get("Value", "") for element in children(codes[0])]
    message = elements[0].find(tag(SAMLP, "StatusMessage"))
    words = _printable(text(message)) if message is not None else ""
    raise UpstreamRefused(_printable((second or [top])[0].removeprefix(_STATUS)) or "unknown", words)


def _printable(words: str) -> str:
    return "".join(char if char.isprintable() else " " for char in words).strip()[:200]

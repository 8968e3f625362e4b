"""Checks of the Subject: who, and how the browser proves that it may say so (saml-profiles-2.0-os, 3.3 and 4.1.4.2)."""

from __future__ import annotations

import unicodedata

from lxml import etree

from metadata.saml.names import (
    METHOD_BEARER,
    NAME_ID_UNSPECIFIED,
    SAML,
    tag,
)
from metadata.saml.xml import children, text
from providers.saml.expected import Expected, moment, quoted, refuse
from providers.saml.shape import AssertionParts
from providers.saml.subject import NameId

NAME_ID = tag(SAML, "NameID")
_CONFIRMATION = tag(SAML, "SubjectConfirmation")
MAX_NAME_ID = 256
_SPACES = frozenset(char for char in map(chr, range(0x3001)) if char.isspace() and char != " ")
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


def name_id(parts: AssertionParts, want: Expected) -> None:
    """Exactly one NameID, in plain text, of the format that was asked for."""
    found = [element.tag for element in children(parts.subject)]
    if NAME_ID not in found:
        refuse("name_id_missing", "no NameID; encrypted ids are not offered" if found else "an empty Subject")
    if found[0] != NAME_ID or found.count(NAME_ID) > 1:
        refuse("subject_structure", "a NameID, then its confirmations")
    name = read_name_id(parts.subject[0])
    wanted = want.options.name_id_format
    if wanted not in (None, NAME_ID_UNSPECIFIED) and name.format != wanted:
        refuse("name_id_format", quoted(name.format))


def read_name_id(element: etree._Element) -> NameId:
    """A NameID that has one reading only; what could look like another's is refused, never repaired (F1 to F5).

    Refused: empty, over 256 characters, white space at the ends or other than the plain space, invisible and control characters, forms
    that Unicode normalisation (NFC) would change, and characters of four octets in UTF-8 (spec B.6, item 10). Letters of other scripts
    stay, and stay different from their look-alikes.
    """
    if set(element.attrib) - {"Format", "NameQualifier", "SPNameQualifier", "SPProvidedID"}:
        refuse("name_id_malformed", "unknown attributes")
    for value in (text(element), *(str(value) for value in element.attrib.values())):
        _check_text(value)
    return NameId(
        value=text(element),
        format=element.get("Format", NAME_ID_UNSPECIFIED),
        name_qualifier=element.get("NameQualifier", ""),
        sp_name_qualifier=element.get("SPNameQualifier", ""),
    )


def _check_text(value: str) -> None:
    if not value.strip():
        refuse("name_id_empty")
    if len(value) > MAX_NAME_ID:
        refuse("name_id_too_long", f"{len(value)} characters")
    if value != value.strip() or not _SPACES.isdisjoint(value):
        refuse("name_id_whitespace", quoted(value))
    if value.isascii() and value.isprintable():
        return
    if any(unicodedata.category(char) in _UNSEEN for char in value):
        refuse("name_id_invisible_character", ascii(value)[:120])
    if unicodedata.normalize("NFC", value) != value:
        refuse("name_id_not_normalised", ascii(value)[:120])
    if max(value) > "\uffff":
        refuse("name_id_four_octets", ascii(value)[:120])


def confirmation(parts: AssertionParts, want: Expected) -> None:
    """Every SubjectConfirmation must be a bearer confirmation that holds, and there must be one (E15, E16, E23, E24, E29 to E32).

    One that holds would do by the letter; but a second that does not is a sign of tampering or of a purpose that is not ours.
    """
    confirmations = children(parts.subject)[1:]
    if not confirmations:
        refuse("subject_confirmation_missing")
    for element in confirmations:
        if element.tag != _CONFIRMATION:
            refuse("subject_structure", quoted(element.tag))
        if element.get("Method") != METHOD_BEARER:
            refuse("subject_confirmation_method", quoted(element.get("Method")))
        data = element.findall(tag(SAML, "SubjectConfirmationData"))
        if len(data) != 1:
            refuse("subject_confirmation_data_missing", f"{len(data)} SubjectConfirmationData")
        _check_data(data[0], want)


def _check_data(data: etree._Element, want: Expected) -> None:
    recipient = data.get("Recipient")
    if recipient is None:
        refuse("recipient_missing")
    if recipient != want.callback_url:
        refuse("recipient_mismatch", quoted(recipient))
    if data.get("NotBefore") is not None:
        refuse("subject_confirmation_not_before", "a bearer confirmation must not have NotBefore")
    end = moment(data.get("NotOnOrAfter"), "subject_confirmation_not_on_or_after")
    if end <= want.now - want.skew:
        refuse("subject_confirmation_expired", str(end))
    answered = data.get("InResponseTo")
    if want.memo is None:
        if answered is not None:
            refuse("in_response_to_unexpected", quoted(answered))
    elif answered is None:
        refuse("subject_confirmation_in_response_to_missing")
    elif answered != want.memo.request_id:
        refuse("subject_confirmation_in_response_to_mismatch", quoted(answered))

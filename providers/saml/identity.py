"""From an accepted assertion to an UpstreamIdentity, with the keys that must be burned."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from metadata.saml.names import SAML, tag
from providers.base import Burn, ProviderSpec, UpstreamIdentity, UpstreamSession, VerifiedAttributes
from providers.saml.checks.authn import authenticated_at, context_class, session_not_on_or_after
from providers.saml.checks.subject import read_name_id
from providers.saml.expected import Expected, moment, reading
from providers.saml.reader import Accepted
from providers.saml.shape import AssertionParts

NAME_ID_ATTRIBUTE = "NameID"
MAX_BURN = timedelta(days=1)


def make_identity(spec: ProviderSpec, accepted: Accepted, want: Expected) -> UpstreamIdentity:
    """Who signed in. Everything is read from the verified assertion, re-parsed.

    `attributes` has a string for one value and a list for none or several, by Attribute Name; "NameID" is the NameID's value (spec B.9,
    item 2) and never an attribute of the IdP's that calls itself so.
    """
    parts = accepted.parts
    with reading():
        name = read_name_id(parts.subject[0])
        context = context_class(parts)
        authenticated, ends = authenticated_at(parts), session_not_on_or_after(parts)
    attributes: dict[str, str | list[str]] = {key: values[0] if len(values) == 1 else values for key, values in accepted.attributes.items()}
    notes = accepted.notes
    if want.options.allow_name_id_as_attribute:
        if NAME_ID_ATTRIBUTE in attributes:
            notes = (*notes, "an attribute called NameID was left out in favour of the subject's NameID")
        attributes[NAME_ID_ATTRIBUTE] = name.value
    return UpstreamIdentity(
        provider_id=spec.provider_id,
        issuer=want.idp.entity_id,
        subject=name.value,
        subject_key=name.key(want.idp.entity_id, want.entity_id),
        attributes=VerifiedAttributes(attributes),
        authenticated_at=authenticated,
        acr=context,
        transient=name.transient,
        session=UpstreamSession(name_id=name.fields(), session_index=parts.authn.get("SessionIndex"), not_on_or_after=ends),
        burns=_burns(spec, parts, want),
        notes=(*notes, *_signed_by(accepted, want)),
        evidence=accepted.evidence,
    )


def _signed_by(accepted: Accepted, want: Expected) -> list[str]:
    """Which key signed what: the ground for telling whether a change of certificate would have refused this login (C11 is a note too)."""
    notes = []
    pinned = {key.sha256: key for key in want.idp.signing_keys}
    for what, fingerprint in (("response", accepted.response_key), ("assertion", accepted.assertion_key)):
        if fingerprint is not None:
            key = pinned[fingerprint]
            odd = " (certificate expired)" if key.not_after <= want.now else ""
            odd = " (certificate not yet valid)" if key.not_before > want.now else odd
            notes.append(f"{what} signed by {fingerprint}{odd}")
    return notes


def _burns(spec: ProviderSpec, parts: AssertionParts, want: Expected) -> tuple[Burn, ...]:
    """The assertion's id, scoped by pool and issuer, and the request's id.

    Kept until the assertion could not be accepted anyway (G5), and a day at most: IssueInstant bounds it closer than a NotOnOrAfter of
    the year 9999. Of an unsolicited answer the burn is all that stops a replay, so it must outlive a lost cache (G4).
    """
    ends = [moment(parts.conditions.get("NotOnOrAfter"), "conditions_not_on_or_after")]
    ends += [
        moment(data.get("NotOnOrAfter"), "subject_confirmation_not_on_or_after")
        for data in parts.subject.iter(tag(SAML, "SubjectConfirmationData"))
    ]
    until = min(max(ends), want.now + MAX_BURN) + 2 * want.skew + timedelta(seconds=1)
    burns = [Burn(burn_key("assertion", spec.pool_id, want.idp.entity_id, parts.root.get("ID", "")), until, want.memo is None)]
    if want.memo is not None:
        expires: datetime = want.memo.sent_at + timedelta(seconds=want.options.request_max_age_seconds) + want.skew
        burns.append(Burn(burn_key("request", spec.pool_id, want.idp.entity_id, want.memo.request_id), expires))
    return tuple(burns)


def burn_key(kind: str, pool_id: str, issuer: str, identifier: str) -> str:
    """A key of fixed length that says nothing about its parts."""
    digest = hashlib.sha256(f"{pool_id}\0{issuer}\0{identifier}".encode("utf-8", "surrogatepass"))
    return f"saml:{kind}:{digest.hexdigest()}"

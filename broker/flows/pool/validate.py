"""What is wrong with a provider's record before anybody signs in with it. Nothing is fetched, and no key of ours is needed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from broker.model.settings import ProviderRecord
from metadata.errors import DocumentInvalid
from providers import catalog
from providers.base import ProviderSpec
from providers.oauth.settings import plain_words

# Time alone brings these about. A broker that restarts must not refuse to because one customer's document has ended.
PASSED = frozenset({"metadata_expired", "certificate_expired"})


@dataclass(frozen=True, slots=True)
class Complaint:
    """In words for an operator, `option: what` where one option is to blame. `passing`: it was right once, and only time has passed."""

    text: str
    passing: bool = False


def complaints(record: ProviderRecord, now: datetime) -> tuple[Complaint, ...]:
    """Everything that is wrong. Metadata that is still to be fetched is not missed here."""
    if record.kind == "saml":
        return _saml(record, now)
    spec = ProviderSpec(
        pool_id=record.pool_id,
        provider_id=record.id,
        name=record.name,
        kind=record.kind,
        options=record.options,
        secrets=record.secrets,
        operator_declared=record.operator_declared,
    )
    return tuple(Complaint(text) for text in (catalog.validate(spec) or "").split("; ") if text)


def _saml(record: ProviderRecord, now: datetime) -> tuple[Complaint, ...]:
    # Imported here: the XML libraries cost a process without SAML a tenth of a second.
    from providers.saml.options import SamlOptions

    options: dict[str, Any] = dict(record.options)
    waiting = bool(options.get("metadata_url")) and not options.get("metadata")
    if waiting:
        options["metadata"] = "to be fetched"
    try:
        read = SamlOptions.model_validate(options)
    except ValidationError as invalid:
        return tuple(Complaint(text) for text in plain_words(invalid).split("; "))
    return () if waiting else document_complaints(read.metadata, record, now)


def document_complaints(text: str, record: ProviderRecord, now: datetime) -> tuple[Complaint, ...]:
    """What is wrong with an IdP's metadata, read as this provider's settings demand."""
    from metadata.saml.parse import parse_idp

    try:
        idp = parse_idp(text, reading(record, now))
    except DocumentInvalid as invalid:
        return (Complaint(f"metadata: {invalid.public}", passing=invalid.code in PASSED),)
    return tuple(Complaint(f"metadata: {warning}", passing=True) for warning in idp.warnings)


def reading(record: ProviderRecord, now: datetime) -> Any:
    """How this provider's metadata is to be read: its pinned entity id and certificate, and whose word its addresses are."""
    from metadata.saml.parse import Reading

    return Reading(
        now=now,
        entity_id=record.options.get("entity_id"),
        pinned_certificate=record.options.get("metadata_certificate"),
        allow_expired=True,
        plain_http=record.operator_declared,
    )

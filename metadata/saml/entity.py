"""An identity provider as its SAML metadata describes it (saml-metadata-2.0-os), already read and checked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Binding = Literal["redirect", "post"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an entity takes a message. `response_location` is where answers go, when it differs (SLO only)."""

    binding: Binding
    location: str
    response_location: str | None = None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One pinned signing key of an IdP. Only the key decides: no chain, no KeyInfo of a message, is ever trusted."""

    certificate_pem: str
    sha256: str
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class IdpEntity:
    """What we need of an IDPSSODescriptor.

    `valid_until` is the document's own end (UTC): from that second on the entity must not be used.
    """

    entity_id: str
    signing_keys: tuple[SigningKey, ...]
    sso: tuple[Endpoint, ...]
    slo: tuple[Endpoint, ...] = ()
    name_id_formats: tuple[str, ...] = ()
    want_authn_requests_signed: bool = False
    valid_until: datetime | None = None
    cache_duration_seconds: int | None = None
    display_name: str = ""
    logo_url: str = ""
    warnings: tuple[str, ...] = ()

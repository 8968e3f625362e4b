"""SAML IdPs that roles and identity pools may trust (API `CreateSAMLProvider` and its kin)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from broker.api_errors import InvalidParameter, NoSuchEntity
from broker.flows.access_kit import AccessKit
from broker.flows.iam import records
from broker.flows.iam.roles import check_tags
from broker.identitypool.policy import arns
from broker.model.iam import IAM, SamlProvider
from broker.model.sts import Caller
from broker.ports.store import Unit
from metadata.errors import DocumentInvalid

NAME = re.compile(r"[\w.-]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SamlProviderAsk:
    """CreateSAMLProvider. `metadata` is the IdP's document, XML."""

    name: str
    metadata: str
    tags: Sequence[tuple[str, str]] = ()


def create(kit: AccessKit, by: Caller, ask: SamlProviderAsk) -> str:
    """Returns the ARN. Raises InvalidParameter (also for metadata that cannot be used), EntityExists."""
    if not NAME.fullmatch(ask.name):
        raise InvalidParameter(f"name {ask.name!r}", public="The provider's name is malformed.")
    _check_metadata(kit, ask.metadata)
    check_tags(ask.tags)
    provider = SamlProvider(ask.name, ask.metadata, tags=dict(ask.tags), created_at=kit.base.now(), owner="api")
    records.create(kit, lambda unit: unit.saml_providers, provider, "provider", ask.name)
    arn = arns.saml_provider(kit.account.id, ask.name)
    records.tell(kit, by, "saml_provider.created", provider=arn)
    return arn


def get(kit: AccessKit, arn: str) -> SamlProvider:
    """Raises NoSuchEntity."""
    with kit.base.store.unit() as unit:
        return _provider(kit, unit, arn)


def update(kit: AccessKit, by: Caller, arn: str, metadata: str) -> str:
    """Another document. Returns the ARN. Raises NoSuchEntity, Unmodifiable, InvalidParameter."""
    _check_metadata(kit, metadata)
    with records.writing(kit) as unit:
        unit.saml_providers.put(replace(records.ours(_provider(kit, unit, arn), "provider", arn), metadata=metadata))
    records.tell(kit, by, "saml_provider.updated", provider=arn)
    return arn


def list_all(kit: AccessKit) -> Sequence[tuple[str, SamlProvider]]:
    """All of them with their ARNs."""
    with kit.base.store.unit() as unit:
        every = records.everything(unit.saml_providers, lambda provider: provider.name)
    return [(arns.saml_provider(kit.account.id, provider.name), provider) for provider in every]


def delete(kit: AccessKit, by: Caller, arn: str) -> None:
    """Roles that trust it stay, and trust nobody by it any more. Raises NoSuchEntity, Unmodifiable."""
    with records.writing(kit) as unit:
        provider = records.ours(_provider(kit, unit, arn), "provider", arn)
        unit.saml_providers.delete(IAM, provider.name)
    records.tell(kit, by, "saml_provider.deleted", provider=arn)


def _provider(kit: AccessKit, unit: Unit, arn: str) -> SamlProvider:
    provider = None
    try:
        name = arns.parse_saml_provider(arn)
    except ValueError:
        name = ""
    if name and arns.account_of(arn) == kit.account.id:
        provider = unit.saml_providers.get(IAM, name)
    if provider is None:
        raise NoSuchEntity(f"no {arn}", public=f"Manifest not found for arn {arn}")
    return provider


def _check_metadata(kit: AccessKit, text: str) -> None:
    # Imported here: the XML libraries cost a process without SAML a tenth of a second.
    from metadata.saml.parse import Reading, parse_idp

    try:
        parse_idp(text, Reading(now=kit.base.now()))
    except DocumentInvalid as invalid:
        words = f"Could not parse metadata: {invalid.public}"
        raise InvalidParameter(f"{invalid.code}: {invalid.private}", public=words) from None

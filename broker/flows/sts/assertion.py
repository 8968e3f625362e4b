"""A SAML assertion that a client brings as its proof, for AssumeRoleWithSAML and for identity pools (spec D.3, E.4).

The strict reader of sign-ins reads it, with the audience and recipient of the provider's record in the place of our own entity id and ACS.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from broker.api_errors import InvalidIdentityToken
from broker.flows.access_kit import AccessKit
from broker.model.iam import SamlProvider as SamlRecord
from metadata.cache import Freshness
from providers.base import Burn, Inbound, ProviderSpec, Toolbox, UpstreamIdentity
from providers.errors import ProviderError
from providers.saml.provider import SamlProvider

ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"
LONGEST = 100_000
# It must be shown within five minutes of its issue. The reader grants the clocks their skew on top.
SKEW_SECONDS = 60
OLDEST_SECONDS = 300 - SKEW_SECONDS
_BUILT = Freshness(ttl=timedelta(days=1))
_ARN = re.compile(r"arn:aws:iam::[0-9]{12}:saml-provider/([\w.-]{1,128})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a verified assertion says. `roles` are those that it pairs with this provider; `claims` every attribute, and the NameID."""

    provider: SamlRecord
    issuer: str
    subject: str
    subject_type: str
    audience: str
    recipient: str
    roles: tuple[str, ...]
    claims: Mapping[str, Any] = field(repr=False)
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Meant:
    """For whom an assertion must be made, where that is not what its provider's record says."""

    audience: str | None = None
    recipient: str | None = None


AS_RECORDED = Meant()


def read_assertion(kit: AccessKit, provider_arn: str, encoded: str, purpose: str, meant: Meant = AS_RECORDED) -> Accepted:
    """Verify a base64 SAMLResponse and burn it for this purpose: a second showing for the same one is refused (attack SAML-G).

    Raises InvalidIdentityToken; the reader's reason is its code.
    """
    accepted, burns = _verified(kit, provider_arn, encoded, meant)
    with kit.base.store.unit() as unit:
        for burn in burns:
            if not unit.burn(f"{burn.key}:{purpose}", burn.until):
                raise InvalidIdentityToken("the assertion was shown before", public="Invalid SAML response.", code="response_replayed")
    return accepted


def look_at_assertion(kit: AccessKit, provider_arn: str, encoded: str, meant: Meant = AS_RECORDED) -> Accepted:
    """As `read_assertion`, but nothing is burned, nor is it asked whether it was: for explanations, which give nothing out."""
    return _verified(kit, provider_arn, encoded, meant)[0]


def _verified(kit: AccessKit, provider_arn: str, encoded: str, meant: Meant) -> tuple[Accepted, tuple[Burn, ...]]:
    record = _record(kit, provider_arn)
    record = replace(record, audience=meant.audience or record.audience, recipient=meant.recipient or record.recipient)
    found = _finished(kit, record, encoded)
    accepted = Accepted(
        provider=record,
        issuer=found.issuer,
        subject=found.subject,
        subject_type=_type(found),
        audience=record.audience,
        recipient=record.recipient,
        roles=paired_roles(found.attributes, provider_arn),
        claims={**found.attributes, "NameID": found.subject},
        ends_at=found.session.not_on_or_after,
    )
    return accepted, tuple(found.burns)


def _record(kit: AccessKit, provider_arn: str) -> SamlRecord:
    named = _ARN.fullmatch(provider_arn)
    record = kit.base.settings.saml_provider(named[1]) if named and provider_arn.split(":")[4] == kit.account.id else None
    if record is None:
        raise InvalidIdentityToken(
            f"no SAML provider {provider_arn[:200]!r}", public="Specified provider doesn't exist", code="no_provider"
        )
    return record


def _finished(kit: AccessKit, record: SamlRecord, encoded: str) -> UpstreamIdentity:
    if len(encoded) > LONGEST:
        raise InvalidIdentityToken(f"an assertion of {len(encoded)} characters", public="Invalid base64 SAMLResponse")
    try:
        return _reader(kit, record).finish(None, Inbound("POST", record.recipient, form=(("SAMLResponse", encoded),)))
    except ProviderError as error:
        words = "Response signature invalid" if "signature" in error.reason else "Invalid SAML response."
        raise InvalidIdentityToken(f"{record.name}: {error.reason}: {error.private}", public=words, code=error.reason) from None


def _reader(kit: AccessKit, record: SamlRecord) -> SamlProvider:
    """Built once a record: metadata is parsed and keys are loaded."""
    digest = hashlib.sha256(record.metadata.encode()).hexdigest()
    options = {
        "metadata": record.metadata,
        "sign_requests": False,
        "idp_initiated": True,
        "unsolicited_max_age_seconds": OLDEST_SECONDS,
        "clock_skew_seconds": SKEW_SECONDS,
        "allow_name_id_as_attribute": False,
        **record.options,
    }
    spec = ProviderSpec(
        pool_id="iam",
        provider_id=record.name,
        name=record.name,
        kind="saml",
        options=options,
        entity_id=record.audience,
        callback_urls=(record.recipient,),
        operator_declared=record.owner == "file",
    )
    tools = Toolbox(kit.base.clock.now, kit.fetch, kit.base.random.token, kit.trust)
    slot = kit.trust.slot("assertions", record.name, digest, record.audience, record.recipient, tuple(sorted(record.options.items())))
    built: SamlProvider = slot.get(lambda: SamlProvider.from_spec(spec, tools), kit.base.now(), _BUILT)
    return built


def _type(found: UpstreamIdentity) -> str:
    """`persistent` and `transient` by their own names, any other format by its URI."""
    form = (found.session.name_id or {}).get("format", "") or "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
    short = form.rpartition(":")[2]
    return short if short in {"persistent", "transient"} else form


def paired_roles(attributes: Mapping[str, Any], provider_arn: str) -> tuple[str, ...]:
    """The roles of the Role attribute, each beside this provider's ARN, in either order."""
    values = attributes.get(ATTRIBUTES + "Role", ())
    roles = []
    for value in [values] if isinstance(values, str) else values:
        parts = [part.strip() for part in str(value).split(",")]
        if len(parts) == 2 and provider_arn in parts:
            roles.append(parts[1 - parts.index(provider_arn)])
    return tuple(dict.fromkeys(roles))

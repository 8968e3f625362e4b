"""A pool, a provider and an identity to map, for the tests of this room."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.mapping.chain import Mapped, run
from broker.model.settings import AppClient, AttributeSchema, MappingRule, ProviderRecord, UserPool
from providers.base import UpstreamIdentity, VerifiedAttributes

POOL = UserPool(
    id="eu_one",
    name="One",
    schema=(
        AttributeSchema("custom:dept"),
        AttributeSchema("custom:level", data_type="Number", min_value=0, max_value=10),
        AttributeSchema("custom:boss", data_type="Boolean"),
        AttributeSchema("custom:since", data_type="DateTime"),
        AttributeSchema("custom:fixed", mutable=False),
        AttributeSchema("custom:short", max_length=3),
    ),
)


def identity(**attributes: Any) -> UpstreamIdentity:
    return UpstreamIdentity("p1", "https://idp.example", "ada", "ada", VerifiedAttributes(attributes))


def rule(target: str, mapper: str = "copy", required: bool = False, **options: Any) -> MappingRule:
    """`from_` is the option `from`, which Python keeps for itself."""
    return MappingRule(target, mapper, {name.rstrip("_"): value for name, value in options.items()}, required)


def mapped(rules: list[MappingRule], attributes: Mapping[str, Any], pool: UserPool = POOL, client: AppClient | None = None) -> Mapped:
    return run(pool, client, ProviderRecord("p1", pool.id, "MySAML", "saml", mapping=tuple(rules)), identity(**attributes))


def one(mapper: str, attributes: Mapping[str, Any], **options: Any) -> str | None:
    """What a single rule makes, in an attribute without a form of its own."""
    return mapped([rule("custom:dept", mapper, **options)], attributes).attributes.get("custom:dept")

"""Which claims of a provider become principal tags (API `SetPrincipalTagAttributeMap`, spec D.10)."""

from __future__ import annotations

from dataclasses import replace

from broker.api_errors import InvalidParameter
from broker.flows.access_kit import AccessKit
from broker.flows.identity.lookups import refusals_told
from broker.flows.identity.pool_roles import warnings_of
from broker.flows.identity.records import change, read, tell
from broker.identitypool.mappings import is_tag_key, tag_map_fault
from broker.model.identity import IdentityPool, TagMap
from broker.model.sts import Caller


def set_tag_map(kit: AccessKit, by: Caller, pool_id: str, provider: str, tag_map: TagMap) -> TagMap:
    """Replace a provider's map. Raises ResourceNotFound, ResourceConflict (a pool of the file), InvalidParameter."""

    def step(pool: IdentityPool) -> IdentityPool:
        if (fault := tag_map_fault(pool, provider, tag_map)) is not None:
            raise InvalidParameter(fault, public=fault)
        return replace(pool, tag_maps={**pool.tag_maps, provider: tag_map})

    with refusals_told(kit, "identity_pool.refused", pool_id, by=by.arn):
        pool = change(kit, pool_id, step)
    told = {"tags": sorted(tag_map.tags), "warnings": [words for words in warnings_of(kit, pool) if "principal tag" in words]}
    tell(kit, by, "identity_pool.tag_map_set", pool.id, provider=provider, defaults=tag_map.use_defaults, **told)
    return tag_map


def tag_map(kit: AccessKit, pool_id: str, provider: str) -> TagMap:
    """A provider's map; one that was never set is empty and makes no tags. Raises ResourceNotFound, InvalidParameter."""
    pool = read(kit, pool_id)
    if not is_tag_key(pool, provider):
        words = f"{provider} is not a valid IdentityProviderName or is not a configured provider."
        raise InvalidParameter(words, public=words)
    return pool.tag_maps.get(provider, TagMap())

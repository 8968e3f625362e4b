"""Reading and changing identity pools as records: found, not the file's, written in one transaction, told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from broker.flows.access_kit import AccessKit
from broker.flows.identity.lookups import no_pool, ours
from broker.model.identity import IdentityPool
from broker.model.sts import Caller
from broker.ports.store import Unit


def stored(unit: Unit, pool_id: str) -> IdentityPool:
    """The pool as it is stored: who has just changed it wants to see that. Raises ResourceNotFound, also for one that is disabled."""
    pool = unit.identity_pools.get(pool_id, pool_id)
    if pool is None or not pool.enabled:
        raise no_pool(pool_id)
    return pool


def read(kit: AccessKit, pool_id: str) -> IdentityPool:
    """A pool, for an administrator. Raises ResourceNotFound."""
    with kit.base.store.unit() as unit:
        return stored(unit, pool_id)


def change(kit: AccessKit, pool_id: str, step: Callable[[IdentityPool], IdentityPool]) -> IdentityPool:
    """Read, change and write. Raises ResourceNotFound, ResourceConflict for a pool of the file, and what `step` raises."""
    with kit.base.store.unit() as unit:
        pool = step(ours(stored(unit, pool_id)))
        unit.identity_pools.put(pool)
    return pool


def tell(kit: AccessKit, by: Caller, event: str, pool_id: str, **detail: Any) -> None:
    """One audit event of a change, with the ARN of who made it."""
    kit.base.audit(event, "ok", "api", {"by": by.arn, **detail}, pool_id=pool_id)

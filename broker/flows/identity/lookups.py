"""What the flows of identity pools share: the pool, words for what is not there, and telling of refusals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from broker.api_errors import NotAuthorized, ResourceConflict, ResourceNotFound
from broker.errors import BrokerError, RateLimited
from broker.flows.access_kit import AccessKit
from broker.model.identity import IdentityPool, PoolIdentity
from broker.ports.store import Unit

GUESTS_OFF = "Unauthenticated access is not supported for this identity pool."
LOGINS_DIFFER = "Logins don't match. Please include at least one valid login for this identity or identity pool."
NOT_SUPPORTED = "Token is not from a supported provider of this identity pool."


def pool_of(kit: AccessKit, pool_id: str) -> IdentityPool:
    """The pool, from the settings cache. Raises ResourceNotFound, also for one that is disabled."""
    pool = kit.base.settings.identity_pool(pool_id)
    if pool is None or not pool.enabled:
        raise no_pool(pool_id)
    return pool


def no_pool(pool_id: str) -> ResourceNotFound:
    """The words for an identity pool that is not there."""
    return ResourceNotFound(f"no identity pool {pool_id}", public=f"IdentityPool '{pool_id}' not found.")


def no_identity(identity_id: str, why: str = "unknown") -> ResourceNotFound:
    """The words for an identity that is not there. One that was merged away or disabled is not told apart."""
    return ResourceNotFound(f"identity {identity_id}: {why}", public=f"Identity '{identity_id}' not found.")


def forbidden(identity_id: str, why: str) -> NotAuthorized:
    """The words for an identity of another pool."""
    return NotAuthorized(f"identity {identity_id}: {why}", public=f"Access to Identity '{identity_id}' is forbidden.")


def live(identity: PoolIdentity | None, identity_id: str) -> PoolIdentity:
    """The identity. Raises ResourceNotFound if it is unknown, disabled or merged into another."""
    if identity is None:
        raise no_identity(identity_id)
    if not identity.enabled:
        raise no_identity(identity_id, f"merged into {identity.merged_into}" if identity.merged_into else "disabled")
    return identity


def found_with_pool(kit: AccessKit, identity_id: str) -> tuple[PoolIdentity, IdentityPool]:
    """A live identity and its pool, for calls that name the identity alone. Raises ResourceNotFound."""
    with kit.base.store.unit() as unit:
        identity = live(unit.pool_identities.get(identity_id), identity_id)
    pool = kit.base.settings.identity_pool(identity.pool_id)
    if pool is None or not pool.enabled:
        raise no_identity(identity_id, "its pool is gone or disabled")
    return identity, pool


def of_pool(unit: Unit, pool_id: str, identity_id: str) -> PoolIdentity:
    """A live identity that must be of this pool. Raises ResourceNotFound; NotAuthorized for one of another pool."""
    identity = unit.pool_identities.get(identity_id)
    if identity is not None and identity.pool_id != pool_id:
        raise forbidden(identity_id, f"is of {identity.pool_id}, not {pool_id}")
    return live(identity, identity_id)


def ours(pool: IdentityPool) -> IdentityPool:
    """The pool, if the API may change it. Raises ResourceConflict."""
    if pool.owner == "file":
        raise ResourceConflict(
            f"identity pool {pool.id} belongs to the file",
            public=f"IdentityPool '{pool.id}' is declared in the configuration file, which alone may change it.",
        )
    return pool


@contextmanager
def refusals_told(kit: AccessKit, event: str, pool_id: str = "", **detail: str | None) -> Iterator[None]:
    """Audit whatever refusal leaves the block, with its private reason. A flood is not told line by line."""
    try:
        yield
    except RateLimited:
        raise
    except BrokerError as error:
        known = {name: value for name, value in detail.items() if value}
        kit.base.audit(event, "refused", error.code, {**known, "private": error.private[:500]}, pool_id=pool_id)
        raise

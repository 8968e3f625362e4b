"""Identities as an administrator sees them (spec D.2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from broker.api_errors import InvalidParameter
from broker.flows.access_kit import AccessKit
from broker.flows.identity import paging
from broker.flows.identity.lookups import no_identity
from broker.flows.identity.paging import Page
from broker.flows.identity.records import read
from broker.model.iam import Revocation
from broker.model.identity import PoolIdentity
from broker.model.sts import Caller

MOST_DELETED = 60
_LONGEST_SESSION = timedelta(hours=12)


def describe(kit: AccessKit, identity_id: str) -> PoolIdentity:
    """Also one that is disabled: an administrator wants to know what became of it. Raises ResourceNotFound."""
    with kit.base.store.unit() as unit:
        identity = unit.pool_identities.get(identity_id)
    if identity is None:
        raise no_identity(identity_id)
    return identity


def list_page(
    kit: AccessKit, pool_id: str, max_results: int, next_token: str | None = None, hide_disabled: bool = False
) -> Page[PoolIdentity]:
    """By id. Raises ResourceNotFound, InvalidParameter for a token of another list."""
    pool = read(kit, pool_id)
    of = f"identities/{pool.id}/{hide_disabled}"
    with kit.base.store.unit() as unit:
        found = unit.pool_identities.list(pool.id, paging.opened(next_token, of), max_results + 1, hide_disabled)
    return paging.cut(found, max_results, of, lambda identity: identity.id)


def delete(kit: AccessKit, by: Caller, ids: Sequence[str]) -> Sequence[tuple[str, str]]:
    """Delete identities and end their sessions; returns those that could not be, with a code. Raises InvalidParameter for too many."""
    if len(ids) > MOST_DELETED:
        words = f"At most {MOST_DELETED} identities can be deleted at a time."
        raise InvalidParameter(words, public=words)
    return [(identity_id, "AccessDenied") for identity_id in dict.fromkeys(ids) if not _deleted(kit, by, identity_id)]


def _deleted(kit: AccessKit, by: Caller, identity_id: str) -> bool:
    now = kit.base.now()
    with kit.base.store.unit() as unit:
        identity = unit.pool_identities.get(identity_id)
        if identity is None or not unit.pool_identities.delete(identity.pool_id, identity_id):
            return False
        # What was issued must not outlive whom it was issued to.
        unit.revocations.put(Revocation(f"identity:{identity_id}", now, now + _LONGEST_SESSION, "the identity was deleted"))
    kit.base.audit("identity.deleted", "ok", "api", {"by": by.arn, "identity": identity_id}, pool_id=identity.pool_id)
    return True

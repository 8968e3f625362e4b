"""GetId: the identity of somebody who signed in, or a new one for a guest (spec D.4)."""

from __future__ import annotations

from collections.abc import Mapping

from broker.flows.access_kit import AccessKit
from broker.flows.identity.lookups import pool_of, refusals_told
from broker.flows.identity.proofs import verify_logins
from broker.flows.identity.reach import reach


def get_id(kit: AccessKit, pool_id: str, logins: Mapping[str, str]) -> str:
    """The identity's id; it is made if these logins are new.

    Raises ResourceNotFound, NotAuthorized, ResourceConflict, LimitExceeded, ExternalService, ConcurrentModification.
    """
    with refusals_told(kit, "identity.refused", pool_id):
        pool = pool_of(kit, pool_id)
        proofs = verify_logins(kit, pool, logins, "GetId")
        return reach(kit, pool, None, proofs).id

"""UnlinkIdentity: the owner of an identity takes logins off it (spec D.6, attack IP-S3.10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from broker.api_errors import NotAuthorized
from broker.flows.access_kit import AccessKit
from broker.flows.identity.lookups import LOGINS_DIFFER, found_with_pool, live, refusals_told
from broker.flows.identity.proofs import verify_logins
from broker.flows.identity.reach import Story, keys_of, settled, with_logins
from broker.identitypool.logins import user_pool_key, without_scheme
from broker.model.identity import IdentityPool, PoolIdentity
from broker.model.sts import Proof
from broker.ports.store import Unit


def unlink(kit: AccessKit, identity_id: str, logins: Mapping[str, str], to_remove: Sequence[str]) -> None:
    """Take the logins of these providers off. What is taken off is unknown from then on and gets a new identity.

    Raises ResourceNotFound, NotAuthorized, ExternalService, ConcurrentModification.
    """
    with refusals_told(kit, "identity.unlink_refused", identity=identity_id):
        _, pool = found_with_pool(kit, identity_id)
        proofs = verify_logins(kit, pool, logins, "UnlinkIdentity")
        gone = {_canonical(kit, pool, key) for key in to_remove}
        identity = settled(kit, pool.id, lambda unit: _unlinked(kit, unit, identity_id, proofs, gone))
    detail = {"identity": identity_id, "providers": " ".join(sorted(gone)), "disabled": str(not identity.enabled).lower()}
    kit.base.audit("identity.unlinked", "ok", "", detail, pool_id=pool.id)


def _unlinked(kit: AccessKit, unit: Unit, identity_id: str, proofs: Sequence[Proof], gone: set[str]) -> Story:
    identity = live(unit.pool_identities.get(identity_id), identity_id)
    _check_owner(identity, proofs, gone)
    kept = tuple(login for login in identity.logins if login.provider not in gone)
    return Story(unit.pool_identities.update(with_logins(identity, kept, kit.base.now())))


def _check_owner(identity: PoolIdentity, proofs: Sequence[Proof], gone: set[str]) -> None:
    shown = {(proof.key, proof.subject) for proof in proofs if proof.kind != "openid"}
    mine = shown & keys_of(identity)
    # Every login that was shown must be of this identity: who owns two identities says which he means.
    if not mine or mine != shown:
        raise NotAuthorized(f"the logins are not those of identity {identity.id}", public=LOGINS_DIFFER)
    if not gone <= {login.provider for login in identity.logins}:
        raise NotAuthorized(f"identity {identity.id} has no such logins to remove", public=LOGINS_DIFFER)


def _canonical(kit: AccessKit, pool: IdentityPool, key: str) -> str:
    """The name that logins are kept under. A user pool may also be called by our issuer. Developers' users are not theirs to remove."""
    for client in pool.user_pools:
        users = kit.base.settings.pool(client.provider.rpartition("/")[2])
        if users is not None and key in (client.provider, without_scheme(kit.base.addresses.issuer(users))):
            return user_pool_key(users.id, kit.account.region)
    if key == pool.developer_provider:
        raise NotAuthorized("a developer's user cannot be unlinked by its owner", public=LOGINS_DIFFER)
    return key

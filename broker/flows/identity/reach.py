"""From proofs to the one identity that they reach: found, made, linked or merged (spec D.4, D.6).

Nothing is linked unless somebody proved it in this very call. Two identities of signed-in people are never merged (attack IP-S1.14); a
guest's goes over into the one that its new login reaches, once. Workers race here: what another was faster with raises Conflict, is rolled
back whole, and is looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from broker.api_errors import ConcurrentModification, LimitExceeded, NotAuthorized, ResourceConflict
from broker.errors import Conflict
from broker.flows.access_kit import AccessKit
from broker.flows.identity.lookups import GUESTS_OFF, LOGINS_DIFFER, live, of_pool
from broker.model.identity import IdentityPool, PoolIdentity, PoolLogin
from broker.model.sts import Proof
from broker.ports.store import Unit

TRIES = 12
MAX_LOGINS = 20
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Story:
    """What a step wrote: the identity that it is about, and the events to tell once that is committed."""

    identity: PoolIdentity
    events: tuple[tuple[str, dict[str, str]], ...] = ()


def reach(kit: AccessKit, pool: IdentityPool, identity_id: str | None, proofs: Sequence[Proof]) -> PoolIdentity:
    """The identity of these proofs. `identity_id` is whom the caller says to be, if he does.

    Raises NotAuthorized (guests are off; the identity is somebody else's), ResourceNotFound, ResourceConflict, LimitExceeded,
    ConcurrentModification.
    """
    if any(proof.kind == "openid" for proof in proofs):
        return _by_own_token(kit, pool, identity_id, proofs)
    keys = tuple((proof.key, proof.subject) for proof in proofs)
    return settled(kit, pool.id, lambda unit: settle(kit, unit, pool, identity_id, keys))


def settled(kit: AccessKit, pool_id: str, step: Callable[[Unit], Story]) -> PoolIdentity:
    """Do a step in one transaction, look again if others were faster, and tell what was written. Raises ConcurrentModification."""
    for _ in range(TRIES):
        try:
            with kit.base.store.unit() as unit:
                story = step(unit)
        except Conflict:
            continue
        for event, detail in story.events:
            kit.base.audit(event, "ok", "", detail, pool_id=pool_id)
        return story.identity
    raise ConcurrentModification(f"an identity of {pool_id}: others were faster {TRIES} times")


def _by_own_token(kit: AccessKit, pool: IdentityPool, identity_id: str | None, proofs: Sequence[Proof]) -> PoolIdentity:
    """Our own OpenID token names the identity that it was made for. Beside it nothing else is taken: it would have been linked then."""
    subject = proofs[0].subject
    if len(proofs) > 1 or identity_id not in {None, subject}:
        raise NotAuthorized("an OpenID token of another identity, or beside other logins", public=LOGINS_DIFFER)
    with kit.base.store.unit() as unit:
        return of_pool(unit, pool.id, subject)


def settle(kit: AccessKit, unit: Unit, pool: IdentityPool, identity_id: str | None, keys: Sequence[Key]) -> Story:
    """One try: find, make, link or merge. `explain` takes it in a unit that keeps nothing. Raises as `reach`, and Conflict."""
    now = kit.base.now()
    given = live(unit.pool_identities.get(identity_id), identity_id) if identity_id is not None else None
    if not keys:
        return _guest(kit, unit, pool, given)
    if given is not None and set(keys) <= keys_of(given):
        return Story(given)
    owners = owners_of(unit, pool.id, keys)
    if given is not None and given.logins and given.id not in owners:
        raise NotAuthorized(f"none of {len(keys)} logins is of identity {given.id}", public=LOGINS_DIFFER)
    if len(owners) > 1:
        raise ResourceConflict(f"the logins are of {len(owners)} identities: {', '.join(sorted(owners))}")
    if not owners:
        return _create(kit, unit, pool, keys) if given is None else attach(unit, given, keys, now)
    owner = next(iter(owners.values()))
    owner = live(owner, owner.id)
    story = attach(unit, owner, keys, now)
    if given is None or given.id == owner.id:
        return story
    # `given` is a guest's: it ends here, and its id reaches nothing any more.
    unit.pool_identities.update(replace(given, enabled=False, merged_into=owner.id, modified_at=now))
    return Story(story.identity, (*story.events, ("identity.merged", {"identity": given.id, "into": owner.id, "kind": "guest"})))


def _guest(kit: AccessKit, unit: Unit, pool: IdentityPool, given: PoolIdentity | None) -> Story:
    """Somebody who shows nothing: a new identity each time, or the guest that he says to be (attacks IP-S1.1, IP-S1.9)."""
    if given is not None and given.logins:
        raise NotAuthorized(f"identity {given.id} has logins and none was shown", public=LOGINS_DIFFER)
    if not pool.allow_guests:
        raise NotAuthorized(f"guests are off in {pool.id}", public=GUESTS_OFF)
    return Story(given) if given is not None else _create(kit, unit, pool, ())


def _create(kit: AccessKit, unit: Unit, pool: IdentityPool, keys: Sequence[Key]) -> Story:
    now = kit.base.now()
    identity = PoolIdentity(f"{pool.id.partition(':')[0]}:{kit.base.random.uuid()}", pool.id, now, now)
    identity = replace(identity, logins=_with(identity, keys, now))
    unit.pool_identities.create(identity)
    detail = {"identity": identity.id, "providers": " ".join(provider for provider, _ in keys) or "guest"}
    return Story(identity, (("identity.created", detail),))


def attach(unit: Unit, identity: PoolIdentity, keys: Sequence[Key], now: datetime) -> Story:
    """Link what is new. Raises ResourceConflict for a second user of the same provider, LimitExceeded, Conflict if others were faster."""
    new = [key for key in dict.fromkeys(keys) if key not in keys_of(identity)]
    if not new:
        return Story(identity)
    linked = unit.pool_identities.update(replace(identity, logins=_with(identity, new, now), modified_at=now))
    detail = {"identity": identity.id, "providers": " ".join(provider for provider, _ in new)}
    return Story(linked, (("identity.linked", detail),))


def with_logins(identity: PoolIdentity, logins: tuple[PoolLogin, ...], now: datetime) -> PoolIdentity:
    """An identity that keeps only these logins. Without any it is nobody's, and is disabled: whoever knows its id could otherwise pass for
    its guest and link himself to it (attack IP-S3.10)."""
    return replace(identity, logins=logins, enabled=bool(logins), modified_at=now)


def _with(identity: PoolIdentity, new: Sequence[Key], now: datetime) -> tuple[PoolLogin, ...]:
    logins = (*identity.logins, *(PoolLogin(provider, subject, now) for provider, subject in new))
    if _twice(identity, new):
        raise ResourceConflict(f"identity {identity.id} would have two users of one provider")
    if len(logins) > MAX_LOGINS:
        raise LimitExceeded(
            f"identity {identity.id} would have {len(logins)} logins", public=f"An identity has {MAX_LOGINS} logins at most."
        )
    return logins


def _twice(identity: PoolIdentity, new: Sequence[Key]) -> bool:
    """Whether a new login is of a provider that another login is of already. Developers' users joined by a merge stay as they are."""
    taken = [login.provider for login in identity.logins]
    for provider, _ in new:
        if provider in taken:
            return True
        taken.append(provider)
    return False


def owners_of(unit: Unit, pool_id: str, keys: Sequence[Key]) -> dict[str, PoolIdentity]:
    """The identities that these logins reach, by id."""
    found = (unit.pool_identities.by_login(pool_id, provider, subject) for provider, subject in keys)
    return {identity.id: identity for identity in found if identity is not None}


def keys_of(identity: PoolIdentity) -> set[Key]:
    """The logins of an identity, as they are looked up."""
    return {(login.provider, login.subject) for login in identity.logins}

"""A transaction that keeps nothing: the steps to an identity are taken for real, and what they would write stays here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from broker.flows.access_kit import AccessKit
from broker.flows.identity.reach import Story, reach, settle
from broker.model.identity import IdentityPool, PoolIdentity
from broker.model.sts import Proof
from broker.ports.store import PoolIdentities, Unit

NOBODY = "00000000-0000-0000-0000-000000000000"
"""In the place of the id that a new identity would get."""


class _Rehearsed:
    """`Unit.pool_identities`, of which only reading reaches the store."""

    def __init__(self, real: PoolIdentities) -> None:
        self.get = real.get
        self.by_login = real.by_login

    def create(self, identity: PoolIdentity) -> None:
        """Not kept."""

    def update(self, identity: PoolIdentity) -> PoolIdentity:
        """Not kept."""
        return identity


class _Stage:
    """As much of a Unit as the steps use. Whatever else one of them reached for is not there, rather than written."""

    def __init__(self, unit: Unit) -> None:
        self.pool_identities = _Rehearsed(unit.pool_identities)


def rehearse(kit: AccessKit, pool: IdentityPool, proofs: Sequence[Proof]) -> Story:
    """The identity that these proofs would reach, and what would be told of it. Raises what `reach` raises."""
    if any(proof.kind == "openid" for proof in proofs):
        return Story(reach(kit, pool, None, proofs))  # our own token names an identity that is there: this only reads
    keys = tuple((proof.key, proof.subject) for proof in proofs)
    with kit.base.store.unit() as unit:
        story = settle(kit, cast(Unit, _Stage(unit)), pool, None, keys)
    if any(event == "identity.created" for event, _ in story.events):
        return replace(story, identity=replace(story.identity, id=f"{pool.id.partition(':')[0]}:{NOBODY}"))
    return story

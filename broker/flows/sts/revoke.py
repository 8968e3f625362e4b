"""Ending sessions before their time (spec E.4). What was issued before now is refused; what is issued from now on is not.

A session cannot be taken back by itself: its token is all there is of it. So it is named: by its role, by the identity behind it, or all.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from broker.api_errors import NoSuchEntity
from broker.flows.access_kit import AccessKit
from broker.flows.iam.records import writing
from broker.flows.iam.roles import MAX_SESSION
from broker.flows.sts.identity import MAX_SECONDS
from broker.model.iam import IAM, Revocation

LONGEST = timedelta(seconds=max(MAX_SESSION, MAX_SECONDS))


def revoke_role(kit: AccessKit, name: str, reason: str) -> None:
    """All sessions of a role, also of one that the file declares: this is no change of what it is. Raises NoSuchEntity."""
    now = kit.base.now()
    with writing(kit) as unit:
        role = unit.roles.get(IAM, name)
        if role is None:
            raise NoSuchEntity(f"no role {name}", public=f"The role with name {name} cannot be found.")
        unit.roles.put(replace(role, valid_after=now))
    kit.base.audit("credentials.revoked", "ok", reason, {"role": name})


def revoke_identity(kit: AccessKit, identity_id: str, reason: str) -> None:
    """All sessions of an identity, in whatever role, and what was chained from them."""
    _revoke(kit, f"identity:{identity_id}", reason)
    kit.base.audit("credentials.revoked", "ok", reason, {"identity": identity_id})


def revoke_all(kit: AccessKit, reason: str) -> None:
    """All sessions of the account."""
    _revoke(kit, "account", reason)
    kit.base.audit("credentials.revoked", "ok", reason, {"all": True})


def expire_revocations(kit: AccessKit) -> int:
    """Remove what no session can need any more; returns how many."""
    now = kit.base.now()
    with kit.base.store.unit() as unit:
        ended = [each for each in unit.revocations.list(IAM) if each.until <= now]
        for each in ended:
            unit.revocations.delete(IAM, each.subject)
    return len(ended)


def _revoke(kit: AccessKit, subject: str, reason: str) -> None:
    now = kit.base.now()
    with kit.base.store.unit() as unit:
        unit.revocations.put(Revocation(subject, before=now, until=now + LONGEST, reason=reason))

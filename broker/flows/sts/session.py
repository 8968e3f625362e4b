"""The one way into a role: is it there, does it let this caller in with all that he brings, for how long; then credentials.

AssumeRole, AssumeRoleWithWebIdentity and AssumeRoleWithSAML differ in the proof; the rest is here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from broker.api_errors import ApiError, ExpiredIdentityToken, NotAllowed
from broker.errors import MalformedPolicy
from broker.flows.access_kit import AccessKit
from broker.flows.sts import limits
from broker.flows.sts.asks import Assumed
from broker.identitypool.assume import Wish, refusal
from broker.identitypool.issuers.mint import mint
from broker.identitypool.policy.arns import RoleArn
from broker.identitypool.policy.words import not_authorized
from broker.identitypool.roles import role_of
from broker.model.iam import Role
from broker.model.sts import ContextValue, StsSession


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody brings who has proved himself. `carried` are the session's tags, the inherited ones among them; `until` is the latest
    end that the proof allows, `most` the longest duration. `who` names him in the audit log."""

    wish: Wish
    role_arn: str
    who: str
    duration: int | None = None
    policy: str | None = None
    policy_arns: tuple[str, ...] = ()
    carried: Mapping[str, str] = field(default_factory=dict)
    provider: str | None = None
    federated: Mapping[str, ContextValue] = field(default_factory=dict)
    identity: tuple[str, str] | None = None
    most: int | None = None
    until: datetime | None = None


def enter(kit: AccessKit, entry: Entry, role: Role) -> Assumed:
    """Credentials of a role. Raises NotAllowed without telling why, ValidationFailed, MalformedPolicy, PackedPolicyTooLarge."""
    now = kit.base.now()
    # First: whoever is not let in hears no other error either, or he could tell which roles there are.
    if why := refusal(kit.account.id, role, entry.wish, now):
        raise denied(entry, why)
    policies = limits.session_policies(kit, entry.policy, entry.policy_arns)
    packed = limits.packed_size(policies, entry.policy_arns, entry.carried)
    ends = now + timedelta(seconds=min(limits.seconds(entry.duration, role.max_session), entry.most or role.max_session))
    if entry.until is not None and entry.until <= now:
        raise ExpiredIdentityToken(f"the proof's session ended at {entry.until}", public="The session of the identity provider has ended")
    session = StsSession(
        access_key_id="",
        role_arn=entry.role_arn,
        role_id=role.id,
        session_name=entry.wish.session_name,
        issued_at=now,
        expires_at=min(ends, entry.until) if entry.until is not None else ends,
        tags=entry.carried,
        transitive_keys=entry.wish.transitive_keys,
        session_policies=policies,
        policy_arns=entry.policy_arns,
        source_identity=entry.wish.source_identity,
        provider=entry.provider,
        federated=entry.federated,
        identity_id=entry.identity[0] if entry.identity else None,
        identity_pool_id=entry.identity[1] if entry.identity else None,
    )
    credentials = mint(kit.tokens, kit.base.random, session)
    detail = {"action": entry.wish.action, "role": entry.role_arn, "session": session.session_name, "access_key": credentials.access_key_id}
    kit.base.audit("credentials.issued", "ok", "", {**detail, "who": entry.who})
    arn = RoleArn(kit.account.id, role.name, role.path).session(session.session_name)
    return Assumed(credentials, f"{role.id}:{session.session_name}", str(arn), packed, session.source_identity)


def role_for(kit: AccessKit, entry: Entry) -> Role:
    """The role asked for. One that does not exist is refused in the words of one that does not let the caller in (spec E.4)."""
    role = role_of(kit.base.settings, kit.account.id, entry.role_arn)
    if role is None:
        raise denied(entry, "no such role, or it is disabled")
    return role


def denied(entry: Entry, why: str) -> NotAllowed:
    """The refusal, whose reason the caller does not hear."""
    return NotAllowed(f"{entry.who}: {why}", public=not_authorized(entry.wish.action))


@contextmanager
def told(kit: AccessKit, action: str, role_arn: str) -> Iterator[None]:
    """Whatever refuses within is audited, once, with its private reason."""
    try:
        yield
    except (ApiError, MalformedPolicy) as refused:
        detail = {"action": action, "role": role_arn[:200], "why": refused.private[:500]}
        kit.base.audit("credentials.refused", "refused", refused.code, detail)
        raise

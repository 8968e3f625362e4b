"""AssumeRole: somebody with credentials takes on a role, and a session may take on the next (API `sts`, spec E.4, F.6)."""

from __future__ import annotations

from broker.api_errors import NotAllowed, ValidationFailed
from broker.errors import MalformedPolicy
from broker.flows.access_kit import AccessKit
from broker.flows.sts import limits
from broker.flows.sts.asks import Assumed, AssumeRoleAsk
from broker.flows.sts.authorize_call import caller_keys, policies_of, principal_of
from broker.flows.sts.callers import check_session
from broker.flows.sts.session import Entry, enter, role_for, told
from broker.identitypool.assume import Wish
from broker.identitypool.policy.evaluate import Policies
from broker.identitypool.policy.trust import ASSUME
from broker.identitypool.policy.words import not_authorized
from broker.model.sts import Caller, ContextValue


def assume_role(kit: AccessKit, caller: Caller, ask: AssumeRoleAsk) -> Assumed:
    """Judge the caller's own policies and the role's trust policy together.

    A session's transitive tags and its source identity go on and cannot be changed, and what it takes on lasts an hour at most. Raises
    NotAllowed (also for a role that does not exist), ValidationFailed, MalformedPolicy, PackedPolicyTooLarge, ExpiredIdentityToken.
    """
    with told(kit, ASSUME, ask.role_arn):
        chained = caller.kind == "session"
        if caller.session is not None:
            check_session(kit, caller.session)
        if chained and ask.duration is not None and ask.duration > limits.CHAINED_SECONDS:
            words = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
            raise ValidationFailed(words, public=words)
        entry = _entry(kit, caller, ask, limits.CHAINED_SECONDS if chained else None)
        return enter(kit, entry, role_for(kit, entry))


def _entry(kit: AccessKit, caller: Caller, ask: AssumeRoleAsk, most: int | None) -> Entry:
    limits.session_name(ask.session_name)
    session = caller.session if caller.kind == "session" else None
    passed = limits.tags(ask.tags)
    inherited = {key: value for key, value in session.tags.items() if key in session.transitive_keys} if session is not None else {}
    transitive = limits.transitive_keys(ask.transitive_keys, passed)
    source = limits.source_identity(ask.source_identity)
    if session is not None and session.source_identity is not None:
        source = limits.same_source_identity(source, session.source_identity)
    wish = Wish(
        action=ASSUME,
        principal=principal_of(kit, caller),
        session_name=ask.session_name,
        keys=_keys(kit, caller, ask),
        tags=passed,
        transitive_keys=(*inherited, *transitive),
        source_identity=source,
        caller=_policies(kit, caller),
    )
    return Entry(
        wish,
        ask.role_arn,
        who=caller.arn,
        duration=ask.duration,
        policy=ask.policy,
        policy_arns=ask.policy_arns,
        carried=limits.merged(passed, inherited),
        # The keys of the sign-in stay with the session that it made; a chain has only what is transitive.
        identity=_identity(caller),
        most=most,
    )


def _policies(kit: AccessKit, caller: Caller) -> Policies:
    try:
        return policies_of(kit, caller)
    except MalformedPolicy as broken:
        raise NotAllowed(f"{caller.arn}: {broken.private}", public=not_authorized(ASSUME)) from None


def _identity(caller: Caller) -> tuple[str, str] | None:
    """The identity behind a chain stays known, so that revoking it ends the whole chain."""
    session = caller.session
    if session is None or session.identity_id is None or session.identity_pool_id is None:
        return None
    return session.identity_id, session.identity_pool_id


def _keys(kit: AccessKit, caller: Caller, ask: AssumeRoleAsk) -> dict[str, ContextValue]:
    keys = dict(caller_keys(kit, caller, ask.around).items())
    if ask.external_id is not None:
        keys["sts:externalid"] = ask.external_id
    return keys

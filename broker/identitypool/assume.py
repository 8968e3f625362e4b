"""Whether a role lets somebody in, with everything that its trust policy may look at (spec F.6, D.11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from broker.errors import MalformedPolicy
from broker.identitypool.policy.context import COGNITO, ContextKeys, Principal
from broker.identitypool.policy.document import LARGEST_TRUST, compiled
from broker.identitypool.policy.evaluate import Policies
from broker.identitypool.policy.explain import Explanation
from broker.identitypool.policy.glob import fold
from broker.identitypool.policy.trust import Assumption, actions_needed, explain_assumption, may_assume
from broker.identitypool.roles import role_arn
from broker.model.iam import Role
from broker.model.sts import ContextValue

_NONE = Policies()


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants to become the role, by which action of STS, and what the session would carry.

    `keys` are those of the sign-in and of the request. `aliases` as in ContextKeys. `caller` are the policies of a caller who has some.
    """

    action: str
    principal: Principal
    session_name: str
    keys: Mapping[str, ContextValue] = field(default_factory=dict)
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive_keys: tuple[str, ...] = ()
    source_identity: str | None = None
    caller: Policies = _NONE


def refusal(account_id: str, role: Role, wish: Wish, now: datetime) -> str | None:
    """Why the role does not let them in, for the log; None if it does. Tags and source identity need an Allow each of their own."""
    try:
        decision = may_assume(*_question(account_id, role, wish, now))
    except MalformedPolicy as malformed:
        return malformed.private
    return None if decision.allowed else decision.reason


def explained(account_id: str, role: Role, wish: Wish, now: datetime) -> tuple[Explanation, ...]:
    """As `refusal`, with the part of every statement, one explanation an action that is needed. Raises MalformedPolicy."""
    return explain_assumption(*_question(account_id, role, wish, now))


def _question(account_id: str, role: Role, wish: Wish, now: datetime) -> tuple[Assumption, Principal, tuple[str, ...], ContextKeys]:
    trust = compiled(role.trust, "trust", LARGEST_TRUST)
    actions = actions_needed(wish.action, tags=bool(wish.tags), source_identity=wish.source_identity is not None)
    assumption = Assumption(role_arn(account_id, role), (role.name, trust), wish.caller)
    return assumption, wish.principal, actions, _keys(role, wish, now)


def _keys(role: Role, wish: Wish, now: datetime) -> ContextKeys:
    keys = {**moment_keys(now), "sts:RoleSessionName": wish.session_name}
    if wish.tags:
        keys["aws:TagKeys"] = tuple(wish.tags)
        keys |= {f"aws:RequestTag/{name}": value for name, value in wish.tags.items()}
    if wish.transitive_keys:
        keys["sts:TransitiveTagKeys"] = wish.transitive_keys
    if wish.source_identity is not None:
        keys["sts:SourceIdentity"] = wish.source_identity
    for name, value in role.tags.items():
        keys[f"aws:ResourceTag/{name}"] = keys[f"iam:ResourceTag/{name}"] = value
    # What is known here overrides what came with the request, however that spelled it.
    brought = {fold(name): value for name, value in wish.keys.items()}
    return ContextKeys({**brought, **{fold(name): value for name, value in keys.items()}}, wish.aliases)


def moment_keys(now: datetime) -> dict[str, ContextValue]:
    """The time, in both forms that conditions compare."""
    return {"aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "aws:EpochTime": str(int(now.timestamp()))}


def pool_issuer(identity_base: str, pool_id: str) -> str:
    """The `iss` of an identity pool's tokens. `identity_base` is `{public_url}/identity`; the region stays out of it."""
    return f"{identity_base}/{pool_id.partition(':')[2]}"


def pool_names(identity_base: str, account_id: str, pool_id: str) -> tuple[str, str, str]:
    """What a trust policy may call an identity pool as a principal: AWS's name for all of them, our issuer, and its ARN."""
    issuer = pool_issuer(identity_base, pool_id).partition("://")[2]
    return COGNITO, issuer, f"arn:aws:iam::{account_id}:oidc-provider/{issuer}"


def pool_aliases(identity_base: str, pool_id: str) -> dict[str, tuple[str, ...]]:
    """The keys `cognito-identity.amazonaws.com:*` go by the name of the pool's own issuer as well."""
    return {COGNITO: (pool_issuer(identity_base, pool_id).partition("://")[2],)}

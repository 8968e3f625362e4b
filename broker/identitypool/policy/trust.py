"""Who may become a role (spec F.6), and whether a trust policy is fit to be saved (rows IP-S1.4, IP-S1.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from broker.errors import MalformedPolicy
from broker.identitypool.policy.arns import parse_oidc_provider
from broker.identitypool.policy.conditions import Condition
from broker.identitypool.policy.context import COGNITO, ContextKeys, Principal, RequestContext
from broker.identitypool.policy.document import Policy, Statement
from broker.identitypool.policy.evaluate import NOTHING, Decision, Named, Policies, judge
from broker.identitypool.policy.explain import Explanation, explain_all
from broker.identitypool.policy.findings import Finding
from broker.identitypool.policy.glob import fold
from broker.model.sts import ContextValue

ASSUME = "sts:AssumeRole"
WITH_WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"
WITH_SAML = "sts:AssumeRoleWithSAML"
TAG_SESSION = "sts:TagSession"
SET_SOURCE_IDENTITY = "sts:SetSourceIdentity"

Keys = Mapping[str, ContextValue] | ContextKeys


@dataclass(frozen=True, slots=True)
class Assumption:
    """The role that somebody wants to become: its ARN and its trust policy.

    `caller` are the policies of a caller who has some: for AssumeRole, a trust policy that names an account only delegates to them.
    """

    role_arn: str
    trust: Named
    caller: Policies = NOTHING

    def policies(self) -> Policies:
        return replace(self.caller, resource=self.trust, trust=True)


def actions_needed(action: str, *, tags: bool, source_identity: bool) -> tuple[str, ...]:
    """What a trust policy must allow, one by one, for a session with or without tags and source identity (spec E.4, F.6)."""
    return (action, *((TAG_SESSION,) if tags else ()), *((SET_SOURCE_IDENTITY,) if source_identity else ()))


def may_assume(assumption: Assumption, principal: Principal, actions: Iterable[str], keys: Keys) -> Decision:
    """Judge each action by itself with the same context: the first that is refused decides, else the first of all. No action is a refusal.

    The face tells the caller only `words.not_authorized`; the decision is for the log.
    """
    policies = assumption.policies()
    first: Decision | None = None
    for context in _questions(assumption, principal, actions, keys):
        decision = judge(context, policies)
        if not decision.allowed:
            return decision
        first = first or decision
    return first or Decision("implicit_deny", "trust", RequestContext("", assumption.role_arn, principal))


def explain_assumption(assumption: Assumption, principal: Principal, actions: Iterable[str], keys: Keys) -> tuple[Explanation, ...]:
    """As `may_assume`, with reasons, for all of the actions."""
    return tuple(explain_all(context, assumption.policies()) for context in _questions(assumption, principal, actions, keys))


def _questions(assumption: Assumption, principal: Principal, actions: Iterable[str], keys: Keys) -> list[RequestContext]:
    shared = keys if isinstance(keys, ContextKeys) else ContextKeys(keys)
    return [RequestContext(action, assumption.role_arn, principal, shared) for action in actions]


def issuers_named(policy: Policy, identity_base: str) -> tuple[str, ...]:
    """The issuers of our own identity pools that a trust policy names as principals, for the functions below.

    `identity_base` is what all of them begin with: `{public_url}/identity`.
    """
    ours = identity_base.partition("://")[2] + "/"
    named = {_issuer(name) for each in policy.statements if each.principals for name in each.principals.federated}
    return tuple(sorted(name for name in named if fold(name).startswith(fold(ours))))


def trust_warnings(policy: Policy, issuers: Sequence[str] = ()) -> tuple[Finding, ...]:
    """What is wrong with how a trust policy lets identity pools in.

    `issuers` are our own identity pools' issuers, without `https://`: a statement that names one lets its pool in, as one that names
    `cognito-identity.amazonaws.com` does.
    """
    found: list[Finding] = []
    for statement in _doors(policy, issuers):
        aud = _bounds(statement, "aud", issuers)
        amr = _bounds(statement, "amr", issuers)
        if not aud:
            beside = "a condition on :amr alone" if amr else "no condition on :aud that names pools in full"
            words = f"{beside} lets any identity pool assume the role; add StringEquals {COGNITO}:aud with the pool's id"
            found.append(Finding("refuse", statement.index, statement.sid, words))
        elif not amr:
            words = f"guests may assume the role as well; add ForAnyValue:StringLike {COGNITO}:amr with authenticated or unauthenticated"
            found.append(Finding("warn", statement.index, statement.sid, words))
    return tuple(found)


def refuse_open_trust(policy: Policy, issuers: Sequence[str] = ()) -> None:
    """Raises MalformedPolicy if any identity pool could assume the role (row IP-S1.5)."""
    for finding in trust_warnings(policy, issuers):
        if finding.level == "refuse":
            place = f"Statement {finding.statement}" + (f" ({finding.sid})" if finding.sid else "")
            public = f"The trust policy is too open: {place}: {finding.words}."
            raise MalformedPolicy(public, public=public, statement=finding.statement, sid=finding.sid)


def fit_for_classic_flow(policy: Policy, issuers: Sequence[str] = ()) -> bool:
    """Whether every statement that lets identity pools in is bound to pools and to how one signed in.

    In the classic flow the caller brings the token to any role, so such a role must carry both (row IP-S1.4).
    """
    return not trust_warnings(policy, issuers)


def _doors(policy: Policy, issuers: Sequence[str]) -> list[Statement]:
    """The statements by which a token of an identity pool may come in."""
    return [
        statement
        for statement in policy.statements
        if statement.allow and statement.actions.applies(fold(WITH_WEB_IDENTITY)) and _lets_pools_in(statement, issuers)
    ]


def _lets_pools_in(statement: Statement, issuers: Sequence[str]) -> bool:
    principals = statement.principals
    if principals is None:
        return False
    ours = {fold(name) for name in (COGNITO, *issuers)}
    return principals.everybody or any(name == "*" or fold(_issuer(name)) in ours for name in principals.federated)


def _issuer(name: str) -> str:
    try:
        return parse_oidc_provider(name)
    except ValueError:
        return name


def _bounds(statement: Statement, key: Literal["aud", "amr"], issuers: Sequence[str]) -> bool:
    """Whether a condition really binds `PROVIDER:aud` or `PROVIDER:amr`."""
    names = {fold(f"{name}:{key}") for name in (COGNITO, *issuers)}
    binds = _binds_pool if key == "aud" else _binds_sign_in
    return any(condition.folded in names and _demands(condition) and binds(condition) for condition in statement.conditions)


def _demands(condition: Condition) -> bool:
    """A positive comparison of strings that fails without the key. ForAllValues and IfExists hold without it."""
    return condition.base in {"StringEquals", "StringEqualsIgnoreCase", "StringLike"} and not condition.absent


def _binds_pool(condition: Condition) -> bool:
    """Every value names one pool: a wildcard, and a variable that may repeat the token's own aud, name any."""
    return not any(mark in text for text in condition.wanted for mark in ("*", "?", "${"))


def _binds_sign_in(condition: Condition) -> bool:
    """It keeps guests apart from people who signed in: no reading of it lets both in."""
    if condition.quantifier != "ForAnyValue" or any("${" in text for text in condition.wanted):
        return False
    return not all(condition.holds(ContextKeys({condition.folded: (amr,)})) for amr in ("unauthenticated", "authenticated"))

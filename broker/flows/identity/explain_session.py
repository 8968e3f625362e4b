"""The second half of an explanation: whether the role lets the sign-in in, and what the session may then do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from broker.api_errors import InvalidPoolConfiguration
from broker.errors import BrokerError, MalformedPolicy
from broker.flows.access_kit import AccessKit
from broker.flows.identity.explanation import DecisionSeen, ExplainAsk, Refusal, Right, StatementSeen
from broker.flows.identity.get_credentials import grant_for
from broker.flows.identity.signing_in import SignedIn
from broker.flows.sts.authorize_call import caller_keys, policies_of, principal_of
from broker.identitypool.assume import explained
from broker.identitypool.issuers.embedded import EmbeddedIssuer, session_of, wish_of
from broker.identitypool.policy import arns
from broker.identitypool.policy.context import RequestContext
from broker.identitypool.policy.document import LARGEST_TRUST, Statement, compiled
from broker.identitypool.policy.evaluate import Policies
from broker.identitypool.policy.explain import Explanation, Step, explain_all
from broker.identitypool.policy.findings import policy_warnings
from broker.identitypool.policy.trust import issuers_named, trust_warnings
from broker.identitypool.roles import role_of
from broker.identitypool.tags import TagSet
from broker.model.iam import Role
from broker.model.sts import Caller, Grant


@dataclass(frozen=True, slots=True)
class Judged:
    """What `Explanation` takes from here."""

    refusal: Refusal | None = None
    trust: tuple[DecisionSeen, ...] = ()
    rights: tuple[Right, ...] = ()
    tried: DecisionSeen | None = None
    seconds: int = 0
    warnings: tuple[str, ...] = ()


def judged(kit: AccessKit, known: SignedIn, role_arn: str, tags: TagSet, ask: ExplainAsk) -> Judged:
    """Ask the role's trust policy as the issuer does, and the policies as `authorize_call` does."""
    grant = grant_for(kit, known, role_arn, tags)
    if not isinstance(kit.credentials, EmbeddedIssuer):
        return Judged(warnings=("another STS gives the credentials: its own record of the role decides who is let in and what he may do",))
    role = role_of(kit.base.settings, kit.account.id, role_arn)
    if role is None:
        return Judged(_refused(f"no enabled role {role_arn} in account {kit.account.id}"))
    try:
        trust = explained(kit.account.id, role, wish_of(kit.account.id, kit.identity_base, grant), kit.base.now())
    except MalformedPolicy as malformed:
        return Judged(_refused(f"{role_arn}: {malformed.private}"))
    refused = next((_refused(f"{role_arn}: {each.decision.reason}") for each in trust if not each.decision.allowed), None)
    return _rights(kit, (role, grant), ask, Judged(refused, tuple(_seen(each) for each in trust), warnings=tuple(_odd(kit, role))))


def _rights(kit: AccessKit, session_for: tuple[Role, Grant], ask: ExplainAsk, found: Judged) -> Judged:
    role, grant = session_for
    session = session_of(grant, role, kit.base.now())
    arn = arns.parse_role(grant.role_arn).session(grant.session_name)
    caller = Caller("session", str(arn), f"{role.id}:{grant.session_name}", "", session)
    seconds = int((session.expires_at - session.issued_at).total_seconds())
    try:
        policies = policies_of(kit, caller)
    except MalformedPolicy as malformed:
        words = f"whatever is asked is refused: {malformed.private}"
        return Judged(found.refusal, found.trust, seconds=seconds, warnings=(*found.warnings, words))
    tried = None
    if ask.action is not None and found.refusal is None:
        context = RequestContext(ask.action, ask.resource, principal_of(kit, caller), caller_keys(kit, caller, ask.context))
        tried = _seen(explain_all(context, policies))
    warnings = (*found.warnings, *_unlikely(policies))
    return Judged(found.refusal, found.trust, tuple(_listed(policies)), tried, seconds, warnings)


def _refused(private: str) -> Refusal:
    error: BrokerError = InvalidPoolConfiguration(private)
    return Refusal("trust", error.code, error.public, error.private)


def _seen(explanation: Explanation) -> DecisionSeen:
    decision = explanation.decision
    steps = tuple(_step(step) for step in explanation.steps)
    return DecisionSeen(decision.context.action, decision.context.resource, decision.allowed, decision.reason, steps)


def _step(step: Step) -> StatementSeen:
    return StatementSeen(step.by, step.policy, step.statement, step.sid, step.effect, step.applied, step.words)


def _listed(policies: Policies) -> Iterator[Right]:
    for kind, named in policies.sets():
        for name, policy in named:
            for statement in policy.statements:
                yield _right(kind, name, statement)


def _right(kind: str, name: str, statement: Statement) -> Right:
    resources = statement.resources
    return Right(
        by=kind,
        policy=name,
        statement=statement.index,
        sid=statement.sid,
        effect="Allow" if statement.allow else "Deny",
        actions=_texts("all actions but ", statement.actions.negated, statement.actions.texts),
        resources=_texts("all resources but ", resources.negated, resources.texts) if resources is not None else "*",
        conditions=tuple(f"{each.operator} {each.key} {', '.join(each.wanted)}" for each in statement.conditions),
    )


def _texts(but: str, negated: bool, texts: Sequence[str]) -> str:
    return (but if negated else "") + ", ".join(texts)


def _odd(kit: AccessKit, role: Role) -> Iterator[str]:
    """What is wrong with how the role trusts identity pools (rows IP-S1.4, IP-S1.5)."""
    trust = compiled(role.trust, "trust", LARGEST_TRUST)
    for finding in (*trust_warnings(trust, issuers_named(trust, kit.identity_base)), *policy_warnings(trust)):
        yield f"trust policy of {role.name}, statement {finding.statement}: {finding.words}"


def _unlikely(policies: Policies) -> Iterator[str]:
    for _, named in policies.sets():
        for name, policy in named:
            for finding in policy_warnings(policy):
                yield f"policy {name}, statement {finding.statement}: {finding.words}"

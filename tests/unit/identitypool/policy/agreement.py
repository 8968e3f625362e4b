"""Compare the engine with the oracle on the case of a seed."""

from __future__ import annotations

import json
from collections import Counter

from broker.identitypool.policy.context import Principal, RequestContext
from broker.identitypool.policy.document import Policy, PolicyKind, parse_policy
from broker.identitypool.policy.evaluate import Decision, Named, Policies, decide, judge
from broker.identitypool.policy.explain import explain_all
from broker.identitypool.policy.trust import Assumption, may_assume
from tests.unit.identitypool.policy import oracle
from tests.unit.identitypool.policy.cases import TRUST_ACTIONS, Case, any_case

KINDS: dict[str, PolicyKind] = {
    "identity": "identity", "session": "session", "resource": "resource", "boundary": "managed", "control": "managed", "trust": "trust",
}  # fmt: skip


def engine_policies(case: Case) -> Policies:
    made: dict[str, list[Named]] = {
        kind: [(str(number), engine_policy(tree, kind)) for number, tree in enumerate(trees)] for kind, trees in case.sets.items()
    }
    resource = (made.get("resource") or made.get("trust") or [None])[0]
    boundary = made["boundary"][0] if "boundary" in made else None
    return Policies(made["identity"], made.get("session"), resource, boundary, made.get("control"), trust="trust" in made)


def engine_policy(tree: dict[str, object], kind: str) -> Policy:
    return parse_policy(json.dumps(tree), KINDS[kind], limit=100_000)


def engine_principal(who: oracle.Who) -> Principal:
    return Principal(who.kind, who.session, who.role, who.account, who.calls)  # type: ignore[arg-type]


def engine_context(case: Case) -> RequestContext:
    ask = case.ask
    return RequestContext(ask.action, ask.resource, engine_principal(ask.who), ask.keys)


def check_agreement(seed: int) -> str:
    """Compare the decision, the statement that made it, and what every statement did. Returns the outcome."""
    case = any_case(seed)
    policies, context = engine_policies(case), engine_context(case)
    decision = judge(context, policies)
    kind, by = oracle.verdict(case.sets, case.ask)
    applied = oracle.table(case.sets, case.ask)
    assert decision.kind == kind, f"seed {seed}: {decision.reason}; the oracle says {kind} {by}: {case}"
    if kind != "explicit_deny":
        assert decision.by == by, f"seed {seed}: {decision.reason}; the oracle says {by}: {case}"
    check_statement(decision, case, applied, seed)
    explanation = explain_all(context, policies)
    assert explanation.decision == decision
    steps = {(step.by, int(step.policy), step.statement): step.applied for step in explanation.steps}
    assert steps == applied, f"seed {seed}: {explanation.steps}: {case}"
    if "control" not in case.sets and "trust" not in case.sets:
        assert (
            decide(context, identity=policies.identity, session=policies.session, resource=policies.resource, boundary=policies.boundary)
            == decision
        )
    if case.ask.who.kind == "Federated":
        check_all_actions(case, policies, context)
    return kind if kind == "allow" else f"{kind} {by}".strip()


def check_statement(decision: Decision, case: Case, applied: dict[tuple[str, int, int], bool], seed: int) -> None:
    """The statement that a decision names applies, and has the effect that it is named for."""
    if decision.kind == "implicit_deny":
        assert decision.statement is None
        return
    assert decision.statement is not None
    place = (decision.by, int(decision.policy), decision.statement)
    assert applied[place], f"seed {seed}: {decision}"
    tree = oracle.many(case.sets[decision.by][place[1]]["Statement"])[decision.statement]
    assert tree["Effect"] == ("Allow" if decision.allowed else "Deny"), f"seed {seed}: {decision}"


def check_all_actions(case: Case, policies: Policies, context: RequestContext) -> None:
    trust = policies.resource
    assert trust is not None
    for actions in (TRUST_ACTIONS[:1], TRUST_ACTIONS[:2], TRUST_ACTIONS):
        decision = may_assume(Assumption(context.resource, trust), context.principal, actions, context.values)
        assert decision.allowed == oracle.passes_trust(case.sets["trust"][0], case.ask, actions)


def check_many(first: int, count: int) -> Counter[str]:
    """The cases of `count` seeds from `first` on: how often each outcome came."""
    return Counter(check_agreement(seed) for seed in range(first, first + count))

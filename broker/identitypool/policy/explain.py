"""Why a decision is what it is, statement by statement. Slower than deciding, and asked for apart; the outcome is that of `judge`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from broker.identitypool.policy.conditions import Condition
from broker.identitypool.policy.context import ContextKeys, RequestContext
from broker.identitypool.policy.document import Statement
from broker.identitypool.policy.evaluate import Decision, Named, Policies, SetKind, judge
from broker.identitypool.policy.faults import shown
from broker.identitypool.policy.principals import Level

_LEVELS = {
    Level.NONE: "",
    Level.ACCOUNT: "; it names the account only, so an identity policy must allow as well",
    Level.ROLE: "; it names the role or everybody, so a boundary and session policies still count",
    Level.SESSION: "; it names the caller itself",
}


@dataclass(frozen=True, slots=True)
class Step:
    """What one statement did. `failed` is the element by which it does not apply: `action`, `resource`, `principal`, `condition`, or ""."""

    by: SetKind
    policy: str
    statement: int
    sid: str
    effect: str
    failed: str
    words: str

    @property
    def applied(self) -> bool:
        return not self.failed


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision, and every statement's part in it."""

    decision: Decision
    steps: tuple[Step, ...]


def explain(
    context: RequestContext,
    *,
    identity: Sequence[Named],
    session: Sequence[Named] | None = None,
    resource: Named | None = None,
    boundary: Named | None = None,
) -> Explanation:
    """As `decide`, with its reasons."""
    return explain_all(context, Policies(identity, session, resource, boundary))


def explain_all(context: RequestContext, policies: Policies) -> Explanation:
    """As `judge`, with its reasons."""
    steps = [
        _step(kind, name, statement, context)
        for kind, named in policies.sets()
        for name, policy in named
        for statement in policy.statements
    ]
    return Explanation(judge(context, policies), tuple(steps))


def _step(by: SetKind, policy: str, statement: Statement, context: RequestContext) -> Step:
    failed, words = _trial(statement, context)
    effect = "Allow" if statement.allow else "Deny"
    return Step(by, policy, statement.index, statement.sid, effect, failed, words)


def _trial(statement: Statement, context: RequestContext) -> tuple[str, str]:
    """The first element that fails, in the order of `applies`, and words for it."""
    keys = context.values
    if not statement.actions.applies(context.folded_action):
        name = "NotAction" if statement.actions.negated else "Action"
        return "action", f"{name} {_listed(statement.actions.texts)} does not cover {shown(context.action)}"
    resources = statement.resources
    if resources is not None and not resources.applies(context.resource, keys.single, statement.allow):
        name = "NotResource" if resources.negated else "Resource"
        dead = [pattern.text for pattern in resources.patterns if pattern.compiled(keys.single) is None]
        void = f" (no value for the variable of {_listed(dead)})" if dead else ""
        return "resource", f"{name} {_listed(resources.texts)} does not cover {shown(context.resource)}{void}"
    level = Level.NONE
    if statement.principals is not None:
        level = statement.principals.level(context.principal)
        if level is Level.NONE:
            name = "NotPrincipal" if statement.principals.negated else "Principal"
            return "principal", f"{name} is not about {_called(context)}"
    for condition in statement.conditions:
        if not condition.holds(keys):
            return "condition", _condition(condition, keys)
    return "", f"it applies{_LEVELS[level]}"


def _condition(condition: Condition, keys: ContextKeys) -> str:
    value = keys.get(condition.folded)
    wanted = f"{condition.operator} {shown(condition.key)} wants {_listed(condition.wanted)}"
    if value is None:
        return f"{wanted}, and the request has no such key"
    if isinstance(value, str):
        return f"{wanted}, and the request has {shown(value)}"
    several = "" if condition.quantifier else "; several values need ForAnyValue or ForAllValues"
    return f"{wanted}, and the request has {_listed(value)}{several}"


def _listed(texts: Sequence[str], most: int = 8) -> str:
    """At most `most` of them, in quotes."""
    quoted = [shown(text) for text in texts[:most]]
    more = [f"and {len(texts) - most} more"] if len(texts) > most else []
    return ", ".join(quoted + more)


def _called(context: RequestContext) -> str:
    principal = context.principal
    return _listed([principal.arn] if principal.arn else sorted(principal.names)) or principal.kind

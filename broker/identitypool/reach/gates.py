"""What policies say of a request of which only a part is known: no, yes, or yes under conditions (spec F.2, F.5).

The evaluator's own conditions are asked about what is known. What hangs on the rest is written down.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from broker.identitypool.policy.conditions import Condition
from broker.identitypool.policy.context import ContextKeys, Principal
from broker.identitypool.policy.document import Policy, Statement
from broker.identitypool.policy.glob import fold
from broker.identitypool.policy.principals import Level
from broker.model.sts import ContextValue

Where = tuple[str, ...]
GUEST = "unauthenticated"


@dataclass(frozen=True, slots=True)
class Facts:
    """The context keys that are known. A key that begins with one of `open` may have any value or none; every other key is not there.

    The names in `partly` have the values known and perhaps more: how somebody signed in, where he may have shown several logins.
    """

    known: Mapping[str, ContextValue] = field(default_factory=dict)
    open: tuple[str, ...] = ()
    partly: frozenset[str] = frozenset()

    def verdict(self, condition: Condition, keys: ContextKeys) -> bool | None:
        """Whether a condition holds; None if that cannot be known."""
        if condition.folded in self.partly:
            return self._of_part(condition, keys)
        value = keys.get(condition.folded)
        if value is None and condition.folded.startswith(self.open):
            return None
        if value is not None and any("${" in text for text in condition.wanted):
            return None
        return condition.holds(keys)

    def _of_part(self, condition: Condition, keys: ContextKeys) -> bool | None:
        holds = condition.holds(keys)
        if condition.quantifier == "ForAllValues":
            return None if holds else False
        if condition.quantifier != "ForAnyValue" or holds:
            return holds
        # More values can only make it true; but nobody who signed in is a guest.
        return False if not condition.negated and set(condition.wanted) == {GUEST} else None

    def keys(self) -> ContextKeys:
        """The known ones, for the evaluator."""
        return ContextKeys(self.known)


@dataclass(frozen=True, slots=True)
class Gate:
    """The conditions under each of which a set of policies lets a request pass; none if it does not, and `why`.

    `near` has each way with how closely its statement names who asks: what else must allow it depends on that. `bars` are the conditions
    of the Denies alone, which count as well where another set's Allow suffices; `denied` says that one surely applies.
    """

    ways: tuple[Where, ...]
    why: str = ""
    near: tuple[tuple[Level, Where], ...] = ()
    bars: Where = ()
    denied: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """Who wants to do what, as far as it is known."""

    action: str
    resource: str
    principal: Principal
    facts: Facts


def gate(question: Question, policies: Iterable[tuple[str, Policy]], *, what: str) -> Gate:
    """Every Allow is a way of its own, and every Deny that may apply bars them all."""
    keys = question.facts.keys()
    near: list[tuple[Level, Where]] = []
    bars: list[str] = []
    for name, policy in policies:
        for statement in policy.statements:
            where = _where(question, statement, keys)
            if where is None:
                continue
            if statement.allow:
                level = statement.principals.level(question.principal) if statement.principals is not None else Level.NONE
                near.append((level, where))
            elif not where:
                return Gate((), f"statement {statement.index} of {what} {name} denies {question.action}", denied=True)
            else:
                bars.append(f"unless {' and '.join(where)}")
    if not near:
        return Gate((), f"no statement of {what} allows {question.action}", bars=tuple(sorted(bars)))
    barred = tuple((level, tuple(sorted({*way, *bars}))) for level, way in near)
    return Gate(shortest(way for _, way in barred), near=barred, bars=tuple(sorted(bars)))


def both(first: Sequence[Where], second: Sequence[Where]) -> tuple[Where, ...]:
    """Ways through two gates."""
    return shortest([tuple(sorted({*one, *other})) for one in first for other in second])


def shortest(ways: Iterable[Where]) -> tuple[Where, ...]:
    """Without those that demand more than another."""
    every = sorted(set(ways), key=lambda way: (len(way), way))
    kept: list[Where] = []
    for way in every:
        if not any(set(less) <= set(way) for less in kept):
            kept.append(way)
    return tuple(kept)


def _where(question: Question, statement: Statement, keys: ContextKeys) -> Where | None:
    """Under which conditions a statement applies; None if it does not."""
    if not statement.actions.applies(fold(question.action)):
        return None
    if statement.principals is not None and not statement.principals.level(question.principal):
        return None
    where: list[str] = []
    resources = statement.resources
    if resources is not None:
        variable = any("${" in text for text in resources.texts)
        if not variable and not resources.applies(question.resource, keys.single, statement.allow):
            return None
        if variable:
            where.append(f"{'NotResource' if resources.negated else 'Resource'} {json.dumps(sorted(resources.texts))}")
    for condition in statement.conditions:
        verdict = question.facts.verdict(condition, keys)
        if verdict is False:
            return None
        if verdict is None:
            where.append(f"{condition.operator} {condition.key} {json.dumps(sorted(condition.wanted))}")
    return tuple(sorted(where))

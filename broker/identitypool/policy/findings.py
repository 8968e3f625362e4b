"""What is to be said about a policy that can be read and will not do what its author thinks (spec F.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from broker.identitypool.policy.conditions import Condition
from broker.identitypool.policy.document import Policy, Statement

_SEVERAL = frozenset({"aws:tagkeys", "sts:transitivetagkeys", "aws:principalorgpaths", "aws:principalservicenameslist"})


@dataclass(frozen=True, slots=True)
class Finding:
    """About one statement. A policy with a finding of level `refuse` is not saved."""

    level: Literal["refuse", "warn"]
    statement: int
    sid: str
    words: str


def policy_warnings(policy: Policy) -> tuple[Finding, ...]:
    """Conditions that never hold, and Allows that hold for want of a key."""
    return tuple(
        Finding("warn", statement.index, statement.sid, words)
        for statement in policy.statements
        for condition in statement.conditions
        if (words := _words(statement, condition))
    )


def _words(statement: Statement, condition: Condition) -> str:
    if has_several_values(condition.folded) and not condition.quantifier and not condition.null:
        return f"{condition.operator} on {condition.key} never holds: the key has several values; use ForAnyValue or ForAllValues"
    if condition.quantifier == "ForAllValues" and statement.allow and not _demanded(statement, condition.folded):
        return f"{condition.operator} on {condition.key} also allows requests without the key; add Null with {condition.key} false"
    return ""


def has_several_values(folded: str) -> bool:
    """Whether a context key, by its folded name, may have more than one value."""
    return folded in _SEVERAL or folded.endswith(":amr")


def _demanded(statement: Statement, folded: str) -> bool:
    """Whether another condition fails when the key is missing."""
    return any(each.folded == folded and (each.null == (False,) if each.null else not each.absent) for each in statement.conditions)

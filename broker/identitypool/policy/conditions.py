"""The Condition element: which operators there are, and when a condition holds (spec F.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from broker.identitypool.policy import operators
from broker.identitypool.policy.context import ContextKeys
from broker.identitypool.policy.faults import Fault, shown
from broker.identitypool.policy.glob import fold
from broker.identitypool.policy.operators import COMPARE, Matcher, Reader

Quantifier = Literal["", "ForAllValues", "ForAnyValue"]

_QUANTIFIERS: dict[str, Quantifier] = {"": "", "ForAllValues": "ForAllValues", "ForAnyValue": "ForAnyValue"}
_KEY = re.compile(r"[^\s{}$*?\"',:]+:[^{}$*?\"',\x00-\x1f]+")
_NAME = re.compile(r"(?:(?P<quantifier>ForAllValues|ForAnyValue):)?(?P<base>[A-Za-z]+?)(?P<if_exists>IfExists)?")


@dataclass(frozen=True, slots=True)
class Operator:
    """A row of the table of F.3. `negated`: it holds when none of the policy's values matches."""

    read: Reader
    negated: bool = False


OPERATORS: dict[str, Operator] = {
    "StringEquals": Operator(operators.string_equals),
    "StringNotEquals": Operator(operators.string_equals, negated=True),
    "StringEqualsIgnoreCase": Operator(operators.string_equals_any_case),
    "StringNotEqualsIgnoreCase": Operator(operators.string_equals_any_case, negated=True),
    "StringLike": Operator(operators.string_like),
    "StringNotLike": Operator(operators.string_like, negated=True),
    "Bool": Operator(operators.boolean),
    "BinaryEquals": Operator(operators.binary),
    "IpAddress": Operator(operators.ip_address),
    "NotIpAddress": Operator(operators.ip_address, negated=True),
    "ArnEquals": Operator(operators.arn_like),
    "ArnLike": Operator(operators.arn_like),
    "ArnNotEquals": Operator(operators.arn_like, negated=True),
    "ArnNotLike": Operator(operators.arn_like, negated=True),
    "NumericNotEquals": Operator(operators.number(COMPARE["Equals"]), negated=True),
    "DateNotEquals": Operator(operators.moment(COMPARE["Equals"]), negated=True),
    **{f"Numeric{name}": Operator(operators.number(compare)) for name, compare in COMPARE.items()},
    **{f"Date{name}": Operator(operators.moment(compare)) for name, compare in COMPARE.items()},
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One key under one operator.

    `operator` and `key` are as written, `wanted` the policy's values; `base` is the operator without set and IfExists. `absent` is the
    outcome when the request lacks the key. `null` is the outcome of the operator Null for an absent key, and None for all others.
    """

    operator: str
    base: str
    key: str
    folded: str
    wanted: tuple[str, ...]
    matchers: tuple[Matcher, ...]
    negated: bool
    quantifier: Quantifier
    absent: bool
    null: tuple[bool, ...] = ()

    def holds(self, keys: ContextKeys) -> bool:
        """Whether the request meets it. Never raises."""
        value = keys.get(self.folded)
        if self.null:
            return (value is None) in self.null
        if value is None:
            return self.absent
        if not self.quantifier:
            # A key of several values is only compared under a set operator (spec F.3).
            return isinstance(value, str) and self._one(value, keys)
        values = (value,) if isinstance(value, str) else value
        if self.quantifier == "ForAllValues":
            return all(self._one(each, keys) for each in values)
        return any(self._one(each, keys) for each in values)

    def _one(self, value: str, keys: ContextKeys) -> bool:
        for matcher in self.matchers:
            if matcher(value, keys):
                return not self.negated
        return self.negated


def read_conditions(element: object, variables: bool) -> tuple[Condition, ...]:
    """Read the Condition element. `variables` says whether `${...}` is read (spec F.1: only in the newer version). Raises Fault."""
    if not isinstance(element, Mapping):
        raise Fault("Condition", "it must be an object of operators")
    found: list[Condition] = []
    for name, block in element.items():
        place = f"Condition.{name}"
        if not isinstance(block, Mapping) or not block:
            raise Fault(place, "it must be an object of condition keys with their values")
        seen: set[str] = set()
        for key, values in block.items():
            if not _KEY.fullmatch(key) or key != key.strip():
                raise Fault(place, f"{shown(key)} is no condition key; write one such as aws:PrincipalTag/team, without wildcards")
            if fold(key) in seen:
                raise Fault(place, f"the key {shown(key)} is given twice (case does not count); give one list of values")
            seen.add(fold(key))
            found.append(_condition(name, key, _texts(values, f"{place}.{key}"), variables))
    return tuple(found)


def _condition(name: str, key: str, wanted: tuple[str, ...], variables: bool) -> Condition:
    element = f"Condition.{name}.{key}"
    parts = _NAME.fullmatch(name)
    base = parts["base"] if parts else ""
    if name == "Null":
        null = tuple(operators.truth(text, element) for text in wanted)
        return Condition(name, name, key, fold(key), wanted, (), negated=False, quantifier="", absent=True, null=null)
    if base == "Null":
        raise Fault(f"Condition.{name}", "Null takes neither IfExists nor a set operator; write Null")
    row = OPERATORS.get(base)
    if parts is None or row is None:
        raise Fault(f"Condition.{name}", f"{shown(name)} is no operator (case counts); use one such as StringEquals")
    quantifier = _QUANTIFIERS[parts["quantifier"] or ""]
    absent = bool(parts["if_exists"]) or (quantifier == "ForAllValues" if quantifier else row.negated)
    matchers = tuple(row.read(text, element, variables) for text in wanted)
    return Condition(name, base, key, fold(key), wanted, matchers, row.negated, quantifier, absent)


def _texts(values: object, element: str) -> tuple[str, ...]:
    """One value or a list of them; a number or a Boolean stands for its text."""
    texts = tuple(_text(value, element) for value in (values if isinstance(values, list) else [values]))
    if not texts:
        raise Fault(element, "the list of values is empty; give at least one")
    return texts


def _text(value: object, element: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return str(value)
    raise Fault(element, "a value must be a string, a number or a Boolean")

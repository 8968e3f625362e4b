"""Find what is wrong with a mapping before anybody signs in with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from broker.errors import ConfigError
from broker.mapping import registry
from broker.mapping.mapper import GroupMapper, OptionsInvalid
from broker.mapping.targets import GROUPS, IMPLICIT, is_forbidden
from broker.model import schema
from broker.model.settings import MappingRule, UserPool


@dataclass(frozen=True, slots=True)
class MappingProblem:
    """One mistake. `rule` counts from 1; `key` is the rule's key that is wrong; `position` is where in a pattern or template, from 0."""

    rule: int
    target: str
    key: str
    what: str
    position: int | None = None


def validate(pool: UserPool, rules: Sequence[MappingRule]) -> tuple[MappingProblem, ...]:
    """Everything that is wrong with a pool's mapping: targets, mappers, options, and required attributes that nothing makes."""
    found = [problem for number, rule in enumerate(rules, start=1) for problem in _of_rule(pool, number, rule)]
    made = {rule.target for rule in rules}
    found += [
        MappingProblem(0, name, "mapping", f"{name} is required in this pool, and no rule makes it")
        for name in schema.required(pool)
        if name not in made
    ]
    return tuple(found)


def _of_rule(pool: UserPool, number: int, rule: MappingRule) -> Iterator[MappingProblem]:
    wrong = _target_problem(pool, rule.target)
    if wrong is not None:
        yield MappingProblem(number, rule.target, "target", wrong)
    try:
        mapper = registry.find(rule.mapper)
    except ConfigError as broken:
        yield MappingProblem(number, rule.target, "mapper", broken.private)
        return
    if mapper is None:
        yield MappingProblem(number, rule.target, "mapper", f"there is no mapper {rule.mapper}; known are {', '.join(registry.names())}")
        return
    if isinstance(mapper, GroupMapper) != (rule.target == GROUPS):
        what = f"{rule.mapper} makes attributes, not groups" if rule.target == GROUPS else f"{rule.mapper} is for the target {GROUPS} only"
        yield MappingProblem(number, rule.target, "mapper", what)
    try:
        mapper.check(rule.options)
    except OptionsInvalid as invalid:
        yield MappingProblem(number, rule.target, invalid.key, invalid.what, invalid.position)


def _target_problem(pool: UserPool, target: str) -> str | None:
    if target in IMPLICIT:
        return "follows from the provider's own subject and cannot be mapped"
    if target == GROUPS:
        return None
    if is_forbidden(target):
        return "no mapping may write this"
    known = schema.find(pool, target)
    if known is None:
        return "there is no such attribute in this pool"
    return None if known.mutable else "the attribute is immutable, so the second sign-in would fail"

"""Mistakes of a mapping, found when it is saved."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.mapping.check import validate
from broker.model.settings import AttributeSchema, MappingRule
from tests.unit.mapping.identities import POOL, rule

GOOD = (
    rule("email", from_="mail"),
    rule("custom:dept", "regex", from_="a", pattern="(x)(?P<n>y)", replace="{n}{1}{0}"),
    rule("groups", "group_map", from_="g", map={"A": "a"}),
    rule("name", "case", to="lower"),
    rule("nickname", "split", separator=","),
)


def test_a_good_mapping_has_no_problems() -> None:
    assert validate(POOL, GOOD) == ()


@pytest.mark.parametrize(
    ("wrong", "key", "words", "position"),
    [
        (rule("sub", from_="a"), "target", "no mapping", None),
        (rule("cognito:groups", from_="a"), "target", "no mapping", None),
        (rule("username", from_="a"), "target", "subject", None),
        (rule("custom:none", from_="a"), "target", "no such attribute", None),
        (rule("custom:fixed", from_="a"), "target", "immutable", None),
        (rule("name", "unheard"), "mapper", "known are copy, constant", None),
        (rule("groups", from_="a"), "mapper", "not groups", None),
        (rule("name", "group_map", from_="a", map={"A": "a"}), "mapper", "target groups only", None),
        (rule("name"), "from", "missing", None),
        (rule("name", from_=""), "from", "empty", None),
        (rule("name", from_=["a"]), "from", "not text", None),
        (rule("name", from_="a", form="b"), "form", "no such key", None),
        (rule("name", "constant"), "value", "missing", None),
        (rule("name", "constant", value=["a"]), "value", "not text", None),
        (rule("name", "template", template="a {b"), "template", "single {", 2),
        (rule("name", "template", template="a {} b"), "template", "no name", 2),
        (rule("name", "template", template="plain"), "template", "constant", None),
        (rule("name", "regex", from_="a"), "pattern", "missing", None),
        (rule("name", "regex", from_="a", pattern="a(b"), "pattern", "missing )", 3),
        (rule("name", "regex", from_="a", pattern="x" * 1001), "pattern", "longer", None),
        (rule("name", "regex", from_="a", pattern="(a)", replace="{2}"), "replace", "no group 2", None),
        (rule("name", "regex", from_="a", pattern="(a)", replace="{n}"), "replace", "no group n", None),
        (rule("name", "regex", from_="a", pattern="(a)", replace="}"), "replace", "single }", 0),
        (rule("name", "regex", from_="a", pattern="a", ignore_case="yes"), "ignore_case", "neither", None),
        (rule("name", "split", from_="a"), "separator", "missing", None),
        (rule("name", "split", from_="a", separator=""), "separator", "empty", None),
        (rule("name", "split", from_="a", separator=",", index="0"), "index", "whole number", None),
        (rule("name", "split", from_="a", separator=",", index=True), "index", "whole number", None),
        (rule("name", "join", from_=[]), "from", "list of names", None),
        (rule("name", "first_of", from_=["a", 1]), "from", "list of names", None),
        (rule("name", "case", from_="a", to="camel"), "to", "lower, upper, title", None),
        (rule("groups", "group_map", from_="g"), "map", "table", None),
        (rule("groups", "group_map", from_="g", map={"A": 1}), "map.A", "list of names", None),
        (rule("groups", "group_map", from_="g", map={"A": "a"}, ignore_case=1), "ignore_case", "neither", None),
    ],
)
def test_a_mistake_is_named_with_its_key(wrong: MappingRule, key: str, words: str, position: int | None) -> None:
    problems = validate(POOL, [GOOD[0], wrong])
    assert [(each.rule, each.key, each.position) for each in problems] == [(2, key, position)]
    assert words in problems[0].what


def test_a_required_attribute_that_nothing_makes_is_a_mistake() -> None:
    pool = replace(POOL, schema=(*POOL.schema, AttributeSchema("name", required=True)))
    assert [(each.rule, each.target) for each in validate(pool, GOOD[:1])] == [(0, "name")]

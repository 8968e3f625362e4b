"""The built-in mappers, one table each: what arrives, what the rule says, what comes of it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from broker.mapping import registry
from tests.unit.mapping.identities import mapped, one, rule


@pytest.mark.parametrize(
    ("mapper", "options", "attributes", "made"),
    [
        ("copy", {"from_": "a"}, {"a": "x"}, "x"),
        ("copy", {"from_": "a"}, {"a": ["x"]}, "x"),
        ("copy", {"from_": "a"}, {"a": ["x y", "z&"]}, "[x+y,z%26]"),
        ("copy", {"from_": "a"}, {"a": {"b": [1, True]}}, '{"b":[1,true]}'),
        ("copy", {"from_": "a"}, {"a": 7}, "7"),
        ("copy", {"from_": "a"}, {"a": False}, "false"),
        ("copy", {"from_": "a"}, {"a": ""}, ""),
        ("copy", {"from_": "a"}, {"a": []}, ""),
        ("copy", {"from_": "a"}, {"a": None}, None),
        ("copy", {"from_": "a"}, {"A": "x"}, None),
        ("copy", {"from_": "NameID"}, {}, "ada"),
        ("copy", {"from_": "sub"}, {"sub": "own"}, "own"),
        ("constant", {"value": "x"}, {}, "x"),
        ("constant", {"value": 3}, {}, "3"),
        ("template", {"template": "{a} {urn:b}!"}, {"a": "x", "urn:b": "y"}, "x y!"),
        ("template", {"template": "{{{a}}}"}, {"a": "{b}"}, "{{b}}"),
        ("template", {"template": "{a}-{b}"}, {"a": "x"}, None),
        ("template", {"template": "{a}-{b}"}, {"a": "x", "b": ""}, None),
        ("template", {"template": "{a}"}, {"a": ["x", "y"]}, "x y"),
        ("split", {"from_": "a", "separator": ";"}, {"a": "x; y;;"}, "[x,y]"),
        ("split", {"from_": "a", "separator": "@", "index": -1}, {"a": "ada@example.com"}, "example.com"),
        ("split", {"from_": "a", "separator": "@", "index": 5}, {"a": "ada@example.com"}, None),
        ("split", {"from_": "a", "separator": "@"}, {}, None),
        ("join", {"from_": ["a", "b"]}, {"a": "x", "b": ["y", "z"]}, "x y z"),
        ("join", {"from_": ["a", "b"], "separator": ","}, {"b": "y"}, "y"),
        ("join", {"from_": ["a", "b"]}, {}, None),
        ("first_of", {"from_": ["a", "b"]}, {"a": "", "b": "y"}, "y"),
        ("first_of", {"from_": ["a", "b"]}, {"a": [], "b": ["y", "z"]}, "[y,z]"),
        ("first_of", {"from_": ["a", "b"]}, {}, None),
        ("case", {"from_": "a", "to": "lower"}, {"a": "ADA"}, "ada"),
        ("case", {"from_": "a", "to": "upper"}, {"a": ["a", "b"]}, "[A,B]"),
        ("case", {"from_": "a", "to": "title"}, {"a": "ada o'neill"}, "Ada O'Neill"),
        ("regex", {"from_": "a", "pattern": r"CN=(\w+)"}, {"a": ["CN=x,DC=y", "none", "CN=z"]}, "[x,z]"),
        ("regex", {"from_": "a", "pattern": r"\d+"}, {"a": "room 12"}, "12"),
        ("regex", {"from_": "a", "pattern": r"(\w+), (?P<first>\w+)", "replace": "{first} {1}"}, {"a": "Love, Ada"}, "Ada Love"),
        ("regex", {"from_": "a", "pattern": "ADA", "ignore_case": True}, {"a": "ada"}, "ada"),
        ("regex", {"from_": "a", "pattern": "x"}, {"a": "y"}, None),
        ("regex", {"from_": "a", "pattern": r"\p{Lu}\p{Ll}+"}, {"a": "née Ñandú"}, "Ñandú"),
    ],
)
def test_a_mapper_makes(mapper: str, options: dict[str, Any], attributes: dict[str, Any], made: str | None) -> None:
    registry.BUILT_IN[mapper]().check(rule("custom:dept", mapper, **options).options)
    assert one(mapper, attributes, **options) == made


@pytest.mark.parametrize(
    ("options", "attributes", "groups"),
    [
        ({}, {"their": ["Admins", "CN=Staff"]}, ("admins", "staff", "all")),
        ({}, {"their": "Admins"}, ("admins",)),
        ({}, {"their": ["admins", "made-up", "cognito:root"]}, ()),
        ({"ignore_case": True}, {"their": "ADMINS"}, ("admins",)),
        ({}, {}, None),
        ({"default": "guests"}, {}, ("guests",)),
        ({"default": ["guests"]}, {"their": "other"}, ("guests",)),
        ({"default": ["guests"]}, {"their": "Admins"}, ("admins",)),
    ],
)
def test_a_group_map_names_groups_of_its_table_only(options: dict[str, Any], attributes: dict[str, Any], groups: Any) -> None:
    table = {"Admins": "admins", "CN=Staff": ["staff", "all"]}
    result = mapped([rule("groups", "group_map", from_="their", map=table, **options)], attributes)
    assert result.groups == groups
    # A rule that says nothing governs nothing: what the user has is left alone.
    assert {"admins", "staff", "all"} <= result.governed_groups or groups is None
    assert "groups" not in result.attributes


def test_several_rules_build_on_one_another() -> None:
    rules = [
        rule("name", from_="cn"),
        rule("name", "case", to="title"),
        rule("nickname", "template", template="{claim:name} of {o}"),
        rule("name", "regex", pattern="absent"),
    ]
    assert mapped(rules, {"cn": "ada love", "o": "Example"}).attributes == {"name": "Ada Love", "nickname": "Ada Love of Example"}


def test_a_pattern_that_never_ends_is_ended() -> None:
    """ReDoS: the sign-in goes on, without that attribute, and the line says why."""
    began = time.monotonic()
    result = mapped(
        [rule("custom:dept", "regex", from_="a", pattern=r"(a+)+$"), rule("name", from_="b")], {"a": "a" * 4000 + "!", "b": "Ada"}
    )
    assert time.monotonic() - began < 5
    assert result.attributes == {"name": "Ada"}
    assert "took longer" in result.lines[0].why


def test_a_value_too_long_for_a_pattern_is_not_searched() -> None:
    assert "8192" in mapped([rule("name", "regex", from_="a", pattern="a")], {"a": "a" * 9000}).lines[0].why


def test_the_built_in_mappers_are_entry_points_too() -> None:
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    declared = project["project"]["entry-points"]["crossgate.mappers"]
    assert declared == {name: f"{kind.__module__}:{kind.__qualname__}" for name, kind in registry.BUILT_IN.items()}

"""Groups, roles and the preferred role (spec A.4)."""

from __future__ import annotations

import pytest

from broker.model.settings import Group
from broker.tokens.groups import TokenGroups, token_groups


def group(name: str, precedence: int | None = None, role: str | None = None) -> Group:
    return Group("eu_one", name, precedence=precedence, role_arn=role)


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ([], TokenGroups()),
        ([group("b"), group("a")], TokenGroups(("a", "b"))),
        ([group("weak"), group("strong", 0)], TokenGroups(("strong", "weak"))),
        ([group("a", 9, "R"), group("b", 1)], TokenGroups(("b", "a"), ("R",), "R")),
        ([group("a", 2, "R"), group("b", 1, "S")], TokenGroups(("b", "a"), ("S", "R"), "S")),
        ([group("a", 1, "R"), group("b", 1, "S")], TokenGroups(("a", "b"), ("R", "S"))),
        ([group("a", 1, "R"), group("b", 1, "R"), group("c", 2, "S")], TokenGroups(("a", "b", "c"), ("R", "S"), "R")),
        ([group("a", 1), group("b", 2, "R"), group("c", 3, "S")], TokenGroups(("a", "b", "c"), ("R", "S"), "R")),
        ([group("a", None, "R"), group("b", None, "S")], TokenGroups(("a", "b"), ("R", "S"))),
        ([group("a", None, "R"), group("b", 7, "S")], TokenGroups(("b", "a"), ("S", "R"), "S")),
    ],
)
def test_groups(groups: list[Group], expected: TokenGroups) -> None:
    assert token_groups(groups) == expected
    assert token_groups(groups[::-1]) == expected

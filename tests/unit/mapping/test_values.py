"""Flattening (spec B.9, 7): exact, and invertible where there is more than one value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.mapping.values import flatten, unflatten

TEXTS = st.text(st.characters(exclude_categories=("Cs",)))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (["a", "b"], "[a,b]"),
        (["a b", "c,d"], "[a+b,c%2Cd]"),
        (["Az09.-*_", "~+%"], "[Az09.-*_,%7E%2B%25]"),
        (["é", "[x]"], "[%C3%A9,%5Bx%5D]"),
        (["", ""], "[,]"),
        ([None, "a"], "a"),
        ([1, True, {"a": None}], "[1,true,%7B%22a%22%3Anull%7D]"),
        (("one",), "one"),
        ([], ""),
        ({"b": "é"}, '{"b":"é"}'),
        (1.5, "1.5"),
    ],
)
def test_flattening(value: object, text: str) -> None:
    assert flatten(value) == text


@given(st.lists(TEXTS, min_size=2))
def test_several_values_come_back(values: list[str]) -> None:
    assert unflatten(flatten(values)) == tuple(values)


@given(TEXTS.filter(lambda text: text and not text.startswith("[")))
def test_one_value_comes_back_and_has_no_brackets(value: str) -> None:
    assert flatten([value]) == flatten(value) == value
    assert unflatten(value) == (value,)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"x", object(), [object()], {"a": float("nan")}, {"a": {1, 2}}])
def test_what_has_no_text_is_a_value_error(value: object) -> None:
    with pytest.raises(ValueError):
        flatten(value)

"""CEL over claims: what it says yes to, what it refuses on save and where, and that no expression can cost much."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.expr import cel

CLAIMS: dict[str, Any] = {
    "email": "ann@corp.example",
    "email_verified": True,
    "cognito:groups": ["staff", "finance"],
    "level": 3,
    "address": {"country": "NL"},
    "nothing": None,
}


@pytest.mark.parametrize(
    ("source", "holds"),
    [
        ("claims.email.endsWith('@corp.example') && claims.email_verified", True),
        ("'finance' in claims['cognito:groups']", True),
        ("'legal' in claims['cognito:groups']", False),
        ("claims['cognito:groups'].exists(g, g.startsWith('fin'))", True),
        ("claims.level >= 3 && claims.level < 4.5", True),
        ("has(claims.department) && claims.department == 'x'", False),
        ("claims.address.country == 'NL'", True),
        ("claims.email_verified", True),
        ("claims.nothing == null", True),
    ],
)
def test_an_expression_over_claims_holds_or_not(source: str, holds: bool) -> None:
    assert cel.compiled(source).holds(cel.bound(CLAIMS)) is holds


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("claims.department == 'x'", "missing"),
        ("claims.department != 'x'", "missing"),
        ("1 / (claims.level - 3) == 1", "error"),
        ("claims.level.startsWith('3')", "error"),
        ("claims.level", "no yes or no"),
        ("claims.email", "no yes or no"),
    ],
)
def test_an_evaluation_that_gives_no_answer_never_holds_and_tells_no_value(source: str, why: str) -> None:
    with pytest.raises(cel.CelFailed, match=why) as failed:
        cel.compiled(source).holds(cel.bound(CLAIMS))
    assert "ann@corp" not in str(failed.value)


@pytest.mark.parametrize(
    ("source", "line", "column", "words"),
    [
        ("claims.a ==", 1, 12, "mismatched input"),
        ("claims.a ==\n 'b' &&& true", 2, 8, ""),
        ("claim.a == 'b'", 1, 6, "undeclared reference to 'claim"),
        ("claims.a + 'x' == 'bx'", 1, 10, "undeclared reference"),
        ("claims.a.matches('x')", 1, 17, "undeclared reference"),
        ("claims.a.map(x, x) == []", 1, 14, "undeclared reference"),
        ("'text'", 0, 0, "not a yes or no"),
        ("1", 0, 0, "not a yes or no"),
        ("", 0, 0, "empty"),
        ("(" * 50 + "true" + ")" * 50, 0, 0, "nested too deeply"),
        ("true " + "&& true " * 200, 0, 0, "longer than 1024"),
    ],
)
def test_what_cannot_be_compiled_is_refused_with_its_place(source: str, line: int, column: int, words: str) -> None:
    with pytest.raises(cel.CelInvalid) as refused:
        cel.compiled(source)
    assert (refused.value.line, refused.value.column) == (line, column), refused.value
    assert words in refused.value.what
    assert (f"line {line}" in str(refused.value)) is bool(line)


def test_without_the_extra_the_refusal_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    cel._environment.cache_clear()
    monkeypatch.setitem(sys.modules, "cel_expr_python", None)
    with pytest.raises(cel.CelInvalid, match=r"crossgate\[cel\]"):
        cel.compiled("claims.only_this_test == 1")
    monkeypatch.undo()
    assert cel.compiled("claims.only_this_test == 1").holds({"only_this_test": 1})


@pytest.mark.parametrize(
    "source",
    [
        "claims.l.all(a, claims.l.all(b, claims.l.all(c, claims.l.all(d, true))))",
        "claims.l.all(a, claims.l.all(b, !claims.s.contains(claims.t)))",
        "!claims.l.exists(a, claims.l.exists(b, claims.s == claims.t))",
    ],
)
def test_no_expression_takes_long(source: str) -> None:
    claims = cel.bound({"l": list(range(cel.LONGEST_LIST)), "s": "a" * cel.LONGEST_TEXT, "t": "a" * 1000 + "b"})
    began = time.process_time()
    try:
        answered: bool | str = cel.compiled(source).holds(claims)
    except cel.CelFailed as failed:
        answered = str(failed)
    assert answered in {True, "it needs too many steps"}
    assert time.process_time() - began < 5


def test_what_is_too_large_is_as_if_it_were_not_there() -> None:
    claims = {"s": "x" * 3000, "l": ["x"] * 101, "n": 1 << 70, "deep": [[[[[[[["x"]]]]]]]], "ok": "x", "half": ["x", "x" * 3000]}
    assert cel.bound(claims).keys() == {"ok"}
    assert cel.compiled("!has(claims.s) && !has(claims.half) && claims.ok == 'x'").holds(cel.bound(claims))


def test_one_compiled_expression_serves_many_threads() -> None:
    expression = cel.compiled("claims.n >= 50")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: expression.holds({"n": n}), range(100)))
    assert answers == [n >= 50 for n in range(100)]


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(claims=st.dictionaries(st.sampled_from(["a", "b", "c"]), json, max_size=3))
def test_any_claims_give_an_answer_or_a_refusal(claims: dict[str, Any]) -> None:
    for source in (
        "claims.a == claims.b",
        "claims.a in claims.b",
        "claims.a.startsWith('x') || claims.c",
        "claims.a.exists(x, x == claims.b)",
    ):
        try:
            answer: object = cel.compiled(source).holds(cel.bound(claims))
        except cel.CelFailed:
            answer = None
        assert answer in {True, False, None}


@given(source=st.text(max_size=60) | st.text(alphabet="claims.()[]'\"\\ =!&|<>?:+-*/%0123xu,{}", max_size=60))
def test_any_text_compiles_or_is_refused(source: str) -> None:
    try:
        made = cel.compiled(source).source
    except cel.CelInvalid as refused:
        made = source if str(refused) else ""
    assert made == source

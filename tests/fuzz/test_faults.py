"""The fuzz would notice: each kind of bad answer is one, and an honest refusal is none."""

from __future__ import annotations

import pytest

from tests.fuzz.cases import Case, Damage, cases
from tests.fuzz.routes import ROUTES
from tests.fuzz.run import fault
from tests.fuzz.wire import Answer, Letter

CASE = Case(0, 0, ROUTES[0], (Damage("query", "state", "NUL"),))
LETTER = Letter("GET", b"/pool/oauth2/authorize", query=[("state", b"x")])
HTML = {"content-type": "text/html; charset=utf-8"}


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, HTML, b"<h1>Sorry</h1>"),
        Answer(501, HTML, b"<h1>Sorry</h1>"),
        Answer(-1, seconds=20),
        Answer(0),
        Answer(200, HTML, b"x", seconds=11),
        Answer(200, {**HTML, "x-injected": "yes"}, b"x"),
        Answer(400, HTML, b"<pre>Traceback (most recent call last)"),
        Answer(400, HTML, b""),
        Answer(400, {"content-type": "application/json"}, b'{"message": "no"}'),
    ],
)
def test_a_bad_answer_is_a_fault(answer: Answer) -> None:
    assert fault(CASE, LETTER, answer)


@pytest.mark.parametrize(
    "answer", [Answer(200, HTML), Answer(400, HTML, b"<h1>No</h1>"), Answer(400, {"content-type": "application/json"}, b'{"error": "x"}')]
)
def test_a_good_answer_is_none(answer: Answer) -> None:
    assert fault(CASE, LETTER, answer) == ""


def test_a_seed_makes_the_same_cases_again() -> None:
    def first(seed: int) -> list[str]:
        supply = cases(seed)
        return [f"{case} {case.spoil(LETTER).written()!r}" for case in (next(supply) for _ in range(50))]

    assert first(7) == first(7)
    assert first(7) != first(8)

"""Every row has a case: the list in rows.txt is held against the tables and the tests that name their rows."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.attacks.saml.oracle import Case

HERE = Path(__file__).parent
ROW = re.compile(r"[A-K][0-9]{1,2}")
# How many rows the catalogue has in each part, without those about linking by address and proved domains, which are tested with linking.
SIZES = {"A": 34, "B": 29, "C": 26, "D": 12, "E": 45, "F": 8, "G": 8, "H": 20, "I": 10, "K": 11}


def listed() -> list[str]:
    lines = (HERE / "rows.txt").read_text(encoding="utf-8").splitlines()
    return [line.split(" ", 1)[0] for line in lines if line and not line.startswith("#")]


def covered() -> Iterator[str]:
    """The rows of every table of cases and of every test with `rows`."""
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(f"tests.attacks.saml.{path.stem}")
        for value in vars(module).values():
            if isinstance(value, list):
                yield from (case.row for case in value if isinstance(case, Case))
            yield from getattr(value, "rows", ()) if callable(value) else ()


def test_every_row_has_a_case_and_every_case_a_row() -> None:
    found = set(covered())
    assert not set(listed()) - found, "rows without a case"
    assert not found - set(listed()) - {"honest"}, "cases of rows that are not on the list"


def test_the_list_is_whole() -> None:
    rows = listed()
    assert all(ROW.fullmatch(row) for row in rows)
    assert [row for row, times in Counter(rows).items() if times > 1] == []
    assert Counter(row[0] for row in rows) == SIZES

"""Which rows of the catalogue stand here. A row that vanishes from the names of the tests fails this one."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
WANTED = {
    "p1": set(range(1, 27)),
    "p2": set(range(1, 20)),
    "p3": set(range(1, 14)),
    "b": set(range(1, 15)),
    "r3": {1, 2, 5, 11, 13, 16, 17, 18, 19, 20},
    "r4": {1, 11, 15},
}
"""OA-P1, P2, P3 and OA-B whole; of OA-R3 and OA-R4 the rows, or halves of rows, that only the running broker can answer."""
NAME = re.compile(r"^def test_(p1|p2|p3|b|r3|r4)_(\d+)(?:_(to|and)_(\d+))?_", re.MULTILINE)


def covered() -> dict[str, set[int]]:
    """Rows by the names of tests: `test_p1_3_...`, `test_p1_14_to_16_...`, `test_p2_6_and_8_...`."""
    found: dict[str, set[int]] = {}
    for path in HERE.glob("test_*.py"):
        for group, first, word, last in NAME.findall(path.read_text(encoding="utf-8")):
            rows = range(int(first), int(last) + 1) if word == "to" else {int(first), int(last or first)}
            found.setdefault(group, set()).update(rows)
    return found


def test_every_row_has_a_case() -> None:
    assert covered() == WANTED

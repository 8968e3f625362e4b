"""Every row has a test: the list in rows.txt is held against the names of the tests, and against the tables that name their rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
# Where rows have their tests: here, and for the published vectors beside the verifier.
ROOMS = (HERE, HERE.parent.parent / "unit" / "sigv4")
SIZES = {"S1": 27, "S2": 12, "S3": 11, "S4": 12}
NAME = re.compile(r"^def test_s([1-4])((?:_[0-9]+)+)_", re.MULTILINE)
IN_A_TABLE = re.compile(r"\"S([1-4])\.([0-9]+) ")


def listed() -> list[str]:
    lines = (HERE / "rows.txt").read_text(encoding="utf-8").splitlines()
    return [line.split(" ", 1)[0] for line in lines if line and not line.startswith("#")]


def covered() -> Iterator[str]:
    """Rows by the names of tests (`test_s1_8_...`, `test_s1_19_20_...`) and by the names of cases (`"S1.10 ..."`)."""
    for path in (path for room in ROOMS for path in sorted(room.glob("test_*.py"))):
        text = path.read_text(encoding="utf-8")
        for group, numbers in NAME.findall(text):
            yield from (f"S{group}.{number}" for number in numbers.strip("_").split("_"))
        yield from (f"S{group}.{number}" for group, number in IN_A_TABLE.findall(text))


def test_every_row_has_a_test_and_every_test_a_row() -> None:
    found = set(covered())
    assert not set(listed()) - found, "rows without a test"
    assert not found - set(listed()), "tests of rows that are not on the list"


def test_the_list_is_whole() -> None:
    rows = listed()
    assert [row for row, times in Counter(rows).items() if times > 1] == []
    assert rows == [f"{group}.{number}" for group, size in SIZES.items() for number in range(1, size + 1)]

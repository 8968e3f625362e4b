"""Which rows of the catalogue stand here. A row that vanishes from the tables fails this test, not only the count."""

from __future__ import annotations

import re
from pathlib import Path

from tests.attacks.oidc_rp import claims, flows, tokens

HERE = Path(__file__).parent

ADAPTER = {
    "R1": set(range(1, 21)),
    "R2": set(range(1, 21)),
    "R3": {1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 20, 21},
    "R4": {1, 2, 10, 11, 15},
    "R5": set(range(1, 11)),
}
"""Rows with a test in this folder. R3.1, R3.2, R3.11, R3.20 and R4.1, R4.11, R4.15 have a second half in the broker."""

BROKER = {"R3": {5, 16, 17, 18, 19}}
"""Rows that only the running broker can answer: they bind a browser, a session, a disabled provider, a return address."""

LATER = {"R4": {3, 4, 5, 6, 7, 8, 9, 12, 13, 14}}
"""Rows that go with the other social providers and with account linking."""


def covered() -> dict[str, set[int]]:
    """Ids named in a table, or in the name of a test: `test_r3_8_...`."""
    found = [(row.id.removeprefix("OA-").split(".")) for row in (*tokens.ROWS, *claims.ROWS, *claims.TENANT_ROWS, *flows.ROWS)]
    for path in HERE.glob("test_*.py"):
        found += [[f"R{g}", n] for g, n in re.findall(r"^def test_r(\d)_(\d+)_?", path.read_text(), re.MULTILINE)]
    groups: dict[str, set[int]] = {}
    for group, number in found:
        groups.setdefault(group, set()).add(int(number))
    return groups


def test_every_row_of_the_adapter_is_here() -> None:
    assert covered() == ADAPTER


def test_every_row_of_the_catalogue_has_a_place() -> None:
    sizes = {"R1": 20, "R2": 20, "R3": 21, "R4": 15, "R5": 10}
    for group, size in sizes.items():
        parts = [place.get(group, set()) for place in (ADAPTER, BROKER, LATER)]
        assert set().union(*parts) == set(range(1, size + 1))
        assert sum(map(len, parts)) == size

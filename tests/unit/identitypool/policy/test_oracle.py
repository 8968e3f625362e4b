"""The engine and a slow literal reading of the spec agree on random policies and requests.

5,000 of them, or as many as CROSSGATE_POLICY_CASES says; `make parties` takes 100,000. Where they differ, the seed is printed:
`cases.any_case(SEED)` makes the case again.
"""

from __future__ import annotations

import os

import pytest

from tests.unit.identitypool.policy.agreement import check_many

CASES = int(os.environ.get("CROSSGATE_POLICY_CASES") or 5_000)
BATCHES = 10


@pytest.mark.parametrize("batch", range(BATCHES))
def test_engine_and_oracle_agree(batch: int) -> None:
    size = -(-CASES // BATCHES)
    outcomes = check_many(batch * size, size)
    # The generator is only worth its time if every outcome is common.
    assert outcomes["allow"] > size * 0.08
    assert outcomes["explicit_deny"] > size * 0.08
    assert outcomes["implicit_deny identity"] > size * 0.08
    assert {"implicit_deny session", "implicit_deny boundary", "implicit_deny trust"} <= outcomes.keys()

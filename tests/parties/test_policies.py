"""The policy engine and its oracle on very many random cases: tests/unit/identitypool/policy does it with fewer."""

from __future__ import annotations

import os
import secrets

import pytest

from tests.unit.identitypool.policy.agreement import check_many

pytestmark = [pytest.mark.parties, pytest.mark.timeout(1800)]


def test_engine_and_oracle_agree_on_very_many() -> None:
    """CROSSGATE_POLICY_CASES says how many (100,000), CROSSGATE_POLICY_SEED from which seed on."""
    count = int(os.environ.get("CROSSGATE_POLICY_CASES") or 100_000)
    first = int(os.environ.get("CROSSGATE_POLICY_SEED") or secrets.randbelow(10**9))
    print(f"seeds {first} to {first + count - 1}")
    outcomes = check_many(first, count)
    print(dict(outcomes))
    assert sum(outcomes.values()) == count
    assert outcomes["allow"] > count * 0.08

"""A minute of bad input at every route. `make fuzz` tries for longer."""

from __future__ import annotations

import os
import secrets

import pytest

from tests.fuzz.run import Fuzz

pytestmark = [pytest.mark.parties, pytest.mark.timeout(900)]


def test_bad_input_for_a_while() -> None:
    """No 500, no silence, no stranger let in, and the server still there."""
    seconds = float(os.environ.get("CROSSGATE_FUZZ_SECONDS") or 60)
    seed = int(os.environ.get("CROSSGATE_FUZZ_SEED") or secrets.randbelow(10**6))
    print(f"seed {seed}")
    result = Fuzz(seed, seconds).run()
    print(result)
    assert result.failures == []
    assert result.sent > 10 * seconds

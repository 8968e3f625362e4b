"""`python -m tests.fuzz --seconds N [--seed S] [--only CASE]`: the seed is printed, and makes the same cases again."""

from __future__ import annotations

import argparse
import secrets
import sys

from tests.fuzz.run import Fuzz
from tests.parties.kit.process import sweep


def main() -> int:
    """0 if nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Send bad input to every route of a broker of its own.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--only", type=int, help="try this one case again")
    given = parser.parse_args()
    print(f"seed {given.seed}, {given.seconds:.0f} s", flush=True)
    try:
        result = Fuzz(given.seed, given.seconds, given.only).run()
    finally:
        sweep()
    print(result)
    for failure in result.failures:
        print(f"FAILED {failure}")
    return 1 if result.failures else 0


if __name__ == "__main__":
    sys.exit(main())

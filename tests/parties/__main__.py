"""`python -m tests.parties [PYTEST ARGUMENT...]`: PostgreSQL and Redis for the conformance suites, then the tests that need others."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from tests.parties.kit.databases import Postgres, Redis
from tests.parties.kit.places import REPOSITORY

FOLDERS = ("tests/parties", "tests/browser")
# Suites that also run on PostgreSQL and Redis where they find their addresses in the environment.
ON_DATABASES = ("tests/contract", "tests/unit/stores", "tests/unit/tokens")
PYTEST = (sys.executable, "-m", "pytest", "-p", "no:randomly")


def main(arguments: list[str]) -> int:
    """Run everything, or what the arguments name; the exit status of the first part that failed."""
    began = time.monotonic()
    with closing(Postgres()) as postgres, closing(Redis()) as redis:
        print(f"--- parties: PostgreSQL and Redis are up after {time.monotonic() - began:.1f} s", flush=True)
        environment = {**os.environ, "CROSSGATE_TEST_POSTGRES": postgres.url, "CROSSGATE_TEST_REDIS": redis.url}

        def run(title: str, *options: str) -> int:
            began = time.monotonic()
            status = subprocess.run([*PYTEST, *options], cwd=REPOSITORY, env=environment, check=False).returncode
            print(f"--- parties: {title}: {'passed' if status == 0 else 'FAILED'} in {time.monotonic() - began:.0f} s", flush=True)
            return status

        parties = ("-v", "-m", "parties or browser", "--durations=15")
        if any(Path(REPOSITORY, argument.partition("::")[0]).exists() for argument in arguments):
            return run("what was named", *parties, *arguments)
        stores = run("the stores on PostgreSQL and Redis", "-q", "-k", "postgres or redis", *ON_DATABASES)
        return run("parties and browser", *parties, *arguments, *FOLDERS) or stores


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

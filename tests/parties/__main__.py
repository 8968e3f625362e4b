"""`python -m tests.parties [PYTEST ARGUMENT...]`: PostgreSQL and Redis for the contract suite, then the tests that need others."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.parties.kit.databases import Postgres, Redis
from tests.parties.kit.places import REPOSITORY

FOLDERS = ("tests/parties", "tests/browser", "tests/contract")


def main(arguments: list[str]) -> int:
    """Run pytest with the databases' addresses in its environment; its exit status."""
    began = time.monotonic()
    postgres, redis = Postgres(), Redis()
    print(f"--- parties: PostgreSQL and Redis are up after {time.monotonic() - began:.1f} s", flush=True)
    environment = {**os.environ, "CROSSGATE_TEST_POSTGRES": postgres.url, "CROSSGATE_TEST_REDIS": redis.url}
    named = any(Path(REPOSITORY, argument.partition("::")[0]).exists() for argument in arguments)
    folders = [] if named else [folder for folder in FOLDERS if Path(REPOSITORY, folder).is_dir()]
    options = ["-v", "-p", "no:randomly", "-m", "parties or browser", "--durations=15"]
    command = [sys.executable, "-m", "pytest", *options, *arguments, *folders]
    try:
        return subprocess.run(command, cwd=REPOSITORY, env=environment, check=False).returncode
    finally:
        redis.close()
        postgres.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

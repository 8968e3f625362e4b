"""The AWS CLI, as it comes: an endpoint and keys from the environment, nothing of the caller's own configuration."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from tests.parties.kit.identity_pool import REGION, Keys
from tests.parties.kit.places import HOME

PROGRAM = HOME / "python" / "bin" / "aws"


class AwsCli:
    """`aws --endpoint-url`, by whoever has these keys; without keys it does not sign."""

    def __init__(self, endpoint: str, keys: Keys | None = None) -> None:
        self._options = ["--endpoint-url", endpoint, "--output", "json", *([] if keys else ["--no-sign-request"])]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        named = dict(zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), keys or (), strict=False))
        settings = {
            "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "", "AWS_MAX_ATTEMPTS": "1", "AWS_DEFAULT_REGION": REGION,
        }  # fmt: skip
        self._environment = {**kept, **settings, **{name: value for name, value in named.items() if value}}

    def _run(self, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(PROGRAM), *arguments, *self._options], env=self._environment, capture_output=True, text=True, timeout=60, check=False
        )

    def __call__(self, *arguments: str) -> dict[str, Any]:
        """What it printed."""
        done = self._run(arguments)
        assert done.returncode == 0, f"aws {' '.join(arguments)}: {done.stderr}"
        return dict(json.loads(done.stdout)) if done.stdout.strip() else {}

    def refused(self, *arguments: str) -> str:
        """What it said of the refusal. Version 1 ends with 255 then."""
        done = self._run(arguments)
        assert done.returncode == 255, f"aws {' '.join(arguments)}: {done.returncode} {done.stdout} {done.stderr}"
        return done.stderr.strip()

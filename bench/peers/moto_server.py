"""moto_server as a peer: AWS's API answered for tests, from memory, one process. It checks no token and no role."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import pools
from bench.server import Server, free_port

# It finds region and service in a signature that it does not verify.
SIGNED = {
    "Authorization": f"AWS4-HMAC-SHA256 Credential=KEY/20260101/{pools.REGION}/cognito-identity/aws4_request, "
    "SignedHeaders=host, Signature=0"
}


def call(port: int, operation: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """What it answers."""
    headers = {"X-Amz-Target": f"AWSCognitoIdentityService.{operation}", "Content-Type": "application/x-amz-json-1.1", **SIGNED}
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/", json.dumps(values).encode(), headers)
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return dict(json.loads(answer.read()))


@contextmanager
def serving(home: Path, folder: Path) -> Iterator[tuple[Server, int]]:
    """Run it: the server and its port."""
    port = free_port()
    command = [str(home / "venv" / "bin" / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    # It would ask AWS's metadata service otherwise, and write a line for each request.
    env = {"AWS_EC2_METADATA_DISABLED": "true", "MOTO_LOGGER_LEVEL": "WARNING"}
    with Server("moto_server", command, f"http://127.0.0.1:{port}/moto-api/data.json", folder, env) as server:
        yield server, port

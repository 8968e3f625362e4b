"""npm oidc-provider 9 as a peer: one process, state in memory, client_credentials with an ES256 JWT."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.server import Server, free_port

SCRIPT = "oidc_provider.mjs"


@contextmanager
def serving(home: Path, folder: Path) -> Iterator[tuple[Server, int]]:
    """Run it: the server and its port."""
    port = free_port()
    script = home / "node" / SCRIPT
    script.write_text((Path(__file__).parent / SCRIPT).read_text())
    ready = f"http://127.0.0.1:{port}/.well-known/openid-configuration"
    with Server("oidc-provider", ["node", str(script)], ready, folder, {"PORT": str(port), "NODE_ENV": "production"}) as server:
        yield server, port

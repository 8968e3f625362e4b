"""SAML Jackson 26.2 as a peer: one node process, state in memory, AuthnRequests and RS256 tokens signed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.logins import Broker
from bench.server import Server, free_port

SCRIPT = "jackson.mjs"


@contextmanager
def serving(home: Path, folder: Path) -> Iterator[Broker]:
    """Run it; `folder` has the party's files. node finds its packages from where the script lies, so it is copied there."""
    port = free_port()
    script = home / "node" / SCRIPT
    script.write_text((Path(__file__).parent / SCRIPT).read_text())
    base = f"http://127.0.0.1:{port}"
    with Server("jackson", ["node", str(script)], f"{base}/ready", folder, {"PORT": str(port), "KEYS": str(folder)}) as server:
        yield Broker(server, f"127.0.0.1:{port}", f"{base}/authorize", f"{base}/token")

"""Where the parties live: a scratch directory outside the repository, and free ports of the loopback address.

Apache and PostgreSQL run as users of their own, so other users must be able to enter it; a home directory is often closed to them.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
PARTIES = REPOSITORY / "tests" / "parties"


def _made(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o755)
    return path


def _home() -> Path:
    given = os.environ.get("CROSSGATE_PARTIES_HOME")
    home = _made(Path(given) if given else Path(tempfile.gettempdir()) / f"crossgate-parties-{os.getuid()}")
    if home.stat().st_uid != os.getuid():
        raise PermissionError(f"{home} belongs to somebody else; set CROSSGATE_PARTIES_HOME to a directory of your own")
    return home


HOME = _home()
NODE = HOME / "node"
LOGS = _made(HOME / "logs")
ARTIFACTS = _made(Path(os.environ.get("CROSSGATE_PARTIES_ARTIFACTS") or HOME / "artifacts"))
# Process ids of this run alone: several may go on side by side.
RUN = Path(os.environ.get("CROSSGATE_PARTIES_RUN") or HOME / "run" / str(os.getpid()))
DATA = _made(HOME / "data") / RUN.name


def scratch(name: str) -> Path:
    """A new directory for a party's data, open to other users. Give it to `discard` in the end."""
    return _made(Path(tempfile.mkdtemp(prefix=f"{name}-", dir=_made(DATA))))


def discard(directory: Path) -> None:
    """Remove a scratch directory; what is gone already is no error."""
    shutil.rmtree(directory, ignore_errors=True)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""Node.js and its packages. The scripts are copied beside the packages, which is where Node.js looks for them."""

from __future__ import annotations

import shutil

from tests.parties.kit.places import NODE, PARTIES


def node(script: str) -> list[str]:
    """The command that runs a script of tests/parties/js."""
    if not (NODE / "node_modules").is_dir():
        raise FileNotFoundError(f"{NODE} has no packages; tests/parties/run.sh installs them")
    shutil.copy(PARTIES / "js" / script, NODE / script)
    own = NODE / "bin" / "node"
    return [str(own) if own.exists() else "node", str(NODE / script)]

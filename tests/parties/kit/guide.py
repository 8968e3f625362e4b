"""What docs/how-to/guard-a-service.md tells an operator to write, so that it is the page itself that is tried."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

from tests.parties.kit.places import REPOSITORY

PAGE = REPOSITORY / "docs" / "how-to" / "guard-a-service.md"
HOST = "reports.example.com"
_BIND, _PROXY, _SERVICE = "10.0.0.2:8081", "10.0.0.5", "http://reports.internal"


def _block(language: str) -> str:
    """The one block of that language."""
    found = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(found) == 1, f"{len(found)} blocks of {language}"
    return str(found[0])


def tables(bind: str, proxy: str) -> dict[str, Any]:
    """The configuration, with the addresses of this machine."""
    text = _block("toml")
    assert _BIND in text
    assert _PROXY in text
    return tomllib.loads(text.replace(_BIND, bind).replace(_PROXY, proxy))


def policy() -> dict[str, Any]:
    """The role's policy."""
    return dict(json.loads(_block("json")))


def nginx(bind: str, service: str) -> str:
    """The server block of nginx, without `listen`."""
    text = _block("nginx")
    assert _BIND in text
    assert _SERVICE in text
    return text.replace(_BIND, bind).replace(_SERVICE, service)

"""Hooks as an operator would write them, for the tests and for `package.module:function` to name."""

from __future__ import annotations

import threading
from typing import Any

seen: list[dict[str, Any]] = []
answer: dict[str, Any] = {}
NO_FUNCTION = 7


def record(event: dict[str, Any]) -> dict[str, Any]:
    """Note the event and answer with what the test put into `answer`."""
    seen.append(event)
    return event | {"response": dict(answer)}


def refuse(event: dict[str, Any]) -> dict[str, Any]:
    raise PermissionError("contractors\x00 stay outside.")


def leave(event: dict[str, Any]) -> dict[str, Any]:
    raise SystemExit(3)


def forget(event: dict[str, Any]) -> None:
    return None


def hang(event: dict[str, Any]) -> dict[str, Any]:
    threading.Event().wait(0.5)
    return event

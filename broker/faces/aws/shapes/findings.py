"""What is wrong with an input, said as AWS says it (spec E.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from broker.api_errors import ValidationFailed

# A value stands in the answer and in the log; what follows after this is not needed to recognise it.
SHOWN = 256
# Each costs the reader a sentence; an input can hold thousands.
MOST = 20


class Findings:
    """Broken constraints, in the order of the model's members."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.count = 0

    def add(self, value: str, path: str, constraint: str) -> None:
        """`value` as `shown` gave it, with its space; empty for a secret one."""
        self.count += 1
        if len(self.told) < MOST:
            self.told.append(f"Value {value}at '{path}' failed to satisfy constraint: {constraint}")

    def raise_any(self) -> None:
        """Raises ValidationFailed unless there are none."""
        if self.count:
            noun = "error" if self.count == 1 else "errors"
            words = f"{self.count} validation {noun} detected: {'; '.join(self.told)}"
            raise ValidationFailed(words, public=words)


def shown(value: Any) -> str:
    """A value as Java prints it, cut; with a space after it."""
    if value is None:
        return "null "
    text = _java(value)
    return f"'{text[:SHOWN]}...' " if len(text) > SHOWN else f"'{text}' "


def _java(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_java(each)}" for key, each in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return "[" + ", ".join(map(_java, value)) + "]"
    return str(value)


def lower_camel(name: str) -> str:
    """A member's name as AWS prints it: `RoleARN` is `roleARN`."""
    return name[:1].lower() + name[1:]

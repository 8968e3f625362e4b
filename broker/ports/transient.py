"""Short-lived state: logins, codes, one-time values, counters. Redis where configured, else SQL or memory, with one contract."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Taken:
    """The value was there and is now burned; nobody else gets it."""

    value: bytes


@dataclass(frozen=True, slots=True)
class Burned:
    """Somebody took it before. `value` is what was taken, so that what was issued from it can be revoked."""

    value: bytes


@dataclass(frozen=True, slots=True)
class Absent:
    """It never existed, or both it and its tombstone have expired."""


class Transient(Protocol):
    """Keys are namespaced by `kind` ("login", "code", "replay", ...). Expiry is the adapter's duty: an expired value is never returned.

    Every method raises broker.errors.Unavailable when the store cannot be reached: callers fail closed.
    """

    def put(self, kind: str, key: str, value: bytes, expires_at: datetime) -> None:
        """Create or replace. A burned key stays burned: putting it again raises broker.errors.Conflict."""
        ...

    def get(self, kind: str, key: str) -> bytes | None: ...

    def take(self, kind: str, key: str, tombstone_until: datetime) -> Taken | Burned | Absent:
        """Read and burn in one atomic step; a second caller is told so, and what was taken, until the tombstone's end."""
        ...

    def burn(self, kind: str, key: str, until: datetime) -> bool:
        """Mark a one-time key as used. True for the first caller only."""
        ...

    def count(self, kind: str, key: str, window_seconds: int, by: int = 1) -> int:
        """Add to a counter of the current window and return its value."""
        ...

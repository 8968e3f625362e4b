"""Short-lived state in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock

from broker.errors import Conflict
from broker.ports.environment import Clock
from broker.ports.transient import Absent, Burned, Taken
from broker.stores.documents import millis
from broker.stores.transient_names import counter_name, transient_name


@dataclass(frozen=True, slots=True)
class _Row:
    value: bytes
    expires_at: int
    burned: bool = False
    counted: int = 0


class MemoryTransient:
    """ports.transient.Transient, under one lock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._rows: dict[str, _Row] = {}

    def put(self, kind: str, key: str, value: bytes, expires_at: datetime) -> None:
        name = transient_name(kind, key)
        with self._lock:
            row = self._alive(name)
            if row is not None and row.burned:
                raise Conflict(f"this {kind} has been used")
            self._rows[name] = _Row(bytes(value), millis(expires_at))

    def get(self, kind: str, key: str) -> bytes | None:
        with self._lock:
            row = self._alive(transient_name(kind, key))
            return None if row is None or row.burned else row.value

    def take(self, kind: str, key: str, tombstone_until: datetime) -> Taken | Burned | Absent:
        name = transient_name(kind, key)
        with self._lock:
            row = self._alive(name)
            if row is None:
                return Absent()
            if row.burned:
                return Burned(row.value)
            self._rows[name] = _burned(row, tombstone_until)
            return Taken(row.value)

    def burn(self, kind: str, key: str, until: datetime) -> bool:
        name = transient_name(kind, key)
        with self._lock:
            row = self._alive(name)
            if row is not None and row.burned:
                return False
            self._rows[name] = _burned(row or _Row(b"", 0), until)
            return True

    def count(self, kind: str, key: str, window_seconds: int, by: int = 1) -> int:
        name, ends = counter_name(kind, key, window_seconds, millis(self._clock.now()))
        with self._lock:
            row = self._alive(name) or _Row(b"", ends)
            self._rows[name] = replace(row, counted=row.counted + by)
            return row.counted + by

    def expire(self, now_ms: int) -> int:
        with self._lock:
            ended = [name for name, row in self._rows.items() if row.expires_at <= now_ms]
            for name in ended:
                del self._rows[name]
            return len(ended)

    def _alive(self, name: str) -> _Row | None:
        row = self._rows.get(name)
        return row if row is not None and row.expires_at > millis(self._clock.now()) else None


def _burned(row: _Row, until: datetime) -> _Row:
    """A tombstone never ends before the value would have."""
    return replace(row, burned=True, expires_at=max(row.expires_at, millis(until)))

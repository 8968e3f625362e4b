"""Audit events as JSON lines, and as counters. Appending a line is one write, so several processes may share a file."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from broker.model.records import AuditEvent
from broker.system import metrics

SHORT = ("request_id", "pool_id", "client_id", "provider", "organization_id", "user_sub", "address", "reason")


def as_line(event: AuditEvent) -> str:
    """One event as one line of JSON; empty members are left out."""
    line: dict[str, Any] = {"at": event.at.isoformat(timespec="milliseconds"), "event": event.event, "outcome": event.outcome}
    line |= {name: value for name in SHORT if (value := getattr(event, name))}
    if event.detail:
        line["detail"] = dict(event.detail)
    return json.dumps(line, separators=(",", ":"), default=str)


class AuditLog:
    """Writes to a file, or to standard error where none is configured. Never raises: a full disk must not stop a sign-in."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._fd: int | None = None
        self._pid = 0

    def emit(self, event: AuditEvent) -> None:
        metrics.EVENTS.labels(event.event, event.outcome).inc()
        octets = (as_line(event) + "\n").encode("utf-8", "backslashreplace")
        try:
            os.write(self._target(), octets)
        except OSError:
            metrics.AUDIT_LOST.inc()

    def _target(self) -> int:
        if self._path is None:
            return sys.stderr.fileno()
        with self._lock:
            # O_APPEND makes each write whole; a fork opens its own, so that rotation by rename works per process after SIGHUP or restart.
            if self._fd is None or self._pid != os.getpid():
                self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
                self._pid = os.getpid()
            return self._fd

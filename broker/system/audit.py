"""Audit events as JSON lines, and as counters. Appending a line is one write, so several processes may share a file."""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from broker.errors import ConfigError
from broker.model.records import AuditEvent
from broker.system import metrics

# Made once: `json.dumps` makes an encoder a call, when it is told anything.
_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode
SHORT = ("request_id", "pool_id", "client_id", "provider", "organization_id", "user_sub", "address", "reason")


def as_line(event: AuditEvent) -> str:
    """One event as one line of JSON; empty members are left out."""
    line: dict[str, Any] = {"at": event.at.isoformat(timespec="milliseconds"), "event": event.event, "outcome": event.outcome}
    line |= {name: value for name in SHORT if (value := getattr(event, name))}
    if event.detail:
        line["detail"] = dict(event.detail)
    return _encode(line)


class AuditLog:
    """Writes to a file, or to standard error where none is configured.

    `emit` never raises: a full disk must not stop a sign-in. What the file does not take goes to standard error instead.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._fd: int | None = None
        self._pid = 0
        self._losing = self._torn = False

    def opened(self) -> AuditLog:
        """Open the file now, while somebody is there to read what is wrong with it. Raises ConfigError."""
        if self._path is not None:
            try:
                self._target(self._path)
            except OSError as error:
                remedy = "make it writable for the account of Crossgate, or name another file"
                raise ConfigError(f"[log]: audit_file: {self._path}: {error.strerror}; {remedy}") from None
        return self

    def emit(self, event: AuditEvent) -> None:
        metrics.count_event(event.event, event.outcome)
        octets = (as_line(event) + "\n").encode("utf-8", "backslashreplace")
        if self._path is not None:
            try:
                # After a line that the disk took in part, a new one begins.
                self._write(self._target(self._path), b"\n" + octets if self._torn else octets)
            except OSError as error:
                metrics.AUDIT_LOST.inc()
                self._tell_loss(error)
            else:
                self._losing = self._torn = False
                return
        try:
            os.write(sys.stderr.fileno(), octets)
        except (OSError, ValueError):  # closed, or no file at all: there is nobody left to tell
            if self._path is None:
                metrics.AUDIT_LOST.inc()

    def _tell_loss(self, error: OSError) -> None:
        """Once, until the file takes events again: the log must not fill with what it says already."""
        if not self._losing:
            self._losing = True
            reason = error.strerror or str(error)
            with suppress(Exception):  # a log that cannot be written either must not stop a sign-in
                log = structlog.get_logger("audit")
                log.error("audit events go to standard error, not to the file", file=str(self._path), reason=reason)

    def _write(self, target: int, octets: bytes) -> None:
        if (written := os.write(target, octets)) < len(octets):
            self._torn = written > 0
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _target(self, path: Path) -> int:
        with self._lock:
            # O_APPEND makes each write whole. A fork opens its own: after a rotation by rename, SIGHUP brings processes that write anew.
            if self._fd is None or self._pid != os.getpid():
                self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
                self._pid = os.getpid()
            return self._fd

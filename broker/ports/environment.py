"""Clock, randomness, sealing and the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from broker.model.records import AuditEvent


class Clock(Protocol):
    """The time, in UTC, with a time zone."""

    def now(self) -> datetime: ...


class Random(Protocol):
    """Identifiers and secrets from the operating system's generator."""

    def token(self, size: int = 32) -> str:
        """`size` random bytes, base64url without padding."""
        ...

    def uuid(self) -> str:
        """A random UUID (version 4), lower case."""
        ...


class Seal(Protocol):
    """Encryption at rest. `context` is bound in: what was sealed for one purpose opens for no other."""

    def seal(self, context: str, plain: bytes) -> bytes: ...

    def open(self, context: str, sealed: bytes) -> bytes:
        """Raises broker.seal.SealBroken when the bytes, the key or the context are not the right ones."""
        ...


class AuditSink(Protocol):
    """Where audit events go. Never raises: a full disk must not stop a sign-in, but it shows in the metrics."""

    def emit(self, event: AuditEvent) -> None: ...

"""What is kept about what happened: traces, audit events and jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from broker.model.login import TraceLine


@dataclass(frozen=True, slots=True)
class Trace:
    """The story of one login. `evidence` (verified bytes, attributes) is sealed under a key per user and erased with the user."""

    id: str
    pool_id: str
    client_id: str
    provider: str | None
    organization_id: str | None
    user_sub: str | None
    outcome: str
    started_at: datetime
    expires_at: datetime
    lines: tuple[TraceLine, ...]
    evidence: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One line of the audit log. `reason` is machine-readable; `detail` never holds a secret or a token."""

    at: datetime
    event: str
    outcome: str
    reason: str = ""
    request_id: str = ""
    pool_id: str = ""
    client_id: str = ""
    provider: str = ""
    organization_id: str = ""
    user_sub: str = ""
    address: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """Work for later, written in the transaction that caused it. `kind` names its worker; `attempts` counts leases."""

    id: str
    kind: str
    payload: Mapping[str, Any]
    due_at: datetime
    attempts: int = 0

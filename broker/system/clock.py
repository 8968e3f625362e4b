"""The machine's clock and the operating system's random numbers."""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime


class SystemClock:
    """The time as the machine has it, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class SystemRandom:
    """Secrets and identifiers that nobody can guess."""

    def token(self, size: int = 32) -> str:
        return secrets.token_urlsafe(size)

    def uuid(self) -> str:
        return str(uuid.uuid4())

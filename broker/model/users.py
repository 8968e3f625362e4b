"""People: a profile in a pool, and the upstream identities that reach it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

UserStatus = Literal[
    "UNCONFIRMED", "CONFIRMED", "FORCE_CHANGE_PASSWORD", "RESET_REQUIRED", "EXTERNAL_PROVIDER", "ARCHIVED", "COMPROMISED", "UNKNOWN"
]


@dataclass(frozen=True, slots=True)
class User:
    """A profile. `sub` is a UUID, never reused; `username` is immutable; `attributes` are strings (spec C.1). `version` guards updates."""

    pool_id: str
    sub: str
    username: str
    status: UserStatus
    created_at: datetime
    updated_at: datetime
    attributes: Mapping[str, str] = field(default_factory=dict, repr=False)
    enabled: bool = True
    version: int = 1


@dataclass(frozen=True, slots=True)
class LinkedIdentity:
    """An upstream identity that reaches a profile. `primary` marks the one that made the profile (spec A.6)."""

    pool_id: str
    provider: str
    subject_key: str
    subject: str
    user_sub: str
    provider_type: str
    issuer: str | None
    primary: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PendingLink:
    """A link made by attribute before the upstream user has ever signed in (spec B.10); the next match turns it into a LinkedIdentity."""

    pool_id: str
    provider: str
    attribute: str
    value: str
    user_sub: str
    created_at: datetime

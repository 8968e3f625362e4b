"""Keys of ours: what they are for and where they are in their life."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

KeyUse = Literal["id", "access", "saml_signing", "saml_decryption", "logout", "openid"]
KeyState = Literal["next", "current", "retired", "revoked"]


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key of a pool. `private_pem` is sealed at rest. `next` is published before use, `retired` until its last token has ended."""

    kid: str
    pool_id: str
    use: KeyUse
    alg: str
    state: KeyState
    created_at: datetime
    private_pem: str = field(repr=False)
    certificate_pem: str = ""
    activated_at: datetime | None = None
    retired_at: datetime | None = None

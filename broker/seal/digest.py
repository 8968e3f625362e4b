"""How a bearer secret is kept: by its SHA-256. Only for secrets from a generator; passwords need a slow hash."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode


def digest(secret: str) -> str:
    """SHA-256 of the text in UTF-8, base64url without padding (43 characters). Takes any str, lone surrogates too."""
    return urlsafe_b64encode(hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest())[:43].decode("ascii")

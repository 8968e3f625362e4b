"""The session token: all that a verifier needs, sealed, so that any worker opens it without asking a database (spec E.4).

AWS says nothing about the inside of its own. Ours is the session and its secret key as compressed JSON, under the master seal (AES-GCM).
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from broker.api_errors import InvalidSessionToken
from broker.model.sts import StsSession
from broker.ports.environment import Seal
from broker.seal.errors import SealBroken

CONTEXT = "sts session"
# Longer tokens are not ours: 50 tags, ten policies and a session policy stay well below.
LONGEST = 20_000
_INFLATED = 65_536
_TIMES = ("issued_at", "expires_at")
_LISTS = ("transitive_keys", "session_policies", "policy_arns")


class SessionTokens:
    """Seals and opens session tokens. Holds nothing that changes; safe for threads."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def seal(self, session: StsSession, secret: str) -> str:
        """The token of a session whose secret access key is `secret`: base64url, without padding."""
        plain: dict[str, Any] = {name: value for name in _NAMES if (value := getattr(session, name))}
        for name in _TIMES:
            plain[name] = plain[name].timestamp()
        plain["secret"] = secret
        packed = zlib.compress(json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode(), 1)
        return base64.urlsafe_b64encode(self._seal.seal(CONTEXT, packed)).rstrip(b"=").decode("ascii")

    def open(self, token: str) -> tuple[StsSession, str]:
        """The session and its secret access key. Expiry is the caller's to judge. Raises InvalidSessionToken."""
        if len(token) > LONGEST:
            raise InvalidSessionToken(f"a session token of {len(token)} characters")
        try:
            sealed = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
            packed = self._seal.open(CONTEXT, sealed)
        except (SealBroken, ValueError, binascii.Error) as broken:
            raise InvalidSessionToken(f"a session token that is not ours: {broken}") from None
        # Only we can have sealed it: what is inside is as we wrote it.
        plain = json.loads(zlib.decompressobj().decompress(packed, _INFLATED))
        secret = plain.pop("secret")
        for name in _TIMES:
            plain[name] = datetime.fromtimestamp(plain[name], UTC)
        for name in _LISTS:
            plain[name] = tuple(plain.get(name, ()))
        plain["federated"] = {key: tuple(value) if isinstance(value, list) else value for key, value in plain.get("federated", {}).items()}
        return StsSession(**plain), secret


_NAMES = tuple(each.name for each in fields(StsSession))

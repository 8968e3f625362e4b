"""The key of a day, a region and a service, derived from a secret; and a small memory of those that have verified something.

The memory holds derived keys and, in place of the secret, a keyed hash of it under a key that this process alone has: whoever reads it
can sign for a day, a region and a service, as with what the process handles anyway, and learns no secret. A secret that is replaced
under the same access key id finds no old key. An entry is made only by a signature that verified, so strangers cannot fill it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict

from broker.sigv4.request import TERMINATOR, Scope


def derive(secret: str, scope: Scope) -> bytes:
    """The signing key (AWS "Create a signed AWS API request", step 3)."""
    key = f"AWS4{secret}".encode()
    for part in (scope.day, scope.region, scope.service, TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


class SigningKeys:
    """Least recently used first out; safe between threads."""

    def __init__(self, size: int = 256) -> None:
        self._size = size
        self._pepper = secrets.token_bytes(32)
        self._no_key = secrets.token_bytes(32)
        self._no_secret = secrets.token_urlsafe(30)
        self._keys: OrderedDict[tuple[str, str, bytes], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def matching(self, access_key_id: str, scope: Scope, secret: str | None, to_sign: bytes, signature: bytes) -> bytes | None:
        """The signing key under which `signature` (raw bytes) is right; None if it is wrong, or `secret` is None (no such key).

        Every refusal costs the same six HMACs: a wrong signature for a known key, remembered or not, and any for an unknown one (IP-S4.9).
        """
        plain = self._no_secret if secret is None else secret
        name = (access_key_id, str(scope), hashlib.blake2b(plain.encode(), key=self._pepper, digest_size=16).digest())
        key = self._keys.get(name, self._no_key)
        if hmac.compare_digest(hmac.digest(key, to_sign, "sha256"), signature):
            with self._lock:
                if name in self._keys:
                    self._keys.move_to_end(name)
            return key
        key = derive(plain, scope)
        matches = hmac.compare_digest(hmac.digest(key, to_sign, "sha256"), signature)
        return self._remember(name, key) if matches and secret is not None else None

    def _remember(self, name: tuple[str, str, bytes], key: bytes) -> bytes:
        with self._lock:
            self._keys[name] = key
            while len(self._keys) > self._size:
                self._keys.popitem(last=False)
        return key

    def __len__(self) -> int:
        return len(self._keys)

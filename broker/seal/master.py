"""The master seal: AES-256-GCM under the newest master key; whatever any of the known keys sealed opens.

Format: version (1 byte, 0x01) | key id (8) | nonce (12) | ciphertext and tag. The key id is cut from the SHA-256 of the key, so a
lost or foreign key is told apart from a damaged value, and `rewrap` can tell what is done. The context is the associated data.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from broker.seal.errors import SealBroken

KEY_BYTES = 32
_VERSION = b"\x01"
_ID = slice(1, 9)
_NONCE = slice(9, 21)
_BODY = slice(21, None)
_SHORTEST = 21 + 16


class MasterSeal:
    """Several master keys, newest first. Thread-safe: it holds nothing that changes."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("at least one master key is needed")
        if any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"a master key has {KEY_BYTES} bytes")
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        self._head = _VERSION + key_id(keys[0])
        self._newest = self._ciphers[key_id(keys[0])]

    def seal(self, context: str, plain: bytes) -> bytes:
        nonce = os.urandom(12)
        return self._head + nonce + self._newest.encrypt(nonce, plain, context.encode())

    def open(self, context: str, sealed: bytes) -> bytes:
        """Raises SealBroken."""
        if len(sealed) < _SHORTEST or sealed[:1] != _VERSION:
            raise SealBroken("not a sealed value")
        cipher = self._ciphers.get(sealed[_ID])
        if cipher is None:
            raise SealBroken(f"sealed under master key {sealed[_ID].hex()}, which is not among ours")
        try:
            return cipher.decrypt(sealed[_NONCE], sealed[_BODY], context.encode())
        except InvalidTag:
            raise SealBroken(f"cannot open what was sealed for {context!r}") from None

    def is_newest(self, sealed: bytes) -> bool:
        """Whether the newest key sealed this."""
        return sealed.startswith(self._head)

    def key_ids(self) -> tuple[str, ...]:
        """The ids of the known keys in hex, newest first. They may be shown."""
        return tuple(identifier.hex() for identifier in self._ciphers)


def key_id(key: bytes) -> bytes:
    """Eight bytes that name a key and tell nothing about it."""
    return hashlib.sha256(b"crossgate master key id\0" + key).digest()[:8]


def new_master_key() -> bytes:
    return os.urandom(KEY_BYTES)


def parse_keys(text: str) -> tuple[bytes, ...]:
    """Keys as CROSSGATE_MASTER_KEY holds them: base64 or base64url of 32 bytes each, newest first, separated by commas.

    Raises ValueError with words that name the position and never the value.
    """
    return tuple(_parse_key(part.strip(), position) for position, part in enumerate(text.split(","), start=1))


def _parse_key(text: str, position: int) -> bytes:
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"master key {position} is not base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"master key {position} has {len(key)} bytes instead of {KEY_BYTES}")
    return key

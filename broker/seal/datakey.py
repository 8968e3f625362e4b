"""A key of its own for data that must be forgettable: wrapped under the master key, it is erased to erase all that it sealed.

Many values under one random-nonce key are safe up to 2^32; a data key a user or a pool also keeps the master key far from that.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from broker.ports.environment import Seal
from broker.seal.errors import SealBroken

_NONCE = 12
_TAG = 16


@dataclass(frozen=True, slots=True)
class DataKey:
    """AES-256-GCM. Has the shape of a Seal, without key ids: who holds the wrapped key knows which it is."""

    _cipher: AESGCM = field(repr=False)

    @classmethod
    def make(cls, seal: Seal, context: str) -> tuple[DataKey, bytes]:
        """A new key, and the wrapped form to store."""
        plain = os.urandom(32)
        return cls(AESGCM(plain)), seal.seal(context, plain)

    @classmethod
    def unwrap(cls, seal: Seal, context: str, wrapped: bytes) -> DataKey:
        """Raises SealBroken."""
        return cls(AESGCM(seal.open(context, wrapped)))

    def seal(self, context: str, plain: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, context.encode())

    def open(self, context: str, sealed: bytes) -> bytes:
        """Raises SealBroken."""
        if len(sealed) < _NONCE + _TAG:
            raise SealBroken("sealed value is too short")
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], context.encode())
        except InvalidTag:
            raise SealBroken(f"cannot open what was sealed for {context!r}") from None

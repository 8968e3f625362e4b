"""Opaque secrets that we hand out (refresh tokens, codes, session cookies): made here, and kept only as their hash."""

from __future__ import annotations

from hashlib import sha256

from broker.ports.environment import Random

_BYTES = 48


def new_secret(random: Random) -> str:
    """384 random bits, base64url. Nobody guesses it, so the hash needs no salt and no slowness."""
    return random.token(_BYTES)


def secret_hash(secret: str) -> str:
    """SHA-256, hex. What an attacker sends as a secret may be any text, so even text that is no UTF-8 has a hash."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()

"""The keys of a pool, ready for use: parsed once, looked up by pool and kid, made when first needed.

What a pool's keys are is always read from the settings (a second stale at most); only the parsed objects are kept here. So a key that is
revoked is gone everywhere within that second, and nothing here needs to hear of it.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from broker.model.keys import KeyRecord, KeyUse
from broker.ports.environment import Clock
from broker.ports.store import Settings, Store
from broker.tokens.jws import Signer, Verifier, public_jwk, sign_with, verify_with
from broker.tokens.rotate import KeyKeeper
from providers.base import KeyPair

TOKEN_USES: frozenset[KeyUse] = frozenset({"id", "access", "logout", "openid"})
_MOST_KEPT = 4096
_SETTINGS_LAG = timedelta(seconds=2)
_LOOKS = 10
_ORDER = {"current": 0, "next": 1, "retired": 2}


@dataclass(frozen=True, slots=True)
class _Parsed:
    signer: Signer
    verifier: Verifier
    jwk: dict[str, Any]


class KeyRing:
    """Signers, verifiers, the JWKS and the SAML key pairs of every pool. One per process; safe for threads."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._keeper = KeyKeeper(store, clock)
        self._parsed: dict[tuple[str, str], _Parsed] = {}
        # The sequence that the settings gave, and what was made of it: they give the same one until something changes.
        self._pairs: dict[tuple[str, KeyUse], tuple[Sequence[KeyRecord], tuple[KeyPair, ...]]] = {}
        self._made: dict[str, datetime] = {}
        self._misses: dict[str, tuple[datetime, int]] = {}
        self._lock = threading.Lock()

    def signer(self, pool_id: str, use: KeyUse, alg: str) -> Signer:
        """The current key of a use. The first call for a pool and algorithm makes it. Raises ValueError for an algorithm that we lack."""
        return self._parse(self._current(pool_id, use, alg)).signer

    def verifier(self, pool_id: str, kid: str) -> Verifier | None:
        """The key of that id, if this very pool has it and it signs tokens. Another pool's key is as unknown as any."""
        found = _by_kid(self._keys(pool_id), kid)
        if found is None and self._may_look(pool_id):
            found = _by_kid(self._stored(pool_id), kid)
        return self._parse(found).verifier if found is not None and found.use in TOKEN_USES else None

    def jwks(self, pool_id: str) -> dict[str, list[dict[str, Any]]]:
        """The JWK set of a pool (RFC 7517 5): public parts of current, next and retired token keys, current ones first.

        Read from the store itself: who meets a kid that another worker has just made asks once and keeps the answer for minutes.
        """
        for use in ("id", "access"):
            self._current(pool_id, use, "RS256")  # so that who fetches the set before the first sign-in does not cache an empty one
        return self._jwks(pool_id)

    def openid_jwks(self, pool_id: str) -> dict[str, list[dict[str, Any]]]:
        """The JWK set of an identity pool, with certificates (`x5c`, RFC 7517 4.7): some of those who trust its tokens want them."""
        self._current(pool_id, "openid", "RS512")
        return self._jwks(pool_id)

    def _jwks(self, pool_id: str) -> dict[str, list[dict[str, Any]]]:
        listed = sorted(
            (key for key in self._stored(pool_id) if key.use in TOKEN_USES and key.state in _ORDER),
            key=lambda key: (_ORDER[key.state], key.use, key.alg, key.kid),
        )
        return {"keys": [self._parse(key).jwk | {"use": "sig", "alg": key.alg, "kid": key.kid} for key in listed]}

    def key_pairs(self, pool_id: str, use: KeyUse) -> tuple[KeyPair, ...]:
        """SAML keys with their certificates: current first, then next, then retired. The first call for a pool makes the current one."""
        self._current(pool_id, use, "RS256")
        keys = self._keys(pool_id)
        known = self._pairs.get((pool_id, use))
        if known is not None and known[0] is keys:
            return known[1]
        listed = sorted(
            (key for key in keys if key.use == use and key.state in _ORDER),
            key=lambda key: (_ORDER[key.state], -key.created_at.timestamp(), key.kid),
        )
        pairs = tuple(KeyPair(key.kid, key.private_pem, key.certificate_pem, key.alg) for key in listed)
        with self._lock:
            if len(self._pairs) >= _MOST_KEPT:
                self._pairs.clear()
            self._pairs[pool_id, use] = (keys, pairs)
        return pairs

    def _current(self, pool_id: str, use: KeyUse, alg: str) -> KeyRecord:
        found = _current_of(self._keys(pool_id), use, alg) or _current_of(self._stored(pool_id), use, alg)
        if found is None:
            self._keeper.ensure(pool_id, (alg,), (use,), ahead=False)
            self._made[pool_id] = self._clock.now()
            found = _current_of(self._stored(pool_id), use, alg)
        if found is None:
            raise ValueError(f"no {alg} key of use {use}")
        return found

    def _keys(self, pool_id: str) -> Sequence[KeyRecord]:
        """The settings' keys; the store's own for the moment after this process made one, which the settings may not have seen yet."""
        made = self._made.get(pool_id)
        if made is not None:
            if timedelta(0) <= self._clock.now() - made <= _SETTINGS_LAG:
                return self._stored(pool_id)
            self._made.pop(pool_id, None)
        return self._settings.keys(pool_id)

    def _stored(self, pool_id: str) -> Sequence[KeyRecord]:
        with self._store.unit() as unit:
            return tuple(unit.keys.list(pool_id))

    def _may_look(self, pool_id: str) -> bool:
        """Whether an unknown kid is worth a query: another worker may just have made that key, but made-up kids must stay cheap."""
        now = self._clock.now()
        with self._lock:
            since, count = self._misses.get(pool_id, (now, 0))
            if not timedelta(0) <= now - since < _SETTINGS_LAG:
                since, count = now, 0
            if len(self._misses) >= _MOST_KEPT:
                self._misses.clear()
            self._misses[pool_id] = (since, count + 1)
        return count < _LOOKS

    def _parse(self, key: KeyRecord) -> _Parsed:
        # The pool is part of the name: a kid says nothing across tenants (attack OA-P3.12).
        name = (key.pool_id, key.kid)
        found = self._parsed.get(name)
        if found is None:
            found = _parse(key)
            with self._lock:
                if len(self._parsed) >= _MOST_KEPT:
                    self._parsed.clear()
                self._parsed[name] = found
        return found


def _parse(key: KeyRecord) -> _Parsed:
    # Validating an RSA key costs 45 ms of primality tests. We made it and it was sealed with authentication, so it is what we made.
    private = load_pem_private_key(key.private_pem.encode("ascii"), None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        raise TypeError(f"key {key.kid} of {key.pool_id} is of a kind that does not sign tokens")
    public = private.public_key()
    return _Parsed(
        Signer(key.kid, key.alg, sign_with(private, key.alg)),
        Verifier(key.kid, key.alg, key.use, verify_with(public, key.alg)),
        public_jwk(public) | _chain(key),
    )


def _chain(key: KeyRecord) -> dict[str, list[str]]:
    """The certificate as a JWK names it: DER in plain base64, which is what stands between the lines of PEM."""
    if not key.certificate_pem:
        return {}
    return {"x5c": ["".join(key.certificate_pem.strip().splitlines()[1:-1])]}


def _by_kid(keys: Sequence[KeyRecord], kid: str) -> KeyRecord | None:
    return next((key for key in keys if key.kid == kid and key.state != "revoked"), None)


def _current_of(keys: Sequence[KeyRecord], use: KeyUse, alg: str) -> KeyRecord | None:
    return next((key for key in keys if key.use == use and key.alg == alg and key.state == "current"), None)

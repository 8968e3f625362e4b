"""The keys of an OpenID provider (RFC 7517): read with suspicion, remembered for a while, asked for again with restraint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from metadata.cache import DEFAULT_FRESHNESS, Freshness, Slot
from metadata.errors import DocumentInvalid
from metadata.fetch import Fetcher
from metadata.oidc.discovery import json_body

MAX_KEYS = 100
MAX_TRIED = 8
"""How many keys are tried for a token without `kid`: each costs a verification (OA-R1.9)."""

# What each algorithm wants: key type and curve.
ALGORITHMS: Mapping[str, tuple[str, str]] = {
    "RS256": ("RSA", ""),
    "RS384": ("RSA", ""),
    "RS512": ("RSA", ""),
    "PS256": ("RSA", ""),
    "PS384": ("RSA", ""),
    "PS512": ("RSA", ""),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}
# Only these members are read, so that a published private key or a certificate chain is never looked at.
_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}

Key = RSAKey | ECKey | OKPKey


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """One usable public key. `alg` is the only algorithm it may serve, or empty."""

    kid: str
    kty: str
    crv: str
    alg: str
    key: Key

    def serves(self, alg: str) -> bool:
        """May a signature of this algorithm be checked with this key?"""
        return ALGORITHMS.get(alg) == (self.kty, self.crv) and self.alg in ("", alg)


def parse_jwks(document: Mapping[str, Any]) -> tuple[VerifyKey, ...]:
    """The usable keys of a JWKS; entries that are malformed, weak or not for signatures are passed over (OA-R1.10, R1.16, R5.4).

    Two different keys under one kid and type are both dropped: which one is meant cannot be known. Raises DocumentInvalid: no `keys`,
    more than MAX_KEYS, or none usable.
    """
    entries = document.get("keys")
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise DocumentInvalid("The provider's keys are not readable.", "no `keys`, or too many")
    keys: dict[tuple[str, str, str], VerifyKey] = {}
    doubled: set[tuple[str, str, str]] = set()
    for n, entry in enumerate(entries):
        key = _parse_key(entry) if isinstance(entry, dict) else None
        if key is None:
            continue
        place = (key.kid or f"#{n}", key.kty, key.crv)
        if place in keys and keys[place].key.thumbprint() != key.key.thumbprint():
            doubled.add(place)
        keys.setdefault(place, key)
    usable = tuple(k for place, k in keys.items() if place not in doubled)
    if not usable:
        raise DocumentInvalid("The provider publishes no key that can be used.", f"{len(entries)} entries")
    return usable


def _parse_key(entry: Mapping[str, Any]) -> VerifyKey | None:
    kty, kid, alg, use, ops = (entry.get(m) for m in ("kty", "kid", "alg", "use", "key_ops"))
    if not isinstance(kty, str) or kty not in _MEMBERS or use not in (None, "sig"):
        return None
    if not isinstance(kid, str | None) or not isinstance(alg, str | None):
        return None
    if ops is not None and not (isinstance(ops, list) and "verify" in ops):
        return None
    members = {m: entry.get(m) for m in _MEMBERS[kty]}
    public: dict[str, str | list[str]] = {"kty": kty, **{m: v for m, v in members.items() if isinstance(v, str) and len(v) < 4096}}
    if len(public) != 1 + len(members):
        return None
    try:
        key: Key
        if kty == "RSA":
            if len(str(public["n"])) < 342:  # 2048 bits in base64url; looked at first, because importing a weak key warns
                return None
            key = RSAKey.import_key(public)
            numbers = key.public_key.public_numbers()
            if not 2048 <= numbers.n.bit_length() <= 8192 or not 3 <= numbers.e < 2**33 or numbers.e % 2 == 0:
                return None
        elif kty == "EC":
            key = ECKey.import_key(public)
        else:
            key = OKPKey.import_key(public)
    except (JoseError, ValueError, TypeError, KeyError, AssertionError):
        return None
    found = VerifyKey(kid or "", kty, str(public.get("crv", "")), alg or "", key)
    return found if any(found.serves(a) for a in ALGORITHMS) else None


@dataclass(frozen=True, slots=True)
class KeySource:
    """One provider's JWKS and the slot that remembers it."""

    fetch: Fetcher
    slot: Slot[tuple[VerifyKey, ...]]
    url: str
    operator_declared: bool = False
    fresh: Freshness = DEFAULT_FRESHNESS

    def find(self, kid: str | None, alg: str, now: datetime) -> tuple[VerifyKey, ...]:
        """The keys to try for a token: the one named, or without `kid` all that fit, up to MAX_TRIED.

        A kid that is not there causes at most one fetch per cool-down. Raises TrustError if there are no keys at all to look at.
        """
        found = _select(self.slot.get(self._load, now, self.fresh), kid, alg)
        if not found and (again := self.slot.refresh(self._load, now, self.fresh)) is not None:
            found = _select(again, kid, alg)
        return found

    def _load(self) -> tuple[VerifyKey, ...]:
        reply = self.fetch.get(
            self.url,
            accept="application/jwk-set+json, application/json",
            operator_declared=self.operator_declared,
        )
        return parse_jwks(json_body(reply, "The provider's key set"))


def _select(keys: tuple[VerifyKey, ...], kid: str | None, alg: str) -> tuple[VerifyKey, ...]:
    fitting = tuple(k for k in keys if k.serves(alg) and (kid is None or k.kid == kid))
    return fitting[:MAX_TRIED]

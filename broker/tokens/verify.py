"""Verify our own tokens, strictly (spec A.10; attacks OA-P3.1, OA-P3.3, OA-P3.12 and the whole of OA-R1).

We know to the letter what we issue, so nothing else is taken: two header members, our algorithm for that key, one way to write each octet.
The signature is checked before the payload is even parsed. Whether a family was revoked is the caller's to ask of the store.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal, NoReturn

from cryptography.exceptions import InvalidSignature

from broker.errors import InvalidToken
from broker.model.settings import UserPool
from broker.ports.environment import Clock
from broker.ports.store import Settings
from broker.tokens.jws import Verifier
from broker.tokens.keys import KeyRing

TokenUse = Literal["id", "access"]

LONGEST = 256 * 1024
"""Characters of a token, issued or taken."""
_LONGEST_HEADER = 512
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """A token of ours that holds. Only the verifier makes one. `client_id` is `aud` in an ID token; `family` the `origin_jti`."""

    pool_id: str
    use: TokenUse
    sub: str
    client_id: str
    expires_at: datetime
    claims: Mapping[str, Any]

    @property
    def scopes(self) -> frozenset[str]:
        """Of an access token; empty for an ID token."""
        return frozenset(str(self.claims.get("scope", "")).split())

    @property
    def family(self) -> str | None:
        return self._text("origin_jti")

    @property
    def sid(self) -> str | None:
        return self._text("sid")

    @property
    def username(self) -> str | None:
        return self._text("cognito:username" if self.use == "id" else "username")

    def _text(self, name: str) -> str | None:
        value = self.claims.get(name)
        return value if isinstance(value, str) else None


class TokenVerifier:
    """Verifies tokens of every pool, each against its own pool only. `issuer` gives a pool's `iss`. Safe for threads."""

    def __init__(self, ring: KeyRing, settings: Settings, clock: Clock, issuer: Callable[[UserPool], str]) -> None:
        self._ring = ring
        self._settings = settings
        self._clock = clock
        self._issuer = issuer

    def verify(self, pool_id: str, token: str, use: TokenUse = "access", client_id: str | None = None) -> VerifiedToken:
        """A live token of this pool and use; `client_id`, if given, is the one it must be for. Raises InvalidToken.

        No leeway: it is our own clock that wrote `exp`.
        """
        verified = self._verify(pool_id, token, use)
        if verified.expires_at <= self._clock.now():
            _refuse("expired")
        if client_id is not None and verified.client_id != client_id:
            _refuse("issued to another client")
        return verified

    def verify_hint(self, pool_id: str, token: str) -> VerifiedToken:
        """An id_token_hint: an ID token of this pool that may have expired (RP-Initiated Logout 1.0, 2). Raises InvalidToken."""
        return self._verify(pool_id, token, "id")

    def _verify(self, pool_id: str, token: str, use: TokenUse) -> VerifiedToken:
        pool = self._settings.pool(pool_id)
        if pool is None:
            _refuse("no such pool")
        head, body, signature = split(token)
        header = parse(decode(head))
        verifier = self._key(pool_id, header, use)
        try:
            verifier.verify(decode(signature), f"{head}.{body}".encode("ascii"))
        except InvalidSignature:
            _refuse("signature")
        claims = parse(decode(body))
        if claims.get("iss") != self._issuer(pool):
            _refuse("issuer")
        if claims.get("token_use") != use:
            _refuse("token_use")
        return VerifiedToken(
            pool_id=pool_id,
            use=use,
            sub=_text(claims, "sub"),
            client_id=_text(claims, "aud" if use == "id" else "client_id"),
            expires_at=_moment(claims, "exp"),
            claims=MappingProxyType(claims),
        )

    def _key(self, pool_id: str, header: Mapping[str, Any], use: TokenUse) -> Verifier:
        # Equal to {kid, alg}, so there is no crit, jwk, jku, x5u, zip, b64 or typ to get wrong.
        if header.keys() != {"kid", "alg"}:
            _refuse("header members")
        kid, alg = header["kid"], header["alg"]
        verifier = self._ring.verifier(pool_id, kid) if isinstance(kid, str) and isinstance(alg, str) else None
        if verifier is None:
            _refuse("unknown key")
        if verifier.alg != alg or verifier.use != use:
            _refuse("key is for another algorithm or use")
        return verifier


def _refuse(why: str) -> NoReturn:
    raise InvalidToken(why)


def split(token: object) -> tuple[str, str, str]:
    """The three segments of a compact JWS, still encoded. Raises InvalidToken."""
    if not isinstance(token, str) or len(token) > LONGEST:
        _refuse("not text, or too long")
    parts = token.split(".", 3)
    if len(parts) != 3 or len(parts[0]) > _LONGEST_HEADER or not all(_SEGMENT.fullmatch(part) for part in parts):
        _refuse("not three base64url segments")
    return parts[0], parts[1], parts[2]


def decode(segment: str) -> bytes:
    """Strict base64url: no padding, and only the one spelling of the octets (unused bits are zero). Raises InvalidToken."""
    try:
        data = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        _refuse("base64url")
    if urlsafe_b64encode(data).rstrip(b"=") != segment.encode("ascii"):
        _refuse("base64url with stray bits")
    return data


def parse(data: bytes) -> dict[str, Any]:
    """A JSON object, each of whose members is there once. Raises InvalidToken."""
    try:
        parsed = json.loads(data.decode("utf-8"), object_pairs_hook=_members, parse_constant=_refuse)
    except (ValueError, RecursionError):
        _refuse("JSON")
    if not isinstance(parsed, dict):
        _refuse("not an object")
    return parsed


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        _refuse("a member is there twice")
    return members


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        _refuse(f"{name} is missing")
    return value


def _moment(claims: Mapping[str, Any], name: str) -> datetime:
    value = claims.get(name)
    if type(value) is not int or not 0 <= value < 1 << 35:
        _refuse(f"{name} is not a time")
    return datetime.fromtimestamp(value, UTC)

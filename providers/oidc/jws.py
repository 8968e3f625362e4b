"""Verifying a signed token: compact form only, our algorithms only, the provider's keys only (RFC 7515, RFC 8725)."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from joserfc.util import urlsafe_b64decode

from metadata.errors import DocumentInvalid
from metadata.oidc.jwks import Key
from metadata.oidc.strict_json import parse_object
from providers.errors import ResponseInvalid

MAX_TOKEN = 128_000
MAX_HEADER = 4096
MAX_KID = 256
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+\Z", re.ASCII)
KeyFinder = Callable[[str | None, str], tuple[Key | OctKey, ...]]
"""(kid or None, alg) -> the keys to try."""


@dataclass(frozen=True, slots=True)
class Rules:
    """`what` starts the reason codes (`id_token`); `typs` are the allowed `typ` values in lower case, "" meaning none at all."""

    what: str
    algs: tuple[str, ...]
    typs: frozenset[str] = frozenset({"", "jwt", "application/jwt"})


@dataclass(frozen=True, slots=True)
class Verified:
    """The header and claims that the signature covers."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    @property
    def alg(self) -> str:
        """The algorithm, one of ours."""
        return str(self.header["alg"])


class _Registry(jws.JWSRegistry):
    max_header_length = MAX_HEADER
    max_payload_length = MAX_TOKEN

    def get_alg(self, name: str) -> Any:
        # `verify` has held the name against our list; what joserfc recommends or deprecates is not the question here.
        return self.algorithms[name]


def verify(token: str, rules: Rules, find: KeyFinder) -> Verified:
    """Check form, header and signature; the claims are then the caller's to judge. Raises ResponseInvalid.

    `jwk`, `jku`, `x5c` and `x5u` are never looked at: keys come from the provider's own JWKS alone (OA-R1.6, R1.7).
    """

    def refuse(code: str, private: str) -> ResponseInvalid:
        return ResponseInvalid(f"{rules.what}: {private}", reason=f"{rules.what}_{code}")

    header_part, payload_part = _split(token, refuse)
    header = _json(header_part, "header", refuse)
    alg, kid = header.get("alg"), header.get("kid")
    if not isinstance(alg, str) or alg not in rules.algs:
        raise refuse("alg", f"algorithm {str(alg)[:20]!r} is not allowed")
    # We understand no extension, so that anything critical is too much (RFC 7515 4.1.11); b64 would change what was signed.
    if "crit" in header or "b64" in header:
        raise refuse("crit", "crit or b64 in the header")
    typ = header.get("typ", "")
    if not isinstance(typ, str) or typ.lower() not in rules.typs:
        raise refuse("typ", "a token of another type")
    if "kid" in header and not (isinstance(kid, str) and 0 < len(kid) <= MAX_KID and kid.isprintable()):
        raise refuse("kid", "kid is not a short string")
    claims = _json(payload_part, "payload", refuse)
    keys = find(kid, alg)
    if not keys:
        raise refuse("key", "no key for this kid and algorithm")
    registry = _Registry(algorithms=[alg], strict_check_header=False)
    for key in keys:
        if _good(token, key, registry):
            return Verified(header, claims)
    raise refuse("signature", "the signature does not verify")


def _split(token: str, refuse: Callable[[str, str], ResponseInvalid]) -> tuple[str, str]:
    if len(token) > MAX_TOKEN:
        raise refuse("form", "too long")
    parts = token.split(".")
    if len(parts) == 5:
        raise refuse("encrypted", "encrypted tokens are not taken")
    if len(parts) != 3:
        raise refuse("form", f"{min(len(parts), 99)} segments")
    if not all(_SEGMENT.match(p) for p in parts[:2]) or not (parts[2] == "" or _SEGMENT.match(parts[2])):
        raise refuse("form", "a segment is not base64url")
    if len(parts[0]) > MAX_HEADER:
        raise refuse("form", "the header is too long")
    return parts[0], parts[1]


def _json(part: str, name: str, refuse: Callable[[str, str], ResponseInvalid]) -> dict[str, Any]:
    try:
        return parse_object(urlsafe_b64decode(part.encode()))
    except (binascii.Error, DocumentInvalid):
        raise refuse("form", f"the {name} is not base64url of a strict JSON object") from None


def _good(token: str, key: Key | OctKey, registry: jws.JWSRegistry) -> bool:
    try:
        jws.deserialize_compact(token, key, registry=registry)
    except (JoseError, ValueError, TypeError, binascii.Error):
        return False
    return True

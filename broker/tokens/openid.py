"""The OpenID token of an identity pool: signed and opened (spec D.5). What its claims say, and until when, is its reader's to judge.

As with all tokens of ours, nothing but what we write is taken: three header members, RS512, one way to write each octet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature

from broker.errors import InvalidToken
from broker.tokens.keys import KeyRing
from broker.tokens.verify import decode, parse, split

ALG = "RS512"
TYP = "JWS"


def sign(ring: KeyRing, pool_id: str, claims: Mapping[str, Any]) -> str:
    """A token of the pool, under its current key. The first call for a pool makes that."""
    return ring.signer(pool_id, "openid", ALG).compact(claims, TYP)


def open_token(ring: KeyRing, pool_id: str, token: str) -> dict[str, Any]:
    """The claims of a token that this very pool has signed. Raises InvalidToken."""
    head, body, signature = split(token)
    header = parse(decode(head))
    kid = header.get("kid")
    if header != {"kid": kid, "alg": ALG, "typ": TYP} or not isinstance(kid, str):
        _refuse("header")
    verifier = ring.verifier(pool_id, kid)
    if verifier is None or verifier.use != "openid" or verifier.alg != ALG:
        _refuse("unknown key, or one for another use")
    try:
        verifier.verify(decode(signature), f"{head}.{body}".encode("ascii"))
    except InvalidSignature:
        _refuse("signature")
    return parse(decode(body))


def _refuse(why: str) -> NoReturn:
    raise InvalidToken(f"OpenID token: {why}")

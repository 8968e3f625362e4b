"""What a pre-token hook may change in a token's claims, and what it may not (spec A.8, rules 1 and 4). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from broker.model.schema import as_claim

# Ours: `sid` names the session and `scope` has its own members in the response.
_PROTECTED = frozenset(
    {"acr", "amr", "at_hash", "aud", "auth_time", "azp", "client_id", "device_key", "event_id", "exp", "iat", "identities"}
    | {"iss", "jti", "nbf", "nonce", "origin_jti", "sid", "sub", "token_use", "version"}
)
_PROTECTED_ACCESS = _PROTECTED | {"username", "scope"}
_PLAIN_IN_ID = frozenset({"email_verified", "phone_number_verified", "updated_at", "address"})


@dataclass(frozen=True, slots=True)
class ClaimChange:
    """Claims to add or override, and names to suppress, in one token. Values are JSON."""

    add: Mapping[str, Any] = field(default_factory=dict)
    suppress: frozenset[str] = frozenset()


def overlay(claims: Mapping[str, Any], change: ClaimChange, use: Literal["id", "access"], client_id: str) -> dict[str, Any]:
    """Apply a change. Suppress wins over add; protected names are left alone silently, as Cognito leaves them."""
    kept = {name: value for name, value in claims.items() if name not in change.suppress or _protected(name, use)}
    for name, value in change.add.items():
        if name in change.suppress or not _may_add(name, value, use, client_id, claims):
            continue
        # A flag given as text stays a boolean and an address an object: the token's types are the same with and without a hook.
        kept[name] = as_claim(name, str(value)) if use == "id" and name in _PLAIN_IN_ID and isinstance(value, str) else value
    return kept


def bad_value(change: ClaimChange) -> str | None:
    """The name of an ID token claim that must stay plain and was given an array or object, if there is one (spec A.8, table)."""
    return next((name for name in sorted(_PLAIN_IN_ID & change.add.keys()) if isinstance(change.add[name], list | dict)), None)


def _protected(name: str, use: str) -> bool:
    return name in (_PROTECTED_ACCESS if use == "access" else _PROTECTED) or name.startswith("cognito:")


def _may_add(name: str, value: object, use: str, client_id: str, claims: Mapping[str, Any]) -> bool:
    if name == "aud" and use == "access":
        # Only the client itself, and never over the resource that the token was bound to (RFC 8707).
        return value == client_id and "aud" not in claims
    return not _protected(name, use) and not name.startswith("dev:")

"""What a web identity token asks of the session: its tags and its source identity (spec E.4, D.10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.api_errors import InvalidIdentityToken, ValidationFailed
from broker.flows.sts import limits

TAGS = "https://aws.amazon.com/tags"
SOURCE_IDENTITY = "https://aws.amazon.com/source_identity"


def session_tags(claims: Mapping[str, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Tags, each one string or a list of one, and which of them are transitive. Raises InvalidIdentityToken, ValidationFailed.

    They come from the token alone: the operation has no parameter for them, so nothing that a caller sends can override one (IP-S2.10).
    """
    given = claims.get(TAGS)
    if given is None:
        return {}, ()
    if not isinstance(given, dict) or not given.keys() <= {"principal_tags", "transitive_tag_keys"}:
        raise _odd("members")
    principal, transitive = given.get("principal_tags", {}), given.get("transitive_tag_keys", [])
    if not isinstance(principal, dict) or not isinstance(transitive, list) or not all(isinstance(key, str) for key in transitive):
        raise _odd("shape")
    tags = limits.tags((key, _one(value)) for key, value in principal.items())
    return tags, limits.transitive_keys(transitive, tags)


def source_identity(claims: Mapping[str, Any]) -> str | None:
    """Raises InvalidIdentityToken."""
    given = claims.get(SOURCE_IDENTITY)
    if given is None:
        return None
    if not isinstance(given, str):
        raise _odd("source identity")
    try:
        return limits.source_identity(given)
    except ValidationFailed:
        raise _odd("source identity") from None


def text(claims: Mapping[str, Any], name: str) -> str:
    """A claim that must be there. Raises InvalidIdentityToken."""
    value = claims.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= 2048 or not value.isprintable():
        public = f"Missing a required claim: {name}"
        raise InvalidIdentityToken(f"{name} is missing or malformed", public=public)
    return value


def _one(value: object) -> str:
    single = value[0] if isinstance(value, list) and len(value) == 1 else value
    if not isinstance(single, str):
        raise _odd("a value that is not one string")
    return single


def _odd(what: str) -> InvalidIdentityToken:
    public = "The tags or the source identity in the token are malformed."
    return InvalidIdentityToken(f"{TAGS}: {what}", public=public)

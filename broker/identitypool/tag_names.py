"""What a tag may be called and hold (API `Tag`, spec E.4 "Session tags"; attacks IP-S2.1 to IP-S2.5). Nothing is ever repaired."""

from __future__ import annotations

from collections.abc import Iterable

import regex

MAX_TAGS = 50
MAX_KEY = 128
MAX_VALUE = 256
RESERVED = "aws:"
_TEXT = regex.compile(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*")


def tag_fault(pairs: Iterable[tuple[str, str]]) -> str | None:
    """What is wrong with these tags, in public words that do not quote their values; None if they are good."""
    seen: set[str] = set()
    count = 0
    for key, value in pairs:
        count += 1
        fault = key_fault(key) or _value_fault(key, value)
        if fault:
            return fault
        folded = key.casefold()
        if folded in seen:
            return f"Duplicate tag keys found. Please note that Tag keys are case insensitive: '{key}'."
        seen.add(folded)
    return f"{count} tags were passed, and {MAX_TAGS} are allowed." if count > MAX_TAGS else None


def key_fault(key: str) -> str | None:
    """What is wrong with a tag's key."""
    if not 1 <= len(key) <= MAX_KEY:
        return f"A tag key must have between 1 and {MAX_KEY} characters."
    if _TEXT.fullmatch(key) is None:
        return "A tag key holds a character that is not allowed."
    if key.casefold().startswith(RESERVED):
        return "Tag keys that begin with aws: are reserved."
    return None


def _value_fault(key: str, value: str) -> str | None:
    if len(value) > MAX_VALUE:
        return f"The value of tag '{key}' must have at most {MAX_VALUE} characters."
    if _TEXT.fullmatch(value) is None:
        return f"The value of tag '{key}' holds a character that is not allowed."
    return None

"""Claims as text: what a rule compares and a tag holds (spec D.8 "Match semantics", D.10; attacks IP-S1.17, IP-S2.6)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from broker.model.identity import MatchType


def as_text(value: object) -> str | None:
    """A single value as text: text itself, numbers and booleans as JSON writes them. None for null, objects and lists."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return None


def members(value: object) -> Sequence[object] | None:
    """The members of a list claim, of which SAML attributes and groups are; None if it is no list."""
    return value if isinstance(value, list | tuple) else None


def shape(value: object) -> str:
    """What kind of value a claim has, for an explanation that may be kept: never the value itself."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return f"text of {len(value)} characters"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    several = members(value)
    return f"a list of {len(several)}" if several is not None else "an object"


def matches(match: MatchType, wanted: str, value: object) -> bool:
    """Whether a claim that is there matches; case counts. Of a list, any member may, but for NotEqual none may equal.

    Null is as good as missing, and a missing claim matches nothing, NotEqual included. Nor does what is no text: an object is neither equal
    nor surely different.
    """
    several = members(value)
    texts = [as_text(each) for each in (several if several is not None else (value,))]
    if match == "NotEqual":
        return all(text is not None and text != wanted for text in texts)
    return any(text is not None and _holds(match, text, wanted) for text in texts)


def _holds(match: MatchType, text: str, wanted: str) -> bool:
    if match == "StartsWith":
        return text.startswith(wanted)
    return wanted in text if match == "Contains" else text == wanted


def text_list(claims: Mapping[str, object], name: str) -> tuple[str, ...]:
    """A claim that is a list of texts, or one text; each once, in order. What else is in it is left out."""
    value = claims.get(name)
    several = members(value)
    return tuple(dict.fromkeys(each for each in (several if several is not None else (value,)) if isinstance(each, str)))

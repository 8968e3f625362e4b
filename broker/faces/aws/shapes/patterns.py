"""The models' patterns, which are Java's: the whole value must match, and \\w, \\d and \\s are ASCII."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import regex

Matches = Callable[[str], bool]

# In Java \u takes four digits; what they mean by it is the characters beyond the basic plane.
ASTRAL = "\\u10000-\\u10FFFF"
# No member with a pattern may be longer.
LONGEST = 150_000
# Patterns of \p{..} overlap themselves here and there; a value made to exploit that is none.
SECONDS = 0.25


@cache
def matcher(pattern: str) -> Matches:
    """Whether a value matches, as a whole. `re` knows no \\p{..}, and `regex` takes only ASCII for letters when \\s is ASCII."""
    source = pattern.replace(ASTRAL, "\\U00010000-\\U0010FFFF")
    if "\\p" not in source:
        plain = re.compile(source, re.ASCII).fullmatch
        return lambda value: len(value) <= LONGEST and plain(value) is not None
    unicode = regex.compile(source.replace("\\s", " \\t\\n\\x0b\\f\\r")).fullmatch

    def matches(value: str) -> bool:
        try:
            return len(value) <= LONGEST and unicode(value, timeout=SECONDS) is not None
        except TimeoutError:
            return False

    return matches

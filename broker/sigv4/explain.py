"""What the log says about a signature that does not match: our side of the two texts, so that an operator can lay the client's beside it.

Values that may be secret (the session token, cookies, tokens in a query) are shown by the start of their SHA-256, which still tells
whether both sides had the same.
"""

from __future__ import annotations

import hashlib

_HEADERS_SHOWN = frozenset(
    {"host", "date", "content-type", "content-length", "x-amz-date", "x-amz-target", "x-amz-content-sha256", "x-amz-decoded-content-length"}
)
_PARAMETERS_SHOWN = frozenset({"X-Amz-Algorithm", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "Action", "Version"})
_LONGEST = 2_000


def redacted(canonical: str) -> str:
    """The canonical request in one line for the log, at most 2,000 characters."""
    method, path, query, *lines = canonical.split("\n")
    parts = [method, path, "&".join(_pair(part) for part in query.split("&") if part)]
    parts += [_header(line) for line in lines]
    return " | ".join(parts)[:_LONGEST]


def _pair(part: str) -> str:
    name, _, value = part.partition("=")
    return part if name in _PARAMETERS_SHOWN or not value else f"{name}={_short(value)}"


def _header(line: str) -> str:
    name, colon, value = line.partition(":")
    return line if not colon or name in _HEADERS_SHOWN else f"{name}:{_short(value)}"


def _short(value: str) -> str:
    return f"<sha256 {hashlib.sha256(value.encode()).hexdigest()[:8]}>"

"""A request as it came over the wire, and the words that signing has for its parts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from broker.api_errors import IncompleteSignature

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"

HeaderIndex = dict[str, list[str]]

_NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~,-]*")


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """`path_raw` and `query_raw` (without the question mark) are undecoded, as on the wire; `headers` as received, duplicates kept.

    `body` None means that it was not seen, as in a proxy's sub-request; no body at all is b"".
    """

    method: str
    path_raw: str
    query_raw: str
    headers: Sequence[tuple[str, str]] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signature is good for: one UTC day (YYYYMMDD), one region, one service."""

    day: str
    region: str
    service: str

    def __str__(self) -> str:
        return f"{self.day}/{self.region}/{self.service}/{TERMINATOR}"


def index(headers: Sequence[tuple[str, str]]) -> HeaderIndex:
    """Values by lower-case name, in the order they came.

    Raises IncompleteSignature for a name that is no token (RFC 9110 5.1): one with a space at its end passes for another with some
    readers, and a Kelvin sign becomes a plain k when it is lowered.
    """
    if not _NAMES.fullmatch(",".join([name for name, _ in headers])):
        raise IncompleteSignature("a header name is no token")
    found: HeaderIndex = {}
    for name, value in headers:
        lower = name.lower()
        if lower in found:
            found[lower].append(value)
        else:
            found[lower] = [value]
    return found


def only(headers: HeaderIndex, name: str) -> str | None:
    """The header's one value, trimmed. Raises IncompleteSignature if it came twice: which one counts is anybody's guess (IP-S4.6)."""
    values = headers.get(name)
    if values is None:
        return None
    if len(values) != 1:
        raise IncompleteSignature(f"{name} came {len(values)} times")
    return values[0].strip(" \t")

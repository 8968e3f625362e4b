"""What a service asks of a signed request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WEEK: Final = 604_800
# Not Content-Type: AWS's SDK for PHP does not sign it. The body is signed, and so is the target, so changing it changes no meaning.
MUST_SIGN: Final = frozenset({"host", "x-amz-date", "x-amz-security-token", "x-amz-target"})


@dataclass(frozen=True, slots=True)
class Requirements:
    """The defaults are right for the JSON and query APIs.

    `must_sign`: lower-case names of headers that must be signed when they are there; `host` and the header that gives the date must be
    there and signed always. `max_skew` is seconds, either way; `max_expires` seconds of a presigned URL (AWS allows a week).

    `strict_spelling` refuses what several spellings would say (IP-S4.6): a path that is not normal, a query that is not percent-encoded
    as the canonical form is, a repeated query name. The AWS SDKs send nothing of the kind. Without it a signature covers the canonical
    form alone, and who reads the request must read `Verified.path`, not the raw one.
    """

    must_sign: frozenset[str] = MUST_SIGN
    allow_unsigned_payload: bool = False
    allow_streaming: bool = False
    allow_presigned: bool = False
    max_skew: int = 300
    max_expires: int = WEEK
    strict_spelling: bool = True

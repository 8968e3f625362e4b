"""Strict reading of query and form: nothing doubled, over-long, malformed or unprintable gets further than this."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from flask import request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from broker.errors import InvalidRequest, PayloadTooLarge

FORM_TYPE = "application/x-www-form-urlencoded"
MAX_BODY = 64 * 1024
MAX_ACS_BODY = 300 * 1024
MAX_QUERY = 32 * 1024
MAX_FIELDS = 100
MAX_VALUE = 2048

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# Base64 in a form may be wrapped.
CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Params:
    """Parameters as pairs, in order, so that a doubled one is seen."""

    pairs: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    raw: str = field(default="", repr=False)

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _ in self.pairs)

    def single(self, name: str, limit: int = MAX_VALUE, *, lines: bool = False) -> str | None:
        """The one value of a parameter; None if it is absent or empty (RFC 6749 3.1: without a value means omitted).

        `limit` counts characters. Raises InvalidRequest if the parameter is doubled, too long, or holds control characters;
        `lines` allows tabs and line ends.
        """
        values = [value for key, value in self.pairs if key == name]
        if len(values) > 1:
            raise InvalidRequest(f"{name} is doubled", public=f"The parameter {name} was sent more than once.")
        if not values or not values[0]:
            return None
        if len(values[0]) > limit:
            raise InvalidRequest(f"{name} is longer than {limit}", public=f"The parameter {name} is too long.")
        if (CONTROL_BUT_LINES if lines else CONTROL).search(values[0]):
            raise InvalidRequest(f"{name} holds control characters", public=f"The parameter {name} has characters that are not allowed.")
        return values[0]

    def required(self, name: str, limit: int = MAX_VALUE, *, lines: bool = False) -> str:
        """As `single`, but its absence raises InvalidRequest."""
        value = self.single(name, limit, lines=lines)
        if value is None:
            raise InvalidRequest(f"{name} is missing", public=f"The parameter {name} is missing.")
        return value

    def without(self, *names: str) -> tuple[tuple[str, str], ...]:
        """The pairs without some that are ours alone."""
        return tuple(pair for pair in self.pairs if pair[0] not in names)


def query() -> Params:
    """The request's query, strictly decoded; `raw` is its octets as sent (the SAML Redirect binding signs those)."""
    octets = str(request.environ.get("QUERY_STRING", "")).encode("latin-1")
    return parse(octets, MAX_QUERY)


def form(limit: int = MAX_BODY) -> Params:
    """The request's urlencoded body, strictly decoded. `limit` in bytes (MAX_ACS_BODY where a SAML response may come).

    Raises InvalidRequest on any other content type: `text/plain` is the one that a foreign page can forge (row OA-B5).
    """
    if request.environ.get("CONTENT_TYPE") != FORM_TYPE:  # nearly everybody says just that
        if request.mimetype != FORM_TYPE:
            raise InvalidRequest(f"content type {request.mimetype[:80]!r}", public=f"The body must be {FORM_TYPE}.")
        if request.mimetype_params.get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
            raise InvalidRequest("charset of the form")
    return parse(body(limit), limit)


def body(limit: int = MAX_BODY) -> bytes:
    """The request's body, refused with PayloadTooLarge beyond `limit` bytes, whether it says its length or comes in chunks."""
    request.max_content_length = limit
    try:
        return request.get_data(cache=True, parse_form_data=False)
    except RequestEntityTooLarge:
        raise PayloadTooLarge(f"more than {limit} bytes") from None
    except ClientDisconnected:
        raise InvalidRequest("the body ended early") from None


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return _decoded(name), _decoded(value)


def _decoded(text: str) -> str:
    """Most of what apps send needs no decoding."""
    return unquote_plus(text, errors="strict") if "%" in text or "+" in text else text


def parse(octets: bytes, limit: int) -> Params:
    """Urlencoded octets, strictly decoded. Raises PayloadTooLarge or InvalidRequest."""
    if len(octets) > limit:
        raise PayloadTooLarge(f"more than {limit} bytes")
    try:
        text = octets.decode("utf-8")
        parts = text.split("&", MAX_FIELDS)
        pairs = [_pair(part) for part in parts if part]
    except ValueError:
        raise InvalidRequest("parameters are not UTF-8") from None
    if len(parts) > MAX_FIELDS:
        raise InvalidRequest("too many parameters")
    if any("\x00" in key or "\x00" in value for key, value in pairs):
        raise InvalidRequest("NUL in a parameter")
    return Params(tuple(pairs), text)

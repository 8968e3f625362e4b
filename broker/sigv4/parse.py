"""Finding the authorization, in the header or in the query, and reading it strictly: each part once, none unknown, nothing guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn
from urllib.parse import unquote

from broker.api_errors import IncompleteSignature, MissingAuthentication, SignatureMismatch
from broker.sigv4.canonical import Pairs
from broker.sigv4.request import ALGORITHM, TERMINATOR, HeaderIndex, Scope, only

SIGNATURE_PARAMETER = "X-Amz-Signature"
_REQUIRED = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", SIGNATURE_PARAMETER)
_OURS = {name.lower(): name for name in (*_REQUIRED, "X-Amz-Security-Token", "X-Amz-Content-Sha256")}

_CREDENTIAL = re.compile(r"([A-Za-z0-9_]{1,128})/([0-9]{8})/([a-z0-9-]{1,64})/([a-z0-9-]{1,64})/([A-Za-z0-9_]{1,64})")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_STAMP = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_EXPIRES = re.compile(r"-?[0-9]{1,12}")
_TOKEN = re.compile(r"[A-Za-z0-9+/=_.~-]{1,16384}")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HTTP_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{2}) (" + "|".join(_MONTHS) + r") ([0-9]{4}) "
    r"([0-9]{2}):([0-9]{2}):([0-9]{2}) (?:GMT|[-+]0000)"
)
_DATES_AGREE = 1.0
"""Seconds by which Date and X-Amz-Date may differ: a client that reads its clock twice is not lying."""


@dataclass(slots=True)
class Authorization:
    """What the request says about its signature; nothing of it is verified yet. Not frozen, since it is made for every request.

    `date_header` is the header that gave the date, None in a presigned URL; `expires` is in seconds, for a presigned URL alone.
    """

    access_key_id: str
    scope: Scope
    signed_headers: tuple[str, ...]
    signature: str = field(repr=False)
    stamp: str
    date: datetime
    session_token: str | None = field(repr=False)
    date_header: str | None = None
    expires: int | None = None
    content_sha256: str | None = None


def find(headers: HeaderIndex, query: Pairs) -> Authorization:
    """Raises MissingAuthentication if there is none, IncompleteSignature if it is malformed, doubled, or in header and query both."""
    ours = _query_parameters(query)
    if "authorization" in headers:
        if ours:
            raise IncompleteSignature(
                f"Authorization header and {', '.join(sorted(ours))} in the query",
                public="Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
            )
        return _in_header(headers, only(headers, "authorization") or "")
    if ours:
        return _in_query(headers, ours)
    raise MissingAuthentication("neither an Authorization header nor X-Amz-Signature in the query")


def _query_parameters(query: Pairs) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in query:
        proper = _OURS.get(name.lower())
        if proper is None:
            continue
        if name != proper or name in found:
            raise IncompleteSignature(f"{proper} is doubled, or in other letters, in the query")
        found[name] = unquote(value)
    return found


def _in_header(headers: HeaderIndex, text: str) -> Authorization:
    scheme, _, rest = text.partition(" ")
    if scheme != ALGORITHM:
        _refuse_scheme(scheme)
    parts: dict[str, str] = {}
    for part in rest.split(","):
        name, equals, value = part.strip(" \t").partition("=")
        if not equals or name in parts:
            raise IncompleteSignature("the Authorization header has an empty or doubled part")
        parts[name] = value
    if parts.keys() != {"Credential", "SignedHeaders", "Signature"}:
        missing = [name for name in ("Credential", "Signature", "SignedHeaders") if name not in parts]
        words = " ".join(f"Authorization header requires '{name}' parameter." for name in missing)
        raise IncompleteSignature(f"parts of the Authorization header: {len(parts)}, missing: {missing}", public=words or None)
    access_key_id, scope = _credential(parts["Credential"])
    date_header, stamp, date = _header_date(headers)
    _same_day(scope, stamp)
    return Authorization(
        access_key_id,
        scope,
        _signed_headers(parts["SignedHeaders"]),
        _signature(parts["Signature"]),
        stamp,
        date,
        _token(only(headers, "x-amz-security-token")),
        date_header=date_header,
        content_sha256=only(headers, "x-amz-content-sha256"),
    )


def _refuse_scheme(scheme: str) -> NoReturn:
    if scheme[:3].upper() == "AWS":
        raise IncompleteSignature(f"algorithm {scheme[:40]!r}", public="Unsupported AWS 'algorithm' in the Authorization header.")
    raise MissingAuthentication("the Authorization header is of another scheme")


def _in_query(headers: HeaderIndex, ours: dict[str, str]) -> Authorization:
    missing = [name for name in _REQUIRED if name not in ours]
    if missing:
        words = " ".join(f"AWS query-string parameters must include '{name}'." for name in missing)
        raise IncompleteSignature(words, public=words)
    if ours["X-Amz-Algorithm"] != ALGORITHM:
        raise IncompleteSignature("X-Amz-Algorithm is another", public="Unsupported AWS 'algorithm' in the query.")
    if "x-amz-security-token" in headers:
        raise IncompleteSignature("a presigned request carries its security token in the query, not in a header")
    access_key_id, scope = _credential(ours["X-Amz-Credential"])
    stamp = ours["X-Amz-Date"]
    date = _basic_date(stamp)
    _same_day(scope, stamp)
    if only(headers, "x-amz-date") not in {None, stamp}:
        raise IncompleteSignature("X-Amz-Date differs between query and header")
    in_query, in_header = ours.get("X-Amz-Content-Sha256"), only(headers, "x-amz-content-sha256")
    if in_query is not None and in_header not in {None, in_query}:
        raise IncompleteSignature("X-Amz-Content-Sha256 differs between query and header")
    return Authorization(
        access_key_id,
        scope,
        _signed_headers(ours["X-Amz-SignedHeaders"]),
        _signature(ours[SIGNATURE_PARAMETER]),
        stamp,
        date,
        _token(ours.get("X-Amz-Security-Token")),
        expires=_expires(ours["X-Amz-Expires"]),
        content_sha256=in_header if in_query is None else in_query,
    )


def _credential(text: str) -> tuple[str, Scope]:
    found = _CREDENTIAL.fullmatch(text)
    if found is None:
        raise IncompleteSignature(
            "Credential is malformed",
            public="Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.",
        )
    access_key_id, day, region, service, terminator = found.groups()
    if terminator != TERMINATOR:
        words = f"Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'."
        raise SignatureMismatch(words, public=words)
    return access_key_id, Scope(day, region, service)


def _signed_headers(text: str) -> tuple[str, ...]:
    """Whether each is a token shows when it is looked up: `index` has no other names."""
    names = text.split(";")
    if not names[0] or text != text.lower() or names != sorted(set(names)):
        raise IncompleteSignature("SignedHeaders is not a sorted list of lower-case names, each once")
    return tuple(names)


def _signature(text: str) -> str:
    if not _SIGNATURE.fullmatch(text):
        raise IncompleteSignature("Signature is not 64 lower-case hexadecimal digits")
    return text


def _token(text: str | None) -> str | None:
    if text is not None and not _TOKEN.fullmatch(text):
        raise IncompleteSignature("the security token is empty, too long, or holds characters that no token has")
    return text


def _expires(text: str) -> int:
    if not _EXPIRES.fullmatch(text):
        raise IncompleteSignature("X-Amz-Expires is not a number", public="X-Amz-Expires should be a number")
    return int(text)


def _header_date(headers: HeaderIndex) -> tuple[str, str, datetime]:
    basic, plain = only(headers, "x-amz-date"), only(headers, "date")
    if basic is not None:
        date = _basic_date(basic)
        if plain is not None and abs((_any_date(plain) - date).total_seconds()) > _DATES_AGREE:
            raise IncompleteSignature("Date and X-Amz-Date disagree")
        return "x-amz-date", basic, date
    if plain is None:
        words = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
        raise IncompleteSignature(words, public=words)
    date = _any_date(plain)
    return "date", date.strftime("%Y%m%dT%H%M%SZ"), date


def _basic_date(text: str) -> datetime:
    return _moment(text if _STAMP.fullmatch(text) else "")


def _any_date(text: str) -> datetime:
    """ISO 8601 basic, or the form of RFC 9110 5.6.7 (some SDKs write the zone as -0000)."""
    found = _HTTP_DATE.fullmatch(text)
    if found is None:
        return _basic_date(text)
    day, month, year, hour, minute, second = found.groups()
    return _moment(f"{year}{_MONTHS.index(month) + 1:02}{day}T{hour}{minute}{second}Z")


def _moment(basic: str) -> datetime:
    """Times at the ends of the calendar overflow as soon as one reckons with them, so they are no times here."""
    try:
        moment = datetime.fromisoformat(basic)
    except ValueError:
        moment = None
    if moment is None or not 1970 <= moment.year < 2200:
        raise IncompleteSignature("the date is malformed", public="Date must be in ISO-8601 'basic format'.")
    return moment


def _same_day(scope: Scope, stamp: str) -> None:
    if scope.day != stamp[:8]:
        words = (
            f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{scope.day}' != '{stamp[:8]}', from '{stamp}'."
        )
        raise SignatureMismatch(words, public=words)

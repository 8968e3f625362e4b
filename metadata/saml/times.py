"""SAML's dates and durations. A time in SAML is an xs:dateTime in UTC, written with Z (saml-core-2.0-os, section 1.3.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_DATE_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T(?!24)[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,12}))?(?:Z|\+00:00)", re.ASCII)
_DURATION = re.compile(
    r"P(?:([0-9]{1,6})Y)?(?:([0-9]{1,6})M)?(?:([0-9]{1,6})D)?"
    r"(?:T(?:([0-9]{1,6})H)?(?:([0-9]{1,8})M)?(?:([0-9]{1,10})(?:\.[0-9]{1,9})?S)?)?",
    re.ASCII,
)


def read_time(value: str) -> datetime:
    """An xs:dateTime as an aware datetime in UTC. Raises ValueError.

    Strict, because lenient parsers disagree (row E28): four-digit years, no 24:00:00, no leap second, no missing zone, and no offset
    other than `+00:00`, which means the same as Z. Fractions finer than a microsecond are cut.
    """
    found = _DATE_TIME.fullmatch(value)
    if found is None:
        raise ValueError("not an xs:dateTime in UTC")
    moment = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    return moment.replace(microsecond=int(found[2][:6].ljust(6, "0"))) if found[2] else moment


def write_time(moment: datetime) -> str:
    """An aware datetime as SAML writes it, in UTC and cut to whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_duration(value: str) -> int:
    """An xs:duration in whole seconds, a year being 365 days and a month 30. Raises ValueError if malformed, negative or empty."""
    found = _DURATION.fullmatch(value)
    if found is None or not any(found.groups()) or value.endswith("T"):
        raise ValueError("not a positive xs:duration")
    weights = (365 * 86_400, 30 * 86_400, 86_400, 3_600, 60, 1)
    return sum(int(part or 0) * weight for part, weight in zip(found.groups(), weights, strict=True))

"""Until when a piece of metadata counts, and how soon it is to be asked for again (saml-metadata-2.0-os, section 2.3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml import etree

from metadata.errors import DocumentInvalid
from metadata.saml.times import read_duration, read_time

MIN_CACHE_SECONDS: Final = 300
MAX_CACHE_SECONDS: Final = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Lifetime:
    """`valid_until` (UTC): from that second on it must not be used. `cache_seconds`: 300 to 2,592,000; None where nothing is said."""

    valid_until: datetime | None = None
    cache_seconds: int | None = None

    def within(self, outer: Lifetime) -> Lifetime:
        """The earlier end and the shorter time of both: what is around an element binds it too."""
        ends = [end for end in (self.valid_until, outer.valid_until) if end is not None]
        times = [time for time in (self.cache_seconds, outer.cache_seconds) if time is not None]
        return Lifetime(min(ends, default=None), min(times, default=None))


def lifetime(elements: Iterable[etree._Element]) -> Lifetime:
    """The earliest end and the shortest cache time that these say. Raises DocumentInvalid (valid_until_invalid)."""
    found = Lifetime()
    for element in elements:
        end, cache = element.get("validUntil"), element.get("cacheDuration")
        if end is None and cache is None:
            continue
        try:
            until = read_time(end) if end is not None else None
        except ValueError:
            raise DocumentInvalid("The metadata's validUntil is not a date.", str(end)[:100], code="valid_until_invalid") from None
        found = Lifetime(until, _seconds(cache)).within(found)
    return found


def _seconds(cache: str | None) -> int | None:
    try:
        return None if cache is None else min(max(read_duration(cache), MIN_CACHE_SECONDS), MAX_CACHE_SECONDS)
    except ValueError:
        return None  # J5: nonsense shortens nothing, and lengthens nothing

"""Dates and durations in the one lexical form that SAML allows (E28)."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metadata.saml.times import read_duration, read_time, write_time

WRONG = [
    "", "tomorrow", "2026-05-05", "2026-05-04 12:05:00Z", "2026-05-04T12:05Z", "2026-05-04t12:05:00z", "20260504T120500Z",
    "2026-05-04T25:00:00Z", "2026-05-04T24:00:00Z", "2026-13-04T12:05:00Z", "2026-02-30T12:05:00Z", "10000-01-01T00:00:00Z",
    "2026-06-30T23:59:60Z", "-2026-05-04T12:05:00Z", "2026-05-04T12:05:00", "2026-05-04T14:05:00+02:00", " 2026-05-04T12:05:00Z",
    "2026-05-04T12:05:00Z\n", "2026-05-04T12:05:00.Z", "2026-05-04T12:05:00,5Z", "\u0662026-05-04T12:05:00Z", "0000-01-01T00:00:00Z",
]  # fmt: skip


@pytest.mark.parametrize("value", WRONG)
def test_other_forms_are_refused(value: str) -> None:
    with pytest.raises(ValueError):
        read_time(value)


def test_fractions_and_a_zero_offset_are_read() -> None:
    assert read_time("2026-05-04T12:05:00.1Z") == datetime(2026, 5, 4, 12, 5, 0, 100_000, tzinfo=UTC)
    assert read_time("2026-05-04T12:05:00.123456789Z").microsecond == 123_456
    assert read_time("2026-05-04T12:05:00+00:00") == datetime(2026, 5, 4, 12, 5, tzinfo=UTC)


@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis wants it so
def test_what_we_write_we_read(moment: datetime) -> None:
    assert read_time(write_time(moment)) == moment.replace(microsecond=0)


@given(st.text(max_size=40))
def test_nothing_but_value_error(value: str) -> None:
    with contextlib.suppress(ValueError):
        assert read_time(value).tzinfo is UTC


@pytest.mark.parametrize(
    ("value", "seconds"), [("PT1H", 3600), ("P1DT1M1.5S", 86_461), ("P1Y", 365 * 86_400), ("PT0S", 0), ("P2M", 60 * 86_400)]
)
def test_durations(value: str, seconds: int) -> None:
    assert timedelta(seconds=read_duration(value)) == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", ["", "P", "PT", "-PT1H", "P1DT", "1H", "PT1X"])
def test_durations_that_are_none(value: str) -> None:
    with pytest.raises(ValueError):
        read_duration(value)

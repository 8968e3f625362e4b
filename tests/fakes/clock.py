"""A clock that a test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class MovableClock:
    """Runs with the machine's clock, shifted by what `advance` has added; `freeze` stops it."""

    def __init__(self) -> None:
        self._shift = timedelta(0)
        self._frozen: datetime | None = None

    def now(self) -> datetime:
        return (self._frozen or datetime.now(UTC)) + self._shift

    def advance(self, **delta: float) -> None:
        self._shift += timedelta(**delta)

    def freeze(self) -> None:
        self._frozen = datetime.now(UTC)

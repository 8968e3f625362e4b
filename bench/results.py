"""What a measurement says: rows of ours beside the peer's, the ratio, and whether it meets the target."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One comparison. `ratio` is what `target` speaks of; a row without a target is for information."""

    what: str
    ours: str
    peer: str = ""
    ratio: float | None = None
    target: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the ratio is within the target ("<= 0.4", ">= 40"); None where there is no target."""
        if self.ratio is None or not self.target:
            return None
        sign, _, bound = self.target.partition(" ")
        return self.ratio <= float(bound) if sign == "<=" else self.ratio >= float(bound)

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {**asdict(self), "met": self.met}


@dataclass(frozen=True)
class Run:
    """How to run: where the peers are and where to write, and whether to be quick about it (fewer rounds, rougher figures)."""

    home: Path
    folder: Path
    quick: bool = False
    notes: list[str] = field(default_factory=list)

    def times(self, full: int, quick: int) -> int:
        """A number of rounds or calls."""
        return quick if self.quick else full


def median(values: Iterable[float]) -> float:
    """The median, which one disturbed round does not move."""
    return statistics.median(values)


def spread(values: Sequence[float], unit: str = "ms", digits: int = 2) -> str:
    """The median with the extremes: `7.10 ms (6.90-7.42)`."""
    return f"{median(values):.{digits}f} {unit} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| | Crossgate | peer | ratio | target | |", "|---|---|---|---|---|---|"]
    for row in rows:
        verdict = {True: "met", False: "**missed**", None: ""}[row.met]
        ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
        lines.append(f"| {row.what} | {row.ours} | {row.peer} | {ratio} | {row.target} | {verdict} |")
    return "\n".join(lines)

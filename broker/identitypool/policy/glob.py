"""Match text against a pattern with `*` (any run, also an empty one) and `?` (one character), in linear time per segment (spec F.2).

A pattern is cut at its stars. The first and the last segment are fixed to the ends of the text, and each of the others is taken where it
first fits: for globs that finds a match whenever there is one, so nothing is ever tried again.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final

__all__ = ["ONE", "STAR", "Glob", "Wild", "fold"]


class Wild(Enum):
    """A character of a pattern that stands for others."""

    STAR = "*"
    ONE = "?"


STAR: Final = Wild.STAR
ONE: Final = Wild.ONE


def fold(text: str) -> str:
    """Without regard to case, one character for one.

    A letter outside ASCII never becomes one inside it: the Kelvin sign is no k and the long s no s, or a look-alike would pass for the
    real thing (row IP-S2.9).
    """
    if text.isascii():
        return text.lower()
    return "".join(low if len(low := c.lower()) == 1 and (c < "\x80" or low >= "\x80") else c for c in text)


class _Segment:
    """What stands between two stars: literal runs at their offsets, and single unknown characters between them."""

    __slots__ = ("length", "runs")

    def __init__(self, parts: Iterable[str | Wild]) -> None:
        runs: list[tuple[int, str]] = []
        at = 0
        for part in parts:
            if isinstance(part, Wild):
                at += 1
            elif runs and runs[-1][0] + len(runs[-1][1]) == at:
                runs[-1] = (runs[-1][0], runs[-1][1] + part)
                at += len(part)
            elif part:
                runs.append((at, part))
                at += len(part)
        self.length = at
        self.runs = tuple(runs)

    def fits(self, text: str, at: int) -> bool:
        for offset, literal in self.runs:  # noqa: SIM110 - a generator would cost more than what it does
            if not text.startswith(literal, at + offset):
                return False
        return True

    def find(self, text: str, start: int, end: int) -> int:
        """Where it first fits between `start` and `end`, or -1."""
        last = end - self.length
        if not self.runs:
            return start if start <= last else -1
        offset, literal = self.runs[0]
        single = len(self.runs) == 1
        while start <= last:
            found = text.find(literal, start + offset, last + offset + len(literal))
            if found < 0:
                return -1
            start = found - offset
            if single or self.fits(text, start):
                return start
            start += 1
        return -1


class Glob:
    """A pattern. It is made of literal text, in which no character is special, and of STAR and ONE."""

    __slots__ = ("_begins", "_exact", "_first", "_last", "_least", "_middle", "everything")

    def __init__(self, parts: Iterable[str | Wild]) -> None:
        cut: list[list[str | Wild]] = [[]]
        for part in parts:
            if part is STAR:
                cut.append([])
            else:
                cut[-1].append(part)
        segments = [_Segment(each) for each in cut]
        self._exact = len(segments) == 1
        self._first = segments[0]
        # Most patterns already differ from most texts in how they begin.
        self._begins = self._first.runs[0][1] if self._first.runs and not self._first.runs[0][0] else ""
        self._last = segments[-1]
        self._middle = tuple(segment for segment in segments[1:-1] if segment.length)
        self._least = self._first.length if self._exact else sum(segment.length for segment in segments)
        self.everything = not self._exact and not self._least

    def matches(self, text: str) -> bool:
        """Whether the whole text matches."""
        if not text.startswith(self._begins):
            return False
        size = len(text)
        if self._exact:
            return size == self._least and self._first.fits(text, 0)
        if size < self._least:
            return False
        end = size - self._last.length
        if not (self._first.fits(text, 0) and self._last.fits(text, end)):
            return False
        at = self._first.length
        for segment in self._middle:
            at = segment.find(text, at, end)
            if at < 0:
                return False
            at += segment.length
        return True

"""What is wrong with a configuration: one line a problem, all of them at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from broker.errors import ConfigError


class Wrong(ValueError):
    """Raised by a check of one value: what is wrong with it, and what to do. Neither half may quote a secret."""

    def __init__(self, what: str, remedy: str) -> None:
        self.what = what
        self.remedy = remedy
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right. `table` and `key` are empty where the file as a whole is meant."""

    file: str
    table: str
    key: str
    what: str
    remedy: str

    def line(self) -> str:
        """`FILE: TABLE: KEY: WHAT; REMEDY`, on one line whatever a value may contain."""
        place = ": ".join(part for part in (self.file, self.table, self.key) if part)
        text = f"{place}: {self.what}" + (f"; {self.remedy}" if self.remedy else "")
        return "".join(char if char.isprintable() else " " for char in text)


class ConfigProblems(ConfigError):
    """The configuration was refused. `problems` holds everything that was found, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.line() for problem in self.problems))

    def __str__(self) -> str:
        return self.private


def shown(value: object, limit: int = 60) -> str:
    """A value as an error may quote it: short. Never called with a secret."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean X?`, or the list of what there is."""
    names = sorted(set(known))
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]}?"
    return f"known here: {', '.join(names)}" if names else "remove it"

"""What a rule finds, and how it names the table that it found it in."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from broker.config.pool import Pool
from broker.config.problems import shown

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Finding:
    """An error, or a warning: something that is allowed but hardly meant."""

    table: str
    key: str
    what: str
    remedy: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class PoolAt:
    """A pool and where it stands in the file."""

    pool: Pool
    position: int

    @property
    def table(self) -> str:
        """The pool's own table."""
        return f"[[user_pool]] #{self.position + 1} ({self.pool.id})"

    def inner(self, kind: str, name: str) -> str:
        """A table inside the pool."""
        return f"{self.table} › [[user_pool.{kind}]] {shown(name).strip(chr(39))}"


def repeated(values: Iterable[T]) -> Iterator[T]:
    """The values that were there before, once each time they come again."""
    seen: set[T] = set()
    for value in values:
        if value in seen:
            yield value
        seen.add(value)

"""A dictionary with a journal: what a unit changed can be undone."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Journal:
    """How to undo what was done since a mark, newest first."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []

    def note(self, undo: Callable[[], object]) -> None:
        self._undo.append(undo)

    def mark(self) -> int:
        return len(self._undo)

    def roll_back(self, mark: int) -> None:
        while len(self._undo) > mark:
            self._undo.pop()()

    def forget(self, mark: int) -> None:
        """Keep what was done. Only the outermost unit may: an inner one's changes are part of nothing else that could undo them."""
        del self._undo[mark:]


class Table(Generic[K, V]):
    """Rows by primary key. Values are immutable (frozen dataclasses that went through the codec), so nobody changes them from outside."""

    def __init__(self, journal: Journal) -> None:
        self._rows: dict[K, V] = {}
        self._journal = journal

    def get(self, key: K) -> V | None:
        return self._rows.get(key)

    def __contains__(self, key: K) -> bool:
        return key in self._rows

    def set(self, key: K, value: V) -> None:
        self._remember(key)
        self._rows[key] = value

    def pop(self, key: K) -> V | None:
        if key in self._rows:
            self._remember(key)
        return self._rows.pop(key, None)

    def pop_where(self, condition: Callable[[K, V], bool]) -> list[V]:
        """Remove the rows of which the condition holds; returns them."""
        gone = [(key, value) for key, value in self._rows.items() if condition(key, value)]
        for key, _ in gone:
            self.pop(key)
        return [value for _, value in gone]

    def where(self, condition: Callable[[V], bool]) -> list[V]:
        return [value for value in self._rows.values() if condition(value)]

    def items(self) -> Iterator[tuple[K, V]]:
        return iter(list(self._rows.items()))

    def _remember(self, key: K) -> None:
        rows: dict[Any, Any] = self._rows
        if key in rows:
            before = rows[key]
            self._journal.note(lambda: rows.__setitem__(key, before))
        else:
            self._journal.note(lambda: rows.pop(key, None))

"""Templates: `{name}` is filled in, `{{` and `}}` stand for the braces themselves. No attributes, indexes, conversions or calls.

Python's own `str.format` reaches into objects (`{0.__class__}`), so it is not for text from a configuration.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


class TemplateInvalid(ValueError):
    """`what` is wrong at `position` (in characters from the start, 0 the first)."""

    def __init__(self, what: str, position: int) -> None:
        self.what = what
        self.position = position
        super().__init__(f"{what} at position {position}")


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template: literal text and names in turn. Names may hold anything but braces, so that URNs and URLs fit."""

    pieces: tuple[tuple[str, str | None], ...]
    """(literal text, the name that follows it or None at the end)"""

    @property
    def names(self) -> tuple[str, ...]:
        """Every name once, in order."""
        return tuple(dict.fromkeys(name for _, name in self.pieces if name is not None))

    def render(self, value: Callable[[str], str]) -> str:
        """Fill in what `value` gives for each name. What comes in is text, never read as a template again."""
        return "".join(literal + ("" if name is None else value(name)) for literal, name in self.pieces)


@functools.lru_cache(maxsize=1024)
def parse(text: str) -> Template:
    """Read a template. Raises TemplateInvalid."""
    pieces: list[tuple[str, str | None]] = []
    literal, end = "", 0
    for found in _PIECE.finditer(text):
        literal += text[end : found.start()]
        end = found.end()
        if found[0] in {"{{", "}}"}:
            literal += found[0][0]
        elif found[1] is None:
            raise TemplateInvalid(f"a single {found[0]} (write it twice to mean the character)", found.start())
        elif not found[1].strip():
            raise TemplateInvalid("no name between the braces", found.start())
        else:
            pieces.append((literal, found[1].strip()))
            literal = ""
    pieces.append((literal + text[end:], None))
    return Template(tuple(pieces))

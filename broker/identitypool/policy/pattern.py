"""Text of a policy that may hold wildcards and variables (spec F.2, F.4).

What a variable puts in is literal: a `*` in a tag's value matches a `*` and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from broker.identitypool.policy.faults import Fault, shown
from broker.identitypool.policy.glob import ONE, STAR, Glob, Wild, fold

_VARIABLE = re.compile(r"\$\{(?:(?P<literal>[*?$])|(?P<key>[^{}'\",*?$\x00-\x1f]+)(?:,[ ]*'(?P<default>[^']*)')?)\}")
_WILD = {"*": STAR, "?": ONE}

Lookup = Callable[[str], str | None]
"""A context key, folded -> its one value; None if it is absent or has several."""


@dataclass(frozen=True, slots=True)
class Variable:
    """`${key}` or `${key, 'default'}`. `key` is folded."""

    key: str
    default: str | None = None

    def value(self, lookup: Lookup) -> str | None:
        """None if the request has no single value and there is no default (spec F.4: never the empty string)."""
        found = lookup(self.key)
        return self.default if found is None else found


Piece = str | Wild | Variable


def read(text: str, element: str, *, wildcards: bool, variables: bool) -> tuple[Piece, ...]:
    """Cut a text of a policy into its pieces. Raises Fault on a variable that is not written as one."""
    pieces: list[Piece] = []
    at = 0
    while at < len(text):
        dollar = text.find("${", at) if variables else -1
        plain = text[at:] if dollar < 0 else text[at:dollar]
        runs = re.split(r"([*?])", plain) if wildcards else [plain]
        pieces.extend(_WILD.get(run, run) if wildcards else run for run in runs if run)
        if dollar < 0:
            break
        found = _VARIABLE.match(text, dollar)
        key = found["key"] or "" if found else ""
        if found is None or key != key.strip():
            raise Fault(element, f"{shown(text)} has a variable that is not one; write ${{key}} or ${{key, 'default'}}")
        pieces.append(found["literal"] or Variable(fold(key), found["default"]))
        at = found.end()
    return tuple(pieces)


def fill(pieces: tuple[Piece, ...], lookup: Lookup) -> list[str | Wild] | None:
    """The pieces with values for their variables, or None if one has no value."""
    filled: list[str | Wild] = []
    for piece in pieces:
        if isinstance(piece, Variable):
            value = piece.value(lookup)
            if value is None:
                return None
            filled.append(value)
        else:
            filled.append(piece)
    return filled


class Pattern:
    """Pieces that are matched as a whole. Made once; a pattern without variables is compiled then, one with them for each request."""

    __slots__ = ("_pieces", "static", "text")

    def __init__(self, pieces: tuple[Piece, ...], text: str) -> None:
        self.text = text
        self._pieces = pieces
        self.static = None if any(isinstance(piece, Variable) for piece in pieces) else Glob(_literal(pieces))

    def compiled(self, lookup: Lookup) -> Glob | None:
        """None if a variable has no value: then nothing matches."""
        if self.static is not None:
            return self.static
        filled = fill(self._pieces, lookup)
        return None if filled is None else Glob(filled)

    def matches(self, text: str, lookup: Lookup) -> bool:
        """Whether the whole text matches; never, if a variable has no value."""
        glob = self.static or self.compiled(lookup)
        return glob is not None and glob.matches(text)


def _literal(pieces: tuple[Piece, ...]) -> list[str | Wild]:
    return [piece for piece in pieces if not isinstance(piece, Variable)]


def split_colons(pieces: tuple[Piece, ...], most: int) -> list[tuple[Piece, ...]]:
    """Cut at the first `most` colons that the author wrote. A colon in a variable's value never cuts: a tag cannot move parts."""
    parts: list[list[Piece]] = [[]]
    for piece in pieces:
        if not isinstance(piece, str):
            parts[-1].append(piece)
            continue
        first, *rest = piece.split(":", most - len(parts) + 1)
        parts[-1].append(first)
        parts.extend([each] for each in rest)
    return [tuple(piece for piece in part if piece != "") for part in parts]

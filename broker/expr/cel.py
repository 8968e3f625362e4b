"""CEL expressions (https://cel.dev) over a token's claims. They can read and compare, and nothing else: no calls out, no state, no clock.

The runtime is C++ (extra `cel`). It stops at a depth of 32 and after 10,000 iterations. What makes one iteration dear is left out of the
language (`_LANGUAGE`) or cut off here. Errors of an evaluation come back as values, which is easy to take for an answer.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LONGEST_EXPRESSION = 1024
# Of a claim. Longer ones are cut out: an expression that names one fails, as if it were not there.
LONGEST_TEXT = 2048
LONGEST_LIST = 100
_DEPTH = 6
_INT64 = 1 << 63
# `+`, and `map` and `filter` that are made of it, could double a text again and again, and a pattern that comes from a claim is compiled
# in every iteration: a rule of a hundred characters took gigabytes. Comparing, startsWith, endsWith, contains, in, size, has, all, exists
# and exists_one remain.
_LANGUAGE = """
stdlib:
  exclude_macros: [map, filter]
  exclude_functions:
    - name: "_+_"
    - name: matches
variables:
  - {name: claims, type_name: map, params: [{type_name: string}, {type_name: dyn}]}
"""
_PLACE = re.compile(r"ERROR: <input>:(\d+):(\d+): ([^\n]*)")


class CelInvalid(ValueError):
    """`what` is wrong with an expression at `line` and `column` (the first of each is 1; 0 where no place is to blame)."""

    def __init__(self, what: str, line: int = 0, column: int = 0) -> None:
        self.what = what
        self.line = line
        self.column = column
        super().__init__(f"{what} (line {line}, column {column})" if line else what)


class CelFailed(Exception):
    """An evaluation gave no yes or no. The words are ours: the runtime's own may hold a claim's value."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. Safe for threads."""

    source: str
    _program: Any = field(repr=False, compare=False)

    def holds(self, claims: Mapping[str, Any]) -> bool:
        """Whether it is true of these claims, as `bound` gives them. Raises CelFailed: a missing claim, a wrong type, too much work."""
        try:
            made = self._program.eval(data={"claims": claims})
        except RuntimeError as failed:
            raise CelFailed(_reason(str(failed))) from None
        kind, value = made.type().name(), made.value()
        if kind == "ERROR":
            raise CelFailed(_reason(str(value)))
        if kind != "BOOL":
            raise CelFailed("it gave no yes or no")
        return bool(value)


@functools.lru_cache(maxsize=1024)
def compiled(source: str) -> Expression:
    """Compile once. Raises CelInvalid with the place, also where the extra `cel` is not installed."""
    if not source.strip():
        raise CelInvalid("the expression is empty")
    if len(source) > LONGEST_EXPRESSION:
        raise CelInvalid(f"the expression is longer than {LONGEST_EXPRESSION} characters")
    environment = _environment()
    try:
        program = environment.compile(source)
    except RuntimeError as failed:
        raise _complaint(str(failed)) from None
    # Only an evaluation knows the type of `claims.flag`; what is text or a number whatever the claims say is refused on save.
    kind = program.return_type().name()
    if kind not in {"BOOL", "DYN"}:
        raise CelInvalid(f"the expression gives {kind.lower()}, not a yes or no")
    return Expression(source, program)


def bound(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Claims as an expression may see them: of JSON's types, none of them large."""
    return {name: value for name, given in claims.items() if (value := _bounded(given, _DEPTH)) is not _LEFT_OUT}


_LEFT_OUT = object()


def _bounded(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if -_INT64 <= value < _INT64 else _LEFT_OUT
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else _LEFT_OUT
    if depth == 0 or not isinstance(value, Mapping | list | tuple) or len(value) > LONGEST_LIST:
        return _LEFT_OUT
    if isinstance(value, Mapping):
        return {str(name): kept for name, each in value.items() if (kept := _bounded(each, depth - 1)) is not _LEFT_OUT}
    kept = [_bounded(each, depth - 1) for each in value]
    # Half a list would let "no element is ..." hold.
    return _LEFT_OUT if any(each is _LEFT_OUT for each in kept) else kept


@functools.lru_cache(maxsize=1)
def _environment() -> Any:
    try:
        # Loading it costs 14 MB, so who has no such rule never does.
        from cel_expr_python import cel
    except ImportError:
        raise CelInvalid("expressions need the extra `cel`: pip install 'crossgate[cel]'") from None
    return cel.NewEnv(config=cel.NewEnvConfigFromYaml(_LANGUAGE))


def _complaint(text: str) -> CelInvalid:
    found = _PLACE.search(text)
    if found is None:
        return CelInvalid("the expression is nested too deeply" if "recursion" in text else "the expression cannot be compiled")
    what = found[3].removeprefix("Syntax error: ").split(" expecting ")[0].removesuffix(" (in container '')")
    return CelInvalid(what, int(found[1]), int(found[2]))


def _reason(text: str) -> str:
    if "Key not found" in text or "NOT_FOUND" in text:
        return "a claim that it names is missing"
    if "budget" in text:
        return "it needs too many steps"
    return "an error while it was evaluated: " + text.split(":", 1)[0].strip().lower().replace("_", " ")[:40]

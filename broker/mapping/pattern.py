"""The `regex` mapper. Patterns come from administrators and values from strangers, so every match has a time limit."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import regex

from broker.expr import template
from broker.mapping.mapper import MISSING, MapperFailed, MappingContext, Missing, OptionsInvalid, Value, only, source, text

SECONDS = 0.1
LONGEST_PATTERN = 1000
LONGEST_VALUE = 8192


class Regex:
    """`from`, `pattern`: searched in each value; `replace`: text with `{1}` or `{name}` for its groups (`{0}`: the whole match).

    Without `replace`, the first group, or the whole match of a pattern without groups. Values that do not match are left out; if none
    matches, nothing is made. `ignore_case`.
    """

    def check(self, options: Mapping[str, Any]) -> None:
        only(options, "from", "pattern", "replace", "ignore_case")
        text(options, "from", "")
        compiled, replacement = _compiled(options), _replacement(options)
        for name in replacement.names if replacement else ():
            if name not in compiled.groupindex and not (name.isdecimal() and int(name) <= compiled.groups):
                raise OptionsInvalid("replace", f"the pattern has no group {name}")

    def apply(self, context: MappingContext, options: Mapping[str, Any]) -> Value | Missing:
        found = context.texts(source(context, options))
        if found is MISSING:
            return MISSING
        compiled, replacement = _compiled(options), _replacement(options)
        made = [result for each in found if (result := _match(compiled, replacement, each)) is not None]
        return made or MISSING


def _match(compiled: Any, replacement: template.Template | None, value: str) -> str | None:
    if len(value) > LONGEST_VALUE:
        raise MapperFailed(f"the value is longer than {LONGEST_VALUE} characters")
    try:
        # `concurrent` lets other threads run meanwhile: one bad pattern must not hold up the whole worker.
        match = compiled.search(value, timeout=SECONDS, concurrent=True)
    except TimeoutError:
        raise MapperFailed(f"the pattern took longer than {SECONDS:g} s") from None
    if match is None:
        return None
    if replacement is None:
        return match[1 if compiled.groups else 0] or ""
    return replacement.render(lambda name: match[int(name) if name.isdecimal() else name] or "")


def _compiled(options: Mapping[str, Any]) -> Any:
    ignore_case = options.get("ignore_case", False)
    if not isinstance(ignore_case, bool):
        raise OptionsInvalid("ignore_case", "is neither true nor false")
    return _compile(text(options, "pattern"), ignore_case)


@functools.lru_cache(maxsize=1024)
def _compile(pattern: str, ignore_case: bool) -> Any:
    if len(pattern) > LONGEST_PATTERN:
        raise OptionsInvalid("pattern", f"is longer than {LONGEST_PATTERN} characters")
    try:
        return regex.compile(pattern, regex.IGNORECASE if ignore_case else 0)
    except regex.error as wrong:
        raise OptionsInvalid("pattern", str(wrong.msg), wrong.pos) from None
    except (RecursionError, OverflowError):
        raise OptionsInvalid("pattern", "is too deeply nested") from None


def _replacement(options: Mapping[str, Any]) -> template.Template | None:
    if "replace" not in options:
        return None
    try:
        return template.parse(text(options, "replace"))
    except template.TemplateInvalid as wrong:
        raise OptionsInvalid("replace", wrong.what, wrong.position) from None

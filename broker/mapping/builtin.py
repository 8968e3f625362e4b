"""The built-in mappers. Each is a class without state; what a rule may say is in the docstring, as `key`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.expr import template
from broker.mapping.mapper import (
    MISSING,
    MappingContext,
    Missing,
    OptionsInvalid,
    Value,
    only,
    source,
    sources,
    text,
)

CASES = ("lower", "upper", "title")


class Copy:
    """`from`: the attribute, as it came."""

    def check(self, options: Mapping[str, Any]) -> None:
        only(options, "from")
        _name(options)

    def apply(self, context: MappingContext, options: Mapping[str, Any]) -> Value | Missing:
        return context.read(_name(options))


class Constant:
    """`value`: always this. An empty text clears the attribute at every sign-in."""

    def check(self, options: Mapping[str, Any]) -> None:
        only(options, "value")
        self.apply(MappingContext("", "", "", {}), options)

    def apply(self, context: MappingContext, options: Mapping[str, Any]) -> Value | Missing:
        value = options.get("value")
        if not isinstance(value, str | bool | int | float):
            raise OptionsInvalid("value", "is missing" if value is None else "is not text, a number, true or false")
        return value


class FillTemplate:
    """`template`: text with `{attribute}` in it. Nothing is made unless every attribute is there. Several values are joined by a blank."""

    def check(self, options: Mapping[str, Any]) -> None:
        only(options, "template")
        if not self._parse(options).names:
            raise OptionsInvalid("template", "names no attribute; the mapper for a fixed text is constant")

    def apply(self, context: MappingContext, options: Mapping[str, Any]) -> Value | Missing:
        parsed = self._parse(options)
        values: dict[str, str] = {}
        for name in parsed.names:
            found = context.texts(name)
            if found is MISSING or not any(found):
                return MISSING
            values[name] = " ".join(found)
        return parsed.render(values.__getitem__)

    def _parse(self, options: Mapping[str, Any]) -> template.Template:
        try:
            return template.parse(text(options, "template"))
        except template.TemplateInvalid as wrong:
            raise OptionsInvalid("template", wrong.what, wrong.position) from None


class Split:
    """`from`, `separator`: cut into parts, without the blanks around them and without empty ones. `index`: only that one, -1 the last."""

    def check(self, options: Mapping[str, Any]) -> None:
        only(options, "from", "separator", "index")
        text(options, "from", "")
        _separator(options)
        self._index(options)

    def apply(self, context: MappingContext, options: Mapping[str, Any]) -> Value | Missing:
        found = context.texts(source(context, options))
        if found is MISSING:
            return MISSING
        separator, index = _separator(options), self._index(options)
        parts = [part.strip() for each in found for part in each.split(separator) if part.strip()]
        if index is None:
            return parts
        return parts[index] if -len(parts) <= index < len(parts) else MISSING

    def _index(self, options: Mapping[str, Any]) -> int | None:
        index = options.get("index")
        if index is not None and type(index) is not int:
            raise OptionsInvalid("index", "is not a whole number")
        return index


class Join:
    """`from`: one attribute or several, `separator` (a blank if not given): all their values, in order, as one text."""

    def check(self, options: Mapping[str, Any]) -> None:
        only(options, "from", "separator")
        sources(options)
        text(options, "separator", " ")

    def apply(self, context: MappingContext, options: Mapping[str, Any]) -> Value | Missing:
        found = [context.texts(name) for name in sources(options)]
        there = [each for each in found if each is not MISSING]
        if not there:
            return MISSING
        return text(options, "separator", " ").join(value for values in there for value in values if value)


class FirstOf:
    """`from`: a list of attributes; the first that is there and not empty."""

    def check(self, options: Mapping[str, Any]) -> None:
        only(options, "from")
        sources(options)

    def apply(self, context: MappingContext, options: Mapping[str, Any]) -> Value | Missing:
        for name in sources(options):
            found = context.read(name)
            if found is not MISSING and found not in ("", [], ()):
                return found
        return MISSING


class Case:
    """`from`, `to`: `lower`, `upper` or `title`; each value on its own."""

    def check(self, options: Mapping[str, Any]) -> None:
        only(options, "from", "to")
        text(options, "from", "")
        self._to(options)

    def apply(self, context: MappingContext, options: Mapping[str, Any]) -> Value | Missing:
        found = context.texts(source(context, options))
        if found is MISSING:
            return MISSING
        to = self._to(options)
        return [each.lower() if to == "lower" else each.upper() if to == "upper" else each.title() for each in found]

    def _to(self, options: Mapping[str, Any]) -> str:
        to = text(options, "to")
        if to not in CASES:
            raise OptionsInvalid("to", f"is not one of {', '.join(CASES)}")
        return to


class GroupMap:
    """`from`: their groups; `map`: their group -> ours, or a list of ours; `default`: ours if none matched; `ignore_case`.

    Only groups that the map names can come of it, so an upstream never names a group of ours by itself (attack SAML-K9).
    """

    def check(self, options: Mapping[str, Any]) -> None:
        only(options, "from", "map", "default", "ignore_case")
        sources(options)
        self._table(options)
        _names(options, "default")
        if not isinstance(options.get("ignore_case", False), bool):
            raise OptionsInvalid("ignore_case", "is neither true nor false")

    def apply(self, context: MappingContext, options: Mapping[str, Any]) -> Value | Missing:
        found = [context.texts(name) for name in sources(options)]
        theirs = [value for each in found if each is not MISSING for value in each]
        if all(each is MISSING for each in found) and "default" not in options:
            return MISSING
        fold = str.lower if options.get("ignore_case", False) else str
        table = {fold(name): ours for name, ours in self._table(options).items()}
        made = dict.fromkeys(ours for name in theirs for ours in table.get(fold(name), ()))
        return list(made or dict.fromkeys(_names(options, "default")))

    def governs(self, options: Mapping[str, Any]) -> frozenset[str]:
        return frozenset(ours for each in self._table(options).values() for ours in each) | frozenset(_names(options, "default"))

    def _table(self, options: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        table = options.get("map")
        if not isinstance(table, Mapping) or not table:
            raise OptionsInvalid("map", "is not a table of their groups and ours")
        return {str(theirs): _names(table, theirs, "map.") for theirs in table}


def _name(options: Mapping[str, Any]) -> str:
    name = text(options, "from")
    if not name:
        raise OptionsInvalid("from", "is empty")
    return name


def _separator(options: Mapping[str, Any]) -> str:
    separator = text(options, "separator")
    if not separator:
        raise OptionsInvalid("separator", "is empty")
    return separator


def _names(options: Mapping[str, Any], key: str, prefix: str = "") -> tuple[str, ...]:
    value = options.get(key, ())
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(each, str) and each for each in names):
        raise OptionsInvalid(prefix + key, "is not a name or a list of names")
    return tuple(names)

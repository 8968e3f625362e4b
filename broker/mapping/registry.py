"""Every mapper by its name: the built-in ones from a literal table, the plugins from the entry-point group `crossgate.mappers`.

The built-in ones are entry points too, but the table makes them work from a source tree that was never installed.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

from broker.errors import ConfigError
from broker.mapping.builtin import Case, Constant, Copy, FillTemplate, FirstOf, GroupMap, Join, Split
from broker.mapping.mapper import AttributeMapper
from broker.mapping.pattern import Regex

GROUP = "crossgate.mappers"

BUILT_IN: Mapping[str, type[AttributeMapper]] = MappingProxyType(
    {
        "copy": Copy,
        "constant": Constant,
        "template": FillTemplate,
        "regex": Regex,
        "split": Split,
        "join": Join,
        "first_of": FirstOf,
        "case": Case,
        "group_map": GroupMap,
    }
)


@functools.lru_cache(maxsize=256)
def find(name: str) -> AttributeMapper | None:
    """The mapper of that name, or None. A plugin never replaces a built-in one. Raises ConfigError for a plugin that does not load."""
    if name in BUILT_IN:
        return BUILT_IN[name]()
    point = _plugins().get(name)
    return None if point is None else _load(point)


def names() -> tuple[str, ...]:
    """Every name, built-in ones first."""
    return (*BUILT_IN, *sorted(_plugins().keys() - BUILT_IN.keys()))


@functools.cache
def _plugins() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _load(point: EntryPoint) -> AttributeMapper:
    try:
        mapper = point.load()()
    except Exception as error:
        raise ConfigError(f"mapper {point.name!r} ({point.value}) does not load: {error!r}") from None
    if not isinstance(mapper, AttributeMapper):
        raise ConfigError(f"mapper {point.name!r} ({point.value}) lacks check or apply")
    return mapper

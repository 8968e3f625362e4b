"""A provider's `mapping` table as rules of the mapping chain.

email = "mail"                                          copy their attribute
name = ["displayName", "cn"]                            the first of these that is there
locale = { mapper = "constant", value = "en" }          any mapper, with keys of its own
given_name = [{ from = "gn" }, { mapper = "case", ... }]    several rules for one attribute, in this order
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from broker.config.problems import Wrong
from broker.model.settings import MappingRule

SHAPE = 'write "THEIRS", ["FIRST", "SECOND"] or { mapper = "NAME", ... }'


def rules(mapping: Mapping[str, Any]) -> tuple[MappingRule, ...]:
    """All rules, in the order of the file. Raises Wrong for an entry of no known shape."""
    return tuple(rule for target, entry in mapping.items() for rule in rules_of(target, entry))


def rules_of(target: str, entry: Any) -> Iterator[MappingRule]:
    """The rules that one entry stands for."""
    if isinstance(entry, str) and entry:
        yield MappingRule(target, "copy", {"from": entry})
    elif isinstance(entry, Mapping):
        yield _of_table(target, entry)
    elif isinstance(entry, list | tuple) and entry and all(isinstance(each, str) and each for each in entry):
        yield MappingRule(target, "first_of", {"from": list(entry)})
    elif isinstance(entry, list | tuple) and entry and all(isinstance(each, Mapping) for each in entry):
        for each in entry:
            yield _of_table(target, each)
    else:
        raise Wrong("is not a mapping rule", SHAPE)


def _of_table(target: str, table: Mapping[str, Any]) -> MappingRule:
    mapper, required = table.get("mapper", "copy"), table.get("required", False)
    if not isinstance(mapper, str) or not mapper:
        raise Wrong("names no mapper", 'write mapper = "NAME"')
    if not isinstance(required, bool):
        raise Wrong("required must be true or false", "write it without quotes")
    return MappingRule(target, mapper, {key: value for key, value in table.items() if key not in {"mapper", "required"}}, required)

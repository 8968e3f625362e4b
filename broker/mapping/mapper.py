"""The contract of an attribute mapper, for the built-in ones and for plugins alike (entry-point group `crossgate.mappers`).

A mapper is pure: it reads the identity through its context, is given the options of its rule, and returns a value or MISSING. It calls no
other mapper, keeps nothing, and reaches nothing: its work is replayed later to show what a change would have done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol, runtime_checkable

from broker.mapping.values import texts_of


class Missing(Enum):
    """The type of MISSING: there is nothing to map, so what the profile holds stays as it is. An empty text, in contrast, clears it."""

    MISSING = "missing"


MISSING = Missing.MISSING
Value = str | bool | int | float | Sequence[Any] | Mapping[str, Any]

OWN = "claim:"
"""Prefix of a source that is not the upstream's but what an earlier rule has made: `claim:email`."""
_SUBJECT_NAMES = frozenset({"NameID", "sub"})


class MapperFailed(Exception):
    """A mapper cannot make a value of what arrived. The words are shown to the administrator, so they quote no value."""


class OptionsInvalid(Exception):
    """A rule's options are wrong: under `key`, `what` (and, for a pattern or a template, at `position`, 0 the first character)."""

    def __init__(self, key: str, what: str, position: int | None = None) -> None:
        self.key = key
        self.what = what
        self.position = position
        super().__init__(f"{key}: {what}" + ("" if position is None else f" at position {position}"))


@dataclass(frozen=True, slots=True)
class MappingContext:
    """What a mapper sees. `attributes` are the upstream's verified ones, `claims` what earlier rules made, `target` what is wanted.

    `read` and `texts` note in `seen` what was asked for; the trace shows it.
    """

    provider: str
    issuer: str
    subject: str
    attributes: Mapping[str, Any]
    claims: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    seen: dict[str, Any] = field(default_factory=dict, repr=False)

    def read(self, name: str) -> Value | Missing:
        """An attribute as it arrived, or `claim:NAME`. `NameID` and `sub` are the subject where no attribute has that name."""
        if name.startswith(OWN):
            found: Any = self.claims.get(name.removeprefix(OWN))
        else:
            found = self.attributes.get(name)
            if found is None and name in _SUBJECT_NAMES:
                found = self.subject
        if found is None:
            self.seen.setdefault(name, MISSING)
            return MISSING
        self.seen[name] = found
        return found  # type: ignore[no-any-return]

    def texts(self, name: str) -> tuple[str, ...] | Missing:
        """An attribute's values, each as text: one for a scalar, several for a list, none for an empty list."""
        found = self.read(name)
        return MISSING if found is MISSING else texts_of(found)


@runtime_checkable
class AttributeMapper(Protocol):
    """One way to make a value. Built once, without arguments, and called by many threads."""

    def check(self, options: Mapping[str, Any]) -> None:
        """Whether a rule's options make sense; called when the rule is saved. Raises OptionsInvalid."""
        ...

    def apply(self, context: MappingContext, options: Mapping[str, Any]) -> Value | Missing:
        """Make the value. Raises MapperFailed when what arrived cannot be mapped. A list of several becomes `[a,b]` (spec B.9, 7)."""
        ...


@runtime_checkable
class GroupMapper(AttributeMapper, Protocol):
    """A mapper for the target `groups`. Its value is the pool groups that the user shall be in, of those that it governs."""

    def governs(self, options: Mapping[str, Any]) -> frozenset[str]:
        """Every group that it can ever name. Memberships in other groups are none of its business."""
        ...


def only(options: Mapping[str, Any], *known: str) -> None:
    """Refuse options that a mapper does not have: a misspelt key must not be silently without effect."""
    for key in options:
        if key not in known:
            raise OptionsInvalid(key, f"there is no such key; known are {', '.join(known)}")


def text(options: Mapping[str, Any], key: str, default: str | None = None) -> str:
    """A text option. Raises OptionsInvalid if it is missing without a default, or no text."""
    value = options.get(key, default)
    if value is None:
        raise OptionsInvalid(key, "is missing")
    if not isinstance(value, str):
        raise OptionsInvalid(key, "is not text")
    return value


def source(context: MappingContext, options: Mapping[str, Any]) -> str:
    """Where a rule reads: its `from`, or, without one, what earlier rules made for the same target."""
    return text(options, "from", OWN + context.target)


def sources(options: Mapping[str, Any]) -> tuple[str, ...]:
    """`from` as a list of names; a single text is a list of one. Raises OptionsInvalid."""
    value = options.get("from")
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names or not all(isinstance(each, str) and each for each in names):
        raise OptionsInvalid("from", "is not a name or a list of names")
    return tuple(names)

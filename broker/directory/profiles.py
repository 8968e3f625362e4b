"""Writing a profile from what a sign-in brought (spec A.6, B.9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from broker.model.users import User
from broker.ports.store import Unit


def merged(stored: Mapping[str, str], mapped: Mapping[str, str]) -> dict[str, str]:
    """A claim that did not arrive leaves the stored value; an empty one clears it; any other overwrites (spec B.9, 5 and 10)."""
    both = {**stored, **mapped}
    return {name: value for name, value in both.items() if value != ""}


def write_attributes(unit: Unit, user: User, mapped: Mapping[str, str], now: datetime) -> User:
    """The profile with the mapped attributes, written only if something changed. Raises Conflict if somebody else wrote meanwhile."""
    attributes = merged(user.attributes, mapped)
    if attributes == dict(user.attributes):
        return user
    return unit.users.update(replace(user, attributes=attributes, updated_at=now))


def keep_groups(unit: Unit, user: User, wanted: Iterable[str], governed: Iterable[str]) -> tuple[str, ...]:
    """Make the user's membership in the `governed` groups what the sign-in says; other memberships stay as an administrator left them."""
    held = set(unit.memberships.groups_of(user.pool_id, user.sub))
    wanted_set = set(wanted)
    for group in sorted(wanted_set - held):
        unit.memberships.add(user.pool_id, group, user.sub)
    for group in sorted((held & set(governed)) - wanted_set):
        unit.memberships.remove(user.pool_id, group, user.sub)
    return tuple(sorted((held | wanted_set) - (set(governed) - wanted_set)))

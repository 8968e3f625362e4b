"""The pre token generation hook (spec A.8): the event out, the override details in.

A pool names its hook as `reference` or `reference@V1_0`, `@V2_0`, `@V3_0`, the versions of Cognito's event; V2_0 if nothing is said.
Only a V3_0 hook is asked about client_credentials tokens.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from broker.errors import ConfigError
from broker.hooks import plugins
from broker.hooks.event import common
from broker.hooks.overlay import ClaimChange, bad_value

TRIGGER = "PreTokenGeneration"
MOST_ITEMS = 5000
"""Claims and scopes of both tokens together (spec A.8, rule 7)."""
_VERSIONS = {"V1_0": "1", "V2_0": "2", "V3_0": "3"}
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 3.3


@dataclass(frozen=True, slots=True)
class GroupOverride:
    """What the tokens shall say about groups, whole: what is not named here is taken out (spec A.8, rule 2)."""

    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    preferred_role: str | None = None


@dataclass(frozen=True, slots=True)
class PreTokenAsk:
    """What the hook is told. `groups` None is a machine's token: no user, no groups."""

    trigger_source: str
    pool_id: str
    client_id: str
    username: str
    user_attributes: Mapping[str, str]
    groups: GroupOverride | None
    scopes: tuple[str, ...]
    client_metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PreTokenResult:
    """What the hook wants. `groups` None keeps them as they are."""

    id_token: ClaimChange = field(default_factory=ClaimChange)
    access_token: ClaimChange = field(default_factory=ClaimChange)
    scopes_to_add: tuple[str, ...] = ()
    scopes_to_suppress: frozenset[str] = frozenset()
    groups: GroupOverride | None = None

    def scopes(self, granted: Iterable[str]) -> tuple[str, ...]:
        """The scopes of the access token: granted ones, then added ones, less suppressed ones."""
        return tuple(scope for scope in dict.fromkeys((*granted, *self.scopes_to_add)) if scope not in self.scopes_to_suppress)


def check(reference: str) -> None:
    """Whether a pool's `pre_token_hook` can be used. Raises ConfigError."""
    plugins.load(_split(reference)[0])


def run(reference: str, ask: PreTokenAsk) -> PreTokenResult:
    """Call the hook and read its answer. Raises HookRefused (it refused, was too slow, or answered nonsense) and ConfigError."""
    name, version = _split(reference)
    if ask.groups is None and version != "3":
        return PreTokenResult()
    response = plugins.call(TRIGGER, plugins.load(name), _event(ask, version))
    return _read_v1(response) if version == "1" else _read_v2(response)


def _split(reference: str) -> tuple[str, str]:
    name, _, version = reference.partition("@")
    if version and version not in _VERSIONS:
        raise ConfigError(f"hook {reference!r}: the version after @ is one of {', '.join(_VERSIONS)}")
    return name, _VERSIONS[version or "V2_0"]


def _event(ask: PreTokenAsk, version: str) -> dict[str, Any]:
    event = common(ask.trigger_source, version, ask.pool_id, ask.client_id, ask.username)
    groups = None
    if ask.groups is not None:
        groups = {
            "groupsToOverride": list(ask.groups.groups),
            "iamRolesToOverride": list(ask.groups.roles),
            "preferredRole": ask.groups.preferred_role,
        }
    event["request"] = {
        "userAttributes": dict(ask.user_attributes),
        "groupConfiguration": groups,
        "clientMetadata": dict(ask.client_metadata),
    }
    if version == "1":
        event["response"] = {"claimsOverrideDetails": None}
    else:
        event["request"]["scopes"] = list(ask.scopes)
        event["response"] = {"claimsAndScopeOverrideDetails": None}
    return event


def _read_v1(response: Mapping[str, Any]) -> PreTokenResult:
    details = _table(response, "claimsOverrideDetails")
    change = _change(details)
    if not all(isinstance(value, str) for value in change.add.values()):
        raise plugins.unrecognisable(TRIGGER, "a V1_0 hook may add text only")
    return PreTokenResult(id_token=change, groups=_groups(details))


def _read_v2(response: Mapping[str, Any]) -> PreTokenResult:
    details = _table(response, "claimsAndScopeOverrideDetails")
    access = _table(details, "accessTokenGeneration")
    result = PreTokenResult(
        id_token=_change(_table(details, "idTokenGeneration")),
        access_token=_change(access),
        scopes_to_add=_texts(access, "scopesToAdd"),
        scopes_to_suppress=frozenset(_texts(access, "scopesToSuppress")),
        groups=_groups(details),
    )
    bad = bad_value(result.id_token)
    if bad is not None:
        raise plugins.unrecognisable(TRIGGER, f"{bad} in the ID token must be plain")
    wrong = [scope for scope in result.scopes_to_add if not _SCOPE.fullmatch(scope)]
    if wrong:
        raise plugins.unrecognisable(TRIGGER, f"not a scope: {wrong[0]!r}")
    return result


def _groups(details: Mapping[str, Any]) -> GroupOverride | None:
    """Absent keeps the groups; null or empty takes them all away (spec A.8, rule 2)."""
    if "groupOverrideDetails" not in details:
        return None
    table = _table(details, "groupOverrideDetails")
    preferred = table.get("preferredRole")
    if preferred is not None and not isinstance(preferred, str):
        raise plugins.unrecognisable(TRIGGER, "preferredRole is not text")
    return GroupOverride(_texts(table, "groupsToOverride"), _texts(table, "iamRolesToOverride"), preferred)


def _change(table: Mapping[str, Any]) -> ClaimChange:
    add = _table(table, "claimsToAddOrOverride")
    try:
        # Through JSON: a copy that the hook cannot change later, and proof that it can be written.
        add = json.loads(json.dumps(add, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        raise plugins.unrecognisable(TRIGGER, "a claim's value is not JSON") from None
    if any(value is None for value in add.values()):
        raise plugins.unrecognisable(TRIGGER, "a claim's value is null")
    return ClaimChange(add, frozenset(_texts(table, "claimsToSuppress")))


def _table(outer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = outer.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise plugins.unrecognisable(TRIGGER, f"{name} is not an object")
    return found


def _texts(outer: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = outer.get(name)
    if found is None:
        return ()
    if not isinstance(found, list | tuple) or not all(isinstance(each, str) for each in found):
        raise plugins.unrecognisable(TRIGGER, f"{name} is not a list of texts")
    return tuple(found)

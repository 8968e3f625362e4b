"""One way to a role, and when another is no wider than it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

Kind = Literal[
    "rule",
    "group",
    "token",
    "hook",
    "assertion",
    "ambiguous",
    "default",
    "developer",
    "guest",
    "classic",
    "web_identity",
    "saml",
    "assume_role",
    "operator",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
_CLAIM = re.compile(r"claim (?P<claim>.+) (?P<match>Equals|Contains|StartsWith) (?P<value>\".*\")", re.DOTALL)
_KEY = re.compile(
    r"(?P<question>(?:ForAnyValue:|ForAllValues:)?(?:StringEquals|StringLike|ArnLike|ArnEquals|IpAddress) \S+) (?P<values>\[.*\])"
)
_NAMES = ("kind", "role", "source", "provider", "where", "through", "self_written", "blocked", "then")


@dataclass(frozen=True, slots=True)
class Path:
    """A way to `role`, and on by `then`, the roles that are assumed one after the other, to the role that was asked about.

    `source` is an identity pool's id, or the ARN of a provider, a role or the account; `provider` the pool's provider by its mapping key.
    All of `where` must hold. `through` is by whom one signs in there (upstream providers, or client ids). `self_written` says why the
    user himself may write the claim that decides; `blocked` why the way is closed: by the role's trust policy, above all.
    """

    kind: Kind
    role: str
    source: str
    provider: str = ""
    where: tuple[str, ...] = ()
    through: tuple[str, ...] = ()
    self_written: str = ""
    blocked: str = ""
    then: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[Any, ...]:
        """For a listing that is always the same."""
        return bool(self.blocked), len(self.then), KINDS.index(self.kind), self.role, self.source, self.provider, self.where, self.through

    def covers(self, other: Path) -> bool:
        """Whether whoever can go the other way could go this one already: it is the same but for conditions, and they are no stricter."""
        if self.blocked or (self.kind, self.role, self.source, self.provider) != (other.kind, other.role, other.source, other.provider):
            return False
        if other.self_written and not self.self_written:
            return False
        wider = set(other.through) - set(self.through)
        return not wider and all(any(implies(given, wanted) for given in other.where) for wanted in self.where)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: list(value) if isinstance(value, tuple) else value for name in _NAMES if (value := getattr(self, name))}


def path_of(given: object) -> Path:
    """From JSON. Raises ValueError."""
    if not isinstance(given, Mapping) or not {"kind", "role", "source"} <= given.keys() <= set(_NAMES) or given["kind"] not in KINDS:
        raise ValueError("it is no path")
    made: dict[str, Any] = {}
    for name, value in given.items():
        several = name in {"where", "through", "then"}
        if not all(isinstance(each, str) for each in (value if several and isinstance(value, list) else [value])) or several != isinstance(
            value, list
        ):
            raise ValueError(f"{name} of a path is not as it should be")
        made[name] = tuple(value) if several else value
    return Path(**made)


def implies(given: str, wanted: str) -> bool:
    """Whether what meets `given` meets `wanted`. Only what is plain is seen: of the rest, each condition implies itself alone."""
    if given == wanted:
        return True
    a, b = _CLAIM.fullmatch(given), _CLAIM.fullmatch(wanted)
    if a is not None and b is not None and a["claim"] == b["claim"]:
        strict, loose = json.loads(a["value"]), json.loads(b["value"])
        if b["match"] == "Contains":
            return loose in strict
        return b["match"] == "StartsWith" and a["match"] != "Contains" and strict.startswith(loose)
    a, b = _KEY.fullmatch(given), _KEY.fullmatch(wanted)
    if a is None or b is None or a["question"] != b["question"]:
        return False
    return set(json.loads(a["values"])) <= set(json.loads(b["values"]))

"""What a rule did, told so that an administrator understands why a claim has its value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from broker.mapping.mapper import MISSING
from broker.mapping.values import flatten

Did = Literal["made", "cleared", "absent", "skipped", "failed", "refused"]
_LONGEST = 200
# An upstream's tokens can be mapped like any attribute (spec B.9, 9), but a trace is no place for them.
_SECRET = frozenset({"access_token", "id_token", "refresh_token"})


@dataclass(frozen=True, slots=True)
class MappingLine:
    """One rule's line. `rule` counts from 1 in the provider's mapping; 0 is the chain's own doing. `arrived`: each source it read."""

    rule: int
    provider: str
    target: str
    mapper: str
    did: Did = "absent"
    made: str | None = field(default=None, repr=False)
    why: str = ""
    required: bool = False
    arrived: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def outcome(self) -> Literal["ok", "note", "refused"]:
        """In a trace's own terms."""
        if self.did in {"failed", "refused"}:
            return "refused" if self.did == "refused" or self.required else "note"
        return "ok"

    def told(self, redact: bool = False) -> dict[str, Any]:
        """As a trace's detail: values cut at 200 characters, upstream tokens hidden. With `redact`, only the length of every value."""
        secret = redact or bool(_SECRET & self.arrived.keys())
        arrived = {name: _told(value, redact or name in _SECRET) for name, value in self.arrived.items()}
        made = None if self.made is None else _told(self.made, secret)
        told = {"provider": self.provider, "attribute": self.target, "rule": self.rule, "mapper": self.mapper, "did": self.did}
        return told | {"arrived": arrived, "made": made} | ({"why": self.why} if self.why else {})


def _told(value: Any, redact: bool) -> str | None:
    if value is MISSING:
        return None
    try:
        text = flatten(value)
    except ValueError:
        return "(not text)"
    if redact:
        return f"({len(text)} characters)"
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"

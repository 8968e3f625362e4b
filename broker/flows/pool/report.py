"""What applying a file did, fit for a person and for a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Action = Literal["created", "changed", "disabled", "deleted", "unchanged", "refused"]


@dataclass(frozen=True, slots=True)
class Change:
    """One record: its kind (`client`, `provider`, ...), its name, what happened, and why if it was refused."""

    pool_id: str
    kind: str
    name: str
    action: Action
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ApplyReport:
    """Every record that the file declares, or that it no longer does."""

    changes: tuple[Change, ...] = ()

    def of(self, *actions: Action) -> tuple[Change, ...]:
        """The changes of these actions."""
        return tuple(change for change in self.changes if change.action in actions)

    @property
    def refused(self) -> tuple[Change, ...]:
        """What the file wants and cannot have."""
        return self.of("refused")

    def as_dict(self) -> dict[str, Any]:
        """For JSON: every change, and how many records are as they were."""
        return {
            "changes": [
                {"pool": change.pool_id, "kind": change.kind, "name": change.name, "action": change.action}
                | ({"reason": change.reason} if change.reason else {})
                for change in self.changes
                if change.action != "unchanged"
            ],
            "unchanged": len(self.of("unchanged")),
        }

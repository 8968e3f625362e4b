"""What a refresh token is worth at a moment, and until when once it has a successor: the one rule of both kinds of store (spec A.7).

Instants are milliseconds since the epoch.
"""

from __future__ import annotations

from typing import Literal

from broker.stores.documents import span

Worth = Literal["over", "current", "forgiven", "reused"]


def worth(usable_until: int | None, family_ends: int, revoked: bool, moment: int) -> Worth:
    """Over with its family; current while it has no successor; forgiven within the grace after that; then a reuse that ends the family."""
    if revoked or family_ends <= moment:
        return "over"
    if usable_until is None:
        return "current"
    return "forgiven" if usable_until > moment else "reused"


def retired_until(moment: int, grace_seconds: int) -> int:
    """The end of the grace. Without grace it ends at no time at all: a caller who read his clock first may get the lock second."""
    return moment + span(grace_seconds) if grace_seconds else 0

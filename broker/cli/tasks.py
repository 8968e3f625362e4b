"""What the background worker does, as a table: how often, and whether one worker at a time is enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from broker.cli.prepare import refresher
from broker.flows.backchannel import run_outbox
from broker.flows.sts.revoke import expire_revocations
from broker.tokens.rotate import KeyKeeper

if TYPE_CHECKING:
    from broker.model.keys import KeyUse
    from broker.wiring import Wired


@dataclass(frozen=True, slots=True)
class Task:
    """`run` returns how much it did. `alone`: under a lease of `every` seconds, so that of many workers one does it each time.

    Tasks that take their work from the outbox need no lease: the outbox leases job by job, and many workers share it.
    """

    name: str
    every: float
    run: Callable[[], int]
    alone: bool = True


def tasks(wired: Wired) -> tuple[Task, ...]:
    """All of them."""

    def rotated(pool_id: str, use: KeyUse, alg: str, kid: str) -> None:
        wired.kit.audit("keys.rotated", "ok", "schedule", {"use": use, "alg": alg, "kid": kid}, pool_id=pool_id)

    keeper = KeyKeeper(wired.store, wired.clock, told=rotated)
    metadata = refresher(wired)
    return (
        Task("deliver back-channel logouts", 1, lambda: run_outbox(wired.kit, wired.fetch), alone=False),
        Task("refresh metadata", 5, metadata.run_due, alone=False),
        Task("schedule metadata", 300, metadata.schedule),
        Task("rotate keys", 300, keeper.run_due),
        Task("expire revocations", 600, lambda: expire_revocations(wired.services.access.kit)),
        Task("expire rows", 60, lambda: wired.store.expire(wired.clock.now())),
    )

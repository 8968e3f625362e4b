"""Counters in the transient store, so that N workers count as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from broker.errors import RateLimited
from broker.ports.transient import Transient


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` within `seconds`. A count of 0 means no limit."""

    count: int
    seconds: int = 60


@dataclass(frozen=True, slots=True)
class RateGuard:
    """Fixed windows: at most twice the limit can pass across an edge, which is enough to stop a flood and costs one write."""

    transient: Transient
    limits: Mapping[str, Limit]

    def check(self, what: str, who: str) -> None:
        """Count one `what` of `who`. Raises RateLimited (with the seconds to wait) once over the configured limit."""
        limit = self.limits.get(what)
        if limit is None or limit.count == 0:
            return
        seen = self.transient.count(f"rate:{what}", who, limit.seconds)
        if seen > limit.count:
            raise RateLimited(f"{what} of {who}: {seen} in {limit.seconds} s, limit {limit.count}", retry_after=limit.seconds)

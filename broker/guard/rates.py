"""Counters in the transient store, so that N workers count as one; each adds to them in steps, so that a request rarely costs a write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from broker.errors import RateLimited
from broker.ports.environment import Clock
from broker.ports.transient import Transient

# A worker keeps at most this part of a limit to itself: with eight workers, a sixth more than the limit may pass. Limits below twice the
# number are counted to the letter.
STEPS = 50
# An address costs nothing to make up; what is forgotten here is a fiftieth of a limit each.
MOST_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` within `seconds`. A count of 0 means no limit."""

    count: int
    seconds: int = 60

    @property
    def step(self) -> int:
        """How many are counted here before the store is told."""
        return max(1, self.count // STEPS)


@dataclass(slots=True)
class _Tally:
    """What this worker knows of one counter in one window: what the store last said, and what it has not been told yet."""

    window: int
    seen: int = 0
    held: int = 0


class RateGuard:
    """Fixed windows: at most twice the limit can pass across an edge, which is enough to stop a flood. Thread-safe."""

    def __init__(self, transient: Transient, limits: Mapping[str, Limit], clock: Clock) -> None:
        self._transient = transient
        self._limits = limits
        self._clock = clock
        self._lock = Lock()
        self._tallies: dict[tuple[str, str], _Tally] = {}

    def check(self, what: str, who: str) -> None:
        """Count one `what` of `who`. Raises RateLimited (with the seconds to wait) once over the configured limit."""
        limit = self._limits.get(what)
        if limit is None or limit.count == 0:
            return
        with self._lock:
            tally = self._tally(what, who, limit)
            tally.held += 1
            if tally.held < limit.step and tally.seen + tally.held <= limit.count:
                return
            by, tally.held = tally.held, 0
            seen = tally.seen
        if seen <= limit.count:  # otherwise it is known: a flood costs no writes
            seen = self._transient.count(f"rate:{what}", who, limit.seconds, by)
            with self._lock:
                tally.seen = max(tally.seen, seen)
        if seen > limit.count:
            raise RateLimited(f"{what} of {who}: {seen} in {limit.seconds} s, limit {limit.count}", retry_after=limit.seconds)

    def _tally(self, what: str, who: str, limit: Limit) -> _Tally:
        """The tally of the current window, which is cut from the epoch as the store cuts it. Held under the lock."""
        window = int(self._clock.now().timestamp()) // limit.seconds
        name = (what, who)
        found = self._tallies.get(name)
        if found is None or found.window != window:
            if found is None and len(self._tallies) >= MOST_KEPT:
                self._tallies.clear()
            found = self._tallies[name] = _Tally(window)
        return found

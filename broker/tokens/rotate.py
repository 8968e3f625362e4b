"""The life of a key: next (published), current (signs), retired (still verifies), gone.

Workers race here. What keeps them right is the store's rule of one current and one next key per pool, use and algorithm: every change that
takes a key out of one of these states also puts another one in, so of two at once the second meets a Conflict, is rolled back whole,
and looks again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from broker.errors import Conflict, Unavailable
from broker.model.keys import KeyRecord, KeyState, KeyUse
from broker.ports.environment import Clock
from broker.ports.store import Store, Unit
from broker.tokens.generate import SAML_USES, make_key

_PAUSES = tuple(0.01 * number for number in range(1, 13))
"""Seconds between tries. Each loss is another worker's success; a database that is really away is given up on after them all."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RotationPolicy:
    """`period` of use, least time `published` before use, and how long `kept` after it: the longest token lifetime (one day) and some."""

    period: timedelta = timedelta(days=90)
    published: timedelta = timedelta(hours=24)
    kept: timedelta = timedelta(hours=25)


Told = Callable[[str, KeyUse, str, str], None]
"""Hears of a rotation by schedule: pool id, use, algorithm, and the kid that signs from now on."""


def _untold(_pool_id: str, _use: KeyUse, _alg: str, _kid: str) -> None:
    pass


class KeyKeeper:
    """Makes, rotates and revokes the keys of pools. Safe to run in any number of workers at once. `told` hears what `run_due` rotates."""

    def __init__(self, store: Store, clock: Clock, policy: RotationPolicy | None = None, told: Told = _untold) -> None:
        self._store = store
        self._clock = clock
        self._told = told
        self._policy = policy or RotationPolicy()

    def ensure(self, pool_id: str, algs: Iterable[str] = ("RS256",), uses: Iterable[KeyUse] = ("id", "access"), ahead: bool = True) -> None:
        """Make what is missing: a current key for each use and algorithm and, with `ahead`, a published next one.

        SAML uses have RS256 only, whatever `algs` says. An RSA key takes 50-300 ms.
        """
        wanted = {(use, "RS256" if use in SAML_USES else alg) for use in uses for alg in algs}
        for use, alg in sorted(wanted):
            self._fill(pool_id, use, alg, ahead)

    def rotate(self, pool_id: str, use: KeyUse, alg: str = "RS256") -> str:
        """At the operator's word: next becomes current, current retires, a new next is published. Returns the kid that signs now."""
        return self._retrying(lambda: self._advance(pool_id, use, alg, None) or "")

    def revoke(self, pool_id: str, kid: str) -> bool:
        """Take a key out at once and replace it. The private part is wiped. False if the pool has no such key any more."""
        return self._retrying(lambda: self._revoke(pool_id, kid))

    def run_due(self) -> int:
        """What the worker does now and then: publish missing next keys, rotate what is due, drop what no token needs. Returns the changes.

        SAML keys are never rotated by themselves: partners pin their certificates by hand, so the operator chooses the day.
        """
        with self._store.unit() as unit:
            pools = list(unit.keys.pools())
        return sum(self._run_pool(pool_id) for pool_id in pools)

    def _run_pool(self, pool_id: str) -> int:
        now = self._clock.now()
        keys = self._list(pool_id)
        changes = 0
        for key in keys:
            if key.state == "current":
                changes += self._fill(pool_id, key.use, key.alg, ahead=True)
                if self._is_due(keys, key, now):
                    kid = self._retrying(lambda key=key: self._advance(pool_id, key.use, key.alg, now))  # type: ignore[misc]
                    if kid is not None:
                        changes += 1
                        self._told(pool_id, key.use, key.alg, kid)
            elif key.state == "retired" and key.use not in SAML_USES and (key.retired_at or now) + self._policy.kept <= now:
                changes += self._retrying(lambda key=key: self._end(key, now))  # type: ignore[misc]
        return changes

    def _is_due(self, keys: Sequence[KeyRecord], current: KeyRecord, now: datetime) -> bool:
        """Whether a current key has served its time and its successor has been published long enough for verifiers to have seen it."""
        if current.use in SAML_USES or (current.activated_at or current.created_at) + self._policy.period > now:
            return False
        successor = _in_state(keys, current.use, current.alg, "next")
        return successor is not None and successor.created_at + self._policy.published <= now

    def _advance(self, pool_id: str, use: KeyUse, alg: str, due_at: datetime | None) -> str | None:
        """One step of rotation in one transaction. With `due_at`, only if still due: another worker may have been faster (then None)."""
        now = self._clock.now()
        spare = [make_key(pool_id, use, alg, "next", now)]
        if _in_state(self._list(pool_id), use, alg, "next") is None:
            spare.append(make_key(pool_id, use, alg, "next", now))
        with self._store.unit() as unit:
            keys = unit.keys.list(pool_id)
            current = _in_state(keys, use, alg, "current")
            if due_at is not None and (current is None or not self._is_due(keys, current, due_at)):
                return None
            if current is not None:
                unit.keys.put(replace(current, state="retired", retired_at=now))
            return _promote(unit, keys, spare, now)

    def _revoke(self, pool_id: str, kid: str) -> bool:
        now = self._clock.now()
        doomed = next((key for key in self._list(pool_id) if key.kid == kid), None)
        if doomed is None:
            return False
        spare = [] if doomed.state == "retired" else [make_key(pool_id, doomed.use, doomed.alg, "next", now) for _ in range(2)]
        with self._store.unit() as unit:
            keys = unit.keys.list(pool_id)
            found = next((key for key in keys if key.kid == kid), None)
            if found is None:
                return False
            if found.state != doomed.state:
                raise Conflict(f"key {kid} of {pool_id} changed from {doomed.state} to {found.state} meanwhile")
            unit.keys.put(_ended(found, now))
            if found.state == "current":
                _promote(unit, keys, spare, now)
            elif found.state == "next":
                unit.keys.put(spare[0])
        return True

    def _fill(self, pool_id: str, use: KeyUse, alg: str, ahead: bool) -> int:
        states: tuple[KeyState, ...] = ("current", "next") if ahead else ("current",)
        return sum(self._retrying(lambda state=state: self._make(pool_id, use, alg, state)) for state in states)  # type: ignore[misc]

    def _make(self, pool_id: str, use: KeyUse, alg: str, state: KeyState) -> int:
        if _in_state(self._list(pool_id), use, alg, state) is not None:
            return 0
        made = make_key(pool_id, use, alg, state, self._clock.now())
        with self._store.unit() as unit:
            unit.keys.put(made)
        return 1

    def _end(self, key: KeyRecord, now: datetime) -> int:
        with self._store.unit() as unit:
            unit.keys.put(_ended(key, now))
        return 1

    def _retrying(self, step: Callable[[], T]) -> T:
        for pause in _PAUSES:
            try:
                return step()
            except Conflict:
                continue  # somebody was faster: look again
            except Unavailable:
                # PostgreSQL ends one of two transactions that wait for each other; nothing of it was written.
                time.sleep(pause)
        return step()

    def _list(self, pool_id: str) -> Sequence[KeyRecord]:
        with self._store.unit() as unit:
            return list(unit.keys.list(pool_id))


def _promote(unit: Unit, keys: Sequence[KeyRecord], spare: Sequence[KeyRecord], now: datetime) -> str:
    """Make the next key current, and the first spare the new next. Without a next key the second spare takes over at once."""
    use, alg = spare[0].use, spare[0].alg
    successor = _in_state(keys, use, alg, "next")
    if successor is None:
        if len(spare) < 2:
            raise Conflict(f"the next {use} key of {spare[0].pool_id} went away meanwhile")
        successor = spare[1]
    unit.keys.put(replace(successor, state="current", activated_at=now))
    unit.keys.put(spare[0])
    return successor.kid


def _ended(key: KeyRecord, now: datetime) -> KeyRecord:
    return replace(key, state="revoked", private_pem="", retired_at=key.retired_at or now)


def _in_state(keys: Sequence[KeyRecord], use: KeyUse, alg: str, state: str) -> KeyRecord | None:
    return next((key for key in keys if key.use == use and key.alg == alg and key.state == state), None)

"""The rate guard: counted here in steps, in the store for all workers; to the letter where a limit is small."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from broker.errors import RateLimited
from broker.guard.rates import Limit, RateGuard
from broker.stores.memory.transient import MemoryTransient
from tests.fakes.clock import MovableClock


class Counting(MemoryTransient):
    """Remembers how often it was asked to count."""

    asked = 0

    def count(self, kind: str, key: str, window_seconds: int, by: int = 1) -> int:
        self.asked += 1
        return super().count(kind, key, window_seconds, by)


def passed(guard: RateGuard, times: int, who: str = "a") -> int:
    done = 0
    for _ in range(times):
        try:
            guard.check("login", who)
        except RateLimited:
            continue
        done += 1
    return done


def workers(count: int, limit: int) -> tuple[list[RateGuard], Counting, MovableClock]:
    clock = MovableClock()
    clock.freeze()
    store = Counting(clock)
    return [RateGuard(store, {"login": Limit(limit)}, clock) for _ in range(count)], store, clock


@pytest.mark.parametrize("limit", [1, 5, 49, 99])
def test_a_small_limit_is_exact_over_all_workers(limit: int) -> None:
    guards, _, _ = workers(3, limit)
    assert sum(passed(guards[number % 3], 1) for number in range(3 * limit + 3)) == limit


def test_a_large_limit_costs_the_store_a_fiftieth_and_is_exact_for_one_worker() -> None:
    (guard,), store, _ = workers(1, 600)
    assert passed(guard, 590) == 590
    assert store.asked <= 60
    assert passed(guard, 100) == 10


def test_each_worker_more_lets_at_most_one_step_pass_above_the_limit() -> None:
    guards, _, _ = workers(4, 600)
    total = sum(passed(guards[number % 4], 1) for number in range(2400))
    assert 600 <= total <= 600 + 4 * 12


def test_once_over_the_limit_a_flood_writes_nothing_more() -> None:
    (guard,), store, _ = workers(1, 10)
    assert passed(guard, 20) == 10
    before = store.asked
    assert passed(guard, 1000) == 0
    assert store.asked == before


def test_the_next_window_begins_anew() -> None:
    (guard,), _, clock = workers(1, 200)
    assert passed(guard, 300) == 200
    clock.advance(seconds=60)
    assert passed(guard, 300) == 200


def test_keys_and_threads_do_not_disturb_one_another() -> None:
    (guard,), _, _ = workers(1, 500)
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda number: (number % 2, passed(guard, 100, str(number % 2))), range(16)))
    for key in (0, 1):
        assert 500 <= sum(count for who, count in done if who == key) <= 500 + 8 * 10

"""What holds when many threads do the same thing at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import TypeVar

import pytest

from broker.errors import Conflict
from broker.ports.store import Advanced, Reused, Unit
from broker.ports.transient import Burned, Taken
from tests.contract import samples
from tests.contract.adapters import Case
from tests.contract.samples import POOL

T = TypeVar("T")

WAYS = 50


def at_once(step: Callable[[int], T], ways: int = WAYS) -> list[T]:
    """The step in so many threads, all released at the same moment."""
    start = Barrier(ways)

    def run(number: int) -> T:
        start.wait()
        return step(number)

    with ThreadPoolExecutor(ways) as threads:
        return list(threads.map(run, range(ways)))


def test_of_all_that_take_one_gets_the_value(fleeting: Case) -> None:
    until = fleeting.clock.now() + timedelta(minutes=5)
    fleeting.transient.put("code", "k", b"grant", until)
    answers = at_once(lambda _: fleeting.transient.take("code", "k", until))
    assert answers.count(Taken(b"grant")) == 1
    assert answers.count(Burned(b"grant")) == WAYS - 1


def test_of_all_that_burn_one_is_first(fleeting: Case) -> None:
    until = fleeting.clock.now() + timedelta(minutes=5)
    assert at_once(lambda _: fleeting.transient.burn("replay", "k", until)).count(True) == 1


def test_what_is_taken_is_not_put_back(fleeting: Case) -> None:
    until = fleeting.clock.now() + timedelta(minutes=5)
    fleeting.transient.put("login", "k", b"1", until)

    def take_or_put(number: int) -> object:
        if number % 2:
            return fleeting.transient.take("login", "k", until)
        try:
            return fleeting.transient.put("login", "k", b"2", until)  # type: ignore[func-returns-value]
        except Conflict:
            return None

    taken = [answer for answer in at_once(take_or_put) if isinstance(answer, Taken)]
    assert len(taken) == 1
    assert fleeting.transient.get("login", "k") is None


def test_every_count_is_counted(fleeting: Case) -> None:
    assert sorted(at_once(lambda _: fleeting.transient.count("rate", "k", 3600))) == list(range(1, WAYS + 1))


def test_of_all_that_burn_a_durable_key_one_is_first(durable: Case) -> None:
    until = durable.clock.now() + timedelta(minutes=5)

    def burn(_: int) -> bool:
        with durable.store.unit() as unit:
            return unit.burn("assertion", until)

    assert at_once(burn, 20).count(True) == 1


def test_of_all_that_show_one_refresh_token_one_advances(durable: Case) -> None:
    with durable.store.unit() as unit:
        unit.refreshes.start(samples.family(durable.clock.now()), "t1")

    def advance(number: int) -> Advanced | Reused | None:
        with durable.store.unit() as unit:
            return unit.refreshes.advance("t1", f"next-{number}", durable.clock.now(), 0)

    kinds = [type(answer) for answer in at_once(advance, 20)]
    assert kinds.count(Advanced) == 1
    assert kinds.count(Reused) == 1
    assert kinds.count(type(None)) == 18


def test_within_the_grace_all_advance(durable: Case) -> None:
    with durable.store.unit() as unit:
        unit.refreshes.start(samples.family(durable.clock.now()), "t1")

    def advance(number: int) -> Advanced | Reused | None:
        with durable.store.unit() as unit:
            return unit.refreshes.advance("t1", f"next-{number}", durable.clock.now(), 60)

    assert all(isinstance(answer, Advanced) for answer in at_once(advance, 10))
    with durable.store.unit() as unit:
        assert all(unit.refreshes.find(f"next-{number}") for number in range(10))


CONTESTED: dict[str, Callable[[Case, Unit, int], object]] = {
    "user": lambda case, unit, number: unit.users.create(samples.user(case.clock.now(), f"new-{number}", username="one")),
    "identity": lambda case, unit, number: unit.identities.add(samples.identity(case.clock.now(), user_sub=f"sub-{number}")),
    "identifier": lambda case, unit, number: unit.providers.put(samples.provider(id=str(number), name=str(number))),
    "key": lambda case, unit, number: unit.keys.put(samples.key(case.clock.now(), kid=str(number))),
    "family": lambda case, unit, number: unit.refreshes.start(samples.family(case.clock.now()), f"token-{number}"),
    "version": lambda case, unit, number: unit.users.update(samples.user(case.clock.now(), "sub-0", attributes={"name": str(number)})),
}


@pytest.mark.parametrize("what", CONTESTED)
def test_of_all_that_want_the_same_thing_one_gets_it(durable: Case, what: str) -> None:
    with durable.store.unit() as unit:
        for number in range(12):
            unit.users.create(samples.user(durable.clock.now(), f"sub-{number}"))

    def want(number: int) -> bool:
        try:
            with durable.store.unit() as unit:
                CONTESTED[what](durable, unit, number)
        except Conflict:
            return False
        return True

    assert at_once(want, 12).count(True) == 1


def test_of_all_that_want_a_lease_one_gets_it(durable: Case) -> None:
    assert at_once(lambda number: durable.store.acquire("rotation", str(number), 60), 20).count(True) == 1


def test_a_job_goes_to_one_worker(durable: Case) -> None:
    now = durable.clock.now()
    with durable.store.unit() as unit:
        for number in range(30):
            unit.jobs.enqueue(samples.job(now, id=str(number)))

    def lease(_: int) -> list[str]:
        with durable.store.unit() as unit:
            return [job.id for job in unit.jobs.lease(["mail"], now, 60, 5)]

    leased = [each for batch in at_once(lease, 10) for each in batch]
    assert len(leased) == len(set(leased))
    # Whoever was passed by while others held their rows comes again.
    while batch := lease(0):
        leased += batch
    assert sorted(leased, key=int) == [str(number) for number in range(30)]


def test_of_all_clients_that_join_a_session_none_is_lost(durable: Case) -> None:
    now = durable.clock.now()
    with durable.store.unit() as unit:
        unit.sessions.put(samples.session(now, clients=()))

    def join(number: int) -> bool:
        with durable.store.unit() as unit:
            unit.sessions.get(POOL, "sid-1")
            return unit.sessions.join(POOL, "sid-1", str(number)) is not None

    assert all(at_once(join, 20))
    with durable.store.unit() as unit:
        held = unit.sessions.get(POOL, "sid-1")
    assert held is not None
    assert sorted(held.clients, key=int) == [str(number) for number in range(20)]


def test_a_session_that_ends_while_clients_join_it_stays_ended(durable: Case) -> None:
    now = durable.clock.now()
    with durable.store.unit() as unit:
        unit.sessions.put(samples.session(now, clients=()))

    def step(number: int) -> tuple[str, ...] | str | None:
        with durable.store.unit() as unit:
            if number == 7:
                ended = unit.sessions.end(POOL, "sid-1")
                return ended.clients if ended else None
            return str(number) if unit.sessions.join(POOL, "sid-1", str(number)) else None

    answers = at_once(step, 20)
    ended = answers.pop(7)
    assert isinstance(ended, tuple)
    # Whoever was let in is in the list of those that hear of the end.
    assert set(ended) == {answer for answer in answers if answer is not None}
    with durable.store.unit() as unit:
        assert unit.sessions.get(POOL, "sid-1") is None


def test_every_write_of_a_pool_moves_its_version(durable: Case) -> None:
    def put(number: int) -> None:
        with durable.store.unit() as unit:
            unit.groups.put(samples.group(name=str(number)))

    at_once(put, 20)
    assert durable.store.version(POOL) == 20


def test_readers_and_writers_do_not_trip_over_one_another(durable: Case) -> None:
    now = durable.clock.now()
    with durable.store.unit() as unit:
        unit.users.create(samples.user(now))

    def step(number: int) -> bool:
        with durable.store.unit() as unit:
            if number % 4 == 0:
                unit.sessions.put(samples.session(now, id=str(number)))
                unit.traces.put(replace(samples.trace(now), id=str(number)))
            return unit.users.get(POOL, "sub-1") is not None

    assert all(at_once(step, 40))
    with durable.store.unit() as unit:
        assert len(unit.sessions.of_user(POOL, "sub-1")) == 10
        assert len(unit.traces.recent(POOL)) == 10

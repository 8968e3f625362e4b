"""Rotation and revocation by many workers at once, on the real stores: one current and one next key, and nothing revoked comes back."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from broker.tokens.rotate import KeyKeeper
from tests.contract.adapters import STORES, Case, case
from tests.unit.tokens.keyroom import TurnedClock


@pytest.fixture(params=STORES)
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    made = case(request.param, tmp_path)
    yield made
    made.close()


def at_once(*works: Callable[[], object]) -> list[object]:
    gate = threading.Barrier(len(works))
    answers: list[object] = []

    def run(work: Callable[[], object]) -> None:
        gate.wait()
        try:
            answers.append(work())
        except Exception as error:
            answers.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def states(stored: Case) -> Counter[str]:
    with stored.store.unit() as unit:
        return Counter(key.state for key in unit.keys.list("eu_one"))


def current(stored: Case) -> str:
    with stored.store.unit() as unit:
        return next(key.kid for key in unit.keys.list("eu_one") if key.state == "current")


def test_many_workers_make_rotate_and_revoke(stored: Case) -> None:
    clock = TurnedClock()
    keeper = KeyKeeper(stored.store, clock)
    made = at_once(*[lambda: keeper.ensure("eu_one", ("ES256",), ("id",))] * 8)
    assert made == [None] * 8
    assert states(stored) == {"current": 1, "next": 1}
    clock.turn(days=91)
    assert sorted(map(str, at_once(*[keeper.run_due] * 8))) == ["0"] * 7 + ["1"]
    assert states(stored) == {"current": 1, "next": 1, "retired": 1}
    for _ in range(5):
        doomed = current(stored)
        answers = at_once(*[lambda: keeper.rotate("eu_one", "id", "ES256"), lambda kid=doomed: keeper.revoke("eu_one", kid)] * 4)  # type: ignore[misc]
        assert True in answers  # of two at once both may say so: it was there, and now it is gone
        assert not [answer for answer in answers if isinstance(answer, Exception)]
        assert (states(stored)["current"], states(stored)["next"]) == (1, 1)
        with stored.store.unit() as unit:
            assert doomed not in {key.kid for key in unit.keys.list("eu_one")}

"""The worker's loop: each task in its time, one worker at a time where that is enough, and no task that stops another."""

from __future__ import annotations

import json
from collections.abc import Callable

from broker.cli.tasks import Task, tasks
from broker.cli.worker import PAUSE_AFTER_FAILURE, Loop
from broker.config import load
from broker.errors import Unavailable
from broker.ports.store import Store
from broker.tokens.rotate import KeyKeeper
from broker.wiring import build
from tests.fakes.clock import MovableClock
from tests.unit.cli.room import DEMO, Room


class Watch:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Done:
    """Counts calls; fails when told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.count = 0
        self.error = error

    def __call__(self) -> int:
        self.count += 1
        if self.error:
            raise self.error
        return 1


def loop(store: Store, watch: Watch, *todo: Task, holder: str = "a") -> Loop:
    return Loop(store, todo, holder, watch)


def test_a_task_runs_at_once_and_then_in_its_time(room: Room) -> None:
    watch, often, seldom = Watch(), Done(), Done()
    turning = loop(room.wired().store, watch, Task("often", 5, often, alone=False), Task("seldom", 60, seldom))
    for second in range(61):
        watch.now = float(second)
        turning.tick()
    assert (often.count, seldom.count) == (13, 2)


def test_of_two_workers_one_does_it(room: Room) -> None:
    store, watch, done, shared = room.wired().store, Watch(), Done(), Done()
    todo = (Task("alone", 60, done), Task("shared", 60, shared, alone=False))
    for holder in ("a", "b"):
        loop(store, watch, *todo, holder=holder).tick()
    assert (done.count, shared.count) == (1, 2)


def test_a_worker_that_ends_gives_its_leases_back(room: Room) -> None:
    store, watch, done = room.wired().store, Watch(), Done()
    rounds = iter([False, False, False, True])
    loop(store, watch, Task("alone", 60, done)).run(lambda: next(rounds, True), lambda _: None)
    assert done.count == 1
    loop(store, watch, Task("alone", 60, done), holder="b").tick()
    assert done.count == 2


def test_a_task_that_fails_is_tried_again_later_and_stops_no_other(room: Room) -> None:
    watch, bad, worse, good = Watch(), Done(Unavailable("away")), Done(RuntimeError("bug")), Done()
    todo = [Task(name, 1, run, alone=False) for name, run in (("bad", bad), ("worse", worse), ("good", good))]
    turning = loop(room.wired().store, watch, *todo)
    for second in range(int(PAUSE_AFTER_FAILURE)):
        watch.now = float(second)
        turning.tick()
    assert (bad.count, worse.count, good.count) == (1, 1, int(PAUSE_AFTER_FAILURE))
    bad.error = None
    watch.now = PAUSE_AFTER_FAILURE
    turning.tick()
    assert (bad.count, worse.count) == (2, 2)


def test_every_task_of_the_worker_runs_on_a_new_database(room: Room) -> None:
    room.run("apply")
    wired = room.wired()
    done: dict[str, Callable[[], int]] = {task.name: task.run for task in tasks(wired)}
    assert len(done) == len(tasks(wired)) == 6
    assert all(run() >= 0 for run in done.values())


def test_a_rotation_by_schedule_is_audited_without_the_key(room: Room) -> None:
    room.write('[log]\naudit_file = "audit.jsonl"\n' + DEMO)
    clock = MovableClock()
    wired = build(load(room.file, {}), clock)
    KeyKeeper(wired.store, clock).ensure("eu_Demo", ("ES256",), ("id",))
    with wired.store.unit() as unit:
        following = next(key for key in unit.keys.list("eu_Demo") if key.state == "next")
    rotate = next(task.run for task in tasks(wired) if task.name == "rotate keys")
    assert rotate() == 0
    assert not (room.folder / "audit.jsonl").read_text()
    clock.advance(days=91)
    assert rotate() == 1
    line = (room.folder / "audit.jsonl").read_text()
    told = json.loads(line)
    assert (told["event"], told["outcome"], told["reason"], told["pool_id"]) == ("keys.rotated", "ok", "schedule", "eu_Demo")
    assert told["detail"] == {"use": "id", "alg": "ES256", "kid": following.kid}
    assert not {part for part in following.private_pem.splitlines() if part in line}

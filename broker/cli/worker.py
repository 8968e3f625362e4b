"""`crossgate worker`: the background work, by any number of processes."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import structlog

from broker.cli.options import config_option, connect, load, logs
from broker.errors import BrokerError

if TYPE_CHECKING:
    from broker.cli.tasks import Task
    from broker.config import Config
    from broker.ports.store import Store

TICK = 0.5
PAUSE_AFTER_FAILURE = 15.0


@click.command()
@config_option
def worker(config_path: Path) -> None:
    """Do the background work that any number of servers share.

    It refreshes metadata, rotates keys, expires rows and delivers back-channel logouts.

    `crossgate serve` runs one of these by itself, unless the file says `[worker] external = true`. Run as many as you
    like, anywhere the store is reached: they share the work by leases. SIGTERM ends it after the task at hand.

    \b
    Example:
      crossgate worker --config crossgate.toml
    """
    run(load(config_path))


def run(config: Config, orphaned: Callable[[], bool] = lambda: False) -> None:
    """Work until SIGTERM or SIGINT, or until `orphaned`. Call it in the main thread."""
    from broker.cli.tasks import tasks

    logs(config)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    wired = connect(config)
    structlog.get_logger("worker").info("worker ready", pid=os.getpid())
    Loop(wired.store, tasks(wired), wired.kit.random.uuid()).run(lambda: stop.is_set() or orphaned(), stop.wait)


class Loop:
    """Runs each task when its time has come. A task that fails is logged and tried again later; it stops no other."""

    def __init__(self, store: Store, todo: Sequence[Task], holder: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._tasks = todo
        self._holder = holder
        self._clock = clock
        self._due = {task.name: clock() for task in todo}
        self._log: Any = structlog.get_logger("worker")

    def run(self, stopped: Callable[[], bool], wait: Callable[[float], Any]) -> None:
        """Until `stopped`. Leases are given back, so that another worker need not wait for their end."""
        while not stopped():
            self.tick(stopped)
            wait(TICK)
        for task in self._tasks:
            if task.alone:
                self._attempt(task, lambda task=task: self._store.release(_lease(task), self._holder))  # type: ignore[misc]

    def tick(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Run what is due."""
        for task in self._tasks:
            if stopped():
                return
            if self._due[task.name] <= self._clock():
                good = self._attempt(task, lambda task=task: self._run(task))  # type: ignore[misc]
                self._due[task.name] = self._clock() + (task.every if good else max(task.every, PAUSE_AFTER_FAILURE))

    def _run(self, task: Task) -> None:
        if task.alone and not self._store.acquire(_lease(task), self._holder, max(round(task.every), 1)):
            return
        began = self._clock()
        done = task.run()
        if done:
            self._log.info(task.name, done=done, seconds=round(self._clock() - began, 3))

    def _attempt(self, task: Task, work: Callable[[], None]) -> bool:
        try:
            work()
        except BrokerError as error:
            self._log.warning(f"{task.name} failed", code=error.code, reason=error.private)
        except Exception:  # the other tasks must go on
            self._log.exception(f"{task.name} failed")
        else:
            return True
        return False


def _lease(task: Task) -> str:
    return f"worker:{task.name}"

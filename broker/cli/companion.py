"""Processes that live beside the web workers: the background worker, and the one that answers Prometheus.

They are forked from the same parent, so what it has imported is shared memory, and they end when it does, however it ends.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable

RESTART_SECONDS = 5.0
# What the parent has handlers for, which a child must not keep.
HANDLED = ["HUP", "QUIT", "INT", "TERM", "TTIN", "TTOU", "USR1", "USR2", "WINCH", "CHLD"]
RESET = [signal.Signals[f"SIG{name}"] for name in HANDLED]


class Companion:
    """`run` is the whole life of the process; it is given a function that says whether the parent has gone.

    `port` is what it listens on: the parent keeps it open, so that a companion that died finds it again.
    """

    def __init__(self, name: str, run: Callable[[Callable[[], bool]], None], port: socket.socket | None = None) -> None:
        self.name = name
        self.port = port
        self._run = run
        self._pid = 0
        self._started = float("-inf")

    def tend(self, before: Callable[[], None]) -> None:
        """Start it, or start it again if it has ended, but not in a hurry. `before` runs in the new process first."""
        if self.alive() or time.monotonic() - self._started < RESTART_SECONDS:
            return
        self._started = time.monotonic()
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            self._live(before, lambda: os.getppid() != parent)

    def alive(self) -> bool:
        """Whether it runs. Whoever reaps children may have reaped this one; that is as good as an answer."""
        if not self._pid:
            return False
        try:
            done, _ = os.waitpid(self._pid, os.WNOHANG)
        except ChildProcessError:
            done = self._pid
        if done:
            self._pid = 0
        return not done

    def signal(self, number: int) -> None:
        """Send a signal, if it runs."""
        if self.alive():
            os.kill(self._pid, number)

    def _live(self, before: Callable[[], None], orphaned: Callable[[], bool]) -> None:
        """The child. It never returns into the parent's code."""
        status = 1
        try:
            for number in RESET:
                signal.signal(number, signal.SIG_DFL)
            before()
            self._run(orphaned)
            status = 0
        except BaseException:  # nothing may escape into the frames that were copied from the parent
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


def in_child(work: Callable[[], int]) -> int:
    """Run `work` in a process of its own and return its exit status: connections that it opens are never inherited by anybody."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = work()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    _, state = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(state)

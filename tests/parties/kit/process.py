"""Processes that a run starts. Each is the leader of a group and on record, so that nothing outlives the run, not even after kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import requests

from tests.parties.kit.places import DATA, LOGS, RUN, discard


class NotReady(RuntimeError):
    """A party did not come up; the message ends with the last lines of its log."""


def _started(pid: int) -> str:
    """When a process started, in ticks: tells it from a later one with the same number. Empty if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


class Process:
    """One party's process. `stop_signal` is what it takes for an orderly end."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.log = LOGS / f"{name}-{os.getpid()}.log"
        self._stop_signal = stop_signal
        RUN.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            environment = {**os.environ, **(env or {})}
            self._popen = subprocess.Popen(list(argv), env=environment, cwd=cwd, start_new_session=True, **streams)  # type: ignore[call-overload]
        self.pid = self._popen.pid
        self._record = RUN / f"{self.pid}.pid"
        self._record.write_text(_started(self.pid))

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    def tail(self, lines: int = 25) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def wait(self, ready: Callable[[], bool], seconds: float = 30) -> None:
        """Return when `ready` says so. Raises NotReady if the process ends before, or the time is over."""
        until = time.monotonic() + seconds
        while not ready():
            if not self.alive:
                self._forget()
                raise NotReady(f"{self.name} ended with {self._popen.returncode}:\n{self.tail()}")
            if time.monotonic() > until:
                self.kill()
                raise NotReady(f"{self.name} was not ready in {seconds:.0f} s:\n{self.tail()}")
            time.sleep(0.05)

    def children(self) -> list[int]:
        """The process ids of its children, as workers are."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def stop(self, seconds: float = 15) -> int:
        """End it in order, or by force when it takes too long. The exit status."""
        if self.alive:
            self._popen.send_signal(self._stop_signal)
            try:
                self._popen.wait(seconds)
            except subprocess.TimeoutExpired:
                print(f"{self.name} took no notice of {self._stop_signal.name}")
        return self.kill()

    def kill(self) -> int:
        """End it and all that it started, at once."""
        kill_group(self.pid)
        status = self._popen.wait(10)
        self._forget()
        return status

    def _forget(self) -> None:
        self._record.unlink(missing_ok=True)


def kill_group(leader: int) -> None:
    """kill -9 for a whole process group; one that is gone already is no error."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def sweep() -> None:
    """End whatever this run has left behind, and remove its data."""
    for record in RUN.glob("*.pid"):
        pid = int(record.stem)
        if record.read_text() == _started(pid) != "":
            print(f"Ending what was left: process {pid}")
            kill_group(pid)
        record.unlink(missing_ok=True)
    discard(RUN)
    discard(DATA)


def answers(url: str) -> Callable[[], bool]:
    """A readiness check: something answers below 500 at `url`."""

    def check() -> bool:
        try:
            return requests.get(url, timeout=5, allow_redirects=False).status_code < 500
        except requests.RequestException:
            return False

    return check


if __name__ == "__main__":
    sweep()

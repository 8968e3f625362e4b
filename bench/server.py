"""A server under measurement: started, awaited, the CPU and memory of its whole process tree read from /proc, stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """`with Server(...)` returns once `ready` answers 2xx; `seconds_to_ready` says how long that took."""

    def __init__(
        self, name: str, command: Sequence[str], ready: str, folder: Path, env: Mapping[str, str] | None = None, patience: float = 60
    ) -> None:
        self.name = name
        self.seconds_to_ready = 0.0
        self.peak_memory = 0
        self._command, self._ready, self._patience = command, ready, patience
        self._folder, self._env = folder, {**os.environ, **(env or {})}
        self._log = folder / f"{name}.log"

    def __enter__(self) -> Server:
        with self._log.open("ab") as log:
            started = time.monotonic()
            self._process = subprocess.Popen(self._command, cwd=self._folder, env=self._env, stdout=log, stderr=log, start_new_session=True)
        try:
            while not self._answers():
                if self._process.poll() is not None or time.monotonic() - started > self._patience:
                    raise RuntimeError(f"{self.name} did not start; the end of its log:\n{self._log.read_text()[-2000:]}")
                self.peak_memory = max(self.peak_memory, self.memory())
                time.sleep(0.02)
            self.seconds_to_ready = time.monotonic() - started
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """End it and wait until it is gone."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def tree(self) -> list[int]:
        """The process and everything below it."""
        children: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            fields = _stat(entry.name) if entry.name.isdigit() else []
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
        found, queue = [], [self._process.pid]
        while queue:
            found.append(queue.pop())
            queue += children.get(found[-1], [])
        return found

    def cpu(self) -> float:
        """CPU seconds, user and system, of the tree and of the children that it has reaped."""
        return sum(sum(map(int, fields[11:15])) for pid in self.tree() if (fields := _stat(pid))) / TICKS

    def memory(self) -> int:
        """Bytes of the tree, shared pages counted once (PSS)."""
        return sum(self.memory_by_process().values())

    def memory_by_process(self) -> dict[int, int]:
        """PSS in bytes by process id."""
        return {pid: _pss(pid) for pid in self.tree()}

    def watch_memory(self, stop: threading.Event) -> threading.Thread:
        """Note the peak of the tree every 50 ms until told to stop, so that throwaway processes are seen too."""

        def watch() -> None:
            while not stop.wait(0.05):
                self.peak_memory = max(self.peak_memory, self.memory())

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        return thread

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self._ready, timeout=5) as reply:
                return bool(200 <= reply.status < 300)
        except (OSError, urllib.error.URLError):
            return False


def _stat(pid: int | str) -> list[str]:
    """The fields of /proc/PID/stat after the name; empty if the process has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))

"""Ports and processes of the demo: each party in a thread of its own, the broker as `crossgate serve` runs it."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import requests
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

HOST = "127.0.0.1"
START_SECONDS = 60.0


class DemoFailed(Exception):
    """Why the demo cannot go on, in words for whoever started it."""


def free_port(wanted: int, taken: set[int]) -> int:
    """The wanted port if nobody has it, else one that the system picks."""
    for candidate in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, candidate))
            except OSError:
                continue
            port = int(probe.getsockname()[1])
            if port not in taken:
                taken.add(port)
                return port
    raise DemoFailed("No free port was found on this machine.")


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the demo's output is for people."""


class Party:
    """A sample party, served by threads of this process."""

    def __init__(self, app: Flask, port: int) -> None:
        self._server = make_server(HOST, port, app, threaded=True, request_handler=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()


class Broker:
    """The broker: `crossgate serve --config FILE`, gunicorn and all, in a process of its own."""

    def __init__(self, config: Path, url: str) -> None:
        self._config = config
        self._url = url
        self.log = config.parent / "broker.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "broker", "serve", "--config", str(self._config)]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)  # noqa: S603
        try:
            wait_for(f"{self._url}/readyz", self._check)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask it to end, and insist after ten seconds."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)

    def _check(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            raise DemoFailed(f"The broker ended with status {self._process.returncode}:\n{self.tail()}")

    def tail(self, lines: int = 25) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""


def wait_for(url: str, check: Callable[[], None]) -> None:
    """Wait until an address answers 200. `check` raises when waiting is in vain. Raises DemoFailed."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        check()
        try:
            if requests.get(url, timeout=2).status_code == 200:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    raise DemoFailed(f"{url} did not answer within {START_SECONDS:.0f} seconds.")

"""Answers Prometheus for all processes of this server, in one of its own: a scrape must succeed just when every worker is busy."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def directory() -> Path | None:
    """Make the folder in which the processes share their counters. Call it before anything imports prometheus_client.

    None if the operator has set one himself, which is then his to clean.
    """
    if os.environ.get(VARIABLE):
        return None
    made = Path(tempfile.mkdtemp(prefix="crossgate-metrics-"))
    os.environ[VARIABLE] = str(made)
    return made


def remove(made: Path | None) -> None:
    """Take the folder away again."""
    if made is not None:
        shutil.rmtree(made, ignore_errors=True)


def forget(pid: int) -> None:
    """A process has ended: its gauges no longer count."""
    from prometheus_client import multiprocess

    if os.environ.get(VARIABLE):
        multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]


def answer() -> tuple[bytes, str]:
    """The metrics of all processes, and their media type."""
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, multiprocess

    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST


class _Handler(BaseHTTPRequestHandler):
    timeout = 10

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404)
            return
        body, media_type = answer()
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """A scrape every few seconds is no news."""


def serve(listening: socket.socket, orphaned: Callable[[], bool]) -> None:
    """Answer until the parent has gone, or a signal ends this process."""
    server = ThreadingHTTPServer(("", 0), _Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listening
    server.daemon_threads = True
    server.timeout = 1
    while not orphaned():
        server.handle_request()

"""The worker as a process: one thread runs as long as none waits, and none waits for a client."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from broker.model.keys import KeyRecord
from broker.tokens.generate import make_key
from tests.unit.cli.test_serve import ROOT, free_port, wait_for

pytestmark = pytest.mark.timeout(200)

APP = f"{Path(__file__).stem}:app"


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Runs in the worker: /slow waits, /fails fails, /large is large, all else says what it got."""
    path, body = environ["PATH_INFO"], environ["wsgi.input"].read()
    if path == "/slow":
        time.sleep(2)
    if path == "/fails":
        raise ValueError("on purpose")
    if path == "/large":
        body = bytes(8 * 1024 * 1024)
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


@contextmanager
def working(folder: Path, *options: str) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "-k", "broker.cli.turns.TurnWorker", "-b", f"127.0.0.1:{port}"]
    command += ["--pythonpath", f"{ROOT},{Path(__file__).parent}", *options, APP]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        wait_for("a port", lambda: socket.create_connection(("127.0.0.1", port), 5).close() is None, log=(folder / "log").read_text)
        if "--keyfile" not in options:
            ask(port, "/")  # the port is open before the worker is there
        yield port
    finally:
        process.terminate()
        assert process.wait(60) == 0


def ask(port: int, path: str, body: bytes = b"", tls: ssl.SSLContext | None = None) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as plain:
        client = tls.wrap_socket(plain, server_hostname="localhost") if tls else plain.dup()
        client.settimeout(60)
        client.sendall(
            b"POST %b HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (path.encode(), len(body), body)
        )
        got = b""
        with client:
            while piece := client.recv(65536):
                got += piece
        return got


def test_a_request_that_waits_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    with working(tmp_path, "--threads", "3") as port:
        began, slow = time.monotonic(), [threading.Thread(target=ask, args=(port, "/slow")) for _ in range(2)]
        for each in slow:
            each.start()
        time.sleep(0.3)
        assert ask(port, "/quick", b"q").endswith(b"\r\n\r\nq")
        assert time.monotonic() - began < 2
        for each in slow:
            each.join()
        assert time.monotonic() - began < 3.9  # the two waited side by side


def test_silent_stalled_and_deaf_clients_take_no_thread(tmp_path: Path) -> None:
    with working(tmp_path, "--threads", "1") as port:
        crowd = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(12)]
        for stalled in crowd[:4]:
            stalled.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60\r\n\r\ng")
        for deaf in crowd[4:8]:
            deaf.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        began = time.monotonic()
        assert ask(port, "/", b"x").endswith(b"x")
        assert time.monotonic() - began < 4
        crowd[0].sendall(b"g" * 59)
        assert crowd[0].recv(100).startswith(b"HTTP/1.1 200")
        for each in crowd:
            each.close()


def test_what_fails_or_is_no_request_is_answered_and_the_worker_lives(tmp_path: Path) -> None:
    with working(tmp_path, "--threads", "1") as port:
        assert ask(port, "/fails").startswith(b"HTTP/1.1 500")
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            client.sendall(b"GET / HTTP/1.1\nHost: a\n\n")
            assert client.recv(100).startswith(b"HTTP/1.1 400")
        too_long = bytes(400_000)
        assert ask(port, "/", too_long).startswith(b"HTTP/1.1 200")  # whole, before the connection is closed under the rest of the body
        assert ask(port, "/", b"y").endswith(b"y")


def test_tls(tmp_path: Path, tls_key: KeyRecord) -> None:
    (tmp_path / "key.pem").write_text(tls_key.private_pem)
    (tmp_path / "cert.pem").write_text(tls_key.certificate_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=tls_key.certificate_pem)
    with working(tmp_path, "--threads", "1", "--keyfile", str(tmp_path / "key.pem"), "--certfile", str(tmp_path / "cert.pem")) as port:
        silent = socket.create_connection(("127.0.0.1", port), timeout=60)
        body = bytes(range(256)) * 1000
        assert ask(port, "/", body, context).endswith(body)
        assert len(ask(port, "/large", b"", context)) > 8 * 1024 * 1024
        silent.close()


@pytest.fixture(scope="module")
def tls_key() -> KeyRecord:
    from datetime import UTC, datetime

    return make_key("local_Tls", "saml_signing", "RS256", "current", datetime.now(UTC))

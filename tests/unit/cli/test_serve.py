"""serve, as a process: it binds before all else, minds its companions, drains, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from broker.cli.sockets import listen
from broker.errors import ConfigError
from tests.unit.cli.room import DEMO, Room

# Each start imports everything anew, which a busy machine with two cores takes long for.
pytestmark = pytest.mark.timeout(400)

ROOT = Path(__file__).resolve().parents[3]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Served:
    def __init__(self, process: subprocess.Popen[str], port: int, metrics: int, log: Path) -> None:
        self.process, self.port, self.metrics, self.log = process, port, metrics, log

    def get(self, path: str, port: int | None = None) -> str:
        with urlopen(f"http://127.0.0.1:{port or self.port}{path}", timeout=10) as reply:
            return str(reply.read().decode())

    def children(self) -> set[int]:
        found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True)
        return {int(pid) for pid in found.stdout.split()}

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(90)


def wait_for(what: str, true: object, seconds: float = 120, log: Callable[[], str] = str) -> None:
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        try:
            if true():  # type: ignore[operator]
                return
        except OSError:
            pass
        time.sleep(0.1)
    pytest.fail(f"waited {seconds} s for {what}\n{log()}")


@contextmanager
def served(room: Room, more: str = "") -> Iterator[Served]:
    port, metrics = free_port(), free_port()
    server = (
        f'[server]\npublic_url = "http://127.0.0.1:{port}"\nbind = "127.0.0.1:{port}"\nmetrics_bind = "127.0.0.1:{metrics}"\nworkers = 1\n'
    )
    room.write(server + more + DEMO)
    log = room.folder / "log"
    environment = {**os.environ, "TMPDIR": str(room.folder)}
    with log.open("w") as out:
        command = [sys.executable, "-m", "broker", "serve", "--config", str(room.file)]
        process = subprocess.Popen(command, stdout=out, stderr=out, text=True, cwd=ROOT, env=environment)
    try:
        yield Served(process, port, metrics, log)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_it_serves_measures_and_leaves_nothing_behind(room: Room) -> None:
    with served(room) as server:
        wait_for("an answer", lambda: server.get("/readyz") == "ready\n", log=server.log.read_text)
        assert '"issuer"' in server.get("/eu_Demo/.well-known/openid-configuration")
        assert "crossgate_request_seconds" in server.get("/metrics", server.metrics)
        wait_for("a web worker, the background worker and the metrics", lambda: len(server.children()) == 3)
        second = subprocess.run(
            [sys.executable, "-m", "broker", "serve", "--config", str(room.file)], capture_output=True, text=True, cwd=ROOT
        )
        assert second.returncode == 2
        assert second.stderr == (
            f"[server] bind = '127.0.0.1:{server.port}': another program, perhaps another Crossgate, listens there; "
            "stop it, or choose another address\n"
        )
        assert server.get("/healthz") == "ok\n"
        assert server.end() == 0
        assert "Crossgate listens on" in server.log.read_text()
    assert not list(room.folder.glob("crossgate-metrics-*"))


def test_a_companion_that_dies_comes_back_and_none_outlives_the_parent(room: Room) -> None:
    with served(room) as server:
        wait_for("everybody", lambda: server.get("/healthz") and len(server.children()) == 3)
        first = server.children()
        time.sleep(5)  # companions are restarted, but not in a hurry
        for pid in first:
            os.kill(pid, signal.SIGKILL)
        wait_for("everybody again", lambda: len(server.children()) == 3 and not server.children() & first)
        wait_for("an answer", lambda: server.get("/healthz") == "ok\n")
        last = server.children()
        server.process.kill()
        server.process.wait()
        wait_for("the orphans to end", lambda: not any(alive(pid) for pid in last))
        with listen(f"127.0.0.1:{server.port}", "bind") as again:
            assert again.getsockname()[1] == server.port


def test_sighup_replaces_every_process_but_the_parent(room: Room) -> None:
    with served(room) as server:
        wait_for("everybody", lambda: server.get("/healthz") and len(server.children()) == 3)
        first = server.children()
        server.process.send_signal(signal.SIGHUP)
        wait_for("everybody anew", lambda: len(server.children()) == 3 and not server.children() & first, log=server.log.read_text)
        assert server.get("/healthz") == "ok\n"
        assert server.end() == 0


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_request_in_flight_is_answered_after_sigterm(room: Room) -> None:
    with served(room, "[worker]\nexternal = true\n") as server:
        wait_for("an answer", lambda: server.get("/healthz") == "ok\n")
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as slow:
            slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            time.sleep(0.5)
            server.process.send_signal(signal.SIGTERM)
            for port in (server.port, server.metrics):
                wait_for("a closed port", lambda port=port: refuses(port), 5)
            assert server.process.poll() is None
            slow.sendall(b"Connection: close\r\n\r\n")
            assert slow.recv(100).startswith(b"HTTP/1.1 200")
        assert server.process.wait(90) == 0


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def test_silent_connections_and_stalled_requests_do_not_stop_it(room: Room) -> None:
    crowd: list[socket.socket] = []
    with served(room, "threads = 2\n[worker]\nexternal = true\n") as server:
        wait_for("an answer", lambda: server.get("/healthz") == "ok\n")
        try:
            crowd += [socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(20)]
            began = time.monotonic()
            assert server.get("/healthz") == "ok\n"
            assert time.monotonic() - began < 4  # no thread was lent to any of them
            for stalled in crowd[:4]:
                stalled.sendall(b"POST /eu_Demo/oauth2/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 60\r\n\r\ng")
            time.sleep(0.5)
            wait_for("an answer although every thread was taken", lambda: server.get("/healthz") == "ok\n", 60)
            assert crowd[-1].recv(1) == b""
        finally:
            for each in crowd:
                each.close()
        assert server.end() == 0
        assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize(
    ("bind", "words"),
    [
        ("192.0.2.1:0", "this machine has no such address"),
        ("no-such-host.invalid:1", "cannot listen there"),
        ("unix:/no/such/folder/s", "cannot listen there: No such file or directory"),
    ],
)
def test_an_address_that_cannot_be_had_is_a_line(bind: str, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        listen(bind, "[server] bind")
    assert str(refused.value.private).startswith(f"[server] bind = '{bind}': {words}")


def test_a_unix_socket_of_a_dead_server_is_replaced_and_of_a_living_one_is_not(tmp_path: Path) -> None:
    path = f"unix:{tmp_path}/s"
    with listen(path, "bind"), pytest.raises(ConfigError, match="another program"):
        listen(path, "bind")
    with listen(path, "bind"):
        assert (tmp_path / "s").stat().st_mode & 0o007 == 0


def test_ipv6_and_names_are_addresses_too() -> None:
    for bind in ("[::1]:0", "localhost:0"):
        with listen(bind, "bind") as found:
            assert found.getsockname()[1] > 0

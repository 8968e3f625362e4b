"""Redis that is not there, or that came back without its last writes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from broker.errors import Unavailable
from broker.ports.transient import Absent, Taken
from broker.stores.redis.transient import RedisTransient
from tests.fakes.clock import MovableClock


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def steps(transient: RedisTransient) -> list[object]:
    until = MovableClock().now() + timedelta(minutes=5)
    return [
        lambda: transient.put("code", "k", b"1", until),
        lambda: transient.get("code", "k"),
        lambda: transient.take("code", "k", until),
        lambda: transient.burn("code", "k", until),
        lambda: transient.count("rate", "k", 60),
    ]


def test_every_step_is_unavailable_at_once_when_nobody_is_there() -> None:
    transient = RedisTransient.connect(f"redis://127.0.0.1:{free_port()}/0", MovableClock())
    begun = time.monotonic()
    for step in steps(transient):
        assert callable(step)
        with pytest.raises(Unavailable):
            step()
    assert time.monotonic() - begun < 5


def test_a_server_that_does_not_answer_is_unavailable_in_seconds() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        transient = RedisTransient.connect(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", MovableClock())
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            transient.get("code", "k")
        assert time.monotonic() - begun < 4


class Server:
    """A Redis of our own that writes snapshots when told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        with redis.Redis.from_url(self.url) as client:
            for _ in range(100):
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    time.sleep(0.05)
        raise TimeoutError

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    assert shutil.which("redis-server"), "Debian's redis-server is needed"
    made = Server(tmp_path)
    yield made
    made.kill()


@pytest.mark.parties
def test_a_code_that_a_snapshot_brought_back_is_not_honoured_again(server: Server) -> None:
    clock = MovableClock()
    transient = RedisTransient.connect(server.url, clock)
    until = clock.now() + timedelta(minutes=5)
    transient.put("code", "taken", b"grant", until)
    transient.put("code", "open", b"grant", until)
    with redis.Redis.from_url(server.url) as client:
        client.save()
    assert transient.take("code", "taken", until) == Taken(b"grant")
    server.kill()
    with pytest.raises(Unavailable):
        transient.get("code", "open")
    server.start()
    with redis.Redis.from_url(server.url) as client:
        assert len(client.keys()) == 4
    # The snapshot has both alive; neither counts.
    assert transient.take("code", "taken", until) == Absent()
    assert transient.get("code", "open") is None
    assert RedisTransient.connect(server.url, clock).take("code", "open", until) == Absent()
    # And life goes on.
    transient.put("code", "open", b"new", until)
    assert transient.take("code", "open", until) == Taken(b"new")


@pytest.mark.parties
def test_a_restart_that_lost_everything_leaves_nothing_to_honour(server: Server) -> None:
    clock = MovableClock()
    transient = RedisTransient.connect(server.url, clock)
    until = clock.now() + timedelta(minutes=5)
    transient.put("code", "k", b"grant", until)
    server.kill()
    server.start()
    assert transient.take("code", "k", until) == Absent()
    assert transient.count("rate", "k", 3600) == 1


@pytest.mark.parties
def test_the_first_value_after_a_restart_that_nobody_noticed_counts(server: Server) -> None:
    clock = MovableClock()
    transient = RedisTransient.connect(server.url, clock)
    until = clock.now() + timedelta(minutes=5)
    for number in range(3):
        server.kill()
        server.start()
        transient.put("login", f"k{number}", b"going on", until)
        assert transient.get("login", f"k{number}") == b"going on"
        assert transient.take("login", f"k{number}", until) == Taken(b"going on")

"""PostgreSQL and Redis of our own, which a test may stop and start again."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg
import redis

from tests.parties.kit.places import discard, free_port, scratch
from tests.parties.kit.process import Process


def _postgres_program(name: str) -> str:
    """Debian keeps the server's programs out of the path, in a directory a version."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    program = str(found[-1]) if found else shutil.which(name)
    if program is None:
        raise FileNotFoundError(f"{name} is not installed; tests/parties/run.sh installs it")
    return program


class Postgres:
    """A PostgreSQL server on a port of its own, with an empty database `crossgate`. It refuses to run as root."""

    def __init__(self) -> None:
        self.directory = scratch("postgres")
        self.port = free_port()
        self._as: list[str] = []
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.directory, user.pw_uid, user.pw_gid)
            self._as = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"]
        self._data = self.directory / "data"
        subprocess.run(
            [*self._as, _postgres_program("initdb"), "-D", str(self._data), "-A", "trust", "-U", "crossgate", "--no-sync", "-E", "UTF8"],
            check=True, capture_output=True, cwd=self.directory,
        )  # fmt: skip
        self.start()
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE crossgate")

    @property
    def url(self) -> str:
        """As the configuration file writes it."""
        return f"postgresql+psycopg://crossgate@127.0.0.1:{self.port}/crossgate"

    def _address(self, database: str = "crossgate") -> str:
        return f"host=127.0.0.1 port={self.port} user=crossgate dbname={database} connect_timeout=2"

    def _ready(self) -> bool:
        try:
            psycopg.connect(self._address("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def start(self) -> None:
        """Start it with the data it has."""
        settings = ("listen_addresses=127.0.0.1", f"unix_socket_directories={self.directory}", "fsync=off", "max_connections=200")
        options = [word for setting in settings for word in ("-c", setting)]
        self.process = Process(
            "postgres",
            [*self._as, _postgres_program("postgres"), "-D", str(self._data), "-p", str(self.port), *options],
            cwd=self.directory,
            stop_signal=signal.SIGINT,
        )
        self.process.wait(self._ready)

    def stop(self) -> None:
        """End it in the "fast" manner: connections are cut, the data stays."""
        self.process.stop()

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """Rows of the broker's database, for looking at what it left behind."""
        with psycopg.connect(self._address()) as connection:
            return connection.execute(statement.encode()).fetchall()

    def close(self) -> None:
        self.stop()
        discard(self.directory)


class Redis:
    """A Redis server on a port of its own that writes down every change, so that a restart may keep its data."""

    def __init__(self) -> None:
        self.directory = scratch("redis")
        self.port = free_port()
        self.start()

    @property
    def url(self) -> str:
        """As the configuration file writes it."""
        return f"redis://127.0.0.1:{self.port}/0"

    def _ready(self) -> bool:
        try:
            with redis.Redis(port=self.port) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def start(self) -> None:
        """Start it with the data it has."""
        keep = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        self.process = Process(
            "redis", ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory), *keep]
        )
        self.process.wait(self._ready)

    def stop(self) -> None:
        """End it; its data stays."""
        self.process.stop()

    def lose(self) -> None:
        """Lose its data, as a Redis without a disk does when it restarts. It must be stopped."""
        shutil.rmtree(self.directory / "appendonlydir")

    def close(self) -> None:
        self.stop()
        discard(self.directory)

"""The adapters that the conformance suites run on: memory and SQLite always, PostgreSQL and Redis where their address is given.

CROSSGATE_TEST_POSTGRES: the URL of a database on a server where we may create databases; each test process makes one of its own.
CROSSGATE_TEST_REDIS: the URL of a server of which every numbered database is ours to empty.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import redis
from sqlalchemy import create_engine, make_url, text

from broker.ports.transient import Transient
from broker.seal import MasterSeal
from broker.stores.open import open_store, open_transient
from broker.stores.sql.migrate import migrate
from broker.stores.sql.tables import metadata, transient
from broker.stores.versioned import VersionedStore
from tests.fakes.clock import MovableClock

POSTGRES = os.environ.get("CROSSGATE_TEST_POSTGRES", "")
REDIS = os.environ.get("CROSSGATE_TEST_REDIS", "")

STORES = ("memory", "sqlite", *(("postgres",) if POSTGRES else ()))
# What other processes can reach as well.
SHARED_STORES = STORES[1:]
TRANSIENTS = (*STORES, *(("redis",) if REDIS else ()))
SHARED_TRANSIENTS = TRANSIENTS[1:]

SEAL = MasterSeal([b"m" * 32])


@dataclass
class Case:
    """One adapter, empty, with a clock that the test moves. Time stands still unless `advance` is called."""

    name: str
    store: VersionedStore
    transient: Transient
    clock: MovableClock
    store_url: str
    transient_url: str = ""
    redis: redis.Redis | None = field(default=None, repr=False)

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds=seconds)
        if self.redis is not None:
            self._age(int(seconds * 1000))

    def _age(self, millis: int) -> None:
        """Redis has a clock of its own: what is left to each key is shortened instead."""
        assert self.redis is not None
        for name in self.redis.scan_iter():
            left = self.redis.pttl(name)
            if left > millis:
                self.redis.pexpire(name, left - millis)
            else:
                self.redis.delete(name)

    def close(self) -> None:
        self.store.close()
        if self.redis is not None:
            self.redis.close()


def case(name: str, folder: Path) -> Case:
    clock = MovableClock()
    clock.freeze()
    url, transient_url = "memory:", ""
    if name == "sqlite":
        url = f"sqlite:///{folder / 'store.db'}"
        migrate(url)
    elif name == "postgres":
        url = own_database()
        empty_database(url)
    elif name == "redis":
        transient_url = own_redis()
    store = open_store(url, SEAL, clock)
    client = redis.Redis.from_url(transient_url) if transient_url else None
    if client is not None:
        client.flushdb()
    return Case(name, store, open_transient(transient_url, store, clock), clock, url, transient_url, client)


@cache
def own_database() -> str:
    url = make_url(POSTGRES).set(drivername="postgresql+psycopg")
    name = f"crossgate_{os.getpid()}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    own = url.set(database=name).render_as_string(hide_password=False)
    migrate(own)
    return own


def empty_database(url: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    names = ", ".join((*metadata.tables, transient.name))
    with engine.connect() as connection:
        connection.execute(text(f"TRUNCATE {names}"))
    engine.dispose()


@cache
def own_redis() -> str:
    """A numbered database a test process (pytest-xdist's workers are gw0, gw1, ...)."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return f"{REDIS.rstrip('/').removesuffix('/0')}/{int(worker) % 16}"

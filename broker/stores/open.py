"""Stores by their URL: the one place that knows which adapters there are."""

from __future__ import annotations

from broker.errors import ConfigError
from broker.ports.environment import Clock, Seal
from broker.ports.transient import Transient
from broker.stores.memory.store import MemoryStore
from broker.stores.memory.transient import MemoryTransient
from broker.stores.sql.store import SqlStore
from broker.stores.sql.transient import SqlTransient
from broker.stores.versioned import VersionedStore

MEMORY = "memory:"


def open_store(url: str, seal: Seal, clock: Clock) -> VersionedStore:
    """`sqlite:///FILE`, `postgresql+psycopg://...`, or `memory:` for tests. Nothing connects yet. Raises ConfigError."""
    return MemoryStore(clock) if url == MEMORY else SqlStore(url, seal, clock)


def open_transient(url: str, store: VersionedStore, clock: Clock) -> Transient:
    """Empty: in the store. `redis://`, `rediss://`, `unix://`: in Redis. `memory:` for tests. Nothing connects yet. Raises ConfigError."""
    if url == MEMORY:
        return MemoryTransient(clock)
    if url.startswith(("redis://", "rediss://", "unix://")):
        # Imported where it is used: an installation without Redis starts without it.
        from broker.stores.redis.transient import RedisTransient

        return RedisTransient.connect(url, clock)
    if url:
        raise ConfigError("the transient store's url starts with redis:// or rediss://, or is empty to use the store itself")
    if isinstance(store, SqlStore):
        return SqlTransient(store.transient_engine, clock)
    if isinstance(store, MemoryStore):
        return store.transient
    raise TypeError(f"no transient rows in {type(store).__name__}")

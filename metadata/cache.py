"""A memory for fetched trust documents: fresh for a while, kept when the source is down, never asked too often.

One `TrustCache` a process. It knows nothing of what it keeps: a key names a document of one provider, and the caller brings the loader.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Generic, TypeVar, cast

from metadata.errors import TrustError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long a document is good.

    `ttl`: served without asking. `retry`: pause between two tries at a source that is down. `cooldown`: pause between two forced
    refreshes. `keep`: how long the last good copy outlives its ttl while the source is down.
    """

    ttl: timedelta = timedelta(minutes=10)
    retry: timedelta = timedelta(seconds=10)
    cooldown: timedelta = timedelta(seconds=30)
    keep: timedelta = timedelta(hours=24)


DEFAULT_FRESHNESS = Freshness()


class Slot(Generic[T]):
    """One document. Threads that find it stale go on with the copy at hand while one of them fetches."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._value: T | None = None
        self._loaded: datetime | None = None
        self._tried: datetime | None = None
        self._forced: datetime | None = None
        self._error: TrustError | None = None

    def get(self, load: Callable[[], T], now: datetime, fresh: Freshness) -> T:
        """The document, fetched if absent or stale. Raises what `load` raises, if there is no copy that may still be used."""
        value, loaded = self._value, self._loaded
        if value is not None and loaded is not None and now - loaded < fresh.ttl:
            return value
        usable = value is not None and loaded is not None and now - loaded < fresh.ttl + fresh.keep
        if not self._lock.acquire(blocking=not usable):
            return cast(T, value)
        try:
            if self._loaded is not None and self._loaded != loaded:
                return cast(T, self._value)  # another thread was faster
            if self._tried is not None and now - self._tried < fresh.retry and self._error is not None:
                if usable:
                    return cast(T, value)
                raise self._error
            return self._try(load, now, usable)
        finally:
            self._lock.release()

    def refresh(self, load: Callable[[], T], now: datetime, fresh: Freshness) -> T | None:
        """Fetch although the copy is fresh, because it lacks something. None if that was done within the cool-down, or fails.

        This is what stops a thousand tokens with invented key ids from becoming a thousand fetches (OA-R5.1).
        """
        with self._lock:
            if self._forced is not None and now - self._forced < fresh.cooldown:
                return None
            self._forced = now
            try:
                return self._try(load, now, usable=False)
            except TrustError:
                return None

    def _try(self, load: Callable[[], T], now: datetime, usable: bool) -> T:
        self._tried = now
        try:
            value = load()
        except TrustError as error:
            self._error = error
            if usable:
                return cast(T, self._value)  # keep the last good copy (OA-R5.2)
            raise
        self._value, self._loaded, self._error = value, now, None
        return value


class TrustCache:
    """Slots by key, the least recently used dropped beyond `size`. Thread-safe; a new process starts empty."""

    def __init__(self, size: int = 20_000) -> None:
        self._size = size
        self._lock = Lock()
        self._slots: OrderedDict[Hashable, Slot[Any]] = OrderedDict()

    def slot(self, *key: Hashable) -> Slot[Any]:
        """The slot of this key, made empty if there is none. Name provider and URL in the key: never share across tenants."""
        with self._lock:
            slot = self._slots.get(key)
            if slot is None:
                slot = self._slots[key] = Slot()
                if len(self._slots) > self._size:
                    self._slots.popitem(last=False)
            else:
                self._slots.move_to_end(key)
            return slot

"""The memory for trust documents, with a clock that is moved by hand."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from metadata.cache import Freshness, Slot, TrustCache
from metadata.errors import FetchFailed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FRESH = Freshness(ttl=timedelta(minutes=10), retry=timedelta(seconds=10), cooldown=timedelta(seconds=30), keep=timedelta(hours=1))


class Source:
    def __init__(self) -> None:
        self.asked = 0
        self.down = False

    def load(self) -> str:
        self.asked += 1
        if self.down:
            raise FetchFailed("down")
        return f"copy {self.asked}"


def at(**delta: float) -> datetime:
    return NOW + timedelta(**delta)


def test_fresh_then_stale() -> None:
    slot, source = Slot[str](), Source()
    assert [slot.get(source.load, at(minutes=m), FRESH) for m in (0, 9.9, 10, 19)] == ["copy 1", "copy 1", "copy 2", "copy 2"]


def test_the_last_good_copy_is_kept_for_a_while() -> None:
    slot, source = Slot[str](), Source()
    slot.get(source.load, NOW, FRESH)
    source.down = True
    assert slot.get(source.load, at(minutes=30), FRESH) == "copy 1"
    assert slot.get(source.load, at(minutes=30, seconds=5), FRESH) == "copy 1"
    assert source.asked == 2
    with pytest.raises(FetchFailed):
        slot.get(source.load, at(minutes=71), FRESH)
    source.down = False
    assert slot.get(source.load, at(minutes=72), FRESH) == "copy 4"


def test_a_source_that_never_answered_is_not_asked_at_each_login() -> None:
    slot, source = Slot[str](), Source()
    source.down = True
    for seconds in (0, 1, 9):
        with pytest.raises(FetchFailed):
            slot.get(source.load, at(seconds=seconds), FRESH)
    assert source.asked == 1
    source.down = False
    assert slot.get(source.load, at(seconds=10), FRESH) == "copy 2"


def test_forced_once_a_cool_down() -> None:
    slot, source = Slot[str](), Source()
    slot.get(source.load, NOW, FRESH)
    assert slot.refresh(source.load, at(seconds=1), FRESH) == "copy 2"
    assert slot.refresh(source.load, at(seconds=30), FRESH) is None
    source.down = True
    assert slot.refresh(source.load, at(seconds=31), FRESH) is None
    assert slot.get(source.load, at(seconds=32), FRESH) == "copy 2"
    assert source.asked == 3


def test_threads_that_find_it_stale_do_not_wait_and_do_not_all_fetch() -> None:
    slot, source = Slot[str](), Source()
    slot.get(source.load, NOW, FRESH)
    entered, go = threading.Event(), threading.Event()

    def slow() -> str:
        entered.set()
        go.wait(5)
        return source.load()

    got: list[str] = []
    thread = threading.Thread(target=lambda: got.append(slot.get(slow, at(minutes=11), FRESH)))
    thread.start()
    entered.wait(5)
    assert slot.get(slow, at(minutes=11), FRESH) == "copy 1"
    go.set()
    thread.join()
    assert got == ["copy 2"]
    assert source.asked == 2


def test_a_first_fetch_is_shared() -> None:
    slot, source, barrier = Slot[str](), Source(), threading.Barrier(8)
    got: list[str] = []

    def ask() -> None:
        barrier.wait()
        got.append(slot.get(source.load, NOW, FRESH))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == ["copy 1"] * 8


def test_the_least_recently_used_slot_goes() -> None:
    cache = TrustCache(size=2)
    first, second = cache.slot("a", 1), cache.slot("b", 1)
    assert cache.slot("a", 1) is first
    cache.slot("c")
    assert cache.slot("a", 1) is first
    assert cache.slot("b", 1) is not second

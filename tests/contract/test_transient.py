"""ports.transient.Transient: an example for each sentence of the contract."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from broker.errors import Conflict
from broker.ports.transient import Absent, Burned, Taken
from tests.contract.adapters import Case

VALUE = b"\x00value\xff"


def after(case: Case, seconds: float) -> datetime:
    return case.clock.now() + timedelta(seconds=seconds)


def test_a_value_is_there_until_it_ends(fleeting: Case) -> None:
    case = fleeting
    case.transient.put("login", "k", VALUE, after(case, 60))
    assert case.transient.get("login", "k") == VALUE
    assert case.transient.get("code", "k") is None
    assert case.transient.get("login", "K") is None
    case.transient.put("login", "k", b"", after(case, 60))
    assert case.transient.get("login", "k") == b""
    case.advance(60)
    assert case.transient.get("login", "k") is None
    assert case.transient.take("login", "k", after(case, 60)) == Absent()


def test_putting_again_sets_the_value_and_its_end(fleeting: Case) -> None:
    case = fleeting
    case.transient.put("login", "k", b"1", after(case, 60))
    case.transient.put("login", "k", b"2", after(case, 120))
    case.advance(90)
    assert case.transient.get("login", "k") == b"2"
    case.transient.put("login", "k", b"3", after(case, 10))
    case.advance(10)
    assert case.transient.get("login", "k") is None


def test_taking_burns_and_the_tombstone_tells_what_was_taken(fleeting: Case) -> None:
    case = fleeting
    case.transient.put("code", "k", VALUE, after(case, 60))
    assert case.transient.take("code", "k", after(case, 600)) == Taken(VALUE)
    assert case.transient.get("code", "k") is None
    assert case.transient.take("code", "k", after(case, 600)) == Burned(VALUE)
    case.advance(599)
    assert case.transient.take("code", "k", after(case, 1)) == Burned(VALUE)
    with pytest.raises(Conflict):
        case.transient.put("code", "k", VALUE, after(case, 60))
    assert case.transient.take("code", "k", after(case, 1)) == Burned(VALUE)
    case.advance(1)
    assert case.transient.take("code", "k", after(case, 600)) == Absent()
    case.transient.put("code", "k", b"new", after(case, 60))
    assert case.transient.take("code", "k", after(case, 600)) == Taken(b"new")


def test_a_tombstone_never_ends_before_the_value_would_have(fleeting: Case) -> None:
    case = fleeting
    case.transient.put("code", "k", VALUE, after(case, 60))
    assert case.transient.take("code", "k", after(case, 1)) == Taken(VALUE)
    case.advance(59)
    assert case.transient.take("code", "k", after(case, 1)) == Burned(VALUE)


def test_taking_nothing_leaves_nothing(fleeting: Case) -> None:
    case = fleeting
    assert case.transient.take("code", "k", after(case, 600)) == Absent()
    case.transient.put("code", "k", VALUE, after(case, 60))
    assert case.transient.take("code", "k", after(case, 600)) == Taken(VALUE)


def test_a_one_time_key_burns_once(fleeting: Case) -> None:
    case = fleeting
    assert case.transient.burn("replay", "k", after(case, 60)) is True
    assert case.transient.burn("replay", "k", after(case, 60)) is False
    assert case.transient.burn("other", "k", after(case, 60)) is True
    with pytest.raises(Conflict):
        case.transient.put("replay", "k", VALUE, after(case, 60))
    assert case.transient.get("replay", "k") is None
    assert case.transient.take("replay", "k", after(case, 60)) == Burned(b"")
    case.advance(60)
    assert case.transient.burn("replay", "k", after(case, 60)) is True


def test_burning_a_value_takes_it_unread(fleeting: Case) -> None:
    case = fleeting
    case.transient.put("login", "k", VALUE, after(case, 60))
    assert case.transient.burn("login", "k", after(case, 60)) is True
    assert case.transient.burn("login", "k", after(case, 60)) is False
    assert case.transient.get("login", "k") is None
    assert case.transient.take("login", "k", after(case, 60)) == Burned(VALUE)


def test_a_counter_counts_its_window(fleeting: Case) -> None:
    case = fleeting
    # Windows are cut from the epoch: begin at a cut, so that the test need not care.
    case.advance(60 - case.clock.now().timestamp() % 60)
    assert [case.transient.count("rate", "k", 60) for _ in range(3)] == [1, 2, 3]
    assert case.transient.count("rate", "j", 60) == 1
    assert case.transient.count("rate", "k", 3600) == 1
    assert case.transient.count("rate", "many", 60, 12) == 12
    assert case.transient.count("rate", "many", 60, by=5) == 17
    case.advance(59)
    assert case.transient.count("rate", "k", 60) == 4
    case.advance(2)
    assert case.transient.count("rate", "k", 60) == 1


def test_a_large_value_is_a_value(fleeting: Case) -> None:
    case = fleeting
    value = bytes(range(256)) * 4096
    case.transient.put("login", "k", value, after(case, 60))
    assert case.transient.take("login", "k", after(case, 60)) == Taken(value)

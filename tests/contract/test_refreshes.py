"""ports.store.Refreshes: rotation, reuse, revocation, and what is remembered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.errors import Conflict
from broker.ports.store import Advanced, Reused
from tests.contract import samples
from tests.contract.adapters import Case
from tests.contract.samples import OTHER, POOL


def start(case: Case, token: str = "t1", **given: object) -> None:
    with case.store.unit() as unit:
        unit.refreshes.start(samples.family(case.clock.now(), **given), token)


def advance(case: Case, token: str, successor: str, grace: int = 0) -> Advanced | Reused | None:
    with case.store.unit() as unit:
        return unit.refreshes.advance(token, successor, case.clock.now(), grace)


def test_a_token_finds_its_family(durable: Case) -> None:
    start(durable)
    with durable.store.unit() as unit:
        assert unit.refreshes.find("t1") == samples.family(durable.clock.now())
        assert unit.refreshes.find("t2") is None
        assert unit.refreshes.is_revoked(POOL, "family-1") is False
        assert unit.refreshes.is_revoked(OTHER, "family-1") is True
        assert unit.refreshes.is_revoked(POOL, "nothing") is True


def test_a_family_starts_once(durable: Case) -> None:
    """A code that a transient store gave out twice stops here."""
    start(durable)
    with pytest.raises(Conflict):
        start(durable, "t2")
    with durable.store.unit() as unit:
        assert unit.refreshes.find("t2") is None


def test_a_token_is_succeeded_and_its_second_use_ends_the_family(durable: Case) -> None:
    start(durable)
    family = samples.family(durable.clock.now())
    assert advance(durable, "t1", "t2") == Advanced(family)
    assert advance(durable, "t2", "t3") == Advanced(family)
    assert advance(durable, "t1", "t4") == Reused(replace(family, revoked=True))
    assert advance(durable, "t3", "t5") is None
    assert advance(durable, "unknown", "t6") is None
    with durable.store.unit() as unit:
        assert [unit.refreshes.find(token) for token in ("t1", "t2", "t3", "t4", "t5", "t6")] == [None] * 6
        assert unit.refreshes.is_revoked(POOL, "family-1") is True


def test_within_its_grace_a_token_may_be_shown_again(durable: Case) -> None:
    start(durable)
    assert isinstance(advance(durable, "t1", "t2", grace=10), Advanced)
    durable.advance(9)
    with durable.store.unit() as unit:
        assert unit.refreshes.find("t1") is not None
    assert isinstance(advance(durable, "t1", "t3", grace=10), Advanced)
    with durable.store.unit() as unit:
        assert unit.refreshes.find("t2") is not None
        assert unit.refreshes.find("t3") is not None
    # The grace began with the first use and is not drawn out by the second.
    durable.advance(1)
    with durable.store.unit() as unit:
        assert unit.refreshes.find("t1") is None
    assert isinstance(advance(durable, "t1", "t4", grace=10), Reused)
    with durable.store.unit() as unit:
        assert unit.refreshes.find("t3") is None


def test_a_family_ends_when_it_was_to_end(durable: Case) -> None:
    start(durable, expires_at=durable.clock.now() + timedelta(hours=1))
    durable.advance(3600)
    assert advance(durable, "t1", "t2") is None
    with durable.store.unit() as unit:
        assert unit.refreshes.find("t1") is None
        # Its last access tokens may live on for a day.
        assert unit.refreshes.is_revoked(POOL, "family-1") is False
    durable.store.expire(durable.clock.now())
    with durable.store.unit() as unit:
        assert unit.refreshes.is_revoked(POOL, "family-1") is False
    durable.advance(86_400)
    assert durable.store.expire(durable.clock.now()) == 2
    with durable.store.unit() as unit:
        assert unit.refreshes.is_revoked(POOL, "family-1") is True


@pytest.mark.parametrize(
    ("chosen", "gone"),
    [
        ({"family": "f1"}, {"f1"}),
        ({"user_sub": "sub-1"}, {"f1", "f2"}),
        ({"session_id": "sid-1"}, {"f1"}),
        ({"user_sub": "sub-1", "client_id": "app2"}, {"f2"}),
        ({"user_sub": "sub-1", "family": "f3"}, set()),
    ],
)
def test_families_are_revoked_by_all_that_is_named(durable: Case, chosen: dict[str, str], gone: set[str]) -> None:
    start(durable, "t1", id="f1")
    start(durable, "t2", id="f2", session_id="sid-2", client_id="app2")
    start(durable, "t3", id="f3", session_id=None, user_sub="sub-2")
    start(durable, "t4", id="f4", pool_id=OTHER)
    with durable.store.unit() as unit:
        assert unit.refreshes.revoke(POOL, **chosen) == len(gone)
        assert unit.refreshes.revoke(POOL, **chosen) == 0
    with durable.store.unit() as unit:
        pools = {"f1": POOL, "f2": POOL, "f3": POOL, "f4": OTHER}
        assert {name for name, pool_id in pools.items() if unit.refreshes.is_revoked(pool_id, name)} == gone


def test_to_revoke_everything_needs_more_than_an_omission(durable: Case) -> None:
    start(durable)
    with durable.store.unit() as unit, pytest.raises(ValueError):
        unit.refreshes.revoke(POOL)
    with durable.store.unit() as unit:
        assert unit.refreshes.is_revoked(POOL, "family-1") is False


def test_a_refused_unit_takes_its_revocation_back(durable: Case) -> None:
    """Callers know: a reuse must be refused after the unit, never within it."""
    start(durable)
    advance(durable, "t1", "t2")

    def refuse_within() -> None:
        with durable.store.unit() as unit:
            assert isinstance(unit.refreshes.advance("t1", "t3", durable.clock.now(), 0), Reused)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        refuse_within()
    with durable.store.unit() as unit:
        assert unit.refreshes.is_revoked(POOL, "family-1") is False


def test_without_grace_an_earlier_clock_is_no_second_first(durable: Case) -> None:
    """Of two that show one token, the second to get the lock may have read his clock first."""
    start(durable)
    now = durable.clock.now()
    with durable.store.unit() as unit:
        assert isinstance(unit.refreshes.advance("t1", "t2", now, 0), Advanced)
    with durable.store.unit() as unit:
        assert isinstance(unit.refreshes.advance("t1", "t3", now - timedelta(seconds=2), 0), Reused)

"""ports.store.Settings: what a worker reads, and how old it may be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from broker.ports.store import Unit
from broker.stores import settings as cached
from broker.stores.settings import CachedSettings
from tests.contract import samples
from tests.contract.adapters import Case
from tests.contract.samples import OTHER, POOL


class Counted:
    """A store that counts what it is asked."""

    def __init__(self, case: Case) -> None:
        self._store = case.store
        self.units = 0
        self.versions = 0

    @contextmanager
    def unit(self) -> Iterator[Unit]:
        self.units += 1
        with self._store.unit() as unit:
            yield unit

    def version(self, pool_id: str) -> int:
        self.versions += 1
        return self._store.version(pool_id)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.fixture
def counted(durable: Case) -> Counted:
    with durable.store.unit() as unit:
        unit.pools.put(samples.pool())
        unit.clients.put(samples.client())
        unit.providers.put(samples.provider())
        unit.resource_servers.put(samples.server())
        unit.groups.put(samples.group())
        unit.keys.put(samples.key(durable.clock.now()))
    return Counted(durable)


def test_everything_is_read_as_it_is(counted: Counted, durable: Case) -> None:
    settings = CachedSettings(counted, durable.clock)
    for _ in range(2):
        assert settings.pool(POOL) == samples.pool()
        assert settings.pool_by_host("Login.One.example") == samples.pool()
        assert settings.client(POOL, "app1") == samples.client()
        assert settings.provider(POOL, "Corp") == samples.provider()
        assert settings.provider_by_identifier(POOL, "CORP.example") == samples.provider()
        assert settings.provider_by_issuer(POOL, "https://idp.corp.example/a&b") == samples.provider()
        assert list(settings.groups(POOL)) == [samples.group()]
        assert list(settings.resource_servers(POOL)) == [samples.server()]
        assert list(settings.keys(POOL)) == [samples.key(durable.clock.now())]
    assert counted.units == 9
    assert counted.versions == 2


def test_nothing_is_read_across_pools(counted: Counted, durable: Case) -> None:
    settings = CachedSettings(counted, durable.clock)
    assert settings.pool(OTHER) is None
    assert settings.client(OTHER, "app1") is None
    assert settings.provider(OTHER, "Corp") is None
    assert settings.provider_by_identifier(OTHER, "corp.example") is None
    assert list(settings.groups(OTHER)) == []
    assert list(settings.keys(OTHER)) == []


def test_a_change_is_seen_within_a_second_and_costs_one_look_a_second(counted: Counted, durable: Case) -> None:
    settings = CachedSettings(counted, durable.clock)
    settings.client(POOL, "app1")
    with durable.store.unit() as unit:
        unit.clients.put(samples.client(name="changed"))
    durable.advance(0.9)
    before = settings.client(POOL, "app1")
    durable.advance(0.1)
    after = settings.client(POOL, "app1")
    assert before is not None
    assert after is not None
    assert (before.name, after.name) == ("App", "changed")
    assert (counted.units, counted.versions) == (2, 2)
    durable.advance(5)
    settings.client(POOL, "app1")
    assert (counted.units, counted.versions) == (2, 3)


def test_what_was_absent_appears_and_what_was_there_goes(counted: Counted, durable: Case) -> None:
    settings = CachedSettings(counted, durable.clock)
    assert settings.client(POOL, "new") is None
    assert settings.client(POOL, "new") is None
    assert counted.units == 1
    assert settings.pool_by_host("new.example") is None
    with durable.store.unit() as unit:
        unit.clients.put(samples.client(id="new"))
        unit.clients.delete(POOL, "app1")
        unit.pools.put(replace(samples.pool(), domain="new.example"))
    durable.advance(1)
    assert settings.client(POOL, "new") is not None
    assert settings.client(POOL, "app1") is None
    assert settings.pool_by_host("new.example") is not None
    assert settings.pool_by_host("login.one.example") is None


def test_a_clock_that_was_set_back_does_not_make_settings_eternal(counted: Counted, durable: Case) -> None:
    settings = CachedSettings(counted, durable.clock)
    settings.client(POOL, "app1")
    durable.clock.advance(seconds=-3600)
    with durable.store.unit() as unit:
        unit.clients.put(samples.client(name="changed"))
    found = settings.client(POOL, "app1")
    assert found is not None
    assert found.name == "changed"


def test_names_from_the_wire_fill_no_memory(counted: Counted, durable: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "ABSENT", 3)
    settings = CachedSettings(counted, durable.clock)
    settings.client(POOL, "app1")
    for number in range(10):
        assert settings.client(POOL, str(number)) is None
    generation = settings._generations[POOL]
    assert len(generation.absent) == 3
    # And they push nothing out that is there.
    units = counted.units
    assert settings.client(POOL, "app1") is not None
    assert counted.units == units


def test_a_pool_with_more_providers_than_are_kept_still_answers(counted: Counted, durable: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "PRESENT", 5)
    with durable.store.unit() as unit:
        for number in range(12):
            unit.providers.put(samples.provider(id=str(number), name=str(number), identifiers=(f"{number}.example",)))
    settings = CachedSettings(counted, durable.clock)
    found = [settings.provider_by_identifier(POOL, f"{number}.example") for number in range(12)]
    assert [record.name for record in found if record] == [str(number) for number in range(12)]
    assert len(settings._generations[POOL].present) == 5


def test_long_lists_come_whole(counted: Counted, durable: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "_PAGE", 4)
    with durable.store.unit() as unit:
        for number in range(8):
            unit.groups.put(samples.group(name=f"g{number}"))
    assert len(CachedSettings(counted, durable.clock).groups(POOL)) == 9

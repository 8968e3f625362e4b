"""ports.store.Records: settings of every kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from broker.errors import Conflict
from broker.ports.store import Unit
from broker.stores.versioned import VersionedStore
from tests.contract import samples
from tests.contract.samples import OTHER, POOL

KINDS: dict[str, tuple[Callable[..., Any], str, Callable[[Unit], Any]]] = {
    "pool": (samples.pool, POOL, lambda unit: unit.pools),
    "client": (samples.client, "app1", lambda unit: unit.clients),
    "provider": (samples.provider, "Corp", lambda unit: unit.providers),
    "resource_server": (samples.server, "https://api.example", lambda unit: unit.resource_servers),
    "group": (samples.group, "admins", lambda unit: unit.groups),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_comes_back_as_it_was(store: VersionedStore, kind: str) -> None:
    make, key, of = KINDS[kind]
    with store.unit() as unit:
        of(unit).put(make())
    with store.unit() as unit:
        assert of(unit).get(POOL, key) == make()
        assert list(of(unit).list(POOL)) == [make()]
        assert of(unit).get(OTHER, key) is None
        assert list(of(unit).list(OTHER)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_is_replaced_and_deleted_and_each_moves_the_version(store: VersionedStore, kind: str) -> None:
    make, key, of = KINDS[kind]
    seen = [store.version(POOL)]
    for write in (lambda u: of(u).put(make()), lambda u: of(u).put(make(owner="api")), lambda u: of(u).delete(POOL, key)):
        with store.unit() as unit:
            write(unit)
        seen.append(store.version(POOL))
    with store.unit() as unit:
        assert of(unit).get(POOL, key) is None
        assert of(unit).delete(POOL, key) is False
    assert seen == sorted(set(seen))
    assert store.version(OTHER) == 0


def test_pools_are_found_by_host_in_any_case_and_by_one_pool_alone(store: VersionedStore) -> None:
    with store.unit() as unit:
        unit.pools.put(samples.pool())
    with store.unit() as unit:
        found = unit.pools.find("host", "LOGIN.One.Example")
        assert found is not None
        assert found.id == POOL
        assert unit.pools.find("host", "other.example") is None
    with pytest.raises(Conflict), store.unit() as unit:
        unit.pools.put(samples.pool(id=OTHER, domain="Login.one.example"))


def test_a_pool_that_comes_or_goes_moves_the_version_of_the_directory(store: VersionedStore) -> None:
    before = store.version("")
    with store.unit() as unit:
        unit.clients.put(samples.client())
    assert store.version("") == before
    with store.unit() as unit:
        unit.pools.put(samples.pool())
    assert store.version("") > before


def test_a_client_id_is_unique_over_all_pools(store: VersionedStore) -> None:
    with store.unit() as unit:
        unit.clients.put(samples.client())
    with pytest.raises(Conflict), store.unit() as unit:
        unit.clients.put(samples.client(pool_id=OTHER))
    with store.unit() as unit:
        assert unit.clients.find("client_id", "app1") == samples.client()
        assert unit.clients.find("client_id", "app1", POOL) == samples.client()
        assert unit.clients.find("client_id", "app1", OTHER) is None


def test_an_identifier_is_unique_in_a_pool_and_compares_in_lower_case(store: VersionedStore) -> None:
    with store.unit() as unit:
        unit.providers.put(samples.provider())
        unit.providers.put(samples.provider(pool_id=OTHER))
    with pytest.raises(Conflict), store.unit() as unit:
        unit.providers.put(samples.provider(id="id-2", name="Second", identifiers=("new.example", "CORP.example")))
    with store.unit() as unit:
        found = unit.providers.find("identifier", "corp.EXAMPLE", POOL)
        assert found is not None
        assert (found.name, found.pool_id) == ("Corp", POOL)
        assert unit.providers.find("identifier", "new.example", POOL) is None
        assert unit.providers.find("id", "id-Corp", POOL) == samples.provider()


def test_an_identifier_that_a_record_gives_up_is_free(store: VersionedStore) -> None:
    with store.unit() as unit:
        unit.providers.put(samples.provider())
        unit.providers.put(samples.provider(identifiers=()))
        unit.providers.put(samples.provider(id="id-2", name="Second"))
    with store.unit() as unit:
        found = unit.providers.find("identifier", "corp.example", POOL)
        assert found is not None
        assert found.name == "Second"


def test_a_refused_record_leaves_the_rest_of_the_unit_as_it_was(store: VersionedStore) -> None:
    with store.unit() as unit:
        unit.providers.put(samples.provider())
        mine = samples.provider(id="id-2", name="Second", identifiers=("second.example",))
        unit.providers.put(mine)
        with pytest.raises(Conflict):
            unit.providers.put(samples.provider(id="id-2", name="Second", identifiers=("third.example", "corp.example")))
        unit.groups.put(samples.group())
    with store.unit() as unit:
        assert unit.providers.get(POOL, "Second") == mine
        assert unit.providers.find("identifier", "second.example", POOL) == mine
        assert unit.providers.find("identifier", "third.example", POOL) is None
        assert unit.groups.get(POOL, "admins") == samples.group()


def test_an_issuer_may_be_shared_and_finds_the_first_live_provider(store: VersionedStore) -> None:
    issuer = "https://idp.corp.example/a&b"
    with store.unit() as unit:
        for name, state in (("A", "disabled"), ("C", "live"), ("B", "live")):
            unit.providers.put(samples.provider(id=name, name=name, state=state, identifiers=()))
        unit.providers.put(samples.provider(id="P", name="Pinned", identifiers=(), options={"entity_id": "urn:pinned"}))
        found = unit.providers.find("issuer", issuer, POOL)
        pinned = unit.providers.find("issuer", "urn:pinned", POOL)
        assert found is not None
        assert pinned is not None
        assert (found.name, pinned.name) == ("B", "Pinned")
        assert unit.providers.find("issuer", issuer, OTHER) is None


def test_an_index_that_is_not_there_or_needs_its_pool_is_a_mistake(store: VersionedStore) -> None:
    with store.unit() as unit:
        with pytest.raises(ValueError):
            unit.clients.find("name", "App")
        with pytest.raises(ValueError):
            unit.providers.find("identifier", "corp.example")


def test_lists_go_page_by_page_in_order_of_key(store: VersionedStore) -> None:
    # Upper case before lower, umlauts last: the order of the bytes, whatever a server's locale says.
    names = ["B", "a", "b", "c-1", "c/2", "Ä"]
    with store.unit() as unit:
        for pool_id in (OTHER, POOL):
            for name in reversed(names):
                unit.groups.put(samples.group(pool_id=pool_id, name=name))
        assert [group.name for group in unit.groups.list(POOL)] == names
        assert [group.name for group in unit.groups.list(POOL, limit=2)] == names[:2]
        assert [group.name for group in unit.groups.list(POOL, "a", 3)] == names[2:5]
        every = [(group.pool_id, group.name) for group in unit.groups.list(None)]
        assert every == [(pool_id, name) for pool_id in sorted((POOL, OTHER)) for name in names]
        after = [(group.pool_id, group.name) for group in unit.groups.list(None, f"{POOL}/c/2", 2)]
        assert after == every[every.index((POOL, "c/2")) + 1 :][:2]


def test_deleting_a_group_takes_its_members_out(store: VersionedStore, durable: Any) -> None:
    with store.unit() as unit:
        unit.users.create(samples.user(durable.clock.now()))
        unit.groups.put(samples.group())
        unit.memberships.add(POOL, "admins", "sub-1")
        unit.groups.delete(POOL, "admins")
        assert unit.memberships.groups_of(POOL, "sub-1") == []


def test_deleting_a_pool_leaves_nothing_for_the_next_one_of_that_id(store: VersionedStore, durable: Any) -> None:
    now = durable.clock.now()
    with store.unit() as unit:
        for pool_id in (POOL, OTHER):
            unit.pools.put(samples.pool(id=pool_id, domain=None))
            unit.providers.put(samples.provider(pool_id=pool_id))
            unit.users.create(samples.user(now, pool_id=pool_id))
            unit.identities.add(samples.identity(now, pool_id=pool_id))
            unit.sessions.put(samples.session(now, pool_id=pool_id))
            unit.refreshes.start(samples.family(now, pool_id=pool_id, id=pool_id), f"token-{pool_id}")
            unit.keys.put(samples.key(now, pool_id=pool_id))
            unit.traces.put(samples.trace(now, pool_id=pool_id, id=pool_id))
    with store.unit() as unit:
        assert unit.pools.delete(POOL, POOL)
    with store.unit() as unit:
        for pool_id, there in ((POOL, False), (OTHER, True)):
            assert bool(unit.providers.list(pool_id)) is there
            assert bool(unit.users.get(pool_id, "sub-1")) is there
            assert bool(unit.identities.find(pool_id, "Corp", "key-1")) is there
            assert bool(unit.sessions.get(pool_id, "sid-1")) is there
            assert bool(unit.refreshes.find(f"token-{pool_id}")) is there
            assert bool(unit.keys.list(pool_id)) is there
            assert bool(unit.traces.get(pool_id)) is there

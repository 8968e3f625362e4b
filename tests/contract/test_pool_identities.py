"""ports.store.PoolIdentities, and the settings that belong to identity pools and IAM."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from broker.errors import Conflict
from broker.model.iam import IAM
from broker.model.identity import PoolIdentity, PoolLogin
from broker.stores.settings import CachedSettings
from tests.contract import samples
from tests.contract.adapters import Case
from tests.contract.samples import IDENTITY_POOL, OTHER_IDENTITY_POOL


def test_an_identity_is_found_by_its_id_and_by_each_of_its_logins_in_its_pool(durable: Case) -> None:
    ada = samples.pool_identity(durable.clock.now())
    with durable.store.unit() as unit:
        unit.pool_identities.create(ada)
    with durable.store.unit() as unit:
        assert unit.pool_identities.get(ada.id) == ada
        assert unit.pool_identities.get("eu-west-1:none") is None
        for login in ada.logins:
            assert unit.pool_identities.by_login(IDENTITY_POOL, login.provider, login.subject) == ada
        assert unit.pool_identities.by_login(OTHER_IDENTITY_POOL, "login.corp", "ada-1") is None
        assert unit.pool_identities.by_login(IDENTITY_POOL, "login.corp", "Ada-1") is None


def test_a_login_reaches_one_identity_of_a_pool(durable: Case) -> None:
    now = durable.clock.now()
    other = samples.pool_identity(now, 2, logins=(PoolLogin("login.new", "x", now), PoolLogin("login.corp", "ada-1", now)))
    with durable.store.unit() as unit:
        unit.pool_identities.create(samples.pool_identity(now))
        with pytest.raises(Conflict):
            unit.pool_identities.create(other)
        with pytest.raises(Conflict):
            unit.pool_identities.create(samples.pool_identity(now))
        # Nothing of what was refused stays: neither the identity nor its first login.
        assert unit.pool_identities.get(other.id) is None
        assert unit.pool_identities.by_login(IDENTITY_POOL, "login.new", "x") is None
        unit.pool_identities.create(replace(other, pool_id=OTHER_IDENTITY_POOL))


def test_an_update_replaces_the_logins_and_needs_the_version_that_is_stored(durable: Case) -> None:
    now = durable.clock.now()
    ada = samples.pool_identity(now)
    with durable.store.unit() as unit:
        unit.pool_identities.create(ada)
        moved = unit.pool_identities.update(replace(ada, logins=ada.logins[1:], enabled=False))
        assert moved.version == ada.version + 1
        assert unit.pool_identities.get(ada.id) == moved
        assert unit.pool_identities.by_login(IDENTITY_POOL, "accounts.google.com", "ada-1") is None
        with pytest.raises(Conflict):
            unit.pool_identities.update(ada)
        unit.pool_identities.create(samples.pool_identity(now, 2, logins=ada.logins[:1]))
        with pytest.raises(Conflict):
            unit.pool_identities.update(replace(moved, logins=ada.logins))
        assert unit.pool_identities.get(ada.id) == moved


def test_identities_are_listed_by_page_in_their_pool(durable: Case) -> None:
    now = durable.clock.now()
    people = [samples.pool_identity(now, number, enabled=number != 2) for number in range(1, 6)]
    with durable.store.unit() as unit:
        for person in people:
            unit.pool_identities.create(person)
        assert list(unit.pool_identities.list(IDENTITY_POOL, limit=3)) == people[:3]
        assert list(unit.pool_identities.list(IDENTITY_POOL, people[2].id)) == people[3:]
        assert list(unit.pool_identities.list(IDENTITY_POOL, enabled_only=True)) == [people[0], *people[2:]]
        assert list(unit.pool_identities.list(OTHER_IDENTITY_POOL)) == []
        assert not unit.pool_identities.delete(OTHER_IDENTITY_POOL, people[0].id)
        assert unit.pool_identities.delete(IDENTITY_POOL, people[0].id)
        assert not unit.pool_identities.delete(IDENTITY_POOL, people[0].id)
        assert unit.pool_identities.by_login(IDENTITY_POOL, "login.corp", "ada-1") is None


def test_of_many_first_calls_with_one_login_one_makes_the_identity(durable: Case) -> None:
    now = durable.clock.now()
    barrier = Barrier(4)

    def first(number: int) -> bool:
        barrier.wait()
        try:
            with durable.store.unit() as unit:
                unit.pool_identities.create(samples.pool_identity(now, number, logins=(PoolLogin("login.corp", "ada", now),)))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        won = list(threads.map(first, range(1, 5)))
    assert won.count(True) == 1
    with durable.store.unit() as unit:
        assert len(unit.pool_identities.list(IDENTITY_POOL)) == 1


def test_a_pool_takes_its_identities_with_it(durable: Case) -> None:
    now = durable.clock.now()
    kept: PoolIdentity = samples.pool_identity(now, 2, pool_id=OTHER_IDENTITY_POOL)
    with durable.store.unit() as unit:
        unit.identity_pools.put(samples.identity_pool())
        unit.pool_identities.create(samples.pool_identity(now))
        unit.pool_identities.create(kept)
        assert unit.identity_pools.delete(IDENTITY_POOL, IDENTITY_POOL)
        assert unit.pool_identities.get(samples.pool_identity(now).id) is None
        assert unit.pool_identities.by_login(IDENTITY_POOL, "login.corp", "ada-1") is None
        assert unit.pool_identities.get(kept.id) == kept


def test_settings_show_a_change_within_a_second(durable: Case) -> None:
    now = durable.clock.now()
    settings = CachedSettings(durable.store, durable.clock)
    assert settings.identity_pool(IDENTITY_POOL) is None
    assert settings.role("Reader") is None
    with durable.store.unit() as unit:
        unit.identity_pools.put(samples.identity_pool())
        unit.roles.put(samples.role(now))
        unit.managed_policies.put(samples.managed_policy())
        unit.oidc_providers.put(samples.oidc_provider())
        unit.saml_providers.put(samples.saml_provider())
        unit.revocations.put(samples.revocation(now))
    durable.advance(1)
    assert settings.identity_pool(IDENTITY_POOL) == samples.identity_pool()
    assert settings.role("Reader") == samples.role(now)
    assert list(settings.roles()) == [samples.role(now)]
    assert settings.managed_policy("read") == samples.managed_policy()
    assert settings.oidc_provider("issuer.example/path") == samples.oidc_provider()
    assert settings.saml_provider("corp") == samples.saml_provider()
    assert settings.revocation("identity:1") == samples.revocation(now)
    with durable.store.unit() as unit:
        unit.roles.delete(IAM, "Reader")
    durable.advance(1)
    assert settings.role("Reader") is None


def test_role_names_are_unique_whatever_their_case(durable: Case) -> None:
    now = durable.clock.now()
    with durable.store.unit() as unit:
        unit.roles.put(samples.role(now))
        with pytest.raises(Conflict):
            unit.roles.put(samples.role(now, name="READER", id="AROAAAAAAAAAAAAAAAAA2"))

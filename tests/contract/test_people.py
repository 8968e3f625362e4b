"""ports.store.Users, Identities, Memberships and Consents."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.errors import Conflict
from broker.ports.store import Unit
from broker.stores.versioned import VersionedStore
from tests.contract import samples
from tests.contract.adapters import Case
from tests.contract.samples import OTHER, POOL


def test_a_profile_is_found_by_all_its_names_and_in_its_pool_alone(durable: Case) -> None:
    ada = samples.user(durable.clock.now())
    with durable.store.unit() as unit:
        unit.users.create(ada)
    with durable.store.unit() as unit:
        assert unit.users.get(POOL, "sub-1") == ada
        assert unit.users.by_username(POOL, "Corp_sub-1") == ada
        assert unit.users.by_username(POOL, "corp_sub-1") is None
        for name, value in (("email", "ADA@example.com"), ("phone_number", "+4912345"), ("preferred_username", "ada"), ("sub", "sub-1")):
            assert list(unit.users.by_attribute(POOL, name, value)) == [ada]
            assert list(unit.users.by_attribute(OTHER, name, value)) == []
        assert list(unit.users.by_attribute(POOL, "preferred_username", "Ada")) == []
        assert unit.users.get(OTHER, "sub-1") is None
        assert unit.users.by_username(OTHER, "Corp_sub-1") is None
        with pytest.raises(ValueError):
            unit.users.by_attribute(POOL, "given_name", "Ada")


def test_addresses_fold_as_ascii_alone(durable: Case) -> None:
    # The Kelvin sign lower-cases to k: it must not reach the mailbox of another.
    kelvin = "\u212ait@example.com"
    with durable.store.unit() as unit:
        unit.users.create(samples.user(durable.clock.now(), attributes={"email": "kit@example.com"}))
        assert list(unit.users.by_attribute(POOL, "email", kelvin)) == []
        assert len(unit.users.by_attribute(POOL, "email", "KIT@example.com")) == 1


def test_two_profiles_may_share_an_address_and_the_older_one_comes_first(durable: Case) -> None:
    now = durable.clock.now()
    with durable.store.unit() as unit:
        for sub, age in (("young", 1), ("old", 3), ("middle", 2)):
            unit.users.create(samples.user(now, sub, created_at=now - timedelta(days=age)))
        assert [user.sub for user in unit.users.by_attribute(POOL, "email", "ada@example.com")] == ["old", "middle"]
        assert len(unit.users.by_attribute(POOL, "email", "ada@example.com", limit=10)) == 3


@pytest.mark.parametrize("taken", ["sub", "username"])
def test_a_sub_and_a_username_are_taken_once_a_pool(durable: Case, taken: str) -> None:
    now = durable.clock.now()
    second = samples.user(now, "sub-1", username="new") if taken == "sub" else samples.user(now, "new", username="Corp_sub-1")
    with durable.store.unit() as unit:
        unit.users.create(samples.user(now))
        with pytest.raises(Conflict):
            unit.users.create(second)
        unit.users.create(replace(second, pool_id=OTHER))
    with durable.store.unit() as unit:
        assert unit.users.get(POOL, "sub-1") == samples.user(now)


def test_an_update_needs_the_version_that_it_was_made_from(durable: Case) -> None:
    ada = samples.user(durable.clock.now())
    with durable.store.unit() as unit:
        unit.users.create(ada)
        changed = unit.users.update(replace(ada, attributes={"email": "new@example.com"}, enabled=False))
        assert changed.version == 2
        with pytest.raises(Conflict):
            unit.users.update(replace(ada, enabled=True))
    with durable.store.unit() as unit:
        assert unit.users.get(POOL, "sub-1") == changed
        assert list(unit.users.by_attribute(POOL, "email", "ada@example.com")) == []
        assert list(unit.users.by_attribute(POOL, "phone_number", "+4912345")) == []
        assert list(unit.users.by_attribute(POOL, "email", "new@example.com")) == [changed]
        with pytest.raises(Conflict):
            unit.users.update(replace(changed, username="other"))
        with pytest.raises(Conflict):
            unit.users.update(replace(changed, sub="nobody"))


def test_a_profile_goes_with_all_that_is_its_own(durable: Case) -> None:
    now = durable.clock.now()
    with durable.store.unit() as unit:
        for sub in ("sub-1", "sub-2"):
            unit.users.create(samples.user(now, sub))
            unit.identities.add(samples.identity(now, user_sub=sub, subject_key=sub))
            unit.identities.add_pending(samples.pending(now, user_sub=sub, value=sub))
            unit.memberships.add(POOL, "admins", sub)
            unit.sessions.put(samples.session(now, user_sub=sub, id=sub))
            unit.refreshes.start(samples.family(now, user_sub=sub, id=sub), f"token-{sub}")
            unit.consents.put(samples.consent(now, user_sub=sub))
            unit.traces.put(samples.trace(now, user_sub=sub, id=sub))
    with durable.store.unit() as unit:
        assert unit.users.delete(POOL, "sub-1") is True
        assert unit.users.delete(POOL, "sub-1") is False
    with durable.store.unit() as unit:
        assert own_things(unit, "sub-1") == [False] * 8
        assert own_things(unit, "sub-2") == [True] * 8
        assert unit.memberships.members(POOL, "admins") == ["sub-2"]


def own_things(unit: Unit, sub: str) -> list[bool]:
    trace = unit.traces.get(sub)
    assert trace is not None
    return [
        unit.users.get(POOL, sub) is not None,
        unit.identities.find(POOL, "Corp", sub) is not None,
        bool(unit.identities.pending(POOL, "Corp", {"email": sub})),
        bool(unit.memberships.groups_of(POOL, sub)),
        unit.sessions.get(POOL, sub) is not None,
        unit.refreshes.find(f"token-{sub}") is not None and not unit.refreshes.is_revoked(POOL, sub),
        unit.consents.get(POOL, sub, "app1") is not None,
        trace.evidence != b"",
    ]


def test_an_identity_reaches_one_profile(durable: Case) -> None:
    now = durable.clock.now()
    link = samples.identity(now)
    with durable.store.unit() as unit:
        unit.users.create(samples.user(now))
        unit.users.create(samples.user(now, "sub-2"))
        unit.identities.add(link)
        with pytest.raises(Conflict):
            unit.identities.add(replace(link, user_sub="sub-2"))
    with durable.store.unit() as unit:
        assert unit.identities.find(POOL, "Corp", "key-1") == link
        assert unit.identities.find(OTHER, "Corp", "key-1") is None
        assert unit.identities.find(POOL, "Corp", "KEY-1") is None
        assert unit.identities.remove(POOL, "Corp", "key-1") is True
        assert unit.identities.remove(POOL, "Corp", "key-1") is False
        assert unit.identities.find(POOL, "Corp", "key-1") is None


def test_an_identity_of_a_profile_that_is_not_there_is_refused(durable: Case) -> None:
    with pytest.raises(Conflict), durable.store.unit() as unit:
        unit.identities.add(samples.identity(durable.clock.now(), user_sub="nobody"))
    with durable.store.unit() as unit:
        assert unit.identities.find(POOL, "Corp", "key-1") is None


def test_identities_come_primary_first_then_by_age(durable: Case) -> None:
    now = durable.clock.now()
    with durable.store.unit() as unit:
        unit.users.create(samples.user(now))
        for key, age, primary in (("b", 1, False), ("c", 0, True), ("a", 2, False)):
            unit.identities.add(samples.identity(now - timedelta(hours=age), subject_key=key, primary=primary))
        assert [link.subject_key for link in unit.identities.of_user(POOL, "sub-1")] == ["c", "a", "b"]
        assert list(unit.identities.of_user(POOL, "sub-2")) == []


def test_a_pending_link_answers_to_its_value_and_is_taken_once(durable: Case) -> None:
    now = durable.clock.now()
    mail, number = samples.pending(now), samples.pending(now, attribute="employee", value="7")
    with durable.store.unit() as unit:
        unit.users.create(samples.user(now))
        unit.users.create(samples.user(now, "sub-2"))
        unit.identities.add_pending(mail)
        unit.identities.add_pending(mail)
        unit.identities.add_pending(number)
        with pytest.raises(Conflict):
            unit.identities.add_pending(replace(mail, user_sub="sub-2"))
    with durable.store.unit() as unit:
        assert list(unit.identities.pending(POOL, "Corp", {})) == []
        assert list(unit.identities.pending(POOL, "Corp", {"email": "7", "employee": "ada@example.com"})) == []
        assert list(unit.identities.pending(POOL, "Other", {"email": "ada@example.com"})) == []
        assert list(unit.identities.pending(POOL, "Corp", {"email": "ada@example.com", "employee": "7"})) == [mail, number]
        assert list(unit.identities.pending(POOL, "Corp", {"email": "ada@example.com"}, take=True)) == [mail]
        assert list(unit.identities.pending(POOL, "Corp", {"email": "ada@example.com"}, take=True)) == []
        assert list(unit.identities.pending(POOL, "Corp", {"employee": "7"})) == [number]


def test_members_go_page_by_page(durable: Case) -> None:
    now = durable.clock.now()
    with durable.store.unit() as unit:
        for sub in ("c", "a", "b"):
            unit.users.create(samples.user(now, sub))
            unit.memberships.add(POOL, "admins", sub)
        unit.memberships.add(POOL, "admins", "a")
        unit.memberships.add(POOL, "Staff", "a")
        assert list(unit.memberships.members(POOL, "admins", limit=2)) == ["a", "b"]
        assert list(unit.memberships.members(POOL, "admins", after="b")) == ["c"]
        assert list(unit.memberships.groups_of(POOL, "a")) == ["Staff", "admins"]
        assert unit.memberships.remove(POOL, "admins", "a") is True
        assert unit.memberships.remove(POOL, "admins", "a") is False
        assert list(unit.memberships.members(OTHER, "admins")) == []


def test_an_agreement_is_kept_replaced_and_withdrawn(store: VersionedStore, durable: Case) -> None:
    given = samples.consent(durable.clock.now())
    with store.unit() as unit:
        unit.consents.put(given)
        unit.consents.put(replace(given, scopes=("openid",)))
    with store.unit() as unit:
        assert unit.consents.get(POOL, "sub-1", "app1") == replace(given, scopes=("openid",))
        assert unit.consents.get(OTHER, "sub-1", "app1") is None
        assert unit.consents.withdraw(POOL, "sub-1", "app1") is True
        assert unit.consents.withdraw(POOL, "sub-1", "app1") is False
        assert unit.consents.get(POOL, "sub-1", "app1") is None

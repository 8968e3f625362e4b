"""IP-S3: developer-authenticated identities, merging and unlinking."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from broker.api_errors import DeveloperUserRegistered, InvalidParameter, NotAuthorized, ResourceConflict, ResourceNotFound
from broker.flows.identity import developer
from broker.model.identity import PoolLogin
from tests.attacks.identitypool.pools import Everybody, everybody
from tests.attacks.identitypool.stage import BACKEND, COGNITO, Stage, arn_of
from tests.fakes.broker import claims_of


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everybody]:
    with everybody(tmp_path_factory.mktemp("stage")) as made:
        yield made


@pytest.fixture
def stage(world: Everybody) -> Stage:
    return Stage(world)


def lookup(stage: Stage, **ask: Any) -> developer.Lookup:
    return developer.lookup(stage.kit, developer.LookupAsk(**{"pool_id": stage.pool.id, **ask}))


def test_a_vouched_user_gets_credentials_with_literal_tags(stage: Stage) -> None:
    identity, token = stage.vouch("ada", principal_tags={"Department": "research"})
    claims = claims_of(token)
    assert claims["exp"] - claims["iat"] == 900
    assert claims["amr"] == ["authenticated", BACKEND, f"{BACKEND}:{stage.pool.id}:ada"]
    same, given = stage.credentials(identity, {COGNITO: token})
    session = stage.kit.tokens.open(given.session_token)[0]
    assert (same, session.role_arn, dict(session.tags)) == (identity, arn_of("in"), {"Department": "research"})
    assert stage.vouch("ada")[0] == identity


def test_s3_1_a_developers_word_is_no_login_of_an_unsigned_call(stage: Stage) -> None:
    identity, token = stage.vouch("ada")
    other, _ = stage.vouch("eve")
    with pytest.raises(NotAuthorized):
        stage.get_id({BACKEND: "ada"})
    with pytest.raises(NotAuthorized):
        stage.credentials(other, {COGNITO: token})
    with pytest.raises(NotAuthorized):
        stage.credentials(identity, {COGNITO: token} | stage.someone())
    assert stage.credentials(identity, {COGNITO: token})[0] == identity


@pytest.mark.parametrize(("seconds", "good"), [(0, False), (-1, False), (86_401, False), (1, True), (86_400, True)])
def test_s3_2_a_token_lasts_1_second_to_a_day(stage: Stage, seconds: int, good: bool) -> None:
    if not good:
        with pytest.raises(InvalidParameter):
            stage.vouch("ada", duration=seconds)
        return
    claims = claims_of(stage.vouch("ada", duration=seconds)[1])
    assert claims["exp"] - claims["iat"] == seconds


def test_s3_2_a_token_does_not_renew_itself(stage: Stage) -> None:
    """In the classic flow a token of a minute, shown for the next one, would be one for ever."""
    stage.pool = stage.change(stage.pool, allow_classic=True)
    identity, token = stage.vouch("ada", duration=60)
    person = stage.someone()
    assert stage.open_id_token(stage.get_id(person), person)[1]
    with pytest.raises(NotAuthorized) as refused:
        stage.open_id_token(identity, {COGNITO: token})
    assert refused.value.code == "own_token"
    assert stage.credentials(identity, {COGNITO: token})[0] == identity


def test_a_token_that_has_ended_gives_nothing(stage: Stage) -> None:
    identity, token = stage.vouch("ada", duration=60)
    assert stage.credentials(identity, {COGNITO: token})
    stage.world.broker.clock.advance(seconds=61)
    with pytest.raises(NotAuthorized):
        stage.credentials(identity, {COGNITO: token})


def test_s3_3_a_user_bound_elsewhere_is_not_bound_again(stage: Stage) -> None:
    ada, _ = stage.vouch("ada")
    eve, _ = stage.vouch("eve")
    with pytest.raises(DeveloperUserRegistered):
        stage.vouch("ada", identity_id=eve)
    with pytest.raises(DeveloperUserRegistered):
        stage.vouch("bob", identity_id=ada)
    assert stage.vouch("ada", identity_id=ada)[0] == ada
    guest = stage.get_id({})
    assert stage.vouch("bob", identity_id=guest)[0] == guest
    with pytest.raises(NotAuthorized):
        stage.credentials(guest, {})


def test_s3_4_one_developer_login_and_no_unknown_provider(stage: Stage) -> None:
    for logins in ({BACKEND: "ada", "login.other": "ada"}, {"login.other": "ada"}, {}, stage.someone()):
        with pytest.raises(NotAuthorized) as error:
            stage.vouch("", logins=logins)
        assert error.value.public == "Token is not from a supported provider of this identity pool."
    for user in ("", "x" * 1025, "a\nb"):
        with pytest.raises(InvalidParameter):
            stage.vouch(user)
    person = stage.someone()
    identity, _ = stage.vouch("", logins={BACKEND: "ada"} | person)
    assert stage.get_id(person) == identity == stage.vouch("ada")[0]


def test_a_public_login_of_another_identity_is_not_linked(stage: Stage) -> None:
    person = stage.someone()
    stage.get_id(person)
    stage.vouch("ada")
    with pytest.raises(ResourceConflict):
        stage.vouch("", logins={BACKEND: "ada"} | person)
    assert stage.vouch("", logins={BACKEND: "new"} | person)[0] == stage.get_id(person)


def test_an_identity_of_another_pool_is_forbidden(stage: Stage) -> None:
    other = stage.make_pool()
    theirs, _ = stage.vouch("ada", other)
    with pytest.raises(NotAuthorized) as error:
        stage.vouch("ada", identity_id=theirs)
    assert error.value.public == f"Access to Identity '{theirs}' is forbidden."
    assert stage.vouch("ada", other, identity_id=theirs)[0] == theirs


def test_s3_5_only_users_of_this_pools_developer_provider_are_merged(stage: Stage) -> None:
    other = stage.make_pool()
    ada, _ = stage.vouch("ada")
    stage.vouch("eve", other)
    stage.get_id(stage.someone("person"))
    for source, destination, changes, error in (
        ("eve", "ada", {}, ResourceNotFound),
        ("ada", "eve", {}, ResourceNotFound),
        ("person", "ada", {}, ResourceNotFound),
        ("bob", "ada", {"developer_provider": "login.other"}, InvalidParameter),
        ("bob", "ada", {"developer_provider": stage.world.oidc_key}, InvalidParameter),
        ("ada", "eve", {"pool_id": other.id}, ResourceNotFound),
    ):
        with pytest.raises(error):
            stage.merge(source, destination, **changes)
    stage.vouch("bob")
    assert stage.merge("bob", "ada") == ada


def test_s3_6_two_users_of_one_public_provider_are_not_merged(stage: Stage) -> None:
    ada, _ = stage.vouch("", logins={BACKEND: "ada"} | stage.someone())
    eve, _ = stage.vouch("", logins={BACKEND: "eve"} | stage.someone())
    with pytest.raises(ResourceConflict):
        stage.merge("eve", "ada")
    assert stage.stored(eve).enabled
    bob, _ = stage.vouch("bob")
    assert stage.merge("ada", "bob") == bob
    assert len(stage.stored(bob).logins) == 3
    assert not stage.stored(ada).enabled


@pytest.mark.parametrize(("more", "good"), [(9, True), (10, False)])
def test_s3_7_a_merge_makes_20_logins_at_most(stage: Stage, more: int, good: bool) -> None:
    made = {}
    for user, number in (("ada", 10), ("eve", more)):
        made[user], _ = stage.vouch(user)
        found = stage.stored(made[user])
        extra = tuple(PoolLogin(BACKEND, f"{user}-{n}", found.created_at) for n in range(number))
        with stage.kit.base.store.unit() as unit:
            unit.pool_identities.update(replace(found, logins=(*found.logins, *extra)[:10] if user == "ada" else (*found.logins, *extra)))
    if good:
        assert stage.merge("eve", "ada") == made["ada"]
        assert len(stage.stored(made["ada"]).logins) == 20
    else:
        with pytest.raises(ResourceConflict):
            stage.merge("eve", "ada")


def test_s3_8_a_merge_again_the_other_way_and_into_itself(stage: Stage) -> None:
    ada, _ = stage.vouch("ada")
    stage.vouch("eve")
    assert [stage.merge("eve", "ada"), stage.merge("eve", "ada"), stage.merge("ada", "eve")] == [ada] * 3
    with pytest.raises(InvalidParameter):
        stage.merge("ada", "ada")
    assert stage.vouch("eve")[0] == ada


def test_s3_8_merges_in_both_directions_at_once_have_one_result(stage: Stage) -> None:
    for number in range(4):
        names = [f"a{number}", f"b{number}"]
        ids = {stage.vouch(name)[0] for name in names}
        gate = Barrier(2)

        def call(pair: tuple[str, str], gate: Barrier = gate) -> str:
            gate.wait()
            return stage.merge(*pair)

        with ThreadPoolExecutor(2) as pool:
            (kept,) = set(pool.map(call, [(names[0], names[1]), (names[1], names[0])]))
        (ended,) = ids - {kept}
        assert (stage.stored(ended).enabled, stage.stored(ended).logins) == (False, ())
        assert len(stage.stored(kept).logins) == 2


def test_s3_9_the_identity_that_was_merged_away_gives_nothing(stage: Stage) -> None:
    person = stage.someone()
    eve, token = stage.vouch("", logins={BACKEND: "eve"} | person)
    ada, _ = stage.vouch("ada")
    assert stage.credentials(eve, {COGNITO: token})
    assert stage.merge("eve", "ada") == ada
    for logins in ({COGNITO: token}, person, {}):
        with pytest.raises(ResourceNotFound):
            stage.credentials(eve, logins)
    assert stage.credentials(ada, person)[0] == ada


def test_s3_10_an_identity_without_logins_is_nobodys(stage: Stage) -> None:
    person, eve = stage.someone(), stage.someone()
    identity = stage.get_id(person)
    for logins in ({}, eve):
        with pytest.raises(NotAuthorized):
            stage.unlink(identity, logins, stage.world.oidc_key)
    with pytest.raises(NotAuthorized):
        stage.unlink(identity, person, "accounts.google.com")
    stage.unlink(identity, person, stage.world.oidc_key)
    for logins in ({}, eve, person):
        with pytest.raises(ResourceNotFound):
            stage.credentials(identity, logins)
    with pytest.raises(ResourceNotFound):
        stage.vouch("ada", identity_id=identity)
    assert stage.get_id(person) != identity


def test_one_of_two_logins_can_be_unlinked_by_the_other(stage: Stage) -> None:
    person, alice = stage.someone(), stage.alice()
    identity = stage.get_id(person | alice)
    stage.unlink(identity, person, f"localhost:8080/{claims_of(next(iter(alice.values())))['iss'].rpartition('/')[2]}")
    assert stage.get_id(person) == identity
    assert stage.get_id(alice) != identity


def test_s3_10_a_guest_has_nothing_to_unlink(stage: Stage) -> None:
    guest, person = stage.get_id({}), stage.someone()
    for logins in ({}, person):
        with pytest.raises(NotAuthorized):
            stage.unlink(guest, logins, stage.world.oidc_key)
    assert stage.credentials(guest, {})[0] == guest


def test_a_developers_user_is_unlinked_by_the_developer_alone(stage: Stage) -> None:
    person = stage.someone()
    identity, token = stage.vouch("", logins={BACKEND: "ada"} | person)
    with pytest.raises(NotAuthorized):
        stage.unlink(identity, person, BACKEND)
    with pytest.raises(ResourceConflict):
        developer.unlink(stage.kit, stage.by, stage.pool.id, identity, (BACKEND, "eve"))
    developer.unlink(stage.kit, stage.by, stage.pool.id, identity, (BACKEND, "ada"))
    assert stage.credentials(identity, person)[0] == identity
    assert stage.vouch("ada")[0] != identity
    alone, token = stage.vouch("bob")
    developer.unlink(stage.kit, stage.by, stage.pool.id, alone, (BACKEND, "bob"))
    with pytest.raises(ResourceNotFound):
        stage.credentials(alone, {COGNITO: token})


def test_s3_11_lookups_stay_in_their_pool(stage: Stage) -> None:
    other = stage.make_pool()
    ada, _ = stage.vouch("ada")
    theirs, _ = stage.vouch("ada", other)
    assert lookup(stage, user_identifier="ada").identity_id == ada
    assert lookup(stage, pool_id=other.id, user_identifier="ada").identity_id == theirs
    with pytest.raises(NotAuthorized):
        lookup(stage, identity_id=theirs)
    with pytest.raises(ResourceNotFound):
        lookup(stage, user_identifier="eve")
    with pytest.raises(InvalidParameter):
        lookup(stage)
    eve, _ = stage.vouch("eve")
    with pytest.raises(ResourceConflict):
        lookup(stage, identity_id=eve, user_identifier="ada")
    assert lookup(stage, identity_id=ada, user_identifier="ada").user_identifiers == ["ada"]


def test_lookups_come_in_pages(stage: Stage) -> None:
    ada, _ = stage.vouch("a1")
    for number in range(2, 6):
        stage.vouch(f"a{number}")
        stage.merge(f"a{number}", "a1")
    seen: list[str] = []
    token: str | None = None
    for _ in range(3):
        page = lookup(stage, identity_id=ada, max_results=2, next_token=token)
        seen += page.user_identifiers
        token = page.next_token
    assert (seen, token) == ([f"a{number}" for number in range(1, 6)], None)
    first = lookup(stage, identity_id=ada, max_results=2)
    eve, _ = stage.vouch("eve")
    with pytest.raises(InvalidParameter):
        lookup(stage, identity_id=eve, next_token=first.next_token)

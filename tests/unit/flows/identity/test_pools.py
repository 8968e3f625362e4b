"""Identity pools, identities and tags by their use cases, on a whole broker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from broker.api_errors import ExpiredIdentityToken, InvalidParameter, ResourceConflict, ResourceNotFound
from broker.flows.identity import developer, identities, pool_roles, pools, resource_tags, tag_maps
from broker.flows.identity.get_credentials import get_credentials
from broker.flows.identity.get_id import get_id
from broker.flows.sts.callers import caller_of
from broker.identitypool.policy import arns
from broker.model.identity import IdentityPool, PoolClient, RoleMapping, TagMap
from tests.fakes.access import ACCOUNT, POOL_A, REGION, Access, trust

USERS = f"cognito-idp.{REGION}.amazonaws.com/local_Test1"
OIDC = f"arn:aws:iam::{ACCOUNT}:oidc-provider/op.example"


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Access:
    folder: Path = tmp_path_factory.mktemp("pools")
    return Access.start(folder)


def ask(**changes: Any) -> pools.PoolAsk:
    return replace(pools.PoolAsk("staff", user_pools=(PoolClient(USERS, "app"),), oidc_providers=(OIDC,)), **changes)


def made(access: Access, **changes: Any) -> IdentityPool:
    pool = pools.create(access.kit, access.admin(), ask(**changes))
    access.settle()
    return pool


def test_a_pool_is_made_read_changed_and_deleted(access: Access) -> None:
    pool = made(access, tags={"team": "blue"})
    assert pool.id.startswith(f"{REGION}:")
    assert pools.describe(access.kit, pool.id) == pool
    changed = pools.update(access.kit, access.admin(), pool.id, ask(name="all", allow_guests=True))
    assert (changed.name, changed.allow_guests, changed.tags) == ("all", True, {"team": "blue"})
    access.settle()
    guest = get_id(access.kit, pool.id, {})
    pools.delete(access.kit, access.admin(), pool.id)
    access.settle()
    for call in (lambda: pools.describe(access.kit, pool.id), lambda: get_id(access.kit, pool.id, {})):
        with pytest.raises(ResourceNotFound):
            call()
    with pytest.raises(ResourceNotFound):
        identities.describe(access.kit, guest)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "a/b"},
        {"name": "n" * 129},
        {"developer_provider": "a b"},
        {"social": {"login.example": "x"}},
        {"social": {"api.twitter.com": ";secret"}},
        {"oidc_providers": ("arn:aws:iam::999999999999:oidc-provider/op.example",)},
        {"saml_providers": (OIDC,)},
        {"user_pools": (PoolClient(USERS, ""),)},
        {"user_pools": tuple(PoolClient(USERS, f"c{n}") for n in range(51))},
        {"tags": {"aws:x": "y"}},
    ],
)
def test_a_pool_that_makes_no_sense_is_refused(access: Access, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameter):
        made(access, **wrong)
    assert made(access).name == "staff"


def test_the_developer_provider_is_set_once(access: Access) -> None:
    pool = made(access)
    named = pools.update(access.kit, access.admin(), pool.id, ask(developer_provider="login.mine"))
    assert named.developer_provider == "login.mine"
    with pytest.raises(InvalidParameter):
        pools.update(access.kit, access.admin(), pool.id, ask(developer_provider="login.other"))
    assert pools.update(access.kit, access.admin(), pool.id, ask()).developer_provider == "login.mine"


def test_a_secret_behind_an_app_id_is_kept_apart_and_not_lost(access: Access) -> None:
    pool = made(access, social={"api.twitter.com": "key;hush", "accounts.google.com": "g"})
    assert (pool.social, pool.secrets) == ({"api.twitter.com": "key", "accounts.google.com": "g"}, {"api.twitter.com": "hush"})
    again = pools.update(access.kit, access.admin(), pool.id, ask(social=pool.social))
    assert again.secrets == {"api.twitter.com": "hush"}
    other = pools.update(access.kit, access.admin(), pool.id, ask(social={"api.twitter.com": "other"}))
    assert other.secrets == {}


def test_rules_and_tags_of_a_provider_go_with_it(access: Access) -> None:
    pool = made(access)
    pool_roles.set_roles(access.kit, access.admin(), pool.id, pool_roles.PoolRoles({}, {OIDC: RoleMapping("Token")}))
    tag_maps.set_tag_map(access.kit, access.admin(), pool.id, USERS, TagMap({"D": "dept"}))
    kept = pools.update(access.kit, access.admin(), pool.id, ask(name="renamed"))
    assert (set(kept.mappings), set(kept.tag_maps)) == ({OIDC}, {USERS})
    bare = pools.update(access.kit, access.admin(), pool.id, ask(oidc_providers=(), user_pools=()))
    assert (bare.mappings, bare.tag_maps) == ({}, {})


def test_what_the_file_declares_is_read_but_never_written(access: Access) -> None:
    by = access.admin()
    arn = arns.identity_pool(ACCOUNT, POOL_A)
    for call in (
        lambda: pools.update(access.kit, by, POOL_A, ask()),
        lambda: pools.delete(access.kit, by, POOL_A),
        lambda: pool_roles.set_roles(access.kit, by, POOL_A, pool_roles.PoolRoles()),
        lambda: tag_maps.set_tag_map(access.kit, by, POOL_A, USERS, TagMap()),
        lambda: resource_tags.tag(access.kit, by, arn, {"a": "b"}),
        lambda: resource_tags.untag(access.kit, by, arn, ["a"]),
    ):
        with pytest.raises(ResourceConflict) as error:
            call()
        assert error.value.public == f"IdentityPool '{POOL_A}' is declared in the configuration file, which alone may change it."
    assert pools.describe(access.kit, POOL_A).owner == "file"
    assert pool_roles.roles(access.kit, POOL_A).roles == {
        "authenticated": f"arn:aws:iam::{ACCOUNT}:role/declared",
        "unauthenticated": f"arn:aws:iam::{ACCOUNT}:role/declared",
    }
    assert access.audited("identity_pool.refused")[-1]["pool_id"] == POOL_A


def test_pools_are_listed_in_pages_without_those_at_rest(access: Access) -> None:
    ids = {made(access).id for _ in range(4)}
    resting = made(access)
    with access.kit.base.store.unit() as unit:
        unit.identity_pools.put(replace(resting, enabled=False))
    seen: list[str] = []
    token: str | None = None
    while True:
        page = pools.list_page(access.kit, 2, token)
        assert len(page.items) <= 2
        seen += [pool.id for pool in page.items]
        if (token := page.next_token) is None:
            break
    assert seen == sorted(set(seen))
    assert ids | {POOL_A} <= set(seen)
    assert resting.id not in seen


def test_identities_are_listed_in_pages_and_a_token_fits_one_list(access: Access) -> None:
    pool = made(access, allow_guests=True, developer_provider="login.mine")
    guests = sorted(get_id(access.kit, pool.id, {}) for _ in range(3))
    first = identities.list_page(access.kit, pool.id, 2)
    second = identities.list_page(access.kit, pool.id, 2, first.next_token)
    assert [each.id for each in (*first.items, *second.items)] == guests
    assert second.next_token is None
    other = made(access, allow_guests=True)
    for wrong in (
        lambda: identities.list_page(access.kit, other.id, 2, first.next_token),
        lambda: identities.list_page(access.kit, pool.id, 2, first.next_token, hide_disabled=True),
        lambda: identities.list_page(access.kit, pool.id, 2, "x"),
        lambda: pools.list_page(access.kit, 2, first.next_token),
    ):
        with pytest.raises(InvalidParameter):
            wrong()


def test_disabled_identities_can_be_left_out(access: Access) -> None:
    pool = made(access, developer_provider="login.mine")
    by = access.admin()
    ids = [developer.open_id_token(access.kit, by, developer.DeveloperAsk(pool.id, {"login.mine": user}))[0] for user in ("a", "b")]
    developer.merge(access.kit, by, developer.MergeAsk(pool.id, "login.mine", "a", "b"))
    shown = identities.list_page(access.kit, pool.id, 10).items
    assert sorted(each.id for each in shown) == sorted(ids)
    assert [each.id for each in identities.list_page(access.kit, pool.id, 10, hide_disabled=True).items] == [ids[1]]
    assert identities.describe(access.kit, ids[0]).merged_into == ids[1]


def test_a_deleted_identity_ends_its_sessions(access: Access) -> None:
    pool = made(access, allow_guests=True)
    role = access.role("visitor", trust(pool.id, "unauthenticated"))
    pool_roles.set_roles(access.kit, access.admin(), pool.id, pool_roles.PoolRoles({"unauthenticated": role}))
    access.settle()
    guest, kept = (get_id(access.kit, pool.id, {}) for _ in range(2))
    _, given = get_credentials(access.kit, guest, {})
    _, other = get_credentials(access.kit, kept, {})
    access.settle()
    assert caller_of(access.kit, given.access_key_id, given.session_token)
    left = identities.delete(access.kit, access.admin(), [guest, guest, f"{REGION}:unknown"])
    assert left == [(f"{REGION}:unknown", "AccessDenied")]
    access.settle()
    with pytest.raises(ExpiredIdentityToken):
        caller_of(access.kit, given.access_key_id, given.session_token)
    assert caller_of(access.kit, other.access_key_id, other.session_token)
    with pytest.raises(InvalidParameter):
        identities.delete(access.kit, access.admin(), [str(n) for n in range(61)])


def test_a_pool_has_tags_as_a_resource(access: Access) -> None:
    pool, by = made(access), access.admin()
    arn = arns.identity_pool(ACCOUNT, pool.id)
    resource_tags.tag(access.kit, by, arn, {"Team": "blue", "cost": ""})
    resource_tags.tag(access.kit, by, arn, {"team": "red"})
    assert resource_tags.tags_of(access.kit, arn) == {"team": "red", "cost": ""}
    resource_tags.untag(access.kit, by, arn, ["COST", "none"])
    assert resource_tags.tags_of(access.kit, arn) == {"team": "red"}
    for tags in ({"aws:x": "y"}, {f"k{n}": "v" for n in range(50)}):
        with pytest.raises(InvalidParameter):
            resource_tags.tag(access.kit, by, arn, tags)
    for wrong in (arn.replace(ACCOUNT, "999999999999"), arn[:-1] + ("1" if arn[-1] == "0" else "0"), "arn:aws:s3:::x", "x"):
        with pytest.raises(ResourceNotFound):
            resource_tags.tags_of(access.kit, wrong)

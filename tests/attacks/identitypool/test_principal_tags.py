"""IP-S2: principal tags, from claims to sessions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from broker.api_errors import InvalidParameter, NotAuthorized
from broker.flows.identity import tag_maps
from broker.flows.sts.authorize_call import authorize_call
from broker.flows.sts.callers import caller_of
from broker.model.identity import TagMap
from tests.attacks.identitypool.pools import Everybody, everybody
from tests.attacks.identitypool.stage import COGNITO, Stage
from tests.fakes.broker import claims_of


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everybody]:
    with everybody(tmp_path_factory.mktemp("stage")) as made:
        yield made


@pytest.fixture
def stage(world: Everybody) -> Stage:
    return Stage(world)


def tagged(stage: Stage, **claims: Any) -> dict[str, str]:
    return dict(stage.session(stage.someone(**claims)).tags)


def test_a_claim_becomes_a_tag_of_the_session_and_of_the_token(stage: Stage) -> None:
    stage.set_tags(TagMap({"Department": "dept"}))
    person = stage.someone(dept="marketing")
    assert dict(stage.session(person).tags) == {"Department": "marketing"}
    stage.change(stage.pool, allow_classic=True)
    stage.set_tags(TagMap({"Department": "dept"}))
    _, token = stage.open_id_token(stage.get_id(person), person)
    assert claims_of(token)["https://aws.amazon.com/tags"] == {"principal_tags": {"Department": ["marketing"]}}
    told = stage.audited("credentials.issued")[-1]
    assert told["detail"]["tags"] == ["Department"]
    assert "marketing" not in str(told)


VALUES = [
    ("S2.1 a line break", "a\nb", False),
    ("S2.1 a wildcard", "a*", False),
    ("S2.1 all that is allowed", "Aé9 _.:/=+-@", True),
    ("S2.2 256 characters", "x" * 256, True),
    ("S2.2 257 characters", "x" * 257, False),
    ("S2.2 empty", "", True),
    ("S2.6 a list of one", ["a"], True),
    ("S2.6 a list of two", ["a", "b"], False),
    ("S2.6 an object", {"a": "b"}, False),
    ("S2.6 a number", 7, True),
    ("S2.6 a boolean", True, True),
    ("S2.9 blanks at the ends", " a ", True),
]


@pytest.mark.parametrize(("row", "value", "good"), VALUES, ids=[row[0] for row in VALUES])
def test_s2_1_2_6_9_a_value_is_a_tag_as_it_is_or_the_sign_in_is_refused(stage: Stage, row: str, value: Any, good: bool) -> None:
    stage.set_tags(TagMap({"D": "dept"}))
    if good:
        one = value[0] if isinstance(value, list) else value
        assert tagged(stage, dept=value) == {"D": one if isinstance(one, str) else str(one).lower()}, row
    else:
        with pytest.raises(NotAuthorized, match="tag_invalid"):
            tagged(stage, dept=value)
        assert "tag_invalid" in stage.audited("credentials.refused")[-1]["reason"]


MAPS = [
    ("S2.1 a key with a line break", {"a\nb": "dept"}, False),
    ("S2.2 a key of 128", {"k" * 128: "dept"}, True),
    ("S2.2 a key of 129", {"k" * 129: "dept"}, False),
    ("S2.2 no key", {"": "dept"}, False),
    ("S2.3 50 tags", {f"k{n}": "sub" for n in range(50)}, True),
    ("S2.3 51 tags", {f"k{n}": "sub" for n in range(51)}, False),
    ("S2.4 aws:", {"aws:x": "dept"}, False),
    ("S2.4 AWS:", {"AWS:x": "dept"}, False),
    ("S2.4 Aws:", {"Aws:x": "dept"}, False),
    ("S2.4 aws without the colon", {"awsome": "dept"}, True),
    ("S2.5 keys that differ in case alone", {"Dept": "dept", "dept": "dept"}, False),
    ("S2.11 460 bytes", {"k": "c" * 256, "l": "c" * 202}, True),
    ("S2.11 461 bytes", {"k": "c" * 256, "l": "c" * 203}, False),
]


@pytest.mark.parametrize(("row", "tags", "good"), MAPS, ids=[row[0] for row in MAPS])
def test_s2_a_tag_map_is_checked_when_it_is_set_and_tags_of_a_developer_when_they_come(
    stage: Stage, row: str, tags: dict[str, str], good: bool
) -> None:
    if good:
        stage.set_tags(TagMap(tags))
        assert tag_maps.tag_map(stage.kit, stage.pool.id, stage.oidc_arn).tags == tags, row
        return
    with pytest.raises(InvalidParameter):
        stage.set_tags(TagMap(tags))
    if "S2.11" not in row:
        with pytest.raises(InvalidParameter):
            stage.vouch("ada", principal_tags=tags)
        assert stage.vouch("ada", principal_tags={"fine": "x"})


def test_s2_7_a_missing_claim_is_no_tag_and_matches_no_policy(stage: Stage) -> None:
    stage.set_tags(TagMap({"D": "dept"}))
    allow = (
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get","Resource":"*",'
        '"Condition":{"StringEquals":{"aws:PrincipalTag/D":["","x"]}}}}'
    )
    stage.role("in", policies={"p": allow})
    allowed = {}
    for name, claims in (("missing", {}), ("null", {"dept": None}), ("empty", {"dept": ""}), ("x", {"dept": "x"}), ("X", {"dept": "X"})):
        person = stage.someone(**claims)
        _, given = stage.credentials(stage.get_id(person), person)
        found = caller_of(stage.kit, given.access_key_id, given.session_token)
        assert found is not None
        allowed[name] = authorize_call(stage.kit, found[0], "s3:Get", "*").allowed
    assert allowed == {"missing": False, "null": False, "empty": True, "x": True, "X": False}


def test_s2_8_a_tag_on_what_users_can_write_is_told_of(stage: Stage) -> None:
    stage.set_tags(TagMap({"Mail": "email"}))
    (told,) = stage.audited("identity_pool.tag_map_set")
    assert "principal tag Mail" in told["detail"]["warnings"][0]
    stage.set_tags(TagMap({"Org": "org"}))
    assert stage.audited("identity_pool.tag_map_set")[-1]["detail"]["warnings"] == []


def test_s2_12_a_changed_map_leaves_no_old_tag(stage: Stage) -> None:
    person = stage.someone(dept="x")
    subject = claims_of(person[stage.world.oidc_key])["sub"]
    assert stage.session(person).tags == {}
    stage.set_tags(TagMap({"D": "dept"}))
    assert stage.session(person).tags == {"D": "x"}
    stage.set_tags(TagMap({"D": "dept"}, use_defaults=True))
    assert stage.session(person).tags == {"client": "mobile", "username": subject}
    stage.set_tags(TagMap({"E": "dept"}))
    assert stage.session(person).tags == {"E": "x"}
    stage.set_tags(TagMap())
    assert stage.session(person).tags == {}


def test_a_map_is_for_a_provider_of_the_pool(stage: Stage) -> None:
    for call in (
        lambda: tag_maps.set_tag_map(stage.kit, stage.by, stage.pool.id, "www.amazon.com", TagMap({"D": "dept"})),
        lambda: tag_maps.tag_map(stage.kit, stage.pool.id, "www.amazon.com"),
    ):
        with pytest.raises(InvalidParameter):
            call()
    assert tag_maps.tag_map(stage.kit, stage.pool.id, stage.oidc_arn) == TagMap()


@pytest.mark.parametrize(("tags", "good"), [(15, True), (16, False)])
def test_s2_11_what_a_session_cannot_carry_is_refused_whole(stage: Stage, tags: int, good: bool) -> None:
    values = {f"k{number:03}": "x" * 252 + "é" for number in range(tags)}
    stage.set_tags(TagMap({key: "v" + key[1:] for key in values}))
    claims = {"v" + key[1:]: value for key, value in values.items()}
    if good:
        assert tagged(stage, **claims) == values
        identity, token = stage.vouch("ada", principal_tags=values)
        assert stage.credentials(identity, {COGNITO: token})[0] == identity
    else:
        with pytest.raises(NotAuthorized, match="tag_invalid"):
            tagged(stage, **claims)
        with pytest.raises(InvalidParameter):
            stage.vouch("ada", principal_tags=values)

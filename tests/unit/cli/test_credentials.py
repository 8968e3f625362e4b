"""`crossgate credentials revoke`: whose sessions end, who hears of it, and when the record goes."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from broker.flows.sts.revoke import LONGEST, expire_revocations, revoke_identity
from broker.model.iam import IAM
from tests.fakes.access import Access
from tests.unit.cli.room import DEMO, Room

SETTINGS = DEMO + '[log]\naudit_file = "audit.jsonl"\n[[role]]\nname = "Reader"\n'


@pytest.fixture
def house(room: Room) -> Room:
    room.write(SETTINGS)
    assert room.run("apply").exit_code == 0
    return room


def test_a_role_an_identity_or_all(house: Room) -> None:
    before = house.wired().clock.now()
    for words, whose in (
        (("--role", "Reader"), "role Reader"),
        (("--identity", "eu-west-1:1"), "identity eu-west-1:1"),
        (("--all",), "this broker"),
    ):
        done = house.run("credentials", "revoke", *words)
        assert (done.exit_code, done.stdout) == (0, f"credentials of {whose} that were issued before now are refused from now on\n")
    with house.wired().store.unit() as unit:
        role = unit.roles.get(IAM, "Reader")
        assert role is not None
        assert role.valid_after is not None
        assert role.valid_after >= before
        found = {each.subject: each for each in unit.revocations.list(IAM)}
    assert set(found) == {"identity:eu-west-1:1", "account"}
    assert all(each.until - each.before == LONGEST for each in found.values())
    told = [json.loads(line) for line in (house.folder / "audit.jsonl").read_text().splitlines()]
    assert [line["reason"] for line in told if line["event"] == "credentials.revoked"] == ["command_line"] * 3


def test_a_role_of_the_file_stays_revoked_when_the_file_is_applied_again(house: Room) -> None:
    house.run("credentials", "revoke", "--role", "Reader")
    assert house.run("apply").exit_code == 0
    with house.wired().store.unit() as unit:
        role = unit.roles.get(IAM, "Reader")
    assert role is not None
    assert role.valid_after is not None


@pytest.mark.parametrize("words", [(), ("--all", "--role", "Reader"), ("--role", "Reader", "--identity", "x")])
def test_one_of_three_must_be_named(house: Room, words: tuple[str, ...]) -> None:
    done = house.run("credentials", "revoke", *words)
    assert done.exit_code == 2
    assert "give one of --role, --identity and --all" in done.stderr


def test_an_unknown_role_is_a_line(house: Room) -> None:
    done = house.run("credentials", "revoke", "--role", "Nobody")
    assert (done.exit_code, done.stderr) == (1, "no_such_entity: no role Nobody\n")
    as_json = house.run("credentials", "revoke", "--role", "Reader", "--json")
    assert json.loads(as_json.stdout) == {"revoked": {"role": "Reader", "identity": None, "all": False}}


def test_the_worker_removes_a_revocation_once_no_session_can_need_it(tmp_path: Path) -> None:
    access = Access.start(tmp_path)
    revoke_identity(access.kit, "eu-west-1:1", "test")
    access.broker.clock.advance(seconds=(LONGEST - timedelta(minutes=1)).total_seconds())
    assert expire_revocations(access.kit) == 0
    access.broker.clock.advance(seconds=61)
    assert expire_revocations(access.kit) == 1
    assert expire_revocations(access.kit) == 0

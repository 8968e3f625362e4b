"""`crossgate reach`: from the file alone, with the store, and as a gate."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from broker.flows.identity.role_reach import reach_role
from tests.unit.cli.room import Room
from tests.unit.cli.test_explain import DEMO, KEY

MARKETING = "arn:aws:iam::123456789012:role/marketing"
GUEST = "arn:aws:iam::123456789012:role/guest"


@pytest.fixture
def file(tmp_path: Path) -> Room:
    """A file and no database."""
    room = Room(tmp_path)
    room.write(DEMO)
    return room


def baseline(room: Room, *roles: str) -> str:
    done = room.run("reach", *(word for role in roles for word in ("--role", role)), "--json")
    assert done.exit_code == 0, done.stderr
    (room.folder / "reach.json").write_text(done.stdout)
    return str(room.folder / "reach.json")


def test_words_for_people_need_no_database(file: Room) -> None:
    done = file.run("reach", "--role", "marketing", "--role", GUEST)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"{MARKETING}  1 way, 0 blocked",
        f"  open     a rule of {KEY}:app in identity pool eu-west-1:11111111-1111-4111-8111-111111111111",
        '           if: claim department StartsWith "market"',
        f"{GUEST}  2 ways, 0 blocked",
        f"  open     a rule of {KEY}:app in identity pool eu-west-1:11111111-1111-4111-8111-111111111111",
        '           if: claim department Equals "sales"',
        "  open     guests in identity pool eu-west-1:11111111-1111-4111-8111-111111111111",
    ]
    assert not list(file.folder.glob("crossgate.db*"))
    file.write(DEMO.replace("guests = true", "guests = false"))
    blocked = file.run("reach", "--role", "guest").stdout
    assert "1 way, 1 blocked" in blocked
    assert "           because: guests are off in this pool" in blocked


def test_json_is_sorted_and_always_the_same(file: Room) -> None:
    both = [file.run("reach", "--role", "marketing", "--role", "guest", "--json").stdout for _ in range(2)]
    other = file.run("reach", "--role", "guest", "--role", MARKETING, "--json").stdout
    assert both == [other] * 2
    assert list(json.loads(other)["roles"]) == [GUEST, MARKETING]


def test_a_gate(file: Room) -> None:
    before = baseline(file, "marketing", "guest")

    def gate(text: str, *words: str) -> tuple[int, str]:
        file.write(text)
        done = file.run("reach", "--role", "marketing", "--role", "guest", "--fail-if-wider", before, *words)
        return done.exit_code, done.stdout + done.stderr.replace("\n", " ")

    code, said = gate(DEMO)
    assert (code, said.splitlines()[0]) == (0, "no way is wider than in the baseline")
    assert gate(DEMO.replace('value = "market"', 'value = "marketing"'))[0] == 0
    assert gate(DEMO.replace("guests = true", "guests = false"))[0] == 0
    code, said = gate(DEMO.replace('value = "market"', 'value = "m"'))
    assert code == 1
    assert 'if: claim department StartsWith "m"' in said
    assert f"{MARKETING}: 1 way that the baseline does not have:" in said
    assert GUEST not in said
    code, said = gate(DEMO.replace('guest_role = "guest"', 'guest_role = "marketing"'), "--json")
    wider = json.loads(said[: said.rindex("}") + 1])["wider"]
    assert (code, [way["kind"] for way in wider[MARKETING]]) == (1, ["guest"])


@pytest.mark.parametrize("spoiled", ["", "{", "[]", '{"format": "crossgate reach 1"}', '{"format": "x", "roles": {}}', None])
def test_a_gate_without_its_baseline_is_shut(file: Room, spoiled: str | None) -> None:
    path = file.folder / "reach.json"
    if spoiled is not None:
        path.write_text(spoiled)
    done = file.run("reach", "--role", "marketing", "--fail-if-wider", str(path))
    assert done.exit_code == 2
    assert "cannot be read as a baseline" in done.stderr
    assert "Traceback" not in done.output


def test_what_is_asked_wrongly(file: Room) -> None:
    unknown = file.run("reach", "--role", "markting")
    assert unknown.exit_code == 2
    assert "there is no role 'markting'; there are: marketing, guest" in unknown.stderr
    file.write("[nonsense]\n")
    assert file.run("reach", "--role", "marketing").exit_code == 2
    assert file.run("reach").exit_code == 2


def test_the_store_adds_what_was_made_by_api(file: Room) -> None:
    assert file.run("reach", "--role", "marketing", "--store").exit_code == 2
    file.migrated()
    assert file.run("apply").exit_code == 0
    before = baseline(file, "marketing")
    wired = file.wired()
    with wired.store.unit() as unit:
        (pool,) = unit.identity_pools.list(None)
        mine = replace(pool, id=pool.id[:-1] + "2", owner="api", authenticated_role=MARKETING, mappings={}, tag_maps={})
        unit.identity_pools.put(mine)
        role = unit.roles.get("iam", "marketing")
        assert role is not None
    assert file.run("reach", "--role", "marketing", "--fail-if-wider", before).exit_code == 0
    assert file.run("reach", "--role", "marketing", "--fail-if-wider", before, "--store").exit_code == 0
    with wired.store.unit() as unit:
        unit.roles.put(replace(role, name="open", id="AROAOPEN", owner="api", trust=role.trust.replace(pool.id, mine.id)))
        unit.identity_pools.put(replace(mine, authenticated_role=MARKETING.replace("marketing", "open")))
    assert file.run("reach", "--role", "open").exit_code == 2
    done = file.run("reach", "--role", "open", "--store")
    assert done.stdout.splitlines()[1] == f"  open     the authenticated role, for {KEY}:app in identity pool {mine.id}"
    assert len(reach_role(wired.services.access.kit, "open")) == 1

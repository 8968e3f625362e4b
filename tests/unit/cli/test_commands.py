"""The commands, as an operator or a script calls them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broker.cli.root import COMMANDS
from broker.model.login import TraceLine
from broker.model.records import Trace
from broker.tokens.rotate import KeyKeeper
from tests.unit.cli.room import CLIENT, DEMO, POOL, Room

ROOT = Path(__file__).resolve().parents[3]


def test_every_command_explains_itself(room: Room) -> None:
    listed = room.run("--help")
    assert listed.exit_code == 0
    for name in COMMANDS:
        assert f"  {name} " in listed.stdout
        told = room.run(name, "--help")
        assert told.exit_code == 0
        assert len(told.stdout.splitlines()) > 5


def test_the_page_about_the_commands_is_what_they_say_themselves() -> None:
    done = subprocess.run([sys.executable, "-m", "broker.cli.reference"], capture_output=True, text=True, cwd=ROOT, check=True)
    page = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
    assert page == done.stdout, "run: python -m broker.cli.reference > docs/reference/cli.md"


def test_help_is_there_without_a_web_server_or_a_database() -> None:
    code = "import sys; from broker.cli import crossgate; crossgate.main(['version'], standalone_mode=False); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.startswith("crossgate ")
    for heavy in ("'flask'", "'sqlalchemy'", "'gunicorn'", "'lxml'", "'pydantic'"):
        assert heavy not in done.stdout


def test_check_counts_what_a_good_file_declares(room: Room) -> None:
    done = room.run("check", str(room.file))
    assert done.exit_code == 0
    assert done.stdout == f"{room.file} is valid: 1 user pool, 1 client, 1 provider, 0 resource servers, 0 groups\n"


def test_check_says_each_mistake_in_a_line_and_exits_2(room: Room) -> None:
    room.write("[server]\nworkers = 0\n" + DEMO.replace("github", "githup"))
    done = room.run("check", str(room.file))
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        f"{room.file}: [server]: workers: 0 is less than 1; give 1 or more",
    ]
    room.write(DEMO.replace("github", "githup"))
    done = room.run("check", str(room.file), "--json")
    assert done.exit_code == 2
    told = json.loads(done.stdout)
    assert told["valid"] is False
    (problem,) = told["problems"]
    assert (problem["table"], problem["key"]) == ("[[user_pool]] #1 (eu_Demo) › [[user_pool.provider]] Hub", "kind")


def test_check_warns_and_passes(room: Room) -> None:
    room.write(DEMO.replace('providers = ["Hub"]\n', ""))
    done = room.run("check", str(room.file))
    assert done.exit_code == 0
    assert "warning: " in done.stderr
    assert "nobody can sign in here" in done.stderr
    told = json.loads(room.run("check", str(room.file), "--json").stdout)
    assert [warning["key"] for warning in told["warnings"]] == ["providers"]


@pytest.mark.parametrize("words", [("apply",), ("keys", "list"), ("trace",), ("worker",), ("serve",), ("migrate",), ("backup", "x")])
def test_every_command_reports_a_missing_file_alike(words: tuple[str, ...], room: Room) -> None:
    room.file.unlink()
    done = room.run(*words)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"{room.file}: cannot be read: No such file or directory; put the file there")
    assert len(done.stderr.splitlines()) == 1


def test_a_master_key_that_cannot_be_used_is_a_line(room: Room) -> None:
    (room.folder / "crossgate.key").write_text("not a key")
    (room.folder / "crossgate.key").chmod(0o600)
    done = room.run("keys", "list")
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
    assert "crossgate.key" in done.stderr
    assert "not a key" not in done.stderr


def test_apply_twice_changes_nothing_the_second_time(room: Room) -> None:
    first = json.loads(room.run("apply", "--json").stdout)
    assert [(each["kind"], each["name"], each["action"]) for each in first["changes"]] == [
        ("user_pool", "eu_Demo", "created"),
        ("provider", "Hub", "created"),
        ("client", "app", "created"),
    ]
    second = json.loads(room.run("apply", "--json").stdout)
    assert (second["changes"], second["unchanged"]) == ([], 3)
    assert "0 changes, 3 records as before" in room.run("apply").stdout


def test_apply_disables_what_vanished_and_prunes_when_told(room: Room) -> None:
    room.run("apply")
    room.write(POOL + CLIENT.replace('"Hub"', ""))
    done = room.run("apply")
    assert done.exit_code == 0
    assert ["disabled", "eu_Demo", "provider", "Hub"] in [line.split() for line in done.stdout.splitlines()]
    done = room.run("apply", "--prune")
    assert ["deleted", "eu_Demo", "provider", "Hub"] in [line.split() for line in done.stdout.splitlines()]


def test_apply_reports_what_somebody_else_owns_and_exits_1(room: Room) -> None:
    room.run("apply")
    with room.wired().store.unit() as unit:
        record = unit.clients.get("eu_Demo", "app")
        assert record is not None
        unit.clients.put(replace(record, owner="api", name="by API"))
    done = room.run("apply")
    assert done.exit_code == 1
    assert "refused: eu_Demo: client app: it was made by API" in done.stderr


def test_keys_are_listed_rotated_and_revoked(room: Room) -> None:
    room.run("apply")
    assert "no keys yet" in room.run("keys", "list").stdout
    wired = room.wired()
    KeyKeeper(wired.store, wired.clock).ensure("eu_Demo", ("ES256",))
    before = json.loads(room.run("keys", "list", "--json").stdout)["keys"]
    assert {(key["use"], key["state"]) for key in before} == {(use, state) for use in ("id", "access") for state in ("current", "next")}
    assert "PRIVATE" not in json.dumps(before)
    rotated = json.loads(room.run("keys", "rotate", "--use", "id", "--json").stdout)["rotated"]
    (promoted,) = [key["kid"] for key in before if (key["use"], key["state"]) == ("id", "next")]
    assert [(each["use"], each["kid"]) for each in rotated] == [("id", promoted)]
    assert f"{promoted} is revoked and replaced" in room.run("keys", "revoke", promoted).stdout
    assert promoted not in room.run("keys", "list").stdout
    missing = room.run("keys", "revoke", promoted)
    assert missing.exit_code == 1
    assert "there is no key" in missing.stderr


def test_keys_rewrap_counts_what_it_sealed_anew(room: Room) -> None:
    room.run("apply")
    done = room.run("keys", "rewrap", "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["rewrapped"] >= 2


def test_a_trace_is_listed_and_told(room: Room) -> None:
    room.run("apply")
    assert "no sign-ins yet" in room.run("trace").stdout
    now = datetime.now(UTC)
    lines = (
        TraceLine(now, "authorize", "ok", {"scopes": ["openid"]}),
        TraceLine(now + timedelta(seconds=1.5), "response [bold]", "refused", {"reason": "audience_wrong"}),
    )
    trace = Trace("event-1", "eu_Demo", "app", "Hub", None, None, "refused", now, now + timedelta(days=1), lines, b"evidence")
    with room.wired().store.unit() as unit:
        unit.traces.put(trace)
    listed = room.run("trace")
    assert "event-1" in listed.stdout
    assert "refused" in listed.stdout
    told = room.run("trace", "event-1").stdout
    assert "response [bold]" in told
    assert "reason: audience_wrong" in told
    assert "1.500 s" in told
    assert "evidence" not in told
    as_json = json.loads(room.run("trace", "event-1", "--json").stdout)
    assert [line["step"] for line in as_json["lines"]] == ["authorize", "response [bold]"]
    assert room.run("trace", "--provider", "Other").stdout == "no sign-ins yet\n"
    assert room.run("trace", "event-2").exit_code == 1


def test_a_backup_is_taken_and_brought_back(room: Room) -> None:
    room.run("apply")
    copy = room.folder / "copy"
    done = room.run("backup", str(copy))
    assert done.exit_code == 0, done.stderr
    assert room.run("backup", str(copy)).exit_code == 2
    for path in room.folder.glob("crossgate.db*"):
        path.unlink()
    done = room.run("restore", str(copy))
    assert done.exit_code == 0, done.stderr
    assert "3 records as before" in room.run("apply").stdout


def test_a_store_that_is_away_is_a_line_and_exit_status_1(room: Room) -> None:
    room.write('[store]\nurl = "postgresql+psycopg://nobody:hush@127.0.0.1:1/x"\n' + DEMO)
    done = room.run("apply")
    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) == 1
    assert "hush" not in done.stderr

"""What an operator meets on a bad day, and what the audit log says of him."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from broker.errors import ConfigError
from broker.model.records import AuditEvent
from broker.system.audit import AuditLog
from broker.tokens.rotate import KeyKeeper
from tests.unit.cli.room import DEMO, Room

AUDITED = '[log]\naudit_file = "audit.jsonl"\n'


def events(room: Room) -> list[dict[str, object]]:
    return [json.loads(line) for line in (room.folder / "audit.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("words", [("keys", "list"), ("keys", "rotate"), ("trace",), ("apply",)])
def test_no_command_makes_a_store_but_migrate(words: tuple[str, ...], tmp_path: Path) -> None:
    room = Room(tmp_path)
    done = room.run(*words)
    assert (done.exit_code, done.stderr) == (2, f"{room.file}: [store]: the database has no schema yet; run: crossgate migrate\n")
    assert not list(tmp_path.glob("crossgate.db*"))
    assert room.run("migrate").exit_code == 0
    assert (tmp_path / "crossgate.db").stat().st_mode & 0o077 == 0
    assert room.run(*words).exit_code == 0


def test_a_lost_master_key_is_a_line(room: Room) -> None:
    room.run("apply")
    wired = room.wired()
    KeyKeeper(wired.store, wired.clock).ensure("eu_Demo", ("ES256",))
    (room.folder / "crossgate.key").unlink()
    done = room.run("keys", "list")
    assert done.exit_code == 2
    assert done.stderr.startswith("[seal]: sealed under master key ")
    assert done.stderr.endswith("bring the old one back, after the new one: NEW,OLD\n")
    assert len(done.stderr.splitlines()) == 1


def test_serve_says_of_a_lost_master_key_what_the_commands_say(room: Room, capfd: pytest.CaptureFixture[str]) -> None:
    from broker.cli.serve import prepare
    from broker.config import load

    room.run("apply")
    (room.folder / "crossgate.key").unlink()
    assert prepare(load(room.file, {})) == 2
    assert "[seal]: sealed under master key " in capfd.readouterr().err


def test_what_an_operator_does_is_audited(room: Room) -> None:
    room.write(AUDITED + DEMO)
    room.run("apply")
    applied = events(room)
    assert [(each["event"], each["outcome"], each["pool_id"]) for each in applied] == [("settings.applied", "ok", "eu_Demo")] * 3
    assert applied[1]["detail"] == {"kind": "provider", "name": "Hub", "action": "created", "prune": False}
    room.run("apply")
    assert len(events(room)) == 3
    wired = room.wired()
    KeyKeeper(wired.store, wired.clock).ensure("eu_Demo", ("ES256",))
    assert room.run("keys", "rotate", "--use", "id").exit_code == 0
    rotated = events(room)[-1]
    assert (rotated["event"], rotated["pool_id"], rotated["reason"]) == ("keys.rotated", "eu_Demo", "command_line")
    kid = rotated["detail"]["kid"]  # type: ignore[index]
    assert room.run("keys", "revoke", kid).exit_code == 0
    assert (events(room)[-1]["event"], events(room)[-1]["detail"]) == ("keys.revoked", {"kid": kid})
    assert room.run("keys", "rewrap").exit_code == 0
    assert events(room)[-1]["event"] == "keys.rewrapped"
    assert room.run("backup", str(room.folder / "copy")).exit_code == 0
    for each in room.folder.glob("crossgate.db*"):
        each.unlink()
    assert room.run("restore", str(room.folder / "copy")).exit_code == 0
    assert events(room)[-1]["event"] == "store.restored"


def test_an_audit_file_that_cannot_be_opened_stops_the_start(room: Room) -> None:
    room.write(AUDITED + DEMO)
    loaded_before = room.wired()
    assert loaded_before.config.log.audit_file is not None
    with pytest.raises(ConfigError, match="audit_file"):
        AuditLog(room.folder / "nowhere" / "audit.jsonl").opened()


def test_what_the_file_does_not_take_goes_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    log = AuditLog(Path("/dev/full"))
    with structlog.testing.capture_logs() as logged:
        for number in range(3):
            log.emit(AuditEvent(datetime.now(UTC), f"test.event{number}", "ok"))
    told = capfd.readouterr().err
    assert [f"test.event{number}" in told for number in range(3)] == [True] * 3
    assert [each["log_level"] for each in logged] == ["error"]


def test_a_line_that_was_cut_does_not_spoil_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, write = AuditLog(tmp_path / "audit.jsonl").opened(), os.write
    monkeypatch.setattr(os, "write", lambda fd, octets: write(fd, octets[:5]))
    log.emit(AuditEvent(datetime.now(UTC), "test.cut", "ok"))
    monkeypatch.undo()
    log.emit(AuditEvent(datetime.now(UTC), "test.whole", "ok"))
    assert json.loads((tmp_path / "audit.jsonl").read_text().splitlines()[-1])["event"] == "test.whole"

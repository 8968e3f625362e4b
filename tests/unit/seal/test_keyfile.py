"""The key file: made once, by one, for its owner's eyes."""

from __future__ import annotations

import base64
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from broker.seal import keyfile
from broker.seal.keyfile import load_keys, load_or_make

KEYS = [base64.b64encode(letter * 32).decode() for letter in (b"n", b"o")]


def private(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_the_first_start_makes_a_private_file_and_the_next_one_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "deep" / "master.key"
    made = load_or_make(path)
    assert load_or_make(path) == made
    assert len(made[0]) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (path.parent, path.parent.parent)} == {0o700}
    assert [each.name for each in path.parent.iterdir()] == ["master.key"]


def test_starts_at_the_same_moment_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    # Everybody finds no file; then everybody makes one.
    with ThreadPoolExecutor(12) as threads:
        list(threads.map(lambda _: keyfile._make(path), range(12)))
        keys = set(threads.map(lambda _: load_or_make(path), range(12)))
    assert len(keys) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["master.key"]


@pytest.mark.parametrize("text", [json.dumps({"keys": KEYS}), "\n".join(["# newest first", *KEYS, ""])])
def test_keys_are_json_or_lines_newest_first(tmp_path: Path, text: str) -> None:
    assert load_keys(private(tmp_path / "key", text)) == (b"n" * 32, b"o" * 32)


@pytest.mark.parametrize("text", ["", "{", '{"key": 1}', '{"keys": "x"}', '{"keys": [1]}', '{"keys": []}', "not base64!", "[]"])
def test_a_file_that_holds_no_keys_says_its_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="key-file"):
        load_keys(private(tmp_path / "key-file", text))


def test_a_file_that_everybody_may_read_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = private(tmp_path / "key", KEYS[0])
    path.chmod(0o604)
    with pytest.raises(ValueError, match="chmod 600"):
        load_or_make(path)
    path.chmod(0o640)
    assert load_keys(path) == (b"n" * 32,)

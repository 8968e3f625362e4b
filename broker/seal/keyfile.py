"""The master keys in a file: JSON, `{"keys": ["base64", ...]}`, newest first, or one base64 key a line.

The embedded default makes the file at first start. Two processes that start at once agree on one key: each writes a private file and
links it to the name, which succeeds for one of them alone; the other reads what the first one made.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path

from broker.seal.master import new_master_key, parse_keys


def load_or_make(path: Path) -> tuple[bytes, ...]:
    """The keys of the file, made with mode 0600 (missing parent directories 0700) if it is not there.

    Raises OSError and ValueError (unreadable content, or a file that others may read).
    """
    try:
        return load_keys(path)
    except FileNotFoundError:
        _make_directories(path.parent)
        _make(path)
        return load_keys(path)


def load_keys(path: Path) -> tuple[bytes, ...]:
    """Raises FileNotFoundError, OSError, or ValueError with words that name the file and never the keys."""
    with path.open("rb") as file:
        # A key that any local account can read protects nothing. Group access is the operator's choice (Docker secrets come with it).
        if os.fstat(file.fileno()).st_mode & 0o007:
            raise ValueError(f"{path}: others may read the master key; run: chmod 600 {path}")
        text = file.read(65_536).decode("utf-8", "replace").strip()
    try:
        return parse_keys(",".join(_entries(text)))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _entries(text: str) -> list[str]:
    if not text.startswith("{"):
        return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    try:
        keys = json.loads(text)["keys"]
    except (ValueError, KeyError):
        raise ValueError('not JSON of the form {"keys": ["base64", ...]}') from None
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ValueError('"keys" is not a list of strings')
    return keys


def _make_directories(directory: Path) -> None:
    """Every missing parent with mode 0700; those that are there keep theirs (Path.mkdir gives the mode to the last alone)."""
    for missing in reversed([each for each in (directory, *directory.parents) if not each.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)


def _make(path: Path) -> None:
    body = json.dumps({"keys": [base64.b64encode(new_master_key()).decode("ascii")]}) + "\n"
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        _sync_directory(path.parent)
    finally:
        draft.unlink()


def _sync_directory(directory: Path) -> None:
    """A key that is lost by a power cut after it sealed something would lose that too."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""What the table shares: a listener that must never be called, and a file that must never be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.saml.listener import Listener, listening
from tests.attacks.saml.stage import Stage

pytest.register_assert_rewrite("tests.attacks.saml.oracle")


@pytest.fixture(scope="session")
def _listener() -> Iterator[Listener]:
    with listening() as heard:
        yield heard


@pytest.fixture
def listener(_listener: Listener) -> Iterator[Listener]:
    """A listener whose being called fails the test."""
    _listener.calls.clear()
    yield _listener
    assert _listener.calls == []


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    """A file whose words must turn up nowhere."""
    path = tmp_path / "secret.txt"
    path.write_text("canary-in-a-file")
    return path


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """One broker for the rows that only send messages; those that move its clock or break its store take `own_stage`."""
    return Stage(tmp_path_factory.mktemp("stage"))


@pytest.fixture
def own_stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)

"""What the table shares: a listener that must never be called, and a file that must never be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.saml.listener import Listener, listening

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

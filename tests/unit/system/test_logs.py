"""Log lines go where standard error is."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from broker.system.logs import configure


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Other tests of this process log as they are used to."""
    root = logging.getLogger()
    before, kept, level = structlog.get_config(), root.handlers[:], root.level
    yield
    structlog.configure(**before)
    root.handlers[:], root.level = kept, level


def test_a_logger_outlives_the_stream_of_its_first_line(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = io.StringIO(), io.StringIO()
    kept, foreign = structlog.get_logger("outliving"), logging.getLogger("outliving")
    with monkeypatch.context() as patched:
        patched.setattr("sys.stderr", first)
        configure("info", "json")
        kept.info("one")
        foreign.warning("two")
    assert [word in first.getvalue() for word in ('"one"', "two")] == [True, True]
    first.close()
    monkeypatch.setattr("sys.stderr", second)
    kept.info("three")
    foreign.warning("four")
    assert [word in second.getvalue() for word in ('"three"', "four")] == [True, True]

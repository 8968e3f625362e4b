"""One broker a worker for all rows: each uses browsers and sign-ins of its own, and puts back what it changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.op.rig import World
from tests.fakes.oidc_op import FakeOp


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("op")
    with FakeOp() as op, FakeOp() as op2:
        op2.clients = {"client-2": "another-secret-that-is-long-enough"}
        yield World.start(folder, op, op2)


@pytest.fixture
def world(running: World) -> World:
    """The same world, with honest upstreams."""
    for op in (running.op, running.op2):
        op.reset()
        op.user = {"sub": "user-1", "email": "ada@example.com", "email_verified": True, "name": "Ada Lovelace"}
    return running

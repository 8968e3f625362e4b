"""A provider process-wide, made honest again for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks.oidc_rp.rig import Rig
from tests.fakes.oidc_op import FakeOp, SigningKey


@pytest.fixture(scope="session")
def _op() -> Iterator[FakeOp]:
    with FakeOp() as op:
        yield op


@pytest.fixture(scope="session")
def _key(_op: FakeOp) -> SigningKey:
    return _op.key


@pytest.fixture
def rig(_op: FakeOp, _key: SigningKey) -> Iterator[Rig]:
    _op.reset()
    _op.keys, _op.iss_parameter, _op.userinfo_signed = [_key], True, False
    made = Rig(_op)
    yield made
    made.tools.fetch.close()

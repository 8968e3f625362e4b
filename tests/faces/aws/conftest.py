"""One broker for all tests of a process; each makes what it needs under names of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faces.aws.stage import ACCESS, Stage
from tests.fakes.aws import AwsHouse
from tests.fakes.oidc_op import FakeOp


@pytest.fixture(scope="session")
def op() -> Iterator[FakeOp]:
    with FakeOp() as running:
        yield running


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, op: FakeOp) -> Iterator[AwsHouse]:
    with AwsHouse.open(tmp_path_factory.mktemp("aws"), ACCESS, op.issuer) as house:
        yield house


@pytest.fixture
def stage(house: AwsHouse, op: FakeOp) -> Stage:
    """A pool of this test's own."""
    return Stage.make(house, op)

"""One broker for all tests of a process; each makes what it needs under names of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faces.aws.stage import ACCESS, Stage
from tests.fakes.aws import AwsHouse
from tests.fakes.oidc_op import FakeOp


@pytest.fixture(scope="session")
def ops() -> Iterator[tuple[FakeOp, FakeOp]]:
    with FakeOp() as one, FakeOp() as two:
        yield one, two


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, ops: tuple[FakeOp, FakeOp]) -> Iterator[AwsHouse]:
    with AwsHouse.open(tmp_path_factory.mktemp("aws"), ACCESS.replace("{second}", ops[1].issuer), ops[0].issuer) as house:
        yield house


@pytest.fixture
def stage(house: AwsHouse, ops: tuple[FakeOp, FakeOp]) -> Stage:
    """A pool of this test's own."""
    return Stage.make(house, ops)

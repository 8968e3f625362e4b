"""One broker for all tests of a process; each makes what it needs under names of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.aws import AwsHouse


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsHouse]:
    with AwsHouse.open(tmp_path_factory.mktemp("aws")) as house:
        yield house

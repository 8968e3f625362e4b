"""A case of each adapter; one suite runs on all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.ports.transient import Transient
from broker.stores.versioned import VersionedStore
from tests.contract.adapters import SHARED_STORES, SHARED_TRANSIENTS, STORES, TRANSIENTS, Case, case


def opened(name: str, folder: Path) -> Iterator[Case]:
    made = case(name, folder)
    yield made
    made.close()


@pytest.fixture(params=STORES)
def durable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    yield from opened(request.param, tmp_path)


@pytest.fixture(params=SHARED_STORES)
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    yield from opened(request.param, tmp_path)


@pytest.fixture(params=TRANSIENTS)
def fleeting(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    yield from opened(request.param, tmp_path)


@pytest.fixture(params=SHARED_TRANSIENTS)
def shared_fleeting(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    yield from opened(request.param, tmp_path)


@pytest.fixture
def store(durable: Case) -> VersionedStore:
    return durable.store


@pytest.fixture
def transient(fleeting: Case) -> Transient:
    return fleeting.transient

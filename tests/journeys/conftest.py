"""A broker with a SAML identity provider in a box and a real little OpenID provider."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.broker import TestBroker
from tests.fakes.oidc_op import FakeOp
from tests.fakes.setup import TOML
from tests.journeys.house import House
from tests.journeys.receiver import Receiver


@pytest.fixture
def op() -> Iterator[FakeOp]:
    with FakeOp() as running:
        yield running


@pytest.fixture
def broker(tmp_path: Path, op: FakeOp) -> TestBroker:
    return TestBroker.start(tmp_path, TOML.replace("{issuer}", op.issuer))


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening


@pytest.fixture(scope="session")
def shared_house(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[House]:
    with FakeOp() as op:
        yield House.open(tmp_path_factory.mktemp("house"), op, receiver.url)


@pytest.fixture
def house(shared_house: House, receiver: Receiver) -> House:
    """One broker for many journeys, its upstream honest again and its receiver's memory empty."""
    shared_house.op.reset()
    shared_house.op.user = {"sub": "user-1", "email": "ada@example.com", "email_verified": True, "name": "Ada Lovelace"}
    receiver.reset()
    return shared_house

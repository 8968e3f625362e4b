"""A broker with a SAML identity provider in a box and a real little OpenID provider."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.broker import TestBroker
from tests.fakes.oidc_op import FakeOp
from tests.fakes.setup import TOML


@pytest.fixture
def op() -> Iterator[FakeOp]:
    with FakeOp() as running:
        yield running


@pytest.fixture
def broker(tmp_path: Path, op: FakeOp) -> TestBroker:
    return TestBroker.start(tmp_path, TOML.replace("{issuer}", op.issuer))

"""The parties that several modules share, each started when first asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.parties.kit.agent import Agent
from tests.parties.kit.app import UNTIL
from tests.parties.kit.process import sweep
from tests.parties.kit.simplesaml import SimpleSaml


@pytest.fixture(scope="session", autouse=True)
def nothing_left() -> Iterator[None]:
    """Whatever a failing fixture could not stop ends with the session. Under run.sh it is run.sh that sweeps."""
    yield
    if "CROSSGATE_PARTIES_RUN" not in os.environ:
        sweep()


@pytest.fixture(scope="session")
def ssp() -> Iterator[SimpleSaml]:
    """SimpleSAMLphp as identity provider."""
    with closing(SimpleSaml()) as party:
        yield party


@pytest.fixture
def agent() -> Agent:
    """A browser that knows nobody yet."""
    return Agent(UNTIL)

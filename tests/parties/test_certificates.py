"""SimpleSAMLphp changes its signing certificate, as an IT department does: announced, or over night."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.parties.kit import places
from tests.parties.kit.agent import Agent
from tests.parties.kit.app import UNTIL
from tests.parties.kit.broker import CROSSGATE, SAML_MAPPING, Broker, pool
from tests.parties.kit.simplesaml import SimpleSaml

pytestmark = pytest.mark.parties


@pytest.fixture
def rolling() -> Iterator[SimpleSaml]:
    """An identity provider of this module's own, since its keys change."""
    with closing(SimpleSaml()) as party:
        yield party


def _refused(broker: Broker) -> None:
    agent = Agent(UNTIL)
    app = broker.app("roll_File")
    page = agent.sign_in(agent.open(app.begin().url), "alice", "alicepass")
    assert page.arrived or 400 <= page.status < 500, page.shown()
    assert "code" not in page.query


def test_certificate_rollover(rolling: SimpleSaml) -> None:
    """While the metadata lists two certificates either may sign; one that it does not list is refused until the new metadata is applied."""
    rolling.announce_key()
    provider = {"name": "campus", "kind": "saml", "metadata_file": "idp.xml", "mapping": SAML_MAPPING}
    scratch = places.scratch("broker-roll")
    (scratch / "idp.xml").write_text(rolling.metadata())
    broker = Broker([pool("roll_File", [provider])], name="broker-roll", directory=scratch)
    try:
        rolling.register("roll", broker.sp_metadata("roll_File"))
        app = broker.app("roll_File")
        first = app.sign_in(Agent(UNTIL)).id_token["sub"]
        rolling.switch_key()
        assert app.sign_in(Agent(UNTIL)).id_token["sub"] == first

        rolling.switch_key()
        _refused(broker)
        (scratch / "idp.xml").write_text(rolling.metadata())
        applied = subprocess.run([CROSSGATE, "apply", "--config", str(broker.config)], capture_output=True, text=True, check=False)
        assert applied.returncode == 0, applied.stdout + applied.stderr
        assert app.sign_in(Agent(UNTIL)).id_token["sub"] == first
        assert broker.tracebacks() == []
    finally:
        broker.close()
        places.discard(scratch)

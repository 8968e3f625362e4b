"""Back-channel logouts leave by the outbox: one that nobody can deliver, or a client that hangs, holds up no other."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import jwt
import pytest

from broker.flows.backchannel import KIND, MOST_ATTEMPTS, run_outbox
from broker.model.records import Job
from metadata.errors import FetchTimeout
from metadata.fetch import Reply
from tests.fakes.broker import POOL, TestBroker
from tests.fakes.setup import TOML


class Way:
    """The way out: keeps what is posted, and does as it is told for each address."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str]] = []
        self.trouble: dict[str, Exception] = {}
        self.together = threading.Barrier(1)

    def limited(self, _limits: object) -> Way:
        return self

    def post(self, url: str, *, form: dict[str, str], **_: Any) -> Reply:
        self.together.wait(20)
        if url in self.trouble:
            raise self.trouble[url]
        self.got.append((url, form["logout_token"]))
        return Reply(200, {}, b"", url)


@pytest.fixture
def told(tmp_path: Path) -> TestBroker:
    toml = TOML.replace("{issuer}", "https://op.example")
    for name in ("app", "corponly"):
        toml = toml.replace(f'id = "{name}"\n', f'id = "{name}"\nbackchannel_logout_uri = "https://app.example/{name}"\n', 1)
    broker = TestBroker.start(tmp_path, toml)
    broker.clock.freeze()
    return broker


def owe(broker: TestBroker, job_id: str, client_id: str = "app", **payload: str) -> None:
    with broker.wired.store.unit() as unit:
        known = {"pool_id": POOL, "client_id": client_id, "sub": "somebody", "sid": "a-session"}
        unit.jobs.enqueue(Job(job_id, KIND, payload or known, broker.clock.now()))


def waiting(broker: TestBroker) -> dict[str, int]:
    """What still waits, however late, and how often it was tried."""
    with broker.wired.store.unit() as unit:
        broker.clock.advance(hours=24)
        return {job.id: job.attempts for job in unit.jobs.lease((KIND,), broker.clock.now(), 1)}


def test_a_logout_token_says_what_it_is(told: TestBroker) -> None:
    way = Way()
    owe(told, "one")
    assert run_outbox(told.wired.kit, way) == 1  # type: ignore[arg-type]
    assert jwt.get_unverified_header(way.got[0][1])["typ"] == "logout+jwt"
    assert waiting(told) == {}


def test_a_poisoned_job_is_given_up_and_takes_no_other_with_it(told: TestBroker) -> None:
    way = Way()
    way.trouble["https://app.example/corponly"] = ValueError("nobody thought of this")
    owe(told, "a nonsense", note="a payload that is none")
    owe(told, "b poisoned", "corponly")
    owe(told, "c good")
    assert run_outbox(told.wired.kit, way) == 1  # type: ignore[arg-type]
    assert [url for url, _ in way.got] == ["https://app.example/app"]
    for _ in range(MOST_ATTEMPTS - 1):
        told.clock.advance(hours=24)
        assert run_outbox(told.wired.kit, way) == 0  # type: ignore[arg-type]
    assert waiting(told) == {}


def test_the_jobs_of_one_lease_are_delivered_side_by_side(told: TestBroker) -> None:
    way = Way()
    # Each post waits until all three are under way: one after the other, they would wait for ever.
    way.together = threading.Barrier(3)
    way.trouble["https://app.example/corponly"] = FetchTimeout("The other side was too slow.")
    for name, client_id in (("slow", "corponly"), ("first", "app"), ("second", "app")):
        owe(told, name, client_id)
    assert run_outbox(told.wired.kit, way) == 2  # type: ignore[arg-type]
    assert waiting(told) == {"slow": 2}

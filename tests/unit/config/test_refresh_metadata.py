"""Metadata by address: fetched, judged, kept; a good copy outlives whatever happens at the other end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from broker import config
from broker.flows.pool.apply import apply
from broker.flows.pool.refresh_metadata import AFTER_FAILURE, LONGEST, SHORTEST, MetadataRefresher
from broker.model.records import AuditEvent
from broker.model.settings import ProviderRecord
from broker.stores.sql.migrate import migrate
from broker.wiring import build
from metadata.errors import FetchTimeout
from metadata.fetch import Reply
from tests.fakes.clock import MovableClock
from tests.fakes.saml_forge import IdpBox
from tests.fakes.saml_keys import key

URL = "https://idp.example/metadata"
FILE = f"""
[[user_pool]]
id = "eu_Demo"
[[user_pool.provider]]
name = "Acme"
kind = "saml"
metadata_url = "{URL}"
"""
IDP = IdpBox(URL, key("idp"))


class Server:
    """Answers as it is told, in place of the way out."""

    def __init__(self) -> None:
        self.answer: str | bytes | Exception = IDP.metadata()
        self.status = 200
        self.asked: list[tuple[str, bool]] = []

    def limited(self, _limits: object) -> Server:
        return self

    def get(self, url: str, *, operator_declared: bool, **_: Any) -> Reply:
        self.asked.append((url, operator_declared))
        if isinstance(self.answer, Exception):
            raise self.answer
        body = self.answer.encode() if isinstance(self.answer, str) else self.answer
        return Reply(self.status, {}, body, url)


class Events:
    def __init__(self) -> None:
        self.seen: list[AuditEvent] = []

    def emit(self, event: AuditEvent) -> None:
        self.seen.append(event)


class House:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "crossgate.toml"
        self.clock = MovableClock()
        self.clock.freeze()
        loaded = config.loads(FILE, self.path, {})
        migrate(loaded.store.url)
        self.store = build(loaded, self.clock).store
        self.server, self.events = Server(), Events()
        self.refresher = MetadataRefresher(self.store, self.clock, self.server, self.events)  # type: ignore[arg-type]
        self.apply(FILE)

    def apply(self, text: str) -> None:
        assert not apply(self.store, config.declare(config.loads(text, self.path, {})), prune=False).refused

    def record(self) -> ProviderRecord:
        with self.store.unit() as unit:
            found = unit.providers.get("eu_Demo", "Acme")
        assert found is not None
        return found


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_what_is_missing_is_fetched_at_the_start(house: House) -> None:
    (done,) = house.refresher.fetch_missing()
    assert not done.problem
    assert house.record().options["metadata"] == IDP.metadata()
    assert house.record().revision == 2
    assert house.server.asked == [(URL, True)]
    assert house.refresher.fetch_missing() == ()


def test_an_application_of_the_file_keeps_what_was_fetched(house: House) -> None:
    house.refresher.fetch_missing()
    house.apply(FILE)
    assert house.record().options["metadata"] == IDP.metadata()
    assert house.record().revision == 2
    house.apply(FILE.replace("/metadata", "/elsewhere"))
    assert "metadata" not in house.record().options


def test_the_schedule_is_six_hours_and_made_once(house: House) -> None:
    assert house.refresher.schedule() == 1
    assert house.refresher.schedule() == 0
    assert house.refresher.run_due() == 1
    assert house.refresher.run_due() == 0
    house.clock.advance(hours=5, minutes=59)
    assert house.refresher.run_due() == 0
    house.clock.advance(minutes=2)
    assert house.refresher.run_due() == 1
    assert len(house.server.asked) == 2
    assert house.record().revision == 2, "the same document is not another revision"


@pytest.mark.parametrize(
    ("attribute", "wanted"),
    [
        ('cacheDuration="PT1H"', timedelta(hours=1)),
        ('cacheDuration="P9D"', LONGEST),
        ('cacheDuration="PT1S"', SHORTEST),
        ('validUntil="{soon}"', timedelta(hours=2)),
    ],
)
def test_the_document_may_ask_for_less(attribute: str, wanted: timedelta, house: House) -> None:
    soon = (house.clock.now() + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    house.server.answer = IDP.metadata().replace(" entityID", f" {attribute.replace('{soon}', soon)} entityID", 1)
    done = house.refresher.refresh(house.record())
    assert not done.problem
    assert abs((done.due_at - house.clock.now()) - wanted) <= timedelta(seconds=1)


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (FetchTimeout("The other side was too slow."), 200, "too slow"),
        ("", 503, "status 503"),
        ("<html></html>", 200, "This is a web page"),
        (b"\xff\xfe", 200, URL),
        (IdpBox("https://evil.example/metadata", key("evil")).metadata(), 200, "another identity provider"),
    ],
    ids=["slow", "status", "page", "bytes", "another identity provider"],
)
def test_a_good_copy_outlives_a_bad_answer(answer: str | bytes | Exception, status: int, words: str, house: House) -> None:
    house.refresher.fetch_missing()
    before = house.record()
    house.server.answer, house.server.status = answer, status
    done = house.refresher.refresh(before)
    assert words in done.problem
    assert "the last good copy is kept" in done.problem
    assert done.due_at - house.clock.now() == AFTER_FAILURE
    assert house.record() == before
    assert house.events.seen[-1].outcome == "refused"


def test_a_new_key_of_the_same_idp_is_taken(house: House) -> None:
    house.refresher.fetch_missing()
    house.server.answer = replace(IDP, key=key("idp-next")).metadata()
    assert not house.refresher.refresh(house.record()).problem
    assert house.record().options["metadata"] == house.server.answer
    assert house.record().revision == 3


def test_another_idp_is_taken_only_when_the_operator_names_it(house: House) -> None:
    house.refresher.fetch_missing()
    house.server.answer = IdpBox("https://new.example/metadata", key("new")).metadata()
    assert house.refresher.refresh(house.record()).problem
    house.apply(FILE + 'entity_id = "https://new.example/metadata"\n')
    assert not house.refresher.refresh(house.record()).problem


def test_pinned_metadata_must_be_signed(house: House) -> None:
    (house.path.parent / "pin.pem").write_text(key("pin").certificate_pem)
    house.apply(FILE + 'metadata_certificate = { file = "pin.pem" }\n')
    assert house.refresher.refresh(house.record()).problem
    house.server.answer = IDP.metadata(sign_with=key("other"))
    assert house.refresher.refresh(house.record()).problem
    house.server.answer = IDP.metadata(sign_with=key("pin"))
    assert not house.refresher.refresh(house.record()).problem


def test_what_came_for_an_old_address_is_dropped(house: House) -> None:
    old = house.record()
    house.apply(FILE.replace("/metadata", "/elsewhere"))
    house.refresher.refresh(old)
    assert "metadata" not in house.record().options


def test_a_provider_that_rests_is_not_asked(house: House) -> None:
    house.refresher.schedule()
    house.apply(FILE + 'state = "disabled"\n')
    assert house.refresher.run_due() == 0
    assert house.server.asked == []
    house.apply(FILE)
    assert house.refresher.schedule() == 1, "it is scheduled again when it comes back"


def test_a_new_address_that_fails_at_first_is_asked_again_soon(house: House) -> None:
    house.refresher.schedule()
    assert house.refresher.run_due() == 1
    house.apply(FILE.replace("/metadata", "/elsewhere"))
    house.server.answer = FetchTimeout("The other side was too slow.")
    house.refresher.schedule()
    (failed,) = house.refresher.fetch_missing()
    assert failed.problem
    house.server.answer = IDP.metadata()
    house.clock.advance(minutes=11)
    assert house.refresher.run_due() == 1
    assert house.record().options["metadata"] == IDP.metadata()


def test_trouble_that_nobody_thought_of_is_one_providers_own(house: House) -> None:
    house.refresher.schedule()
    house.server.answer = ValueError("surprise")
    assert house.refresher.run_due() == 0
    assert "surprise" in house.refresher.refresh(house.record()).problem
    house.clock.advance(minutes=11)
    house.server.answer = IDP.metadata()
    assert house.refresher.run_due() == 1

"""A thousand people sign in, eight at a time, at two workers of four threads: nobody fails, and each answer belongs to one request."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from tests.parties.kit.agent import Agent
from tests.parties.kit.app import App
from tests.parties.kit.broker import Broker, pool
from tests.parties.kit.forged_idp import ForgedIdp, Reply, browser, start

pytestmark = [pytest.mark.parties, pytest.mark.timeout(480)]

POOL = "load_Pool"
LOGINS, CONCURRENCY = 1000, 8


@dataclass
class Tally:
    """What the people met."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    subjects: dict[str, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    replies: list[tuple[Agent, Reply]] = field(default_factory=list)


@pytest.fixture(scope="module")
def broker() -> Iterator[tuple[Broker, ForgedIdp]]:
    """As `crossgate serve` comes: SQLite, everything on."""
    idp = ForgedIdp()
    with closing(Broker([pool(POOL, [idp.provider()])], name="broker-load")) as party:
        yield party, idp
        assert party.tracebacks() == []


def _person(app: App, idp: ForgedIdp, tally: Tally, number: int) -> None:
    agent, began = browser(), time.monotonic()
    journey, page = start(app, agent)
    reply = idp.answer(page, f"person{number}")
    page = agent.post(reply.acs, reply.fields)
    assert page.query.get("state") == journey.state, page.shown()
    answer = app.redeem(journey, page)
    assert answer.status_code == 200, answer.text
    with tally.lock:
        tally.seconds.append(time.monotonic() - began)
        tally.subjects[f"person{number}"] = answer.json()["id_token"]
        if number % 25 == 0:
            tally.replies.append((agent, reply))


def test_a_thousand_logins(broker: tuple[Broker, ForgedIdp]) -> None:
    """Failures 0; every InResponseTo is new, is answered once, and is worth nothing a second time."""
    party, idp = broker
    app, tally = party.app(POOL), Tally()
    assert app.endpoints
    began = time.monotonic()
    with ThreadPoolExecutor(CONCURRENCY) as threads:
        list(threads.map(lambda number: _person(app, idp, tally, number), range(LOGINS)))
    seconds = time.monotonic() - began
    ordered = sorted(tally.seconds)
    print(f"\n{LOGINS} logins in {seconds:.1f} s ({LOGINS / seconds:.1f}/s); median {ordered[500]:.3f} s, 99% {ordered[990]:.3f} s")
    assert len(idp.requests) == len(set(idp.requests)) == LOGINS
    people = {app.read_id_token(token)["email"]: app.read_id_token(token)["sub"] for token in tally.subjects.values()}
    assert len(people) == len(set(people.values())) == LOGINS
    for agent, reply in tally.replies:
        page = agent.post(reply.acs, reply.fields)
        assert not page.arrived
        assert page.status == 400, page.shown()


def test_first_sign_in_eight_times_at_once(broker: tuple[Broker, ForgedIdp]) -> None:
    """Somebody new signs in by eight tabs at once: every tab gets in, as the same person."""
    party, idp = broker
    app, gate = party.app(POOL), threading.Barrier(CONCURRENCY)

    def tab(_: int) -> str:
        agent = browser()
        journey, page = start(app, agent)
        reply = idp.answer(page, "newcomer")
        gate.wait()
        return str(app.finish(journey, agent.post(reply.acs, reply.fields)).id_token["sub"])

    with ThreadPoolExecutor(CONCURRENCY) as threads:
        assert len(set(threads.map(tab, range(CONCURRENCY)))) == 1


def test_an_answer_is_bound_to_its_own_login(broker: tuple[Broker, ForgedIdp]) -> None:
    """The answer to one login, sent with the RelayState of another of the same browser, signs in to neither; the right ones still do."""
    party, idp = broker
    app, agent = party.app(POOL), browser()
    first, page = start(app, agent)
    answer_first = idp.answer(page, "first")
    second, page = start(app, agent)
    answer_second = idp.answer(page, "second")
    swapped = {**answer_first.fields, "RelayState": answer_second.fields["RelayState"]}
    page = agent.post(answer_first.acs, swapped)
    assert "code" not in page.query, page.url
    tokens = app.finish(first, agent.post(answer_first.acs, answer_first.fields))
    assert tokens.id_token["email"] == "first@corp.example"
    assert second.state != first.state


def test_an_answer_is_bound_to_its_own_browser(broker: tuple[Broker, ForgedIdp]) -> None:
    """An answer that turns up in another browser is refused there, and leaves the login to whom it belongs."""
    party, idp = broker
    app, agent = party.app(POOL), browser()
    journey, page = start(app, agent)
    reply = idp.answer(page)
    thief = browser().post(reply.acs, reply.fields)
    assert not thief.arrived
    assert thief.status == 400, thief.shown()
    assert app.finish(journey, agent.post(reply.acs, reply.fields)).id_token["email"] == "alice@corp.example"

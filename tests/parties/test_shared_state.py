"""Two brokers on two ports over one PostgreSQL and one Redis, as behind a load balancer: each finishes what the other began, and neither
loses its head when something that they lean on goes away or comes back."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass

import pytest
import requests

from tests.parties.kit.agent import Page
from tests.parties.kit.app import CALLBACK, SIGNED_OUT, App
from tests.parties.kit.balancer import Balancer
from tests.parties.kit.broker import Broker, pool
from tests.parties.kit.databases import Postgres, Redis
from tests.parties.kit.forged_idp import ForgedIdp, browser, sign_in, start

pytestmark = pytest.mark.parties

POOL = "ha_Pool"


@dataclass
class Stage:
    """Two brokers behind one address."""

    postgres: Postgres
    redis: Redis
    balancer: Balancer
    first: Broker
    second: Broker
    idp: ForgedIdp

    @property
    def app(self) -> App:
        return self.first.app(POOL)

    def to(self, broker: Broker) -> None:
        """Send the next connections to this broker."""
        self.balancer.target = broker.port

    def settle(self) -> None:
        """Wait until both are ready again."""
        until = time.monotonic() + 30
        while not (self.first.ready() and self.second.ready()):
            assert time.monotonic() < until, "the brokers did not recover"
            time.sleep(0.1)

    def people(self) -> Counter[str]:
        """How many profiles each address has."""
        rows = self.postgres.query("SELECT username FROM users")
        return Counter(str(row[0]) for row in rows)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """Everything up once; a test that breaks something mends it."""
    with ExitStack() as stack:
        postgres = stack.enter_context(closing(Postgres()))
        redis = stack.enter_context(closing(Redis()))
        balancer = stack.enter_context(closing(Balancer()))
        idp = ForgedIdp()
        shared = {"store": {"url": postgres.url}, "transient": {"url": redis.url}}
        pools = [pool(POOL, [idp.provider()])]
        key = {"seal": {"key_file": str(postgres.directory / "seal" / "master.key")}}
        first = stack.enter_context(closing(Broker(pools, name="broker-1", public_url=balancer.url, **shared, **key)))
        second = stack.enter_context(closing(Broker(pools, name="broker-2", public_url=balancer.url, **shared, **key)))
        yield Stage(postgres, redis, balancer, first, second, idp)
        assert first.tracebacks() == []
        assert second.tracebacks() == []


@pytest.fixture(autouse=True)
def at_first(stage: Stage) -> None:
    """Every test begins at the first broker, with everything well."""
    stage.settle()
    stage.to(stage.first)


def _clear(page: Page) -> None:
    """Something that a person or a program can act upon; never a bare 500."""
    assert 400 <= page.status < 500 or page.status == 503, page.shown()
    if page.status == 503:
        assert int(page.headers["retry-after"]) > 0
    kind = page.headers["content-type"]
    assert "html" in kind or "json" in kind, page.shown()
    assert b"Traceback" not in page.content


def test_each_completes_what_the_other_began(stage: Stage) -> None:
    """Authorize here, callback there, token here; refresh there, userinfo here; logout there is known here."""
    app, agent = stage.app, browser()
    journey, page = start(app, agent)
    stage.to(stage.second)
    reply = stage.idp.answer(page)
    page = agent.post(reply.acs, reply.fields)
    stage.to(stage.first)
    tokens = app.finish(journey, page)
    stage.to(stage.second)
    assert app.refresh(tokens).status_code == 200
    stage.to(stage.first)
    bearer = {"Authorization": f"Bearer {tokens.raw['access_token']}"}
    assert requests.get(app.endpoints["userinfo_endpoint"], headers=bearer, timeout=30).json()["email"] == "alice@corp.example"
    assert "code" in agent.open(app.begin(prompt="none").url).query
    stage.to(stage.second)
    assert agent.open(app.logout_url()).url.startswith(SIGNED_OUT)
    stage.to(stage.first)
    assert "login_required" in agent.open(app.begin(prompt="none").url).url


def test_one_code_raced_at_both(stage: Stage) -> None:
    """Sixteen requests bring one code to two brokers at once: it is honoured once at most, and its use twice ends the sign-in.

    Where a second one comes before the first has its answer, the first gets nothing either: somebody else has the code, too.
    """
    app, agent = stage.app, browser()
    journey, page = start(app, agent)
    reply = stage.idp.answer(page)
    page = agent.post(reply.acs, reply.fields)
    fields = {
        "grant_type": "authorization_code", "code": page.query["code"], "redirect_uri": CALLBACK, "code_verifier": journey.verifier,
    }  # fmt: skip
    gate = threading.Barrier(16)

    def redeem(broker: Broker) -> requests.Response:
        gate.wait()
        url = f"{broker.url}/{POOL}/oauth2/token"
        headers = {"Host": stage.balancer.url.removeprefix("http://")}
        return requests.post(url, data=fields, auth=(app.client_id, app.secret), headers=headers, timeout=60)

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(redeem, [stage.first, stage.second] * 8))
    statuses = Counter(answer.status_code for answer in answers)
    # None is right, too: RFC 6749 4.1.2 ends what a code used twice has made, so a winner's tokens would be worth nothing.
    assert statuses in (Counter({200: 1, 400: 15}), Counter({400: 16})), statuses
    assert {answer.json()["error"] for answer in answers if answer.status_code == 400} == {"invalid_grant"}
    for winner in (answer for answer in answers if answer.status_code == 200):
        refused = app.post("token_endpoint", grant_type="refresh_token", refresh_token=winner.json()["refresh_token"])
        assert refused.json().get("error") == "invalid_grant"


def test_one_response_raced_at_both(stage: Stage) -> None:
    """The same SAML response at both brokers at once signs in once."""
    agent = browser()
    _, page = start(stage.app, agent)
    reply = stage.idp.answer(page)
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in agent.session.cookies)
    gate = threading.Barrier(8)

    def post(broker: Broker) -> requests.Response:
        gate.wait()
        headers = {"Host": stage.balancer.url.removeprefix("http://"), "Cookie": cookies}
        url = reply.acs.replace(stage.balancer.url, broker.url)
        return requests.post(url, data=reply.fields, headers=headers, allow_redirects=False, timeout=60)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(post, [stage.first, stage.second] * 4))
    codes = [answer for answer in answers if "code=" in answer.headers.get("location", "")]
    assert len(codes) == 1, Counter(answer.status_code for answer in answers)
    assert all(answer.status_code < 500 for answer in answers)


def test_workers_killed_in_the_middle(stage: Stage) -> None:
    """kill -9 of every worker between request and answer: new ones take over, and the login that was under way is finished."""
    app, agent = stage.app, browser()
    journey, page = start(app, agent)
    killed = _kill_workers(stage.first)
    assert killed >= 2
    reply = stage.idp.answer(page)
    stage.settle()
    tokens = app.finish(journey, agent.post(reply.acs, reply.fields))
    assert tokens.id_token["email"] == "alice@corp.example"


def _kill_workers(broker: Broker) -> int:
    workers = broker.process.children()
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    return len(workers)


def test_workers_killed_under_load(stage: Stage) -> None:
    """kill -9 while sixty people sign in: whoever was cut off begins anew, nobody has two profiles, and no code is worth two tokens."""
    app = stage.app
    stop = threading.Event()

    def kill() -> None:
        while not stop.wait(1):
            _kill_workers(stage.first)
            while not stage.first.ready() and not stop.is_set():
                time.sleep(0.1)

    redeemed: list[str] = []

    def person(number: int) -> int:
        for attempt in range(1, 21):
            try:
                agent = browser()
                journey, page = start(app, agent)
                reply = stage.idp.answer(page, f"crowd{number}")
                page = agent.post(reply.acs, reply.fields)
                if not page.arrived:
                    _clear(page)
                    continue
                got = app.redeem(journey, page)
                if got.status_code == 200:
                    redeemed.append(page.query["code"])
                    again = app.redeem(journey, page)
                    assert again.status_code == 400, again.text
                    return attempt
            except requests.RequestException:
                time.sleep(0.1)
        raise AssertionError(f"person {number} never got in")

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with ThreadPoolExecutor(6) as threads:
            attempts = list(threads.map(person, range(60)))
    finally:
        stop.set()
        killer.join()
    print(f"attempts: {Counter(attempts)}")
    assert len(redeemed) == len(set(redeemed)) >= 60
    crowd = {name: count for name, count in stage.people().items() if "crowd" in name}
    assert len(crowd) == 60
    assert set(crowd.values()) == {1}
    stage.settle()
    for number in range(0, 60, 20):
        assert sign_in(app, stage.idp, browser(), f"crowd{number}").id_token["email"] == f"crowd{number}@corp.example"


def test_broker_killed_in_the_middle(stage: Stage) -> None:
    """kill -9 of a whole broker: the other one finishes its logins, and it comes back by itself on the same data."""
    app, agent = stage.app, browser()
    journey, page = start(app, agent)
    stage.first.process.kill()
    stage.to(stage.second)
    reply = stage.idp.answer(page)
    try:
        tokens = app.finish(journey, agent.post(reply.acs, reply.fields))
        assert app.refresh(tokens).status_code == 200
    finally:
        stage.first.start()
    stage.to(stage.first)
    assert app.refresh(tokens).status_code == 200


@pytest.mark.parametrize("lost", [False, True], ids=["data-kept", "data-lost"])
def test_redis_restarted(stage: Stage, lost: bool) -> None:
    """Without Redis a clear answer. With Redis back, what is durable goes on: the session and its tokens, and that a code was used. A
    login that was under way is over, and says so: what a Redis of another run holds may be older than what it has said (OA-P2.1)."""
    app = stage.app
    spent_agent, waiting_agent = browser(), browser()
    spent_journey, page = start(app, spent_agent)
    reply = stage.idp.answer(page)
    spent = spent_agent.post(reply.acs, reply.fields)
    first = app.redeem(spent_journey, spent)
    assert first.status_code == 200
    _, page = start(app, waiting_agent)
    waiting = stage.idp.answer(page)
    stage.redis.stop()
    try:
        _clear(browser().open(app.begin().url))
        away = app.post("token_endpoint", grant_type="authorization_code", code="x" * 43, redirect_uri=CALLBACK, code_verifier="v" * 43)
        assert (away.status_code, away.json()["error"]) == (503, "temporarily_unavailable"), away.text
        assert int(away.headers["retry-after"]) > 0
        assert requests.get(f"{stage.first.url}/readyz", timeout=30).status_code == 503
        if lost:
            stage.redis.lose()
    finally:
        stage.redis.start()
    stage.settle()
    silent = spent_agent.open(app.begin(prompt="none").url)
    assert "code" in silent.query, silent.shown()
    bearer = first.json()["refresh_token"]
    assert app.post("token_endpoint", grant_type="refresh_token", refresh_token=bearer).status_code == 200
    again = app.redeem(spent_journey, spent)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant"), again.text
    ended = app.post("token_endpoint", grant_type="refresh_token", refresh_token=bearer)
    assert (ended.status_code, ended.json()["error"]) == (400, "invalid_grant"), "the second use ends what the first one made"
    over = waiting_agent.post(waiting.acs, waiting.fields)
    assert (over.arrived, over.status) == (False, 400), over.shown()
    _clear(over)
    replayed = waiting_agent.post(waiting.acs, waiting.fields)
    assert not replayed.arrived
    _clear(replayed)
    assert sign_in(app, stage.idp, browser()).id_token["email"] == "alice@corp.example"


def test_postgresql_restarted(stage: Stage) -> None:
    """Without PostgreSQL a clear answer; with it back, the login that was under way is finished, without a restart of ours."""
    app, agent = stage.app, browser()
    tokens = sign_in(app, stage.idp, agent)
    journey, page = start(app, other := browser())
    reply = stage.idp.answer(page)
    stage.postgres.stop()
    try:
        time.sleep(1.5)  # the settings that workers hold for a second
        _clear(browser().open(app.begin().url))
        cut = other.post(reply.acs, reply.fields)
        _clear(cut)
        away = app.refresh(tokens)
        assert (away.status_code, away.json()["error"]) == (503, "temporarily_unavailable"), away.text
        assert int(away.headers["retry-after"]) > 0
    finally:
        stage.postgres.start()
    stage.settle()
    assert app.refresh(tokens).status_code == 200
    assert app.finish(journey, other.post(reply.acs, reply.fields)).id_token["sub"] == tokens.id_token["sub"]
    assert sign_in(app, stage.idp, browser()).id_token["sub"] == tokens.id_token["sub"]
    assert set(stage.people().values()) == {1}


def test_postgresql_restarted_between_two_requests(stage: Stage) -> None:
    """A restart that nobody notices while it happens: pooled connections are dead, and the next request works all the same."""
    app, agent = stage.app, browser()
    journey, page = start(app, agent)
    reply = stage.idp.answer(page)
    stage.postgres.stop()
    stage.postgres.start()
    tokens = app.finish(journey, agent.post(reply.acs, reply.fields))
    assert tokens.id_token["email"] == "alice@corp.example"

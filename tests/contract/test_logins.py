"""ports.store.Sessions, Keys, Traces and Jobs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.errors import Conflict
from tests.contract import samples
from tests.contract.adapters import Case
from tests.contract.samples import OTHER, POOL


def test_a_session_comes_back_until_it_ends(durable: Case) -> None:
    session = samples.session(durable.clock.now())
    with durable.store.unit() as unit:
        unit.sessions.put(session)
    with durable.store.unit() as unit:
        assert unit.sessions.get(POOL, "sid-1") == session
        assert unit.sessions.get(OTHER, "sid-1") is None
    durable.advance(3600)
    with durable.store.unit() as unit:
        assert unit.sessions.get(POOL, "sid-1") is None
        assert list(unit.sessions.of_user(POOL, "sub-1")) == []
        assert list(unit.sessions.of_upstream(POOL, "Corp", "key-1")) == []
        assert unit.sessions.end(POOL, "sid-1") is None


def test_sessions_are_found_by_user_and_by_what_the_upstream_calls_them(durable: Case) -> None:
    now = durable.clock.now()
    one = samples.session(now)
    two = samples.session(now + timedelta(seconds=1), id="sid-2", upstream_index="index-2")
    elsewhere = samples.session(now, id="sid-3", provider="Other", user_sub="sub-2")
    with durable.store.unit() as unit:
        for session in (two, one, elsewhere):
            unit.sessions.put(session)
        assert list(unit.sessions.of_user(POOL, "sub-1")) == [one, two]
        assert list(unit.sessions.of_user(OTHER, "sub-1")) == []
        assert list(unit.sessions.of_upstream(POOL, "Corp", "key-1")) == [one, two]
        assert list(unit.sessions.of_upstream(POOL, "Corp", "key-1", "index-2")) == [two]
        assert list(unit.sessions.of_upstream(POOL, "Corp", None, "index-1")) == [one]
        assert list(unit.sessions.of_upstream(POOL, "Corp", "key-2", "index-1")) == []
        assert list(unit.sessions.of_upstream(POOL, "Corp", None)) == []
        assert list(unit.sessions.of_upstream(OTHER, "Corp", "key-1")) == []


def test_a_session_is_ended_once(durable: Case) -> None:
    session = samples.session(durable.clock.now())
    with durable.store.unit() as unit:
        unit.sessions.put(session)
        assert unit.sessions.end(OTHER, "sid-1") is None
        assert unit.sessions.end(POOL, "sid-1") == session
        assert unit.sessions.end(POOL, "sid-1") is None


def test_a_session_is_put_once(durable: Case) -> None:
    session = samples.session(durable.clock.now())
    with durable.store.unit() as unit:
        unit.sessions.put(session)
    with durable.store.unit() as unit, pytest.raises(Conflict):
        unit.sessions.put(replace(session, clients=("app2",)))
    with durable.store.unit() as unit:
        assert unit.sessions.get(POOL, "sid-1") == session


def test_a_client_joins_a_session_once_and_no_session_that_has_ended(durable: Case) -> None:
    session = samples.session(durable.clock.now())
    both = replace(session, clients=("app1", "app2"))
    with durable.store.unit() as unit:
        unit.sessions.put(session)
        unit.sessions.put(replace(session, id="sid-2"))
    with durable.store.unit() as unit:
        assert unit.sessions.join(POOL, "sid-1", "app1") == session
        assert unit.sessions.join(POOL, "sid-1", "app2") == both
        assert unit.sessions.join(POOL, "sid-1", "app2") == both
        assert unit.sessions.join(OTHER, "sid-1", "app2") is None
    with durable.store.unit() as unit:
        assert unit.sessions.get(POOL, "sid-1") == both
        unit.sessions.end(POOL, "sid-1")
    with durable.store.unit() as unit:
        assert unit.sessions.join(POOL, "sid-1", "app3") is None
        assert unit.sessions.get(POOL, "sid-1") is None
    durable.advance(3600)
    with durable.store.unit() as unit:
        assert unit.sessions.join(POOL, "sid-2", "app3") is None


def test_keys_come_newest_first_without_the_revoked(durable: Case) -> None:
    now = durable.clock.now()
    old = samples.key(now, kid="old", state="retired", retired_at=now)
    current = samples.key(now + timedelta(days=1), kid="current")
    revoked = samples.key(now + timedelta(days=2), kid="revoked", state="revoked")
    with durable.store.unit() as unit:
        for key in (current, old, revoked):
            unit.keys.put(key)
        unit.keys.put(samples.key(now, pool_id=OTHER, state="revoked"))
    with durable.store.unit() as unit:
        assert list(unit.keys.list(POOL)) == [current, old]
        assert list(unit.keys.pools()) == [POOL]


@pytest.mark.parametrize("state", ["current", "next"])
def test_there_is_one_key_of_a_state_for_a_use_and_algorithm(durable: Case, state: str) -> None:
    key = samples.key(durable.clock.now(), state=state)
    with durable.store.unit() as unit:
        unit.keys.put(key)
        with pytest.raises(Conflict):
            unit.keys.put(replace(key, kid="rival"))
        for other in (replace(key, use="access"), replace(key, alg="ES256"), replace(key, pool_id=OTHER), replace(key, state="retired")):
            unit.keys.put(replace(other, kid=f"kid-{other.use}-{other.alg}-{other.state}"))
    with durable.store.unit() as unit:
        assert "rival" not in {each.kid for each in unit.keys.list(POOL)}
        assert len(unit.keys.list(POOL)) == 4
        # A turn of the wheel, in one unit: what leaves the state goes first.
        unit.keys.put(replace(key, state="retired"))
        unit.keys.put(replace(key, kid="successor"))


def test_a_key_moves_the_version_of_its_pool(durable: Case) -> None:
    before = durable.store.version(POOL)
    with durable.store.unit() as unit:
        unit.keys.put(samples.key(durable.clock.now()))
    assert durable.store.version(POOL) > before


def test_a_trace_comes_back_whole_by_its_id_and_without_evidence_in_a_list(durable: Case) -> None:
    trace = samples.trace(durable.clock.now())
    with durable.store.unit() as unit:
        unit.traces.put(trace)
    with durable.store.unit() as unit:
        assert unit.traces.get("login-1") == trace
        assert unit.traces.get("login-1", POOL) == trace
        assert unit.traces.get("login-1", OTHER) is None
        assert unit.traces.get("login-2") is None
        assert list(unit.traces.recent(POOL)) == [replace(trace, evidence=b"")]
        unit.traces.put(replace(trace, outcome="refused"))
        assert unit.traces.get("login-1") == replace(trace, outcome="refused")


def test_a_story_told_to_its_end_keeps_its_evidence(durable: Case) -> None:
    trace = samples.trace(durable.clock.now())
    with durable.store.unit() as unit:
        unit.traces.put(trace)
    told = replace(trace, outcome="code_issued", lines=(*trace.lines, *trace.lines), evidence=b"")
    with durable.store.unit() as unit:
        unit.traces.put(told)
    with durable.store.unit() as unit:
        assert unit.traces.get("login-1") == replace(told, evidence=trace.evidence)


def test_a_login_that_was_refused_before_anybody_was_known_has_its_evidence_too(durable: Case) -> None:
    trace = samples.trace(durable.clock.now(), user_sub=None, outcome="refused")
    with durable.store.unit() as unit:
        unit.traces.put(trace)
    with durable.store.unit() as unit:
        assert unit.traces.get("login-1") == trace


def test_recent_traces_are_the_newest_of_a_pool_or_provider(durable: Case) -> None:
    now = durable.clock.now()
    with durable.store.unit() as unit:
        for number, (pool_id, provider) in enumerate([(POOL, "A"), (OTHER, "A"), (POOL, "B"), (POOL, "A")]):
            at = now + timedelta(seconds=number)
            unit.traces.put(samples.trace(now, id=str(number), pool_id=pool_id, provider=provider, started_at=at))
        assert [trace.id for trace in unit.traces.recent(None)] == ["3", "2", "1", "0"]
        assert [trace.id for trace in unit.traces.recent(None, "A", 2)] == ["3", "1"]
        assert [trace.id for trace in unit.traces.recent(POOL, limit=2)] == ["3", "2"]
        assert [trace.id for trace in unit.traces.recent(POOL, "A")] == ["3", "0"]


def test_a_user_can_be_erased_from_the_traces(durable: Case) -> None:
    now = durable.clock.now()
    with durable.store.unit() as unit:
        for number, sub in enumerate(("sub-1", "sub-2", "sub-1")):
            unit.traces.put(samples.trace(now, id=str(number), user_sub=sub))
        assert unit.traces.erase_user(OTHER, "sub-1") == 0
        assert unit.traces.erase_user(POOL, "sub-1") == 2
        assert unit.traces.erase_user(POOL, "sub-1") == 0
        assert [trace.id for trace in unit.traces.recent(POOL)] == ["1"]
        assert unit.traces.get("1") == samples.trace(now, id="1", user_sub="sub-2")


def test_a_job_is_leased_to_one_worker_until_it_is_done_or_its_lease_ends(durable: Case) -> None:
    now = durable.clock.now()
    with durable.store.unit() as unit:
        unit.jobs.enqueue(samples.job(now))
        unit.jobs.enqueue(samples.job(now, id="later", due_at=now + timedelta(seconds=5)))
        unit.jobs.enqueue(samples.job(now, id="other", kind="webhook"))
        with pytest.raises(Conflict):
            unit.jobs.enqueue(samples.job(now))
    with durable.store.unit() as unit:
        assert list(unit.jobs.lease([], now, 30)) == []
        leased = list(unit.jobs.lease(["mail"], now, 30))
        assert [(job.id, job.kind, job.payload, job.attempts) for job in leased] == [("job-1", "mail", {"pool_id": POOL, "to": "ada"}, 1)]
    with durable.store.unit() as unit:
        assert list(unit.jobs.lease(["mail"], now, 30)) == []
        again = unit.jobs.lease(["mail", "webhook"], now + timedelta(seconds=30), 30)
        assert [(job.id, job.attempts) for job in again] == [("job-1", 2), ("other", 1), ("later", 1)]
        for job in again:
            unit.jobs.done(job.id)
        assert list(unit.jobs.lease(["mail", "webhook"], now + timedelta(days=1), 30)) == []


def test_a_job_is_tried_again_when_it_was_told_to(durable: Case) -> None:
    now = durable.clock.now()
    with durable.store.unit() as unit:
        for number in range(3):
            unit.jobs.enqueue(samples.job(now, id=str(number)))
        assert [job.id for job in unit.jobs.lease(["mail"], now, 30, limit=2)] == ["0", "1"]
        unit.jobs.retry("0", now + timedelta(seconds=60), "x" * 5000)
        unit.jobs.retry("gone", now, "")
        assert [job.id for job in unit.jobs.lease(["mail"], now + timedelta(seconds=59), 30)] == ["1", "2"]
        due = unit.jobs.lease(["mail"], now + timedelta(seconds=60), 30)
        assert [(job.id, job.attempts) for job in due] == [("0", 2)]
        assert abs(due[0].due_at - now - timedelta(seconds=60)) < timedelta(milliseconds=2)

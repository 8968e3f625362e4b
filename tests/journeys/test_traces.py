"""Each login keeps its trace, whichever way it ended."""

from __future__ import annotations

import json

from broker.model.records import Trace
from tests.attacks.op.test_consent import fields_of
from tests.fakes.broker import POOL, TestBroker, claims_of
from tests.fakes.oidc_op import FakeOp


def newest(broker: TestBroker) -> Trace:
    """The trace whose login began last, in a clock that stands still: the one that was not there before has the most to tell."""
    broker.clock.advance(seconds=1)
    with broker.wired.store.unit() as unit:
        return unit.traces.recent(POOL)[0]


def steps(trace: Trace) -> list[tuple[str, str]]:
    return [(line.step, line.outcome) for line in trace.lines]


def test_a_sign_in_is_told_to_its_end_and_keeps_its_evidence(broker: TestBroker) -> None:
    flow, code = broker.saml_login(broker.browser())
    event = claims_of(broker.redeem(flow, code).get_json()["id_token"])["event_id"]
    with broker.wired.store.unit() as unit:
        trace = unit.traces.get(event, POOL)
    assert trace is not None
    assert trace.outcome == "code_issued"
    assert [step for step, _ in steps(trace)][-2:] == ["profile", "code"]
    assert json.loads(trace.evidence)["attributes"]


def test_a_sign_in_out_of_a_session_has_a_trace_of_its_own(broker: TestBroker) -> None:
    browser = broker.browser()
    broker.saml_login(browser)
    flow, back = broker.begin(browser)
    event = claims_of(broker.redeem(flow, broker.code_of(flow, back)).get_json()["id_token"])["event_id"]
    with broker.wired.store.unit() as unit:
        trace = unit.traces.get(event, POOL)
    assert trace is not None
    assert (trace.outcome, trace.provider, trace.client_id) == ("code_issued", "corp", "app")
    assert trace.user_sub
    assert steps(trace) == [("authorize", "ok"), ("code", "ok")]


def test_a_silent_refusal_has_a_trace(broker: TestBroker) -> None:
    _, back = broker.begin(broker.browser(), prompt="none")
    assert "error=login_required" in back.location
    trace = newest(broker)
    assert (trace.outcome, trace.provider) == ("login_required", None)
    assert steps(trace) == [("authorize", "ok"), ("answer", "refused")]
    assert trace.lines[-1].detail["request_id"] == back.headers["X-Request-Id"]


def test_a_refused_consent_is_told_behind_the_sign_in(broker: TestBroker) -> None:
    browser = broker.browser()
    _, sent = broker.begin(browser, "partner", identity_provider="corp")
    page = browser.get(broker.post_acs(browser, broker.saml_answer(sent)).location)
    back = browser.post(f"{broker.issuer()}/consent", {**fields_of(page), "agree": "no"})
    assert back.status_code in {200, 303}
    trace = newest(broker)
    assert (trace.outcome, trace.provider) == ("access_denied", "corp")
    assert steps(trace)[-2:] == [("profile", "ok"), ("answer", "refused")]
    with broker.wired.store.unit() as unit:
        whole = unit.traces.get(trace.id)
    assert whole is not None
    assert whole.evidence


def test_a_provider_that_cannot_be_used_leaves_a_trace(broker: TestBroker, op: FakeOp) -> None:
    op.forge.discovery = lambda document: {**document, "issuer": "https://somebody.else.example"}
    _, page = broker.begin(broker.browser(), identity_provider="op")
    assert page.status_code >= 400
    trace = newest(broker)
    assert trace.provider == "op"
    assert trace.outcome == trace.lines[-1].detail["reason"]
    assert steps(trace) == [("authorize", "ok"), ("start_login", "refused")]

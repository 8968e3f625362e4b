"""What a transient store forgets, the durable one still knows: a code is honoured once."""

from __future__ import annotations

from broker.flows.logins import secret_hash
from tests.fakes.broker import TestBroker, claims_of


def test_a_code_that_comes_back_from_the_dead_is_refused_and_ends_what_it_made(broker: TestBroker) -> None:
    browser = broker.browser()
    flow, code = broker.saml_login(browser)
    name = broker.wired.kit.transient
    kept = name.get("code", secret_hash(code))
    assert kept is not None
    first = broker.redeem(flow, code)
    assert first.status_code == 200
    # A restart that brought an old copy back: the tombstone is gone, and the code is there again under another name.
    name.put("code", secret_hash("back-" + code), kept, broker.clock.now().replace(year=2040))
    again = broker.redeem(flow, "back-" + code)
    assert again.status_code == 400
    assert again.get_json()["error"] == "invalid_grant"
    family = claims_of(first.get_json()["access_token"])["origin_jti"]
    with broker.wired.store.unit() as unit:
        assert unit.refreshes.is_revoked("local_Test1", family)

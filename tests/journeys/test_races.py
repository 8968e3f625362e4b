"""What happens between a look and a write: another tab signs in, or the session ends."""

from __future__ import annotations

import pytest

from broker.directory import linking, profiles
from broker.errors import Conflict
from broker.flows import admit
from broker.flows.logout import end_session
from broker.model.users import LinkedIdentity
from broker.stores.sql.identities import SqlIdentities
from broker.tokens.claims import IssueAsk
from broker.tokens.issue import TokenIssuer, TokenSet
from tests.fakes.broker import POOL, TestBroker, claims_of


def end_all(broker: TestBroker, sub: str, *, revoke: bool) -> None:
    kit = broker.wired.kit
    pool = kit.settings.pool(POOL)
    assert pool is not None
    with kit.store.unit() as unit:
        for session in unit.sessions.of_user(POOL, sub):
            assert end_session(kit, unit, pool, session, revoke=revoke)


def test_a_first_sign_in_that_another_tab_overtakes_reaches_the_same_profile(broker: TestBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    find, overtakers = SqlIdentities.find, [1, 1]
    others: list[str] = []

    def overtaken(identities: SqlIdentities, pool_id: str, provider: str, subject_key: str) -> LinkedIdentity | None:
        found = find(identities, pool_id, provider, subject_key)
        if overtakers:
            overtakers.pop()
            flow, code = broker.saml_login(broker.browser())
            others.append(claims_of(broker.redeem(flow, code).get_json()["id_token"])["sub"])
        return found

    monkeypatch.setattr(SqlIdentities, "find", overtaken)
    flow, code = broker.saml_login(broker.browser())
    sub = claims_of(broker.redeem(flow, code).get_json()["id_token"])["sub"]
    assert set(others) == {sub}
    assert len(others) == 2


def test_a_profile_that_changes_during_a_sign_in_is_read_again(broker: TestBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    broker.saml_login(broker.browser())
    reach, overtakers = linking.reach, [1]

    def overtaken(*given: object) -> linking.Reached:
        reached = reach(*given)  # type: ignore[arg-type]
        if overtakers:
            overtakers.pop()
            assert reached.user is not None
            with broker.wired.store.unit() as unit:
                unit.users.update(reached.user)
        return reached

    monkeypatch.setattr(linking, "reach", overtaken)
    monkeypatch.setattr(profiles, "write_attributes", lambda unit, user, *_: unit.users.update(user))
    flow, code = broker.saml_login(broker.browser())
    assert broker.redeem(flow, code).status_code == 200


def test_a_conflict_that_stays_is_believed(broker: TestBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def refused(*_: object) -> None:
        tries.append(1)
        raise Conflict("taken")

    monkeypatch.setattr(linking, "reach", refused)
    browser = broker.browser()
    _, sent = broker.begin(browser, identity_provider="corp")
    back = broker.post_acs(browser, broker.saml_answer(sent))
    assert "error=" in back.location
    assert len(tries) == admit.ENTERS


def test_a_session_that_ends_before_the_code_is_not_brought_back(broker: TestBroker) -> None:
    browser = broker.browser()
    flow, code = broker.saml_login(browser)
    sub = claims_of(broker.redeem(flow, code).get_json()["id_token"])["sub"]
    kit = broker.wired.kit
    with kit.store.unit() as unit:
        stale = unit.sessions.of_user(POOL, sub)[0]
    end_all(broker, sub, revoke=False)
    with kit.store.unit() as unit:
        assert unit.sessions.join(POOL, stale.id, "spa") is None
    _, back = broker.begin(browser, prompt="none")
    assert "error=login_required" in back.location


@pytest.mark.parametrize("revoke", [True, False])
def test_a_logout_while_a_code_is_redeemed_leaves_no_tokens(broker: TestBroker, monkeypatch: pytest.MonkeyPatch, *, revoke: bool) -> None:
    issue = TokenIssuer.issue
    families: list[str] = []

    def overtaken(issuer: TokenIssuer, ask: IssueAsk) -> TokenSet:
        families.append(ask.family)
        end_all(broker, ask.user.sub, revoke=revoke)
        return issue(issuer, ask)

    flow, code = broker.saml_login(broker.browser())
    monkeypatch.setattr(TokenIssuer, "issue", overtaken)
    reply = broker.redeem(flow, code)
    assert (reply.status_code, reply.get_json()["error"]) == (400, "invalid_grant")
    with broker.wired.store.unit() as unit:
        assert unit.refreshes.is_revoked(POOL, families[0])

"""AssumeRole, chaining, and who the caller is (spec E.4, F.4, F.5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from broker.api_errors import ExpiredIdentityToken, InvalidSessionToken, NotAllowed, ValidationFailed
from broker.errors import InvalidRequest
from broker.flows.sts import identity
from broker.flows.sts.asks import Assumed, AssumeRoleAsk
from broker.flows.sts.assume_role import assume_role
from broker.flows.sts.authorize_call import authorize_call
from broker.flows.sts.callers import caller_of, check_session
from broker.flows.sts.revoke import revoke_identity
from broker.model.iam import ManagedPolicy
from broker.model.sts import Caller
from tests.fakes.access import ACCOUNT, ADMIN, POOL_A, ROOT, Access, allow, document, trust, trust_of

ASSUME = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Access:
    return Access.start(tmp_path_factory.mktemp("assume"))


def take(access: Access, caller: Caller, arn: str, **more: Any) -> Assumed:
    return assume_role(access.kit, caller, AssumeRoleAsk(arn, "chained", **more))


def session_of(access: Access, arn: str, **more: Any) -> Caller:
    """A session of a role, by the operator."""
    return access.caller(take(access, access.admin(), arn, **more).credentials)


def test_the_operator_takes_on_a_role_that_trusts_the_account(access: Access) -> None:
    arn = access.role("Ops", trust_of({"AWS": ROOT}, *ASSUME))
    got = take(access, access.admin(), arn, tags=(("Team", "blue"),), source_identity="alice", duration=43_200 // 12)
    assert got.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/Ops/chained"
    who = identity.get_caller_identity(access.kit, access.caller(got.credentials))
    assert (who.account, who.arn, who.user_id) == (ACCOUNT, got.arn, got.assumed_role_id)
    assert identity.get_caller_identity(access.kit, access.admin()).arn == ROOT
    access.change_role("Ops", trust=trust())
    with pytest.raises(NotAllowed):
        take(access, access.admin(), arn)


def test_an_external_id_is_a_condition(access: Access) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    arn = access.role("Partner", document({**statement, "Condition": {"StringEquals": {"sts:ExternalId": "4711"}}}))
    assert take(access, access.admin(), arn, external_id="4711").credentials
    for wrong in (None, "4712"):
        with pytest.raises(NotAllowed):
            take(access, access.admin(), arn, external_id=wrong)


def test_a_chain_lasts_an_hour_and_carries_what_is_transitive(access: Access) -> None:
    first = access.role("First", trust_of({"AWS": ROOT}, *ASSUME), allow(*ASSUME), max_session=43_200)
    second = access.role("Second", trust_of({"AWS": first}, *ASSUME), max_session=43_200, tags={"Floor": "3"})
    tags = (("Team", "blue"), ("Shift", "night"))
    caller = session_of(access, first, tags=tags, transitive_keys=("team",), source_identity="alice", duration=43_200)
    got = take(access, caller, second)
    assert got.source_identity == "alice"
    assert got.credentials.expires_at - access.kit.base.now() <= timedelta(hours=1)
    chained = access.caller(got.credentials).session
    assert chained is not None
    assert dict(chained.tags) == {"Team": "blue"}
    assert chained.transitive_keys == ("Team",)
    more = access.caller(take(access, caller, second, tags=(("Shift", "day"),), transitive_keys=("Shift",)).credentials).session
    assert more is not None
    assert dict(more.tags) == {"Team": "blue", "Shift": "day"}
    for wrong in ({"duration": 3601}, {"tags": (("TEAM", "red"),)}, {"source_identity": "mallory"}):
        with pytest.raises(ValidationFailed):
            take(access, caller, second, **wrong)
    assert take(access, caller, second, duration=3600, source_identity="alice").credentials


def test_the_callers_own_policies_count_where_the_trust_only_names_the_account(access: Access) -> None:
    target = access.role("Target", trust_of({"AWS": ROOT}, "sts:AssumeRole"))
    may = access.role("May", trust_of({"AWS": ROOT}, "sts:AssumeRole"), allow("sts:AssumeRole", resource=target))
    may_not = access.role("MayNot", trust_of({"AWS": ROOT}, "sts:AssumeRole"), allow("reports:Get"))
    assert take(access, session_of(access, may), target).credentials
    with pytest.raises(NotAllowed):
        take(access, session_of(access, may_not), target)
    narrowed = session_of(access, may, policy=document(allow("reports:Get")))
    with pytest.raises(NotAllowed):
        take(access, narrowed, target)


def test_a_chain_leaves_the_keys_of_the_sign_in_behind_but_not_the_identity(access: Access) -> None:
    first = access.role("Entry", trust(), allow("sts:AssumeRole"))
    second = access.role("Onward", trust_of({"AWS": ROOT}, "sts:AssumeRole"))
    caller = access.caller(access.kit.credentials.issue(access.grant(first)))
    chained = access.caller(take(access, caller, second).credentials).session
    assert chained is not None
    assert caller.session is not None
    assert not chained.federated
    assert chained.provider is None
    assert chained.identity_id == caller.session.identity_id
    revoke_identity(access.kit, str(chained.identity_id), "test")
    access.settle()
    with pytest.raises(ExpiredIdentityToken):
        check_session(access.kit, chained)


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration": 0},
        {"duration": -1},
        {"duration": 899},
        {"duration": 43_201},
        {"duration": 10**12},
        {"duration": 3601},
        {"tags": (("a" * 129, "x"),)},
        {"tags": (("a", "x" * 257),)},
        {"tags": (("", "x"),)},
        {"tags": (("AWS:x", "y"),)},
        {"tags": (("a", "1"), ("A", "2"))},
        {"tags": tuple((f"k{number}", "v") for number in range(51))},
        {"tags": (("a", "x\n"),)},
        {"transitive_keys": ("a",)},
        {"source_identity": "a"},
        {"source_identity": "aws:alice"},
        {"source_identity": "two words"},
    ],
)
def test_what_breaks_a_bound_is_refused_and_nothing_is_repaired(access: Access, wrong: dict[str, Any]) -> None:
    arn = access.role("Bounds", trust_of({"AWS": ROOT}, *ASSUME))
    assert take(access, access.admin(), arn, duration=900, tags=(("a" * 128, "x" * 256), ("b", "")), source_identity="al").credentials
    with pytest.raises(ValidationFailed):
        take(access, access.admin(), arn, **wrong)


def test_what_a_call_is_judged_by(access: Access) -> None:
    tagged = allow("reports:Get", resource="arn:aws:reports:::${aws:PrincipalTag/team}/*", StringEquals={"aws:PrincipalTag/Floor": "3"})
    arn = access.role("Reader", trust_of({"AWS": ROOT}, *ASSUME), tagged, tags={"TEAM": "red", "Floor": "3"})
    caller = session_of(access, arn, tags=(("Team", "blue"),))

    def may(action: str, resource: str, **keys: Any) -> bool:
        return authorize_call(access.kit, caller, action, resource, keys).allowed

    assert may("reports:Get", "arn:aws:reports:::blue/q3")
    assert may("REPORTS:get", "arn:aws:reports:::blue/q3")
    assert not may("reports:Get", "arn:aws:reports:::red/q3")
    assert not may("reports:Put", "arn:aws:reports:::blue/q3")
    spoof = {
        "aws:principaltag/team": "red",
        "aws:PrincipalArn": "x",
        "AWS:USERID": "y",
        "aws:TokenIssueTime": "z",
        "sts:SourceIdentity": "q",
    }
    assert not authorize_call(access.kit, caller, "reports:Get", "arn:aws:reports:::red/q3", spoof).allowed
    assert authorize_call(access.kit, caller, "reports:Get", "arn:aws:reports:::blue/q3", spoof).allowed
    with pytest.raises(InvalidRequest):
        authorize_call(access.kit, caller, "reports:Get", "*", {"aws:SourceIp": "10.0.0.1", "aws:sourceip": "10.0.0.2"})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/Keys"),
        ("aws:PrincipalAccount", ACCOUNT),
        ("aws:PrincipalType", "AssumedRole"),
        ("aws:userid", "AROAKEYSAAAAAAAAAAAAA:CognitoIdentityCredentials"),
        ("aws:FederatedProvider", "cognito-identity.amazonaws.com"),
        ("aws:SourceIdentity", "alice"),
        ("cognito-identity.amazonaws.com:aud", POOL_A),
        ("localhost:8080/identity/aaaaaaaa-1111-4111-8111-111111111111:aud", POOL_A),
        ("aws:SourceIp", "192.0.2.1"),
        ("aws:SecureTransport", "true"),
    ],
)
def test_each_context_key_is_there(access: Access, key: str, value: str) -> None:
    arn = access.role("Keys", trust(POOL_A, "authenticated", "sts:SetSourceIdentity"), allow("reports:Get", StringEquals={key: value}))
    caller = access.caller(access.kit.credentials.issue(replace(access.grant(arn), source_identity="alice")))
    around = {"aws:SourceIp": "192.0.2.1", "aws:SecureTransport": "true"}
    assert authorize_call(access.kit, caller, "reports:Get", "*", around).allowed
    access.change_role("Keys", policies={"inline": document(allow("reports:Get", StringEquals={key: value + "x"}))})
    assert not authorize_call(access.kit, caller, "reports:Get", "*", around).allowed


def test_times_are_keys_too(access: Access) -> None:
    recent = {"DateGreaterThan": {"aws:TokenIssueTime": "2020-01-01T00:00:00Z", "aws:CurrentTime": "2020-01-01T00:00:00Z"}}
    arn = access.role("Times", trust(), allow("reports:Get", **recent, NumericGreaterThan={"aws:EpochTime": "1577836800"}))
    caller = access.caller(access.kit.credentials.issue(access.grant(arn)))
    assert authorize_call(access.kit, caller, "reports:Get", "*").allowed


def test_boundaries_and_managed_policies_count_and_one_that_is_gone_denies(access: Access) -> None:
    policy = f"arn:aws:iam::{ACCOUNT}:policy/reports"
    with access.kit.base.store.unit() as unit:
        unit.managed_policies.put(ManagedPolicy("reports", document(allow("reports:*")), owner="api"))
    arn = access.role("Managed", trust(), managed=(policy,))
    caller = access.caller(access.kit.credentials.issue(access.grant(arn)))
    assert authorize_call(access.kit, caller, "reports:Get", "*").allowed
    access.change_role("Managed", boundary=policy, policies={"inline": document(allow("*"))})
    assert authorize_call(access.kit, caller, "reports:Get", "*").allowed
    assert authorize_call(access.kit, caller, "mail:Send", "*").by == "boundary"
    access.change_role("Managed", managed=(policy, policy + "x"), boundary=None)
    decision = authorize_call(access.kit, caller, "reports:Get", "*")
    assert decision.kind == "explicit_deny"
    assert "gone" in decision.policy


def test_the_operator_may_everything_and_his_temporary_credentials_no_iam(access: Access) -> None:
    assert authorize_call(access.kit, access.admin(), "iam:CreateRole", "*").allowed
    caller = access.caller(identity.get_session_token(access.kit, access.admin(), 900))
    assert caller.kind == "admin"
    assert authorize_call(access.kit, caller, "cognito-identity:ListIdentities", "*").allowed
    assert authorize_call(access.kit, caller, "sts:AssumeRole", "*").allowed
    assert not authorize_call(access.kit, caller, "iam:CreateRole", "*").allowed
    with pytest.raises(NotAllowed):
        identity.get_session_token(access.kit, caller)
    for seconds in (0, 899, 129_601):
        with pytest.raises(ValidationFailed):
            identity.get_session_token(access.kit, access.admin(), seconds)
    token = identity.get_session_token(access.kit, access.admin())
    other = replace(access.kit, admin_keys={"AKIAOTHEROTHEROTHER2": "s" * 40})
    with pytest.raises(InvalidSessionToken):
        caller_of(other, token.access_key_id, token.session_token)


def test_whose_a_key_is(access: Access) -> None:
    assert identity.get_access_key_info(access.kit, ADMIN) == ACCOUNT
    assert identity.get_access_key_info(access.kit, "ASIA" + "A" * 16) == ACCOUNT
    with pytest.raises(ValidationFailed):
        identity.get_access_key_info(access.kit, "nonsense")


def test_a_session_ends_when_it_says(access: Access) -> None:
    arn = access.role("Ends", trust_of({"AWS": ROOT}, "sts:AssumeRole"), allow("reports:Get"))
    got = take(access, access.admin(), arn, duration=900).credentials
    caller = access.caller(got)
    assert authorize_call(access.kit, caller, "reports:Get", "*").allowed
    access.broker.clock.advance(seconds=901)
    for late in (
        lambda: caller_of(access.kit, got.access_key_id, got.session_token),
        lambda: authorize_call(access.kit, caller, "reports:Get", "*"),
        lambda: identity.get_caller_identity(access.kit, caller),
        lambda: take(access, caller, arn),
    ):
        with pytest.raises(ExpiredIdentityToken):
            late()

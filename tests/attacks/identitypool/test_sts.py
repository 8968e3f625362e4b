"""IP-S1, S2 and S4, as far as our own STS answers for them. Beside each refusal stands the honest call, which is answered."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from broker.api_errors import (
    ExpiredIdentityToken,
    InvalidIdentityToken,
    InvalidPoolConfiguration,
    InvalidSessionToken,
    NotAllowed,
    PackedPolicyTooLarge,
    ValidationFailed,
)
from broker.errors import MalformedPolicy
from broker.flows.iam import roles
from broker.flows.iam.roles import RoleAsk
from broker.flows.sts import identity, revoke
from broker.flows.sts.asks import Assumed, AssumeRoleAsk
from broker.flows.sts.assume_role import assume_role
from broker.flows.sts.authorize_call import authorize_call
from broker.flows.sts.callers import caller_of
from broker.model.sts import Caller, Credentials
from tests.fakes.access import ACCOUNT, ADMIN, ADMIN_SECRET, COGNITO, GUEST, POOL_A, POOL_B, Access, allow, document, trust, trust_of

TAGS = "https://aws.amazon.com/tags"
WEB = "sts:AssumeRoleWithWebIdentity"


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Access:
    return Access.start(tmp_path_factory.mktemp("attacks"))


def take(access: Access, caller: Caller, arn: str, name: str = "app", **more: Any) -> Assumed:
    return assume_role(access.kit, caller, AssumeRoleAsk(arn, name, **more))


def federated(condition: dict[str, Any]) -> str:
    return document({"Effect": "Allow", "Principal": {"Federated": COGNITO}, "Action": WEB, "Condition": condition})


# --- IP-S1: who gets which role ----------------------------------------------------------------------------------------------------------


def test_s1_2_a_guest_does_not_get_the_role_of_people_who_signed_in(access: Access) -> None:
    signed_in, guests = access.role("SignedIn", trust()), access.role("Guests", trust(POOL_A, "unauthenticated"))
    token = access.token(access.identity(), amr=GUEST)
    assert access.assume(guests, token).subject
    with pytest.raises(NotAllowed):
        access.assume(signed_in, token)
    with pytest.raises(InvalidPoolConfiguration):
        access.kit.credentials.issue(access.grant(signed_in, amr=GUEST))
    as_guest = access.caller(access.assume(guests, token).assumed.credentials)
    with pytest.raises(NotAllowed):
        take(access, as_guest, signed_in)


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {f"{COGNITO}:aud": POOL_A}},
        {"ForAnyValue:StringLike": {f"{COGNITO}:amr": "authenticated"}},
        {"StringLike": {f"{COGNITO}:aud": "*"}, "ForAnyValue:StringLike": {f"{COGNITO}:amr": "authenticated"}},
        {"StringEqualsIfExists": {f"{COGNITO}:aud": POOL_A}, "ForAnyValue:StringLike": {f"{COGNITO}:amr": "authenticated"}},
        {"StringEquals": {f"{COGNITO}:aud": POOL_A}, "ForAnyValue:StringLike": {f"{COGNITO}:amr": "*"}},
    ],
    ids=["aud alone", "amr alone", "any aud", "aud if exists", "any amr"],
)
def test_s1_4_in_the_classic_flow_a_role_must_bind_pool_and_sign_in(access: Access, condition: dict[str, Any]) -> None:
    token = access.token(access.identity())
    assert access.assume(access.role("Bound", trust()), token).subject
    arn = access.role("Loose", federated(condition))
    with pytest.raises(NotAllowed):
        access.assume(arn, token)
    assert "classic flow" in access.audited("credentials.refused")[-1]["detail"]["why"]


def test_s1_4_without_the_classic_flow_a_token_is_worth_nothing_at_sts(access: Access) -> None:
    arn = access.role("ClassicB", trust(POOL_B))
    who = access.identity(POOL_B, 40)
    with pytest.raises(NotAllowed) as refused:
        access.assume(arn, access.token(who, POOL_B))
    assert refused.value.public == "Not authorized to perform sts:AssumeRoleWithWebIdentity"
    assert access.kit.credentials.issue(access.grant(arn, who, POOL_B)).session_token


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"StringLike": {f"{COGNITO}:aud": "eu-west-1:*"}},
        {"ForAnyValue:StringLike": {f"{COGNITO}:amr": "authenticated"}},
        {"StringEqualsIfExists": {f"{COGNITO}:aud": POOL_A}},
        {"StringEquals": {f"{COGNITO}:sub": "eu-west-1:x"}},
    ],
    ids=["no condition", "wildcard", "amr alone", "if exists", "sub"],
)
def test_s1_5_a_role_that_any_pool_could_assume_is_not_saved(access: Access, condition: dict[str, Any]) -> None:
    name = access.kit.identity_base.partition("://")[2] + "/" + POOL_A.partition(":")[2]
    for principal in (COGNITO, f"arn:aws:iam::{ACCOUNT}:oidc-provider/{name}"):
        statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"Federated": principal}, "Action": WEB}
        open_trust = document({**statement, "Condition": condition} if condition else statement)
        with pytest.raises(MalformedPolicy) as refused:
            roles.create(access.kit, access.admin(), RoleAsk("Open", open_trust))
        assert "any identity pool" in refused.value.public
    assert roles.create(access.kit, access.admin(), RoleAsk("Good", trust())).name == "Good"
    with pytest.raises(MalformedPolicy):
        roles.update_trust(access.kit, access.admin(), "Good", federated(condition or {"Bool": {"aws:SecureTransport": "true"}}))
    roles.delete(access.kit, access.admin(), "Good")


def test_s1_6_a_token_of_one_pool_opens_no_role_of_another(access: Access) -> None:
    of_a, of_b = access.role("OfA", trust(POOL_A)), access.role("OfB", trust(POOL_B))
    mine = access.identity(POOL_A, 60)
    assert access.assume(of_a, access.token(mine)).subject == mine
    with pytest.raises(NotAllowed):
        access.assume(of_b, access.token(mine))
    for confused in (
        access.token(mine, POOL_A, aud=POOL_B),
        access.token(mine, POOL_A, iss=f"{access.kit.identity_base}/{POOL_B.partition(':')[2]}", aud=POOL_B),
        access.token(mine, POOL_A, iss=f"{access.kit.identity_base}/{POOL_B.partition(':')[2]}"),
        access.token(access.identity(POOL_B, 61), POOL_A),
        access.token(mine, POOL_A, aud=None),
    ):
        with pytest.raises(InvalidIdentityToken):
            access.assume(of_b, confused)
    with pytest.raises(InvalidPoolConfiguration):
        access.kit.credentials.issue(access.grant(of_b, mine, POOL_A))


def test_s1_7_a_role_for_one_provider_takes_no_other_sign_in(access: Access) -> None:
    arn = access.role("Google", trust(POOL_A, "accounts.google.com"))
    who = access.identity(POOL_A, 70)
    assert access.assume(arn, access.token(who, amr=("authenticated", "accounts.google.com", "accounts.google.com:app:1"))).subject == who
    for amr in (GUEST, ("authenticated", "login.backend"), ()):
        with pytest.raises(NotAllowed):
            access.assume(arn, access.token(who, amr=amr))


@pytest.mark.parametrize("seconds", [0, -3600, 899, 3601, 43_201, 2**63])
def test_s1_24_no_session_outlasts_its_bounds(access: Access, seconds: int) -> None:
    arn = access.role("Hour", trust())
    token = access.token(access.identity())
    assert access.assume(arn, token, duration=3600).assumed.credentials
    with pytest.raises(ValidationFailed):
        access.assume(arn, token, duration=seconds)


def test_s1_24_a_role_of_a_short_session_gives_a_short_one(access: Access) -> None:
    arn = access.role("Quarter", trust(), max_session=900)
    now = access.kit.base.now()
    for made in (access.assume(arn, access.token(access.identity())).assumed.credentials, access.kit.credentials.issue(access.grant(arn))):
        assert (made.expires_at - now).total_seconds() < 905


def test_s1_25_what_is_gone_is_refused_at_the_next_call(access: Access) -> None:
    arn = access.role("Leaver", trust(), allow("reports:Get"))
    who = access.identity(POOL_A, 250)
    token, made = access.token(who), access.kit.credentials.issue(access.grant(arn, who))
    assert access.assume(arn, token).subject == who
    with access.kit.base.store.unit() as unit:
        found = unit.pool_identities.get(who)
        assert found is not None
        unit.pool_identities.update(replace(found, enabled=False))
    with pytest.raises(InvalidIdentityToken):
        access.assume(arn, token)
    # Credentials that are out hold until they end or are revoked: that is the bound.
    assert access.caller(made)
    revoke.revoke_identity(access.kit, who, "test")
    access.settle()
    with pytest.raises(ExpiredIdentityToken):
        access.caller(made)


@pytest.mark.parametrize(
    "name", ["a", "", "a b", "a\nb", "a\x00b", "x" * 65, "../x", "a/b", "a:b", "ä" * 3, "a\u202eb", "{}", "%0a", "a\n"], ids=ascii
)
def test_s1_26_a_session_name_goes_into_arns_and_logs_and_so_is_plain(access: Access, name: str) -> None:
    arn = access.role("Named", trust())
    token = access.token(access.identity())
    assert access.assume(arn, token, "a+=,.@-_9").assumed.arn.endswith("/a+=,.@-_9")
    with pytest.raises(ValidationFailed) as refused:
        access.assume(arn, token, name)
    assert "\n" not in refused.value.public
    source = access.token(access.identity(), **{"https://aws.amazon.com/source_identity": name or " "})
    if len(name) != 65:  # a source identity may be longer
        with pytest.raises(InvalidIdentityToken):
            access.assume(arn, source)


# --- IP-S2: tags -------------------------------------------------------------------------------------------------------------------------


def test_s2_10_tags_come_from_the_token_and_no_caller_overrides_them(access: Access) -> None:
    both = document(
        {"Effect": "Allow", "Principal": {"Federated": COGNITO}, "Action": [WEB, "sts:TagSession"], "Condition": conditions()},
    )
    arn = access.role("Tagged", both, allow("sts:*"), allow("reports:Get", StringEquals={"aws:PrincipalTag/Team": "blue"}))
    tags = {"principal_tags": {"Team": ["blue"]}, "transitive_tag_keys": ["Team"]}
    token = access.token(access.identity(), **{TAGS: tags})
    caller = access.caller(access.assume(arn, token, around={"aws:RequestTag/Team": "red"}).assumed.credentials)
    assert caller.session is not None
    assert dict(caller.session.tags) == {"Team": "blue"}
    assert authorize_call(access.kit, caller, "reports:Get", "*", {"aws:PrincipalTag/Team": "red"}).allowed
    following = access.role("Following", trust_of({"AWS": arn}, "sts:AssumeRole", "sts:TagSession"))
    assert dict(access.caller(take(access, caller, following).credentials).session.tags) == {"Team": "blue"}  # type: ignore[union-attr]
    for key in ("Team", "team", "TEAM"):
        with pytest.raises(ValidationFailed):
            take(access, caller, following, tags=((key, "red"),))


def conditions() -> dict[str, Any]:
    return {"StringEquals": {f"{COGNITO}:aud": POOL_A}, "ForAnyValue:StringLike": {f"{COGNITO}:amr": "authenticated"}}


def test_s2_11_what_does_not_fit_is_an_error_and_never_cut(access: Access) -> None:
    arn = access.role("Packed", trust(POOL_A, "authenticated", "sts:TagSession"))
    fits = {f"k{number:02}": "v" * 78 for number in range(50)}
    got = access.assume(arn, access.token(access.identity(), **{TAGS: {"principal_tags": fits}})).assumed
    assert got.packed_policy_size == 99
    assert access.caller(got.credentials).session.tags == fits  # type: ignore[union-attr]
    over = {**fits, "k00": "v" * 200}
    with pytest.raises(PackedPolicyTooLarge) as refused:
        access.assume(arn, access.token(access.identity(), **{TAGS: {"principal_tags": over}}))
    assert "%" in refused.value.public


# --- IP-S4: credentials ------------------------------------------------------------------------------------------------------------------


def made(access: Access, name: str = "Keys") -> Credentials:
    return access.kit.credentials.issue(access.grant(access.role(name, trust(), allow("reports:Get"))))


def test_s4_7_a_key_and_its_session_token_belong_together(access: Access) -> None:
    one, two = made(access), made(access)
    assert access.caller(one).kind == "session"
    assert caller_of(access.kit, ADMIN, None) == (access.admin(), ADMIN_SECRET)
    assert caller_of(access.kit, "AKIANOBODYNOBODYNOB2", None) is None
    wrong = {
        "none": (one.access_key_id, None),
        "empty": (one.access_key_id, ""),
        "another's": (one.access_key_id, two.session_token),
        "for a permanent key": (ADMIN, one.session_token),
        "empty for a permanent key": (ADMIN, ""),
        "for an unknown key": ("AKIANOBODYNOBODYNOB2", one.session_token),
        "cut": (one.access_key_id, one.session_token[:-4]),
        "changed": (one.access_key_id, ("A" if one.session_token[0] != "A" else "B") + one.session_token[1:]),
        "long": (one.access_key_id, "A" * 100_000),
        "text": (one.access_key_id, "ümlaut"),
    }
    for case, (key, token) in wrong.items():
        with pytest.raises(InvalidSessionToken) as refused:
            caller_of(access.kit, key, token)
        assert refused.value.public == "The security token included in the request is invalid.", case
    access.broker.clock.advance(seconds=3601)
    with pytest.raises(ExpiredIdentityToken):
        access.caller(one)


def test_s4_7_sessions_end_with_what_they_were_made_from(access: Access) -> None:
    arn = access.role("Ending", trust(), allow("reports:Get"))
    one = access.kit.credentials.issue(access.grant(arn))
    assert access.caller(one)
    access.change_role("Ending", enabled=False)
    with pytest.raises(InvalidSessionToken):
        access.caller(one)
    access.change_role("Ending", enabled=True)
    assert access.caller(one)
    access.change_role("Ending", id="AROAANOTHERANOTHERANO")
    with pytest.raises(InvalidSessionToken):
        access.caller(one)


def test_s4_7_revoked_sessions_are_refused_and_new_ones_are_not(access: Access) -> None:
    who = access.identity(POOL_A, 470)
    arn, other = access.role("Revoked", trust()), access.role("Untouched", trust())
    for end, spared in (
        (lambda: revoke.revoke_role(access.kit, "Revoked", "test"), access.kit.credentials.issue(access.grant(other))),
        (lambda: revoke.revoke_identity(access.kit, who, "test"), access.kit.credentials.issue(access.grant(other))),
        (lambda: revoke.revoke_all(access.kit, "test"), None),
    ):
        one = access.kit.credentials.issue(access.grant(arn, who))
        assert access.caller(one)
        access.settle()
        end()
        access.settle()
        with pytest.raises(ExpiredIdentityToken):
            access.caller(one)
        assert access.caller(access.kit.credentials.issue(access.grant(arn, who)))
        assert spared is None or access.caller(spared)
    assert len(access.audited("credentials.revoked")) >= 3


def test_s4_11_credentials_of_another_broker_are_worth_nothing_here(access: Access, tmp_path: Path) -> None:
    other = Access.start(tmp_path)
    theirs = made(other)
    assert other.caller(theirs)
    with pytest.raises(InvalidSessionToken):
        access.caller(theirs)


def test_s4_11_the_apis_are_at_the_public_host_and_not_below_a_pool(access: Access) -> None:
    form = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")]
    browser = access.broker.browser()
    here = browser.post("http://localhost:8080/", form)
    assert b"MissingAuthenticationToken" in here.data
    below = browser.post("http://localhost:8080/local_Test1/", form)
    assert below.status_code in (404, 405)


def test_s4_12_no_secret_of_issued_credentials_is_kept_or_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    access = Access.start(tmp_path)
    arn = access.role("Canary", trust(), allow("reports:Get"))
    given = [
        access.kit.credentials.issue(access.grant(arn)),
        access.assume(arn, access.token(access.identity())).assumed.credentials,
        identity.get_session_token(access.kit, access.admin()),
    ]
    for each in given:
        authorize_call(access.kit, access.caller(each), "reports:Get", "*")
    revoke.revoke_all(access.kit, "test")
    with sqlite3.connect(tmp_path / "crossgate.db") as database:
        database.execute("pragma wal_checkpoint")
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()) + caplog.text.encode()
    assert given[0].access_key_id.encode() not in kept, "the embedded issuer writes nothing; its caller tells of it"
    assert given[1].access_key_id.encode() in kept, "the audit log names the key"
    for each in given:
        assert each.secret_access_key.encode() not in kept
        assert each.session_token.encode() not in kept
        assert each.secret_access_key not in repr(each)

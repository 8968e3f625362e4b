"""F.6, D.11: who may become a role, which trust policies may be saved, and the bounds of guests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from broker.errors import MalformedPolicy
from broker.identitypool.policy.context import ContextKeys, Principal
from broker.identitypool.policy.document import Policy, compiled, parse_policy
from broker.identitypool.policy.evaluate import Policies, decide
from broker.identitypool.policy.findings import policy_warnings
from broker.identitypool.policy.scope_down import GUEST_INLINE, GUEST_MANAGED, guest_session_policies
from broker.identitypool.policy.trust import (
    ASSUME,
    SET_SOURCE_IDENTITY,
    TAG_SESSION,
    WITH_SAML,
    WITH_WEB_IDENTITY,
    Assumption,
    actions_needed,
    explain_assumption,
    fit_for_classic_flow,
    may_assume,
    refuse_open_trust,
    trust_warnings,
)
from tests.unit.identitypool.policy.asking import ACCOUNT, ROLE, SESSION, context, policy, statement, trust

COGNITO = "cognito-identity.amazonaws.com"
ISSUER = "broker.example/identity/0b9c"
POOL = Principal.federated(COGNITO, ISSUER, f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}")
TARGET = f"arn:aws:iam::{ACCOUNT}:role/target"
SIGNED_IN = {f"{COGNITO}:aud": "eu:1", f"{COGNITO}:sub": "eu:9", f"{COGNITO}:amr": ("authenticated", "op.example")}
GUEST = {**SIGNED_IN, f"{COGNITO}:amr": ("unauthenticated",)}


def trusted(*statements: dict[str, Any]) -> Policy:
    return parse_policy({"Version": "2012-10-17", "Statement": list(statements)}, "trust")


def assumed(made: Policy, principal: Principal = POOL, keys: Any = SIGNED_IN, actions: tuple[str, ...] = (WITH_WEB_IDENTITY,)) -> bool:
    return may_assume(Assumption(TARGET, ("trust", made)), principal, actions, keys).allowed


def test_a_token_of_the_pool_may_become_the_role() -> None:
    decision = may_assume(Assumption(TARGET, ("trust", trusted(trust(Sid="Web")))), POOL, (WITH_WEB_IDENTITY,), SIGNED_IN)
    assert (decision.kind, decision.by, decision.sid) == ("allow", "trust", "Web")


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({**SIGNED_IN, f"{COGNITO}:aud": "eu:2"}, "row IP-S1.6: another pool"),
        (GUEST, "rows IP-S1.2 and IP-S1.7: a guest"),
        ({f"{COGNITO}:amr": ("authenticated",)}, "no aud at all"),
        ({f"{COGNITO}:aud": "eu:1"}, "no amr at all"),
        ({**SIGNED_IN, f"{COGNITO}:aud": ("eu:1", "eu:2")}, "several audiences"),
        ({}, "nothing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_token_may_not(keys: Any, why: str) -> None:
    assert assumed(trusted(trust()))
    assert not assumed(trusted(trust()), keys=keys), why


@pytest.mark.parametrize(
    ("named", "principal", "matches"),
    [
        (COGNITO, POOL, True),
        (f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}", POOL, True),
        (ISSUER, POOL, True),
        ("broker.example/identity/other", POOL, False),
        (f"arn:aws:iam::{ACCOUNT}:saml-provider/Acme", Principal.federated(f"arn:aws:iam::{ACCOUNT}:saml-provider/Acme"), True),
        (f"arn:aws:iam::{ACCOUNT}:saml-provider/Acme", Principal.federated(f"arn:aws:iam::{ACCOUNT}:saml-provider/acme"), False),
        ("accounts.google.com", Principal.federated("accounts.google.com"), True),
        (COGNITO, SESSION, False),
        ("*", Principal.federated("accounts.google.com"), True),
        (COGNITO, Principal.service(COGNITO), False),
    ],
)
def test_the_principal_must_match(named: str, principal: Principal, matches: bool) -> None:
    made = trusted(trust(Principal={"Federated": named}, Action="sts:*", Condition=None))
    assert assumed(made, principal) is matches


def test_a_service_and_everybody() -> None:
    events = Principal.service("events.amazonaws.com")
    made = trusted(trust(Principal={"Service": "events.amazonaws.com"}, Action=ASSUME, Condition=None))
    assert assumed(made, events, {}, (ASSUME,))
    assert not assumed(made, Principal.service("other.amazonaws.com"), {}, (ASSUME,))
    assert assumed(trusted(trust(Principal="*", Action=ASSUME, Condition=None)), events, {}, (ASSUME,))
    assert not assumed(trusted(trust(Principal={"AWS": "*"}, Action=ASSUME, Condition=None)), events, {}, (ASSUME,))


def test_tags_and_source_identity_need_rights_of_their_own() -> None:
    tagged = actions_needed(WITH_WEB_IDENTITY, tags=True, source_identity=False)
    full = actions_needed(WITH_WEB_IDENTITY, tags=True, source_identity=True)
    assert tagged == (WITH_WEB_IDENTITY, TAG_SESSION)
    assert full == (WITH_WEB_IDENTITY, TAG_SESSION, SET_SOURCE_IDENTITY)
    assert actions_needed(WITH_SAML, tags=False, source_identity=False) == (WITH_SAML,)
    plain = trusted(trust())
    with_tags = trusted(trust(Action=[WITH_WEB_IDENTITY, TAG_SESSION]))
    with_all = trusted(trust(Action=[WITH_WEB_IDENTITY, TAG_SESSION]), trust(Action=SET_SOURCE_IDENTITY))
    assert [assumed(made, actions=tagged) for made in (plain, with_tags, with_all)] == [False, True, True]
    assert [assumed(made, actions=full) for made in (plain, with_tags, with_all)] == [False, False, True]
    refused = may_assume(Assumption(TARGET, ("trust", plain)), POOL, tagged, SIGNED_IN)
    assert refused.context.action == TAG_SESSION
    # Each action is judged by itself: the right to tag is none to become.
    assert not assumed(trusted(trust(Action=TAG_SESSION)), actions=tagged)
    assert not assumed(with_all, actions=())


def with_tags(tags: dict[str, str]) -> ContextKeys:
    """The keys of a request that passes tags."""
    return ContextKeys({**SIGNED_IN, **{f"aws:RequestTag/{key}": value for key, value in tags.items()}, "aws:TagKeys": tuple(tags)})


def test_which_tags_may_be_set() -> None:
    condition = {"StringEquals": {"aws:RequestTag/team": ["red", "blue"]}, "ForAllValues:StringEquals": {"aws:TagKeys": ["team", "cost"]}}
    made = trusted(trust(), trust(Action=TAG_SESSION, Condition=condition))
    both = (WITH_WEB_IDENTITY, TAG_SESSION)
    for tags, allowed in [
        ({"team": "red"}, True), ({"team": "blue", "cost": "1"}, True), ({"team": "green"}, False), ({"team": "red", "admin": "x"}, False),
        ({"cost": "1"}, False), ({"Team": "red"}, False),  # aws:TagKeys are values, and the case of values counts
    ]:  # fmt: skip
        assert assumed(made, keys=with_tags(tags), actions=both) is allowed, tags


def test_a_deny_overrides() -> None:
    deny = trust(Effect="Deny", Condition={"ForAnyValue:StringEquals": {f"{COGNITO}:amr": "op.example"}})
    assert assumed(trusted(trust()))
    assert not assumed(trusted(trust(), deny))


def test_role_chaining() -> None:
    """An account's name only delegates: the caller's own policies must allow as well."""
    named = trusted(trust(Principal={"AWS": ROLE}, Action=ASSUME, Condition=None))
    delegated = trusted(trust(Principal={"AWS": ACCOUNT}, Action=ASSUME, Condition=None))
    other = trusted(trust(Principal={"AWS": "222222222222"}, Action=ASSUME, Condition=None))
    may = [("may", policy(statement(Action="sts:AssumeRole", Resource=TARGET)))]
    may_not = [("not", policy(statement(Effect="Deny", Action="sts:*")))]

    def chain(made: Policy, **caller: Any) -> str:
        decision = may_assume(Assumption(TARGET, ("trust", made), Policies(**caller)), SESSION, (ASSUME,), {})
        return decision.kind if decision.allowed else f"{decision.kind} {decision.by}"

    assert chain(named) == "allow"
    assert chain(named, session=[("s", policy(statement(Action="s3:*")))]) == "implicit_deny session"
    assert chain(delegated) == "implicit_deny identity"
    assert chain(delegated, identity=may) == "allow"
    assert chain(other, identity=may) == "implicit_deny trust"
    assert chain(named, identity=may_not) == "explicit_deny identity"


def test_an_explanation_covers_every_action() -> None:
    assumption = Assumption(TARGET, ("trust", trusted(trust())))
    first, second = explain_assumption(assumption, POOL, (WITH_WEB_IDENTITY, TAG_SESSION), GUEST)
    assert first.decision.reason == f"no trust policy allows {WITH_WEB_IDENTITY}"
    assert 'wants "authenticated", and the request has "unauthenticated"' in first.steps[0].words
    assert second.steps[0].failed == "action"


AUD = {f"{COGNITO}:aud": "eu:1"}
AMR = {f"{COGNITO}:amr": "authenticated"}
SAFE_AMR = {"ForAnyValue:StringLike": AMR}


@pytest.mark.parametrize(
    ("changed", "level"),
    [
        ({}, None),
        ({"Condition": {"StringEquals": AUD}}, "warn"),
        ({"Condition": {"StringEquals": AUD, "StringLike": AMR}}, "warn"),
        ({"Condition": {"StringEquals": AUD, "ForAllValues:StringEquals": AMR}}, "warn"),
        ({"Condition": {"StringEquals": AUD, "ForAnyValue:StringLikeIfExists": AMR}}, "warn"),
        ({"Condition": {"StringEquals": AUD, "ForAnyValue:StringLike": {f"{COGNITO}:amr": "*authenticated"}}}, "warn"),
        ({"Condition": {"StringEquals": AUD, "ForAnyValue:StringLike": {f"{COGNITO}:amr": ["authenticated", "un*"]}}}, "warn"),
        ({"Condition": {"StringEquals": AUD, "ForAnyValue:StringEquals": {f"{COGNITO}:amr": "unauthenticated"}}}, None),
        ({"Condition": {"StringEquals": AUD, "ForAnyValue:StringLike": {f"{COGNITO}:amr": "op.example*"}}}, None),
        ({"Condition": None}, "refuse"),
        ({"Condition": {}}, "refuse"),
        ({"Condition": SAFE_AMR}, "refuse"),
        ({"Condition": {"StringLike": {f"{COGNITO}:aud": "*"}, **SAFE_AMR}}, "refuse"),
        ({"Condition": {"StringLike": {f"{COGNITO}:aud": ["eu:1", "eu:*"]}, **SAFE_AMR}}, "refuse"),
        ({"Condition": {"StringLike": {f"{COGNITO}:aud": "eu:?"}, **SAFE_AMR}}, "refuse"),
        ({"Condition": {"StringEquals": {f"{COGNITO}:aud": "*"}, **SAFE_AMR}}, "refuse"),
        ({"Condition": {"StringEquals": {f"{COGNITO}:aud": f"${{{COGNITO}:aud}}"}, **SAFE_AMR}}, "refuse"),
        ({"Condition": {"StringEqualsIfExists": AUD, **SAFE_AMR}}, "refuse"),
        ({"Condition": {"ForAllValues:StringEquals": AUD, **SAFE_AMR}}, "refuse"),
        ({"Condition": {"StringNotEquals": AUD, **SAFE_AMR}}, "refuse"),
        ({"Condition": {"Null": {f"{COGNITO}:aud": "false"}, **SAFE_AMR}}, "refuse"),
        ({"Condition": {"StringEquals": {f"{COGNITO}:audience": "eu:1"}, **SAFE_AMR}}, "refuse"),
        ({"Condition": {"StringEquals": {"COGNITO-identity.amazonaws.com:AUD": "eu:1"}, **SAFE_AMR}}, None),
        ({"Condition": {"StringEquals": {f"{ISSUER}:aud": "eu:1"}, **SAFE_AMR}}, None),
        ({"Condition": {"StringEquals": {"stranger.example:aud": "eu:1"}, **SAFE_AMR}}, "refuse"),
        ({"Principal": "*", "Condition": None}, "refuse"),
        ({"Principal": {"Federated": "*"}, "Condition": None}, "refuse"),
        ({"Principal": {"Federated": ["accounts.google.com", COGNITO]}, "Condition": None}, "refuse"),
        ({"Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"}, "Condition": None}, "refuse"),
        ({"Action": "sts:*", "Condition": None}, "refuse"),
        ({"Action": None, "NotAction": "s3:*", "Condition": None}, "refuse"),
        ({"Principal": {"Federated": "accounts.google.com"}, "Condition": None}, None),
        ({"Principal": {"AWS": "*"}, "Action": "sts:AssumeRole", "Condition": None}, None),
        ({"Action": TAG_SESSION, "Condition": None}, None),
        ({"Effect": "Deny", "Condition": None}, None),
    ],
    ids=str,
)
def test_open_doors_are_found_when_the_policy_is_saved(changed: dict[str, Any], level: str | None) -> None:
    """Rows IP-S1.4 and IP-S1.5."""
    made = trusted(trust(Sid="Door", **changed))
    findings = trust_warnings(made, (ISSUER,))
    assert [finding.level for finding in findings] == ([level] if level else [])
    assert fit_for_classic_flow(made, (ISSUER,)) is (level is None)
    if level == "refuse":
        with pytest.raises(MalformedPolicy, match=r"Statement 0 \(Door\).*lets any identity pool assume the role"):
            refuse_open_trust(made, (ISSUER,))
    else:
        refuse_open_trust(made, (ISSUER,))


@pytest.mark.parametrize("case", range(2))
def test_what_was_found_open_is_open(case: int) -> None:
    """The finding is no pedantry: a stranger's pool comes in by such a door, and not by a bound one."""
    stranger = {f"{COGNITO}:aud": "eu:666", f"{COGNITO}:amr": ("authenticated",)}
    condition = ({"StringEquals": {f"{COGNITO}:aud": f"${{{COGNITO}:aud}}"}, **SAFE_AMR}, SAFE_AMR)[case]
    assert assumed(trusted(trust(Condition=condition)), keys=stranger)
    assert not assumed(trusted(trust()), keys=stranger)


def test_the_default_bounds_of_guests() -> None:
    """Row IP-S1.3: the role and either of the two must allow."""
    assert json.loads(GUEST_INLINE)["Version"] == json.loads(GUEST_MANAGED)["Version"] == "2012-10-17"
    bounds = [("inline", compiled(GUEST_INLINE, "session")), ("managed", compiled(GUEST_MANAGED, "managed"))]
    role = [("role", policy(statement()))]
    for action, allowed in [
        ("s3:GetObject", True), ("dynamodb:Query", True), ("sagemaker:InvokeEndpoint", True), ("kms:Decrypt", True),
        ("kms:ReEncryptFrom", True), ("geo:GetMapTile", True), ("rum:PutRumEvents", True), ("sagemaker:CreateModel", False),
        ("kms:CreateKey", False), ("iam:CreateUser", False), ("sts:AssumeRole", False), ("geo:DeleteMap", False),
    ]:  # fmt: skip
        assert decide(context(action), identity=role, session=bounds).allowed is allowed, action
        assert not decide(context(action), identity=(), session=bounds).allowed


def test_a_pool_may_have_bounds_of_its_own() -> None:
    assert guest_session_policies(None, None) == (GUEST_INLINE, GUEST_MANAGED)
    assert guest_session_policies("{}", None) == ("{}",)
    assert guest_session_policies("{}", "{1}") == ("{}", "{1}")
    assert guest_session_policies(None, "{}") == (GUEST_INLINE, "{}")


@pytest.mark.parametrize(
    ("condition", "effect", "words"),
    [
        ({"StringEquals": {"aws:TagKeys": "a"}}, "Allow", "never holds"),
        ({"StringLikeIfExists": {f"{COGNITO}:amr": "a"}}, "Deny", "never holds"),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}, "Allow", "also allows requests without the key"),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": "a"}, "Null": {"aws:TagKeys": "true"}}, "Allow", "also allows"),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": "a"}, "Null": {"AWS:tagkeys": False}}, "Allow", ""),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": "a"}, "ForAnyValue:StringLike": {"aws:TagKeys": "*"}}, "Allow", ""),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}, "Deny", ""),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}, "Null": {f"{COGNITO}:amr": "false"}}, "Allow", ""),
        ({"StringEquals": {"aws:PrincipalTag/a": "b"}}, "Allow", ""),
    ],
    ids=str,
)
def test_conditions_that_do_not_do_what_they_say(condition: dict[str, Any], effect: str, words: str) -> None:
    findings = policy_warnings(policy(statement(Sid="S", Effect=effect, Condition=condition)))
    assert [(finding.level, finding.statement, finding.sid) for finding in findings] == ([("warn", 0, "S")] if words else [])
    assert all(words in finding.words for finding in findings)

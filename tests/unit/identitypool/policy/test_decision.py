"""F.5: the order of decision, what a decision carries, its words and its explanation."""

from __future__ import annotations

from typing import Any

import pytest

from broker.errors import InvalidRequest
from broker.identitypool.policy.context import ANONYMOUS, ContextKeys, Principal, RequestContext
from broker.identitypool.policy.document import parse_policy
from broker.identitypool.policy.evaluate import Named, Policies, decide, judge
from broker.identitypool.policy.explain import explain
from broker.identitypool.policy.words import not_authorized, refusal
from tests.unit.identitypool.policy.asking import ACCOUNT, OBJECT, ROLE, SESSION, ask, context, policy, statement

YES: list[Named] = [("yes", policy(statement(Sid="Yes")))]
OTHER_THING: list[Named] = [("else", policy(statement(Action="sqs:*")))]
NO: list[Named] = [("else", policy(statement(Action="sqs:*"))), ("no", policy(statement(), statement(Sid="No", Effect="Deny")))]


def resource(principal: Any, **changed: Any) -> Named:
    made = {"Version": "2012-10-17", "Statement": [statement(Principal=principal, **changed)]}
    return ("bucket", parse_policy(made, "resource"))


def test_nothing_allows_by_itself() -> None:
    decision = decide(context(), identity=())
    assert (decision.kind, decision.by, decision.statement) == ("implicit_deny", "identity", None)
    assert decide(context(), identity=YES).allowed


def test_a_decision_carries_its_statement() -> None:
    decision = decide(context(), identity=[*OTHER_THING, *YES])
    assert (decision.kind, decision.by, decision.policy, decision.statement, decision.sid) == ("allow", "identity", "yes", 0, "Yes")
    assert decision.reason == "statement 0 (Yes) of identity policy yes allows s3:GetObject"
    denied = decide(context(), identity=[*YES, *NO])
    assert (denied.kind, denied.by, denied.policy, denied.statement, denied.sid) == ("explicit_deny", "identity", "no", 1, "No")


@pytest.mark.parametrize("place", ["identity", "session", "boundary", "control", "resource"])
def test_a_deny_anywhere_denies(place: str) -> None:
    everywhere = {"identity": YES, "session": YES, "boundary": YES[0], "control": YES, "resource": resource({"AWS": SESSION.arn})}
    assert judge(context(), Policies(**everywhere)).allowed  # type: ignore[arg-type]
    deny = {"session": NO, "identity": NO, "control": NO, "boundary": NO[1], "resource": resource("*", Effect="Deny")}[place]
    decision = judge(context(), Policies(**{**everywhere, place: deny}))  # type: ignore[arg-type]
    assert (decision.kind, decision.by) == ("explicit_deny", place)


@pytest.mark.parametrize("place", ["session", "boundary", "control"])
def test_every_bound_must_allow(place: str) -> None:
    bound = OTHER_THING[0] if place == "boundary" else OTHER_THING
    decision = judge(context(), Policies(YES, **{place: bound}))  # type: ignore[arg-type]
    assert (decision.kind, decision.by, decision.statement) == ("implicit_deny", place, None)
    assert judge(context(), Policies(YES, **{place: YES[0] if place == "boundary" else YES})).allowed  # type: ignore[arg-type]
    # A bound gives nothing by itself.
    assert judge(context(), Policies((), **{place: YES[0] if place == "boundary" else YES})).by == "identity"  # type: ignore[arg-type]


def test_session_policies_are_one_set() -> None:
    """Inline and managed together: either may allow (row IP-S1.3)."""
    assert decide(context(), identity=YES, session=[*OTHER_THING, *YES]).allowed
    assert decide(context(), identity=YES, session=[*YES, *NO]).kind == "explicit_deny"
    assert decide(context(), identity=YES, session=[]).allowed
    assert decide(context(), identity=YES, session=None).allowed


@pytest.mark.parametrize(
    ("principal", "alone", "beyond_session"),
    [
        ({"AWS": SESSION.arn}, True, True),
        ({"AWS": ROLE}, True, False),
        ("*", True, False),
        ({"AWS": "*"}, True, False),
        ({"AWS": ACCOUNT}, False, False),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, False, False),
        ({"AWS": "arn:aws:iam::111111111111:role/Reader"}, False, False),
        ({"AWS": SESSION.arn + "x"}, False, False),
        ({"Federated": "*"}, False, False),
        ({"Service": "s3.amazonaws.com"}, False, False),
    ],
    ids=str,
)
def test_what_a_resource_policy_gives(principal: Any, alone: bool, beyond_session: bool) -> None:
    given = resource(principal)
    assert decide(context(), identity=(), resource=given).allowed is alone
    assert decide(context(), identity=(), resource=given, session=OTHER_THING).allowed is beyond_session
    assert decide(context(), identity=(), resource=given, boundary=OTHER_THING[0]).allowed is beyond_session
    assert decide(context(), identity=YES, resource=given).allowed
    assert decide(context(), identity=YES, resource=given, session=YES).allowed


def test_the_closest_name_counts() -> None:
    both = parse_policy(
        {"Statement": [statement(Principal={"AWS": ROLE}), statement(Principal={"AWS": SESSION.arn}), statement(Principal="*")]}, "resource"
    )
    decision = decide(context(), identity=(), resource=("b", both), session=OTHER_THING)
    assert decision.allowed
    assert (decision.by, decision.statement) == ("resource", 1)


@pytest.mark.parametrize(
    ("listed", "spared"),
    [(ROLE, True), (SESSION.arn, True), ("*", True), (ACCOUNT, False), (f"arn:aws:iam::{ACCOUNT}:role/other", False)],
)
def test_not_principal_spares_whom_it_names(listed: str, spared: bool) -> None:
    """An account's name spares none of its callers."""
    guard = ("b", parse_policy({"Statement": statement(Effect="Deny", NotPrincipal={"AWS": listed})}, "resource"))
    assert decide(context(), identity=YES, resource=guard).allowed is spared


def test_two_accounts_need_both_sides() -> None:
    away = context(resource="arn:aws:s3::222222222222:bucket")
    named = resource({"AWS": ROLE})
    assert decide(away, identity=YES, resource=named).allowed
    assert decide(away, identity=YES, resource=resource({"AWS": ACCOUNT})).allowed
    assert decide(away, identity=(), resource=named).by == "identity"
    assert decide(away, identity=YES, resource=resource({"AWS": "222222222222"})).by == "resource"
    assert decide(away, identity=YES).by == "resource"
    itself = resource({"AWS": SESSION.arn})
    assert decide(away, identity=YES, resource=itself).allowed
    assert decide(away, identity=(), resource=itself).by == "identity"
    assert decide(away, identity=YES, resource=itself, session=OTHER_THING).by == "session"
    assert decide(away, identity=YES, resource=itself, boundary=OTHER_THING[0]).by == "boundary"
    assert decide(context(resource=f"arn:aws:s3::{ACCOUNT}:bucket"), identity=YES).allowed


def test_nobody_gets_what_everybody_gets() -> None:
    stranger = RequestContext("s3:GetObject", OBJECT, ANONYMOUS)
    assert decide(stranger, identity=(), resource=resource("*")).allowed
    assert decide(stranger, identity=(), resource=resource({"AWS": "*"})).allowed
    assert not decide(stranger, identity=(), resource=resource({"AWS": ACCOUNT})).allowed


def test_a_user_is_named_by_its_arn() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:user/ops"
    operator = RequestContext("s3:GetObject", OBJECT, Principal.user(arn, ACCOUNT))
    assert decide(operator, identity=(), resource=resource({"AWS": arn})).allowed
    assert not decide(operator, identity=(), resource=resource({"AWS": f"{arn}2"})).allowed


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        (decide(context(), identity=()), "because no identity-based policy allows the s3:GetObject action"),
        (decide(context(), identity=YES, boundary=OTHER_THING[0]), "because no permissions boundary allows the s3:GetObject action"),
        (decide(context(), identity=YES, session=OTHER_THING), "because no session policy allows the s3:GetObject action"),
        (judge(context(), Policies(YES, control=OTHER_THING)), "because no service control policy allows the s3:GetObject action"),
        (decide(context(), identity=NO), "with an explicit deny in an identity-based policy"),
        (decide(context(), identity=YES, boundary=NO[1]), "with an explicit deny in a permissions boundary"),
        (decide(context(), identity=YES, session=NO), "with an explicit deny in a session policy"),
        (decide(context(), identity=YES, resource=resource("*", Effect="Deny")), "with an explicit deny in a resource-based policy"),
    ],
)
def test_the_sentences_of_aws(decision: Any, words: str) -> None:
    user = f"User: arn:aws:sts::{ACCOUNT}:assumed-role/Reader/ada is not authorized to perform: s3:GetObject on resource: {OBJECT}"
    assert refusal(decision) == f"{user} {words}"


def test_an_allow_has_no_words_of_refusal() -> None:
    with pytest.raises(ValueError, match="not refused"):
        refusal(decide(context(), identity=YES))
    assert not_authorized("sts:AssumeRoleWithSAML") == "Not authorized to perform sts:AssumeRoleWithSAML"


@pytest.mark.parametrize(
    ("changed", "keys", "failed", "words"),
    [
        ({"Action": "sqs:*"}, {}, "action", 'Action "sqs:*" does not cover "s3:GetObject"'),
        ({"Resource": "arn:aws:s3:::other"}, {}, "resource", f'Resource "arn:aws:s3:::other" does not cover "{OBJECT}"'),
        ({"Resource": "arn:aws:s3:::${aws:x}"}, {}, "resource", 'no value for the variable of "arn:aws:s3:::${aws:x}"'),
        (
            {"Condition": {"StringEquals": {"t:a": ["x", "y"]}}},
            {},
            "condition",
            'StringEquals "t:a" wants "x", "y", and the request has no such key',
        ),
        ({"Condition": {"StringEquals": {"t:a": "x"}}}, {"t:a": "\u212a\n"}, "condition", 'and the request has "\\u212a\\n"'),
        ({"Condition": {"StringEquals": {"t:a": "x"}}}, {"t:a": ("x", "y")}, "condition", 'has "x", "y"; several values need ForAnyValue'),
        ({}, {}, "", "it applies"),
    ],
    ids=str,
)
def test_an_explanation_says_what_each_statement_did(changed: Any, keys: Any, failed: str, words: str) -> None:
    explanation = explain(context(keys=keys), identity=[("p", policy(statement(Sid="S", **changed)))])
    (step,) = explanation.steps
    assert (step.by, step.policy, step.statement, step.sid, step.effect, step.failed) == ("identity", "p", 0, "S", "Allow", failed)
    assert words in step.words
    assert step.applied is explanation.decision.allowed


def test_an_explanation_of_a_principal() -> None:
    explanation = explain(context(), identity=YES, resource=resource({"AWS": "222222222222"}))
    assert [step.failed for step in explanation.steps] == ["", "principal"]
    assert SESSION.arn in explanation.steps[1].words
    closer = explain(context(), identity=(), resource=resource({"AWS": ROLE}))
    assert "session policies still count" in closer.steps[0].words


def test_two_spellings_of_a_key_are_refused() -> None:
    """Row IP-S2.5: neither may win."""
    with pytest.raises(InvalidRequest):
        ContextKeys({"aws:PrincipalTag/Dept": "red", "aws:principaltag/dept": "blue"})
    assert ContextKeys({"aws:PrincipalTag/Dept": "red", "aws:principaltag/dept": "red"}).single("aws:principaltag/dept") == "red"


def test_keys_of_an_issuer_under_its_other_name() -> None:
    aliases = {"broker.example/identity/1": ("cognito-identity.amazonaws.com",)}
    keys = ContextKeys({"broker.example/identity/1:aud": "eu:1", "broker.example/identity/1:amr": ("authenticated",)}, aliases)
    assert keys.single("cognito-identity.amazonaws.com:aud") == "eu:1"
    assert keys.get("cognito-identity.amazonaws.com:amr") == ("authenticated",)
    assert keys.single("broker.example/identity/1:aud") == "eu:1"
    # The keys of another pool's issuer are never there.
    assert keys.get("broker.example/identity/2:aud") is None
    with pytest.raises(InvalidRequest):
        ContextKeys({"broker.example/identity/1:aud": "eu:1", "cognito-identity.amazonaws.com:aud": "eu:2"}, aliases)


def test_a_request_may_carry_anything() -> None:
    odd = {"": "", "x": "\ud800", "t:a": "\x00", "t:b": ("",), "aws:SourceIp": "a" * 10_000}
    for action in ("", ":", "\ud800", "s3:Get\n"):
        for thing in ("", "arn:", ":::::::", "\ud800", "*"):
            question = RequestContext(action, thing, SESSION, odd)
            assert not decide(question, identity=OTHER_THING).allowed
            assert decide(question, identity=YES).allowed is True or thing.count(":") >= 5


def test_ask_is_the_plain_road() -> None:
    assert ask(statement()).allowed
    assert not ask(statement(Effect="Deny")).allowed

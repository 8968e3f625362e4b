"""An input is held against its shape, and what is wrong is said as AWS says it (spec E.1)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.api_errors import ValidationFailed
from broker.errors import BrokerError
from broker.faces.aws.models import load
from broker.faces.aws.refusals import Unreadable
from broker.faces.aws.shapes.findings import MOST
from broker.faces.aws.shapes.validate import Validator

MODELS = {name: load(name) for name in ("cognito-identity", "sts", "iam")}
CHECKS = {name: Validator(model.shapes) for name, model in MODELS.items()}
POOL = "eu-west-1:00000000-0000-0000-0000-000000000000"
ROLE = "arn:aws:iam::123456789012:role/a"


def check(operation: str, value: Any, service: str = "cognito-identity") -> dict[str, Any]:
    return CHECKS[service].validated(MODELS[service].operations[operation].input, value)


def refusal(operation: str, value: Any, service: str = "cognito-identity") -> str:
    with pytest.raises(ValidationFailed) as raised:
        check(operation, value, service)
    return raised.value.public


def test_what_is_right_comes_through_and_unknown_members_do_not() -> None:
    given = {"IdentityPoolId": POOL, "Logins": {"accounts.google.com": "token"}, "AccountId": None, "Novelty": [1, {"a": 2}]}
    assert check("GetId", given) == {"IdentityPoolId": POOL, "Logins": {"accounts.google.com": "token"}}


@pytest.mark.parametrize(
    ("operation", "value", "words"),
    [
        ("GetId", {}, "Value null at 'identityPoolId' failed to satisfy constraint: Member must not be null"),
        ("GetId", {"IdentityPoolId": None}, "Value null at 'identityPoolId' failed to satisfy constraint: Member must not be null"),
        (
            "GetId",
            {"IdentityPoolId": "eu:0-" + "a" * 60},
            f"Value 'eu:0-{'a' * 60}' at 'identityPoolId' failed to satisfy constraint: Member must have length less than or equal to 55",
        ),
        (
            "GetId",
            {"IdentityPoolId": "no pool"},
            (
                r"Value 'no pool' at 'identityPoolId' failed to satisfy constraint: "
                r"Member must satisfy regular expression pattern: [\w-]+:[0-9a-f-]+"
            ),
        ),
        (
            "ListIdentities",
            {"IdentityPoolId": POOL, "MaxResults": 61},
            "Value '61' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 60",
        ),
        (
            "ListIdentities",
            {"IdentityPoolId": POOL, "MaxResults": 0},
            "Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ),
        (
            "DeleteIdentities",
            {"IdentityIdsToDelete": []},
            "Value '[]' at 'identityIdsToDelete' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
        (
            "DeleteIdentities",
            {"IdentityIdsToDelete": [POOL, "x"]},
            (
                f"Value '[{POOL}, x]' at 'identityIdsToDelete' failed to satisfy constraint: Member must satisfy constraint: "
                r"[Member must satisfy regular expression pattern: [\w-]+:[0-9a-f-]+]"
            ),
        ),
        (
            "SetIdentityPoolRoles",
            {"IdentityPoolId": POOL, "Roles": {"guest": ROLE}},
            (
                f"Value '{{guest={ROLE}}}' at 'roles' failed to satisfy constraint: Map keys must satisfy constraint: "
                "[Member must satisfy regular expression pattern: (un)?authenticated]"
            ),
        ),
        (
            "SetIdentityPoolRoles",
            {"IdentityPoolId": POOL, "Roles": {}, "RoleMappings": {"a.example": {"Type": "Magic"}}},
            (
                "Value 'Magic' at 'roleMappings.a.example.member.type' failed to satisfy constraint: "
                "Member must satisfy enum value set: [Token, Rules]"
            ),
        ),
        (
            "SetIdentityPoolRoles",
            {
                "IdentityPoolId": POOL,
                "Roles": {},
                "RoleMappings": {
                    "a.example": {
                        "Type": "Rules",
                        "RulesConfiguration": {"Rules": [{"Claim": "c", "MatchType": "Equals", "Value": "v"}]},
                    }
                },
            },
            (
                "Value null at 'roleMappings.a.example.member.rulesConfiguration.rules.1.member.roleARN' failed to satisfy constraint: "
                "Member must not be null"
            ),
        ),
    ],
)
def test_a_broken_constraint_is_named_with_its_member(operation: str, value: Any, words: str) -> None:
    assert refusal(operation, value) == f"1 validation error detected: {words}"


def test_several_are_told_together() -> None:
    assert refusal("TagResource", {}) == (
        "2 validation errors detected: "
        "Value null at 'resourceArn' failed to satisfy constraint: Member must not be null; "
        "Value null at 'tags' failed to satisfy constraint: Member must not be null"
    )


def test_thousands_of_broken_values_make_no_thousands_of_sentences() -> None:
    words = refusal("AssumeRole", {"RoleArn": ROLE, "RoleSessionName": "me", "Tags": [{}] * 900}, "sts")
    assert words.startswith("1801 validation errors detected: ")
    assert words.count("failed to satisfy") == MOST


def test_a_long_value_is_told_in_part() -> None:
    words = refusal("GetId", {"IdentityPoolId": "x" * 10_000})
    assert len(words) < 1000
    assert "xxx...' at 'identityPoolId'" in words


@pytest.mark.parametrize(
    ("operation", "value", "service"),
    [
        ("GetId", {"IdentityPoolId": POOL, "Logins": {"a.example": "s3cret" * 10_000}}, "cognito-identity"),
        ("GetId", {"IdentityPoolId": POOL, "Logins": {"": "s3cret"}}, "cognito-identity"),
        ("AssumeRoleWithWebIdentity", {"RoleArn": ROLE, "RoleSessionName": "me", "WebIdentityToken": "s3cret" * 10_000}, "sts"),
        ("AssumeRoleWithSAML", {"RoleArn": ROLE, "PrincipalArn": ROLE, "SAMLAssertion": "s3cret" * 50_000}, "sts"),
    ],
)
def test_a_secret_value_is_never_repeated(operation: str, value: Any, service: str) -> None:
    words = refusal(operation, value, service)
    assert "s3cret" not in words
    assert "Value at '" in words


@pytest.mark.parametrize(
    ("operation", "value"),
    [
        ("GetId", {"IdentityPoolId": 5}),
        ("GetId", {"IdentityPoolId": {"S": "x"}}),
        ("GetId", {"IdentityPoolId": POOL, "Logins": ["a"]}),
        ("GetId", {"IdentityPoolId": POOL, "Logins": {"a": True}}),
        ("GetId", {"IdentityPoolId": POOL + "\0"}),
        ("GetId", {"IdentityPoolId": POOL, "Logins": {"a": "\ud800"}}),
        ("GetId", {"IdentityPoolId": POOL, "Logins": {str(number): "t" for number in range(1001)}}),
        ("ListIdentities", {"IdentityPoolId": POOL, "MaxResults": "10"}),
        ("ListIdentities", {"IdentityPoolId": POOL, "MaxResults": 10.5}),
        ("ListIdentities", {"IdentityPoolId": POOL, "MaxResults": True}),
        ("ListIdentities", {"IdentityPoolId": POOL, "MaxResults": 2**63}),
        ("ListIdentities", {"IdentityPoolId": POOL, "MaxResults": 10, "HideDisabled": "true"}),
        ("ListIdentities", []),
        ("ListIdentities", "text"),
    ],
)
def test_another_type_cannot_be_read(operation: str, value: Any) -> None:
    with pytest.raises(Unreadable):
        check(operation, value)


def test_a_whole_number_may_be_written_as_a_float() -> None:
    assert check("ListIdentities", {"IdentityPoolId": POOL, "MaxResults": 10.0})["MaxResults"] == 10


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
MEMBERS = sorted({member for shape in MODELS["cognito-identity"].shapes.values() for member in shape.get("members", ())})


@given(st.sampled_from(sorted(MODELS["cognito-identity"].operations)), st.dictionaries(st.sampled_from(MEMBERS), ANYTHING, max_size=6))
def test_no_input_does_more_than_be_refused(operation: str, value: Any) -> None:
    try:
        clean = check(operation, value)
    except BrokerError:
        return
    shape = MODELS["cognito-identity"].operations[operation].input
    assert shape is not None
    assert set(clean) <= set(MODELS["cognito-identity"].shapes[shape]["members"])

"""ARNs are read strictly and written in one way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from broker.identitypool.policy import arns

A = "111111111111"


@pytest.mark.parametrize(
    ("parse", "text", "found"),
    [
        (arns.parse_role, f"arn:aws:iam::{A}:role/R", arns.RoleArn(A, "R")),
        (arns.parse_role, f"arn:aws:iam::{A}:role/a/b/R", arns.RoleArn(A, "R", "/a/b/")),
        (arns.parse_role, f"arn:aws-cn:iam::{A}:role/R", arns.RoleArn(A, "R", "/", "aws-cn")),
        (arns.parse_session, f"arn:aws:sts::{A}:assumed-role/R/me", arns.SessionArn(A, "R", "me")),
        (arns.parse, "arn:aws:s3:::b/x:y", arns.Arn("aws", "s3", "", "", "b/x:y")),
    ],
)
def test_an_arn_and_back(parse: Callable[[str], object], text: str, found: object) -> None:
    assert parse(text) == found
    assert str(found) == text


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (arns.parse_role, f"arn:aws:iam::{A}:role/"),
        (arns.parse_role, f"arn:aws:iam::{A}:role//R"),
        (arns.parse_role, f"arn:aws:iam:eu:{A}:role/R"),
        (arns.parse_role, "arn:aws:iam::1:role/R"),
        (arns.parse_role, "arn:aws:iam:::role/R"),
        (arns.parse_role, f"arn:aws:iam::{A}:role/R*"),
        (arns.parse_role, f"arn:aws:iam::{A}:role/a*/R"),
        (arns.parse_role, f"arn:aws:iam::{A}:role/R\n"),
        (arns.parse_role, f"arn:aws:iam::{A}:role/{'R' * 65}"),
        (arns.parse_role, f"arn:aws:sts::{A}:role/R"),
        (arns.parse_role, f"ARN:aws:iam::{A}:role/R"),
        (arns.parse_role, f" arn:aws:iam::{A}:role/R"),
        (arns.parse_role, f"arn:aws:iam::{A}:role/R\u00e9"),
        (arns.parse_session, f"arn:aws:sts::{A}:assumed-role/R"),
        (arns.parse_session, f"arn:aws:sts::{A}:assumed-role/R/a"),
        (arns.parse_session, f"arn:aws:sts::{A}:assumed-role/p/R/me"),
        (arns.parse_oidc_provider, f"arn:aws:iam::{A}:oidc-provider/"),
        (arns.parse_oidc_provider, f"arn:aws:iam::{A}:saml-provider/x"),
        (arns.parse_saml_provider, f"arn:aws:iam::{A}:saml-provider/a/b"),
        (arns.parse_identity_pool, f"arn:aws:cognito-identity:eu:{A}:identitypool/us:0-a"),
        (arns.parse_user_pool, f"arn:aws:cognito-idp:eu:{A}:userpool/us_x"),
        (arns.parse, "arn:aws:s3::"),
        (arns.parse, "arn:aws:s3:::"),
        (arns.parse, "arn::s3:::b"),
        (arns.parse, "*"),
    ],
)
def test_what_is_no_such_arn(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match="ARN"):
        parse(text)


def test_arns_that_we_make_are_read_again() -> None:
    assert arns.parse_oidc_provider(arns.oidc_provider(A, "https://op.example:8443/realms/a")) == "op.example:8443/realms/a"
    assert arns.parse_saml_provider(arns.saml_provider(A, "Acme")) == "Acme"
    assert arns.parse_identity_pool(arns.identity_pool(A, "eu-west-1:0b9c")) == "eu-west-1:0b9c"
    assert arns.parse_user_pool(arns.user_pool(A, "eu-west-1_abc")) == "eu-west-1_abc"
    assert arns.user_pool(A, "eu-west-1_abc") == f"arn:aws:cognito-idp:eu-west-1:{A}:userpool/eu-west-1_abc"
    assert str(arns.RoleArn(A, "R", "/p/").session("me")) == f"arn:aws:sts::{A}:assumed-role/R/me"
    for make, name in ((arns.saml_provider, "a/b"), (arns.oidc_provider, "a b"), (arns.identity_pool, "eu"), (arns.user_pool, "eu")):
        with pytest.raises(ValueError, match="ARN"):
            make(A, name)


@pytest.mark.parametrize(
    ("text", "account"),
    [
        (A, A),
        (f"arn:aws:iam::{A}:root", A),
        ("1", None),
        (f"arn:aws:iam::{A}:role/root", None),
        (f"arn:aws:iam::{A}:root/x", None),
        ("*", None),
    ],
)
def test_names_of_an_account(text: str, account: str | None) -> None:
    assert arns.names_account(text) == account


def test_the_account_of_a_resource() -> None:
    assert arns.account_of(f"arn:aws:sqs:eu:{A}:q") == A
    assert arns.account_of("arn:aws:s3:::b") == ""
    assert arns.account_of("*") == ""

"""The whole way: a sign-in through a company's SAML, the token to an identity pool by boto3, credentials, and what they may do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.fakes.aws import ACCOUNT, REGION, TRUST_ACCOUNT, AwsHouse, policy
from tests.fakes.broker import POOL

USERS = f"cognito-idp.{REGION}.amazonaws.com/{POOL}"
COGNITO = "cognito-identity.amazonaws.com"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsHouse]:
    with AwsHouse.open(tmp_path_factory.mktemp("credentials")) as house:
        yield house


@pytest.fixture(scope="module")
def pool(aws: AwsHouse) -> str:
    """An identity pool for users of the user pool: a rule on their e-mail gives the role, and their first name is a tag."""
    made: str = aws.client("cognito-identity").create_identity_pool(
        IdentityPoolName="Staff",
        AllowUnauthenticatedIdentities=False,
        CognitoIdentityProviders=[{"ProviderName": USERS, "ClientId": "app", "ServerSideTokenCheck": True}],
    )["IdentityPoolId"]
    conditions = {"StringEquals": {f"{COGNITO}:aud": made}, "ForAnyValue:StringLike": {f"{COGNITO}:amr": "authenticated"}}
    action = ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]
    trust = policy({"Effect": "Allow", "Principal": {"Federated": COGNITO}, "Action": action, "Condition": conditions})
    iam = aws.client("iam")
    role = iam.create_role(RoleName="Staff", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    # Whoever holds the role may read the role of his own name, and nobody else's.
    own = {"Effect": "Allow", "Action": "iam:GetRole", "Resource": f"arn:aws:iam::{ACCOUNT}:role/${{aws:PrincipalTag/name}}"}
    iam.put_role_policy(RoleName="Staff", PolicyName="own", PolicyDocument=policy(own))
    for name in ("Alice", "Bob"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST_ACCOUNT)
    rule = {"Claim": "email", "MatchType": "StartsWith", "Value": "alice@", "RoleARN": role}
    mapping = {"Type": "Rules", "AmbiguousRoleResolution": "Deny", "RulesConfiguration": {"Rules": [rule]}}
    client = aws.client("cognito-identity")
    client.set_identity_pool_roles(IdentityPoolId=made, Roles={}, RoleMappings={f"{USERS}:app": mapping})
    client.set_principal_tag_attribute_map(IdentityPoolId=made, IdentityProviderName=USERS, PrincipalTags={"name": "given_name"})
    aws.broker.clock.advance(seconds=2)
    return made


def anonymous(aws: AwsHouse) -> Any:
    """A phone's client: no keys at all."""
    return boto3.client("cognito-identity", REGION, endpoint_url=aws.url, config=Config(signature_version=UNSIGNED))


def id_token(aws: AwsHouse, **changes: Any) -> str:
    browser = aws.broker.browser(aws.url)
    flow, code = aws.broker.saml_login(browser, **changes)
    token: str = aws.broker.redeem(flow, code).get_json()["id_token"]
    return token


def test_from_saml_to_credentials_that_hold(aws: AwsHouse, pool: str) -> None:
    logins = {USERS: id_token(aws)}
    phone = anonymous(aws)
    identity = phone.get_id(IdentityPoolId=pool, Logins=logins)["IdentityId"]
    given = phone.get_credentials_for_identity(IdentityId=identity, Logins=logins)["Credentials"]
    keys = (given["AccessKeyId"], given["SecretKey"], given["SessionToken"])
    assert aws.client("sts", keys).get_caller_identity()["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/Staff/CognitoIdentityCredentials"
    iam = aws.client("iam", keys)
    assert iam.get_role(RoleName="Alice")["Role"]["RoleName"] == "Alice"
    with pytest.raises(ClientError, match="is not authorized to perform: iam:GetRole") as raised:
        iam.get_role(RoleName="Bob")
    assert raised.value.response["Error"]["Code"] == "AccessDenied"


def test_the_token_is_what_counts(aws: AwsHouse, pool: str) -> None:
    phone = anonymous(aws)
    good = id_token(aws)
    assert phone.get_id(IdentityPoolId=pool, Logins={USERS: good})["IdentityId"]
    head, body, signature = good.split(".")
    for wrong in (f"{head}.{body}.{signature[::-1]}", f"{head}.{body}.", good + "x", "no token"):
        with pytest.raises(phone.exceptions.NotAuthorizedException):
            phone.get_id(IdentityPoolId=pool, Logins={USERS: wrong})
    with pytest.raises(phone.exceptions.NotAuthorizedException, match="Unauthenticated access is not supported"):
        phone.get_id(IdentityPoolId=pool)

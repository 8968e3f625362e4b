"""Every operation of STS that is offered, called by boto3, and what each refuses (spec E.4)."""

from __future__ import annotations

import base64
import uuid
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from broker.faces.aws.operations.sts import REFUSED
from tests.faces.aws.stage import Stage, arn
from tests.fakes.aws import ACCOUNT, ROOT, TRUST_ACCOUNT, AwsHouse, policy
from tests.fakes.saml_forge import Answer, Attribute

SAML = "https://aws.amazon.com/SAML/Attributes/"


def refusal(client: Any, operation: str, **values: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as raised:
        getattr(client, operation)(**values)
    found = raised.value.response
    return found["Error"]["Code"], found["ResponseMetadata"]["HTTPStatusCode"], found["Error"]["Message"]


def new_role(house: AwsHouse, trust: str) -> str:
    name = f"role-{uuid.uuid4().hex[:12]}"
    made: str = house.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    return made


@pytest.fixture
def sts(house: AwsHouse) -> Any:
    return house.client("sts")


def test_a_role_is_assumed_with_tags_and_a_policy(house: AwsHouse, sts: Any) -> None:
    role = new_role(house, TRUST_ACCOUNT)
    found = sts.assume_role(
        RoleArn=role,
        RoleSessionName="me@example",
        DurationSeconds=900,
        Policy=policy({"Effect": "Allow", "Action": "*", "Resource": "*"}),
        Tags=[{"Key": "team", "Value": "a"}],
        TransitiveTagKeys=["team"],
    )
    name = role.rpartition("/")[2]
    assert found["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/me@example"
    assert found["AssumedRoleUser"]["AssumedRoleId"].endswith(":me@example")
    assert 0 < found["PackedPolicySize"] <= 100
    left = found["Credentials"]["Expiration"] - house.broker.clock.now()
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)
    assert "SourceIdentity" not in found


def test_by_a_token_of_an_openid_provider(stage: Stage, sts: Any) -> None:
    condition = {"StringEquals": {f"{stage.key}:aud": "mobile"}}
    role = new_role(
        stage.house,
        policy(
            {
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{stage.key}"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": condition,
            }
        ),
    )
    token = stage.login("ada")[stage.key]
    ask = {"RoleArn": role, "RoleSessionName": "ada", "WebIdentityToken": token}
    found = sts.assume_role_with_web_identity(**ask)
    assert found["SubjectFromWebIdentityToken"] == "ada"
    assert found["Audience"] == "mobile"
    assert found["Provider"] == stage.op.issuer
    old = stage.login("ada", exp=1, iat=0)[stage.key]
    assert refusal(sts, "assume_role_with_web_identity", **{**ask, "WebIdentityToken": old})[:2] == ("ExpiredTokenException", 400)
    wrong = stage.login("ada", aud="other")[stage.key]
    assert refusal(sts, "assume_role_with_web_identity", **{**ask, "WebIdentityToken": wrong})[:2] == ("InvalidIdentityToken", 400)
    assert refusal(sts, "assume_role_with_web_identity", **{**ask, "WebIdentityToken": "no.jwt.x"})[:2] == ("InvalidIdentityToken", 400)
    away = next(iter(stage.login(iss="http://127.0.0.1:9").values()))
    assert refusal(sts, "assume_role_with_web_identity", **{**ask, "WebIdentityToken": away})[:2] == ("IDPCommunicationError", 400)
    denied = refusal(sts, "assume_role_with_web_identity", **{**ask, "RoleArn": arn("nobody")})
    assert denied == ("AccessDenied", 403, "Not authorized to perform sts:AssumeRoleWithWebIdentity")


def test_by_an_assertion(house: AwsHouse, sts: Any) -> None:
    name = f"idp-{uuid.uuid4().hex[:12]}"
    provider = house.client("iam").create_saml_provider(Name=name, SAMLMetadataDocument=house.broker.idp.metadata())["SAMLProviderArn"]
    audience = {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}
    trust = {"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithSAML", "Condition": audience}
    role = new_role(house, policy(trust))
    answer = Answer(
        issuer=house.broker.idp.entity_id,
        acs="https://signin.aws.amazon.com/saml",
        audience="urn:amazon:webservices",
        now=house.broker.clock.now(),
        attributes=(Attribute(SAML + "Role", (f"{role},{provider}",)), Attribute(SAML + "RoleSessionName", ("ada",))),
        lifetime=timedelta(minutes=4),
        response_id=f"_{uuid.uuid4().hex}",
        assertion_id=f"_{uuid.uuid4().hex}",
    )
    assertion = base64.b64encode(house.broker.idp.respond(answer, "G-B")).decode()
    ask = {"RoleArn": role, "PrincipalArn": provider, "SAMLAssertion": assertion}
    found = sts.assume_role_with_saml(**ask)
    assert found["AssumedRoleUser"]["Arn"].endswith("/ada")
    assert found["Issuer"] == house.broker.idp.entity_id
    assert found["Audience"] == "https://signin.aws.amazon.com/saml"
    assert found["Subject"]
    assert found["SubjectType"]
    assert found["NameQualifier"]
    again = refusal(sts, "assume_role_with_saml", **ask)
    assert again[0] in {"InvalidIdentityToken", "ExpiredTokenException"}, "an assertion is good once"


def test_who_am_i_and_whose_key_is_this(house: AwsHouse, sts: Any) -> None:
    assert sts.get_caller_identity()["Arn"] == ROOT
    assert sts.get_access_key_info(AccessKeyId="ASIA" + "A" * 16)["Account"] == ACCOUNT
    assert refusal(sts, "get_access_key_info", AccessKeyId="x" * 20)[:2] == ("ValidationError", 400)


def test_the_operators_own_temporary_credentials(house: AwsHouse, sts: Any) -> None:
    given = sts.get_session_token(DurationSeconds=900)["Credentials"]
    keys = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    assert house.client("sts", keys).get_caller_identity()["Arn"] == ROOT
    assert refusal(house.client("sts", keys), "get_session_token")[:2] == ("AccessDenied", 403)
    assert refusal(house.client("iam", keys), "list_roles")[:2] == ("AccessDenied", 403)


def test_what_is_refused(house: AwsHouse, sts: Any) -> None:
    role = new_role(house, TRUST_ACCOUNT)
    ask = {"RoleArn": role, "RoleSessionName": "me"}
    assert refusal(sts, "assume_role", **{**ask, "RoleArn": arn("nobody")})[:2] == ("AccessDenied", 403)
    code, status, words = refusal(sts, "assume_role", **ask, DurationSeconds=43_000)
    assert (code, status) == ("ValidationError", 400)
    assert words == "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    assert refusal(sts, "assume_role", **ask, Policy="{}")[:2] == ("MalformedPolicyDocument", 400)
    many = [{"Key": f"k{number}", "Value": "v" * 250} for number in range(30)]
    assert refusal(sts, "assume_role", **ask, Tags=many)[:2] == ("PackedPolicyTooLarge", 400)
    name = refusal(sts, "assume_role", **{**ask, "RoleSessionName": "no spaces please"})
    assert name[:2] == ("ValidationError", 400)
    assert "at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: " in name[2]


@pytest.mark.parametrize("operation", sorted(REFUSED))
def test_what_is_not_offered_says_why(house: AwsHouse, operation: str) -> None:
    reply = house.form("sts", f"Action={operation}&Version=2011-06-15")
    assert reply.status_code == 400
    assert b"<Code>InvalidAction</Code>" in reply.data
    assert REFUSED[operation].encode() in reply.data

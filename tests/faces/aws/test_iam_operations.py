"""Every operation of IAM that is offered, called by boto3, and what each refuses."""

from __future__ import annotations

import json
import re
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from broker.faces.aws.operations.iam import OPERATIONS
from tests.fakes.aws import ACCOUNT, TRUST_ACCOUNT, AwsHouse, policy

ALLOW = policy({"Effect": "Allow", "Action": "reports:Get", "Resource": "*"})
DOCUMENT = json.loads(ALLOW)


def fresh(kind: str) -> str:
    return f"{kind}-{uuid.uuid4().hex[:12]}"


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["ResponseMetadata"]["RequestId"]
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def refusal(client: Any, operation: str, **values: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as raised:
        getattr(client, operation)(**values)
    found = raised.value.response
    assert found["Error"]["Type"] == "Sender"
    return found["Error"]["Code"], found["ResponseMetadata"]["HTTPStatusCode"], found["Error"]["Message"]


@pytest.fixture
def iam(house: AwsHouse) -> Any:
    return house.client("iam")


@pytest.fixture
def role(iam: Any) -> str:
    name = fresh("role")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST_ACCOUNT)
    return name


@pytest.fixture
def managed(iam: Any) -> str:
    made: str = iam.create_policy(PolicyName=fresh("policy"), PolicyDocument=ALLOW)["Policy"]["Arn"]
    return made


def test_every_operation_of_the_table_is_called_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert len(OPERATIONS) == 35
    assert not [row.name for row in OPERATIONS if not re.search(rf"\biam\.{xform_name(row.name)}\(", text)]


def test_a_role_is_made_shown_changed_listed_and_deleted(iam: Any, managed: str) -> None:
    name = fresh("role")
    asked = {
        "Path": "/team/",
        "RoleName": name,
        "Description": "Reads é",
        "MaxSessionDuration": 7200,
        "Tags": [{"Key": "team", "Value": "a b"}],
    }
    made = plain(iam.create_role(**asked, AssumeRolePolicyDocument=TRUST_ACCOUNT, PermissionsBoundary=managed))["Role"]
    assert {name: made[name] for name in asked} == asked
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/team/{name}"
    assert re.fullmatch(r"AROA[A-Z2-7]{16}", made["RoleId"])
    assert made["AssumeRolePolicyDocument"] == json.loads(TRUST_ACCOUNT)
    assert made["PermissionsBoundary"] == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": managed}
    assert isinstance(made["CreateDate"], datetime)
    assert plain(iam.get_role(RoleName=name))["Role"] == made
    assert plain(iam.update_role(RoleName=name, MaxSessionDuration=3600)) == {}
    assert plain(iam.update_role_description(RoleName=name, Description="Other"))["Role"]["Description"] == "Other"
    other = policy({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"})
    assert plain(iam.update_assume_role_policy(RoleName=name, PolicyDocument=other)) == {}
    assert plain(iam.delete_role_permissions_boundary(RoleName=name)) == {}
    assert plain(iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=managed)) == {}
    shown = plain(iam.get_role(RoleName=name))["Role"]
    assert (shown["MaxSessionDuration"], shown["Description"]) == (3600, "Other")
    assert shown["AssumeRolePolicyDocument"] == json.loads(other)
    assert shown["PermissionsBoundary"]["PermissionsBoundaryArn"] == managed
    listed = plain(iam.list_roles(PathPrefix="/team/"))
    assert [role["RoleName"] for role in listed["Roles"] if role["RoleName"] == name] == [name]
    assert listed["IsTruncated"] is False
    assert all("Tags" not in role for role in listed["Roles"])
    assert plain(iam.delete_role(RoleName=name)) == {}
    assert refusal(iam, "get_role", RoleName=name)[:2] == ("NoSuchEntity", 404)


def test_lists_come_in_pages(iam: Any) -> None:
    prefix = f"/{fresh('p')}/"
    names = sorted(fresh("role") for _ in range(5))
    for name in names:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST_ACCOUNT, Path=prefix)
    pages = list(iam.get_paginator("list_roles").paginate(PathPrefix=prefix, PaginationConfig={"PageSize": 2}))
    assert [len(page["Roles"]) for page in pages] == [2, 2, 1]
    assert [page["IsTruncated"] for page in pages] == [True, True, False]
    assert [role["RoleName"] for page in pages for role in page["Roles"]] == names


def test_tags_of_a_role(iam: Any, role: str) -> None:
    assert plain(iam.tag_role(RoleName=role, Tags=[{"Key": "Team", "Value": "a"}, {"Key": "empty", "Value": ""}])) == {}
    assert plain(iam.tag_role(RoleName=role, Tags=[{"Key": "team", "Value": "b"}])) == {}
    found = plain(iam.list_role_tags(RoleName=role))["Tags"]
    assert sorted(found, key=lambda tag: tag["Key"]) == [{"Key": "empty", "Value": ""}, {"Key": "team", "Value": "b"}]
    assert plain(iam.untag_role(RoleName=role, TagKeys=["TEAM", "other"])) == {}
    assert plain(iam.list_role_tags(RoleName=role))["Tags"] == [{"Key": "empty", "Value": ""}]
    twice = [{"Key": "k", "Value": "1"}, {"Key": "K", "Value": "2"}]
    assert refusal(iam, "tag_role", RoleName=role, Tags=twice)[:2] == ("InvalidInput", 400)


def test_inline_policies(iam: Any, role: str) -> None:
    assert plain(iam.put_role_policy(RoleName=role, PolicyName="read", PolicyDocument=ALLOW)) == {}
    found = plain(iam.get_role_policy(RoleName=role, PolicyName="read"))
    assert found == {"RoleName": role, "PolicyName": "read", "PolicyDocument": DOCUMENT}
    assert plain(iam.list_role_policies(RoleName=role))["PolicyNames"] == ["read"]
    assert refusal(iam, "delete_role", RoleName=role)[:2] == ("DeleteConflict", 409)
    assert plain(iam.delete_role_policy(RoleName=role, PolicyName="read")) == {}
    assert plain(iam.list_role_policies(RoleName=role))["PolicyNames"] == []
    assert refusal(iam, "get_role_policy", RoleName=role, PolicyName="read")[:2] == ("NoSuchEntity", 404)


def test_managed_policies(iam: Any, role: str) -> None:
    name = fresh("policy")
    made = plain(iam.create_policy(PolicyName=name, PolicyDocument=ALLOW, Path="/shared/", Description="d"))["Policy"]
    arn = f"arn:aws:iam::{ACCOUNT}:policy/shared/{name}"
    assert (made["PolicyName"], made["Arn"], made["DefaultVersionId"], made["AttachmentCount"]) == (name, arn, "v1", 0)
    assert plain(iam.attach_role_policy(RoleName=role, PolicyArn=arn)) == {}
    assert plain(iam.list_attached_role_policies(RoleName=role))["AttachedPolicies"] == [{"PolicyName": name, "PolicyArn": arn}]
    assert plain(iam.get_policy(PolicyArn=arn))["Policy"]["AttachmentCount"] == 1
    version = plain(iam.get_policy_version(PolicyArn=arn, VersionId="v1"))["PolicyVersion"]
    assert version == {"Document": DOCUMENT, "VersionId": "v1", "IsDefaultVersion": True}
    listed = plain(iam.list_policies(Scope="Local", OnlyAttached=True, PathPrefix="/shared/"))["Policies"]
    assert arn in {each["Arn"] for each in listed}
    assert plain(iam.list_policies(Scope="AWS"))["Policies"] == []
    assert refusal(iam, "delete_policy", PolicyArn=arn)[:2] == ("DeleteConflict", 409)
    assert plain(iam.detach_role_policy(RoleName=role, PolicyArn=arn)) == {}
    assert plain(iam.delete_policy(PolicyArn=arn)) == {}
    assert refusal(iam, "get_policy", PolicyArn=arn)[:2] == ("NoSuchEntity", 404)


def test_openid_providers(iam: Any) -> None:
    host = f"{fresh('op')}.example/pool"
    made = plain(iam.create_open_id_connect_provider(Url=f"https://{host}", ClientIDList=["a"], ThumbprintList=["0" * 40]))
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"
    assert made["OpenIDConnectProviderArn"] == arn
    assert plain(iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="b")) == {}
    assert plain(iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="a")) == {}
    found = plain(iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn))
    assert (found["Url"], found["ClientIDList"]) == (host, ["b"])
    assert {"Arn": arn} in plain(iam.list_open_id_connect_providers())["OpenIDConnectProviderList"]
    assert refusal(iam, "create_open_id_connect_provider", Url=f"https://{host}")[:2] == ("EntityAlreadyExists", 409)
    assert plain(iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)) == {}
    assert refusal(iam, "get_open_id_connect_provider", OpenIDConnectProviderArn=arn)[:2] == ("NoSuchEntity", 404)
    assert refusal(iam, "create_open_id_connect_provider", Url="http://plain.example")[:2] == ("InvalidInput", 400)


def test_saml_providers(iam: Any, house: AwsHouse) -> None:
    name, metadata = fresh("idp"), house.broker.idp.metadata()
    made = plain(iam.create_saml_provider(Name=name, SAMLMetadataDocument=metadata, Tags=[{"Key": "k", "Value": "v"}]))
    arn = f"arn:aws:iam::{ACCOUNT}:saml-provider/{name}"
    assert made == {"SAMLProviderArn": arn, "Tags": [{"Key": "k", "Value": "v"}]}
    assert plain(iam.get_saml_provider(SAMLProviderArn=arn))["SAMLMetadataDocument"] == metadata
    assert plain(iam.update_saml_provider(SAMLProviderArn=arn, SAMLMetadataDocument=metadata))["SAMLProviderArn"] == arn
    assert arn in {each["Arn"] for each in plain(iam.list_saml_providers())["SAMLProviderList"]}
    assert refusal(iam, "update_saml_provider", SAMLProviderArn=arn)[:2] == ("ValidationError", 400)
    assert plain(iam.delete_saml_provider(SAMLProviderArn=arn)) == {}
    assert refusal(iam, "get_saml_provider", SAMLProviderArn=arn)[:2] == ("NoSuchEntity", 404)
    broken = refusal(iam, "create_saml_provider", Name=name, SAMLMetadataDocument="<broken>" * 200)
    assert broken[:2] == ("InvalidInput", 400)


def test_what_policies_and_roles_may_not_be(iam: Any, role: str) -> None:
    code, status, words = refusal(iam, "put_role_policy", RoleName=role, PolicyName="p", PolicyDocument='{"Version":"2012-10-17"}')
    assert (code, status) == ("MalformedPolicyDocument", 400)
    assert "Statement" in words
    open_trust = policy(
        {"Effect": "Allow", "Principal": {"Federated": "cognito-identity.amazonaws.com"}, "Action": "sts:AssumeRoleWithWebIdentity"}
    )
    assert refusal(iam, "update_assume_role_policy", RoleName=role, PolicyDocument=open_trust)[0] == "MalformedPolicyDocument"
    assert refusal(iam, "create_role", RoleName=role, AssumeRolePolicyDocument=TRUST_ACCOUNT)[:2] == ("EntityAlreadyExists", 409)
    assert refusal(iam, "attach_role_policy", RoleName=role, PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/none")[0] == "NoSuchEntity"
    too_long = refusal(iam, "create_role", RoleName="r" * 65, AssumeRolePolicyDocument=TRUST_ACCOUNT)
    assert too_long[:2] == ("ValidationError", 400)
    assert "at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64" in too_long[2]
    bad_path = refusal(iam, "create_role", RoleName="r", AssumeRolePolicyDocument=TRUST_ACCOUNT, Path="team")
    assert "Member must satisfy regular expression pattern: " in bad_path[2]
    assert refusal(iam, "list_roles", Marker="no marker")[:2] == ("ValidationError", 400)

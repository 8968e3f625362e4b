"""Whoever calls a signed operation is told apart, judged by his policies, and refused in the words of AWS (spec E.1, F.5)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from bs4 import BeautifulSoup

from tests.fakes.aws import ACCOUNT, ADMIN, ADMIN_KEYS, ADMIN_SECRET, REGION, ROOT, TRUST_ACCOUNT, AwsHouse, Keys, policy

WHO = "Action=GetCallerIdentity&Version=2011-06-15"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def code(reply: Any) -> tuple[int, str]:
    return reply.status_code, BeautifulSoup(reply.data, "xml").find("Code").text


def role(house: AwsHouse, name: str, *statements: dict[str, Any], path: str = "/") -> Keys:
    """Keys of a session of a new role with this policy."""
    iam = house.client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST_ACCOUNT, Path=path)
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(*statements))
    house.broker.clock.advance(seconds=2)  # settings are read anew
    return house.session(path.lstrip("/") + name)


def refused(house: AwsHouse, keys: Keys, service: str, operation: str, **values: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        getattr(house.client(service, keys), operation)(**values)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_nobody(house: AwsHouse) -> None:
    assert code(house.form("sts", WHO)) == (403, "MissingAuthenticationToken")
    reply = house.json("ListIdentityPools", {"MaxResults": 1})
    assert (reply.status_code, json.loads(reply.data)) == (
        400,
        {"__type": "MissingAuthenticationTokenException", "message": "Missing Authentication Token"},
    )


@pytest.mark.parametrize("keys", [(ADMIN, "wrong" * 8, None), ("AKIAUNKNOWNUNKNOWN22", ADMIN_SECRET, None)], ids=["secret", "key"])
def test_a_wrong_signature_and_an_unknown_key_are_one_refusal(house: AwsHouse, keys: Keys) -> None:
    assert house.form("sts", WHO, ADMIN_KEYS).status_code == 200
    assert code(house.form("sts", WHO, keys)) == (403, "SignatureDoesNotMatch")
    told = json.loads(house.json("ListIdentityPools", {"MaxResults": 1}, keys).data)
    assert told["__type"] == "InvalidSignatureException"
    assert told["message"].startswith("The request signature we calculated does not match")


def test_a_signature_holds_for_its_body_its_service_and_its_region(house: AwsHouse) -> None:
    signed = house.signed(WHO, FORM, "sts")
    assert house.raw(WHO, signed).status_code == 200
    assert code(house.raw(WHO + "&x=1", signed)) == (403, "SignatureDoesNotMatch")
    assert code(house.raw(WHO, house.signed(WHO, FORM, "iam"))) == (403, "SignatureDoesNotMatch")
    assert (
        code(house.raw(WHO, {**signed, "Authorization": signed["Authorization"].replace(REGION, "us-east-1")}))[1]
        == "SignatureDoesNotMatch"
    )
    elsewhere = {**signed, "Authorization": signed["Authorization"].replace(REGION, "us-east-1")}
    assert code(house.raw(WHO, elsewhere)) == (403, "SignatureDoesNotMatch")
    assert code(house.raw(WHO, {**signed, "Authorization": "AWS4-HMAC-SHA256 Credential=x"})) == (400, "IncompleteSignature")


def test_iam_is_signed_for_the_region_of_the_world_or_for_ours(house: AwsHouse) -> None:
    body = "Action=ListRoles&Version=2010-05-08"
    assert house.form("iam", body, ADMIN_KEYS).status_code == 200
    assert house.client("iam").list_roles()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_the_operator(house: AwsHouse) -> None:
    found = house.client("sts").get_caller_identity()
    assert (found["Account"], found["Arn"], found["UserId"]) == (ACCOUNT, ROOT, ACCOUNT)


def test_a_session_is_known_by_its_token_and_by_nothing_less(house: AwsHouse) -> None:
    keys = role(house, "Known")
    assert house.client("sts", keys).get_caller_identity()["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/Known/tester"
    other = house.session("Known", "another")
    for wrong in ((keys[0], keys[1], None), (keys[0], keys[1], other[2]), (keys[0], keys[1], "x" * 80), (ADMIN, ADMIN_SECRET, keys[2])):
        assert code(house.form("sts", WHO, wrong)) == (403, "InvalidClientTokenId")
        told = json.loads(house.json("ListIdentityPools", {"MaxResults": 1}, wrong).data)
        assert told == {
            "__type": "UnrecognizedClientException",
            "message": "The security token included in the request is invalid.",
        }
    assert code(house.form("sts", WHO, (keys[0], other[1], keys[2]))) == (403, "SignatureDoesNotMatch")


def test_a_session_that_was_revoked_or_has_ended_is_told_to_get_another(house: AwsHouse) -> None:
    from broker.flows.sts.revoke import revoke_role

    keys = role(house, "Ended")
    assert house.form("sts", WHO, keys).status_code == 200
    house.broker.clock.advance(seconds=2)
    revoke_role(house.kit, "Ended", "test")
    house.broker.clock.advance(seconds=2)
    assert code(house.form("sts", WHO, keys)) == (403, "ExpiredToken")
    told = json.loads(house.json("ListIdentityPools", {"MaxResults": 1}, keys).data)
    assert told == {"__type": "ExpiredTokenException", "message": "The security token included in the request is expired"}


def test_a_session_may_do_what_its_role_allows(house: AwsHouse) -> None:
    allow = {"Effect": "Allow", "Action": "iam:GetRole", "Resource": f"arn:aws:iam::{ACCOUNT}:role/Mild*"}
    keys = role(house, "Mild", allow)
    assert house.client("iam", keys).get_role(RoleName="Mild")["Role"]["RoleName"] == "Mild"
    name, words = refused(house, keys, "iam", "delete_role", RoleName="Mild")
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/Mild/tester"
    assert name == "AccessDenied"
    assert words == (
        f"User: {arn} is not authorized to perform: iam:DeleteRole on resource: arn:aws:iam::{ACCOUNT}:role/Mild "
        "because no identity-based policy allows the iam:DeleteRole action"
    )
    told = json.loads(house.json("ListIdentityPools", {"MaxResults": 1}, keys).data)
    assert told["__type"] == "AccessDeniedException"
    assert told["message"].startswith(f"User: {arn} is not authorized to perform: cognito-identity:ListIdentityPools on resource: *")


def test_a_role_is_judged_by_its_path_too(house: AwsHouse) -> None:
    allow = {"Effect": "Allow", "Action": "iam:*", "Resource": f"arn:aws:iam::{ACCOUNT}:role/Dev*"}
    keys = role(house, "DevHelper", allow)
    role(house, "DevSecret", path="/admin/")
    assert house.client("iam", keys).get_role(RoleName="DevHelper")["Role"]["Path"] == "/"
    name, words = refused(house, keys, "iam", "put_role_policy", RoleName="DevSecret", PolicyName="x", PolicyDocument=policy(allow))
    assert name == "AccessDenied"
    assert "role/admin/DevSecret" in words


def test_an_explicit_deny_is_said_and_does_not_touch_who_am_i(house: AwsHouse) -> None:
    keys = role(house, "Denied", {"Effect": "Deny", "Action": "*", "Resource": "*"})
    assert house.client("sts", keys).get_caller_identity()["Account"] == ACCOUNT
    assert "with an explicit deny in an identity-based policy" in refused(house, keys, "iam", "list_roles")[1]


def test_where_a_call_comes_from_counts(house: AwsHouse) -> None:
    condition = {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}, "Bool": {"aws:SecureTransport": "false"}}
    keys = role(house, "Near", {"Effect": "Allow", "Action": "iam:ListRoles", "Resource": "*", "Condition": condition})
    assert house.client("iam", keys).list_roles()["Roles"]
    body = "Action=ListRoles&Version=2010-05-08"
    far = house.raw(body, house.signed(body, FORM, "iam", keys), environ_overrides={"REMOTE_ADDR": "203.0.113.9"})
    assert code(far) == (403, "AccessDenied")


def test_a_refusal_is_audited_once_with_its_reason_and_without_a_secret(house: AwsHouse) -> None:
    keys = (ADMIN, "s3cretSECRETs3cret", None)
    reply = house.form("sts", WHO, keys)
    assert code(reply) == (403, "SignatureDoesNotMatch")
    audit = house.broker.config.log.audit_file
    assert audit is not None
    lines = audit.read_text().splitlines()
    mine = [json.loads(line) for line in lines if reply.headers["x-amzn-RequestId"] in line]
    assert [(line["event"], line["reason"]) for line in mine] == [("request.refused", "signature_mismatch")]
    assert "s3cret" not in str(mine)

"""What botocore writes is read as it was meant, and what is written botocore reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import botocore.parsers
import botocore.serialize
import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.api_errors import NoSuchEntity, NotAuthorized, ValidationFailed
from broker.errors import BrokerError
from broker.faces.aws.catalog import Asked, Service, offered, service
from broker.faces.aws.operations.row import Operation
from broker.faces.aws.protocols.json11 import Json11
from broker.faces.aws.protocols.query import Query
from broker.faces.aws.refusals import UnknownOperation, Unreadable
from broker.faces.aws.request import Reply, WireRequest

FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
SERVICES = {each.name: each for each in offered()}
SESSION = botocore.session.Session()
MODELS = {name: SESSION.get_service_model(name) for name in ("sts", "iam", "cognito-identity")}


def identity() -> Service:
    names = ("GetId", "ListIdentities", "DescribeIdentity")
    return service("cognito-identity", [Operation(name, "none", lambda call: None) for name in names], {})


def posted(body: str | bytes, headers: tuple[tuple[str, str], ...] = FORM) -> WireRequest:
    return WireRequest("POST", "/", "", headers, body.encode() if isinstance(body, str) else body, "id-1")


def read(service_name: str, body: str) -> dict[str, Any]:
    query = Query(tuple(SERVICES.values()))
    request = posted(body)
    return query.values(query.read(request), request)


def written(service_name: str, operation: str, values: dict[str, Any]) -> str:
    """As botocore puts it on the wire."""
    model = MODELS[service_name]
    serializer = botocore.serialize.create_serializer("query", include_validation=False)
    return urlencode(serializer.serialize_to_request(values, model.operation_model(operation))["body"])


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
TAGS = st.lists(
    st.fixed_dictionaries({"Key": st.from_regex(r"[a-zA-Z0-9+=.@_ é-]{1,9}", fullmatch=True), "Value": st.just("v") | st.just("")}),
    max_size=5,
)


@given(
    st.fixed_dictionaries(
        {"RoleArn": st.just("arn:aws:iam::123456789012:role/a"), "RoleSessionName": st.just("me")},
        optional={
            "Tags": TAGS.filter(bool),
            "TransitiveTagKeys": st.lists(st.just("k"), min_size=1, max_size=12),
            "PolicyArns": st.lists(st.fixed_dictionaries({"arn": st.just("arn:aws:iam::123456789012:policy/p")}), min_size=1, max_size=3),
            "DurationSeconds": st.integers(900, 43200),
        },
    )
)
def test_what_botocore_flattens_is_put_together_again(values: dict[str, Any]) -> None:
    assert read("sts", written("sts", "AssumeRole", values)) == values


def test_booleans_and_empty_lists() -> None:
    assert read("iam", written("iam", "ListPolicies", {"OnlyAttached": True, "MaxItems": 7})) == {"OnlyAttached": True, "MaxItems": 7}
    assert read("iam", "Action=TagRole&Version=2010-05-08&RoleName=a&Tags=") == {"RoleName": "a", "Tags": []}


def test_members_are_in_the_order_of_their_numbers() -> None:
    body = "Action=UntagRole&Version=2010-05-08&RoleName=a" + "".join(f"&TagKeys.member.{number}=k{number}" for number in (10, 2, 1))
    assert read("iam", body)["TagKeys"] == ["k1", "k2", "k10"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("Action=GetRole&Version=2010-05-08&RoleName=a&RoleName=b", Unreadable),
        ("Action=TagRole&Version=2010-05-08&RoleName=a&Tags.member.x.Key=k", Unreadable),
        ("Action=TagRole&Version=2010-05-08&RoleName=a&Tags.member.-1.Key=k", Unreadable),
        ("Action=TagRole&Version=2010-05-08&RoleName=a&" + "&".join(f"Tags.member.{n}.Key=k" for n in range(201)), Unreadable),
        ("Action=GetRole&Version=2010-05-08&RoleName=a&" + "&".join(f"x{n}=" for n in range(700)), Unreadable),
        ("Action=GetRole&Version=2010-05-08&RoleName=a&" + ".".join("x" * 20) + "=1", Unreadable),
        ("Action=GetRole&Version=2010-05-08&RoleName.x=a", Unreadable),
        ("Action=GetRole&Version=2010-05-08&RoleName=%ff", Unreadable),
        ("Action=GetRole&Version=2010-05-08&RoleName=%00", Unreadable),
        ("Action=ListRoles&Version=2010-05-08&MaxItems=ten", ValidationFailed),
        ("Action=ListRoles&Version=2010-05-08&MaxItems=%D9%A1", ValidationFailed),
        ("Action=ListPolicies&Version=2010-05-08&OnlyAttached=yes", ValidationFailed),
        ("Action=GetRole&Version=2011-06-15&RoleName=a", UnknownOperation),
        ("Action=GetRole&RoleName=a", UnknownOperation),
        ("Action=getrole&Version=2010-05-08&RoleName=a", UnknownOperation),
        ("", UnknownOperation),
    ],
)
def test_parameters_that_cannot_be_meant(body: str, kind: type[BrokerError]) -> None:
    assert read("iam", "Action=GetRole&Version=2010-05-08&RoleName=a") == {"RoleName": "a"}
    with pytest.raises(kind):
        read("iam", body)


@given(st.text(max_size=200))
def test_no_form_does_more_than_be_refused(text: str) -> None:
    for body in (text, f"Action=TagRole&Version=2010-05-08&{text}"):
        try:
            values = read("iam", body)
        except BrokerError:
            continue
        assert set(values) <= {"RoleName", "Tags"}


# --- answers ---------------------------------------------------------------------------------------------------------------------------


def parsed(reply: Reply, service_name: str, operation: str, protocol: str) -> dict[str, Any]:
    parser = botocore.parsers.create_parser(protocol)
    shape = MODELS[service_name].operation_model(operation).output_shape
    found: dict[str, Any] = parser.parse({"status_code": reply.status, "headers": dict(reply.headers), "body": reply.body}, shape)
    return found


@given(TEXT, st.lists(TEXT, max_size=3), st.integers(0, 4 * 10**12))
def test_xml_is_read_as_it_was_meant(text: str, texts: list[str], milliseconds: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    asked = Asked(SERVICES["iam"], SERVICES["iam"].operations["GetOpenIDConnectProvider"])
    output = {
        "Url": text,
        "ClientIDList": texts,
        "CreateDate": moment,
        "Tags": [{"Key": text, "Value": text}],
        "Novelty": 1,
        "ThumbprintList": None,
    }
    found = parsed(Query(()).write(asked, output, "id-1"), "iam", "GetOpenIDConnectProvider", "query")
    as_xml = "".join(
        character if (character >= " " and character not in "\ufffe\uffff") or character in "\t\n\r" else "\ufffd" for character in text
    )
    assert found["Url"] == as_xml
    assert len(found["ClientIDList"]) == len(texts)
    assert found["CreateDate"] == moment
    assert found["Tags"] == [{"Key": as_xml, "Value": as_xml}]
    assert found["ResponseMetadata"]["RequestId"] == "id-1"
    assert "Novelty" not in found
    assert "ThumbprintList" not in found


def test_an_answer_without_output() -> None:
    reply = Query(()).write(Asked(SERVICES["iam"], SERVICES["iam"].operations["DeleteRole"]), None, "id-1")
    assert reply.body.decode() == (
        '<DeleteRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        "<ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></DeleteRoleResponse>"
    )


def test_a_refusal_in_xml_is_read_by_botocore() -> None:
    reply = Query(()).refuse(NoSuchEntity("private", public="no <role> & none"), "id-1", SERVICES["iam"])
    found = parsed(reply, "iam", "GetRole", "query")
    assert reply.status == 404
    assert found["Error"] == {"Type": "Sender", "Code": "NoSuchEntity", "Message": "no <role> & none"}
    assert b"private" not in reply.body


def test_json_is_read_as_it_was_meant() -> None:
    ours = identity()
    asked = Asked(ours, ours.operations["DescribeIdentity"])
    whole, broken = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
    output = {"IdentityId": "eu:1", "Logins": ("a",), "CreationDate": whole, "LastModifiedDate": broken, "Novelty": 1}
    reply = Json11((ours,)).write(asked, output, "id-1")
    found = parsed(reply, "cognito-identity", "DescribeIdentity", "json")
    assert found["CreationDate"] == whole
    assert found["LastModifiedDate"] == datetime(2026, 1, 2, 3, 4, 5, 679_000, tzinfo=UTC)
    assert b'"CreationDate": 1767323045,' in reply.body
    assert "Novelty" not in found
    assert reply.headers["x-amzn-RequestId"] == "id-1"


def test_a_refusal_in_json_is_read_by_botocore() -> None:
    reply = Json11(()).refuse(NotAuthorized("private", public="Zürich\r\nX-Evil: 1"), "id-1")
    found = parsed(reply, "cognito-identity", "GetId", "json")
    assert reply.status == 400
    assert found["Error"]["Code"] == "NotAuthorizedException"
    assert found["Error"]["Message"] == "Zürich\r\nX-Evil: 1"
    assert reply.headers["x-amzn-ErrorType"] == "NotAuthorizedException"
    assert reply.headers["x-amzn-ErrorMessage"] == "Z?rich??X-Evil: 1", "no line end may reach a header"


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        "[]",
        '"text"',
        "5",
        '{"IdentityPoolId": "a:0", "IdentityPoolId": "b:0"}',
        '{"IdentityPoolId": NaN}',
        "[" * 100_000,
        '{"a":' * 50_000,
        b"\xff\xfe",
        b'\xef\xbb\xbf{"IdentityPoolId": "a:0"}',
    ],
    ids=range(10),
)
def test_bodies_that_are_no_json_object(body: str | bytes) -> None:
    protocol = Json11((identity(),))
    headers = (("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", "AWSCognitoIdentityService.GetId"))
    good = posted('{"IdentityPoolId": "a:0"}', headers)
    assert protocol.values(protocol.read(good), good) == {"IdentityPoolId": "a:0"}
    bad = posted(body, headers)
    with pytest.raises(Unreadable):
        protocol.values(protocol.read(bad), bad)

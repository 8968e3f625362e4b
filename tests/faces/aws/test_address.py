"""`/` at the public host: who is answered there, in which form, and what a browser's script may read."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup

from tests.fakes.aws import ADMIN, ADMIN_KEYS, IDENTITY, AwsHouse
from tests.fakes.broker import POOL

JSON = "application/x-amz-json-1.1"
FORM = "application/x-www-form-urlencoded"
ORIGIN = {"Origin": "https://app.example"}
IDENTITY_CALL = {"Content-Type": JSON, "X-Amz-Target": f"{IDENTITY}.GetId"}
WHO = "Action=GetCallerIdentity&Version=2011-06-15"


def told(reply: Any) -> tuple[int, str]:
    return reply.status_code, json.loads(reply.data)["__type"]


def code(reply: Any) -> tuple[int, str]:
    return reply.status_code, BeautifulSoup(reply.data, "xml").find("Code").text


def test_a_query_may_come_as_a_form_or_in_the_url(house: AwsHouse) -> None:
    form = house.form("sts", WHO, ADMIN_KEYS)
    assert form.status_code == 200
    assert form.content_type == "text/xml"
    got = house.raw("", house.signed("", {}, "sts", path=f"/?{WHO}"), "GET", f"/?{WHO}")
    assert got.status_code == 200, got.data
    for reply in (form, got):
        xml = BeautifulSoup(reply.data, "xml")
        assert xml.find("Arn").text.endswith(":root")
        assert xml.find("RequestId").text == reply.headers["x-amzn-RequestId"] == reply.headers["X-Request-Id"]


def test_a_person_gets_a_page(house: AwsHouse) -> None:
    for method, path in (("GET", "/"), ("HEAD", "/"), ("GET", "/?hello"), ("PUT", "/")):
        reply = house.raw("", {}, method, path)
        assert reply.status_code in {404, 405}
        assert reply.content_type.startswith("text/html")


@pytest.mark.parametrize("target", ["", "GetId", f"{IDENTITY}.", f"{IDENTITY}.getid", f"{IDENTITY}.Nothing", "AWSOther.GetId", "é.GetId"])
def test_an_unknown_target(house: AwsHouse, target: str) -> None:
    assert told(house.raw("{}", IDENTITY_CALL)) == (400, "InvalidParameterException")
    reply = house.raw("{}", {"Content-Type": JSON, "X-Amz-Target": target.encode().decode("latin-1")})
    assert told(reply) == (400, "UnknownOperationException")
    assert reply.headers["x-amzn-ErrorType"] == "UnknownOperationException"
    assert reply.headers["x-amzn-ErrorMessage"]
    assert "Access-Control-Allow-Origin" not in reply.headers


def test_an_unknown_action(house: AwsHouse) -> None:
    assert code(house.form("sts", "Action=Dance&Version=2011-06-15")) == (400, "InvalidAction")
    refused = house.form("sts", "Action=GetFederationToken&Version=2011-06-15&Name=x")
    assert code(refused) == (400, "InvalidAction")
    assert b"use AssumeRole with a session policy" in refused.data
    assert b"sts.amazonaws.com/doc/2011-06-15/" in refused.data


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", ""])
def test_no_other_content_type_is_read(house: AwsHouse, content_type: str) -> None:
    reply = house.raw("{}", IDENTITY_CALL | {"Content-Type": content_type})
    assert told(reply) == (400, "SerializationException")


def test_a_body_beyond_all_measure(house: AwsHouse) -> None:
    large = json.dumps({"IdentityPoolId": "eu-west-1:0", "Logins": {f"p{number}": "t" * 49_000 for number in range(10)}})
    assert told(house.raw(large, IDENTITY_CALL))[1] == "ResourceNotFoundException"
    assert told(house.raw(large + " " * 200_000, IDENTITY_CALL)) == (413, "SerializationException")
    assert code(house.raw(WHO + "&x=" + "y" * 700_000, {"Content-Type": FORM})) == (413, "MalformedInput")


def test_a_browser_may_ask_and_read_what_needs_no_signature(house: AwsHouse) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-amz-target,x-amz-user-agent"}
    preflight = house.raw("", ORIGIN | asked, "OPTIONS")
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    allowed = {name.strip() for name in preflight.headers["Access-Control-Allow-Headers"].split(",")}
    wanted = {"x-amz-target", "x-amz-user-agent", "amz-sdk-request", "amz-sdk-invocation-id", "authorization", "x-amz-date"}
    assert wanted | {"x-amz-security-token", "content-type"} <= allowed
    assert "Access-Control-Allow-Credentials" not in preflight.headers
    reply = house.raw("{}", IDENTITY_CALL | ORIGIN)
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    exposed = {name.strip() for name in reply.headers["Access-Control-Expose-Headers"].split(",")}
    assert {"x-amzn-requestid", "x-amzn-errortype", "x-amzn-errormessage", "date"} <= exposed


def test_a_script_may_not_read_what_is_signed(house: AwsHouse) -> None:
    reply = house.json("ListIdentityPools", {"MaxResults": 1}, ADMIN_KEYS, **ORIGIN)
    assert reply.status_code == 200
    assert "Access-Control-Allow-Origin" not in reply.headers
    assert "Access-Control-Allow-Origin" not in house.form("sts", WHO, ADMIN_KEYS).headers


def test_keys_count_at_the_public_host_alone(house: AwsHouse) -> None:
    good = house.signed(WHO, {"Content-Type": FORM}, "sts")
    assert house.raw(WHO, good).status_code == 200
    assert code(house.raw(WHO, good, path=f"/{POOL}/")) == (404, "InvalidAction")
    assert house.raw("", {}, "OPTIONS", f"/{POOL}/").status_code == 404
    client = house.broker.browser().client
    elsewhere = client.post("/", base_url="http://other.example", data=WHO, headers=good)
    assert elsewhere.status_code == 421


def test_a_signature_on_an_unsigned_operation_is_ignored(house: AwsHouse) -> None:
    body = {"IdentityPoolId": "eu-west-1:0"}
    plain = house.json("GetId", body)
    forged = house.json("GetId", body, (ADMIN, "wrong", None))
    assert told(plain) == told(forged) == (400, "ResourceNotFoundException")


def test_answers_are_nobodys_to_keep(house: AwsHouse) -> None:
    reply = house.form("sts", WHO, ADMIN_KEYS)
    assert "no-store" in reply.headers["Cache-Control"]
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_a_flood_of_unsigned_calls_is_told_to_wait(house: AwsHouse) -> None:
    rates = house.kit.base.rates
    limits = rates._limits
    assert limits["identity"].count == 3000
    address = {"REMOTE_ADDR": "203.0.113.7"}
    body = urlencode({"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15"})
    seen = {house.raw("{}", IDENTITY_CALL, environ_overrides=address).status_code for _ in range(3)}
    for _ in range(3000):
        try:
            rates.check("identity", "203.0.113.7")
        except Exception:
            break
    assert seen == {400}
    assert told(house.raw("{}", IDENTITY_CALL, environ_overrides=address)) == (400, "TooManyRequestsException")
    throttled = house.raw(body, {"Content-Type": FORM}, environ_overrides=address)
    assert code(throttled) == (400, "Throttling")
    assert told(house.raw("{}", IDENTITY_CALL)) == (400, "InvalidParameterException"), "another address is not held back"

"""When something of ours breaks, the caller gets the service's own word for it and the request id; the log gets the rest."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import pytest
from bs4 import BeautifulSoup
from werkzeug.test import Client, TestResponse

from broker.app import create_app
from broker.config import Config
from broker.errors import Unavailable
from broker.services import Services
from tests.fakes.aws import IDENTITY, AwsHouse
from tests.fakes.oidc_op import b64

POOL = "eu-west-1:00000000-0000-0000-0000-000000000000"
FORM = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn:aws:iam::123456789012:role/a&RoleSessionName=me"


class Broken:
    """A store and settings of which nothing works."""

    def __init__(self, fail: Callable[[], NoReturn]) -> None:
        self._fail = fail

    def __getattr__(self, name: str) -> Any:
        self._fail()


def away() -> NoReturn:
    raise Unavailable("s3cret database host is down")


def bug() -> NoReturn:
    raise RuntimeError("s3cret value in a traceback")


@dataclass
class Mounted:
    config: Config
    services: Services


def client(house: AwsHouse, fail: Callable[[], NoReturn]) -> Client:
    services = house.broker.wired.services
    broken = replace(services.access.kit.base, settings=Broken(fail), store=Broken(fail))  # type: ignore[arg-type]
    access = replace(services.access, kit=replace(services.access.kit, base=broken))
    return Client(create_app(Mounted(house.broker.config, replace(services, access=access))))


def posted(browser: Client, house: AwsHouse, body: str, **headers: str) -> TestResponse:
    return browser.post("/", base_url=house.url, data=body, headers=headers)


@pytest.mark.parametrize(("fail", "status", "code"), [(bug, 500, "InternalFailure"), (away, 503, "ServiceUnavailable")])
def test_a_fault(house: AwsHouse, capsys: pytest.CaptureFixture[str], fail: Callable[[], NoReturn], status: int, code: str) -> None:
    browser = client(house, fail)
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{IDENTITY}.GetId"}
    reply = posted(browser, house, json.dumps({"IdentityPoolId": POOL}), **headers)
    assert (reply.status_code, json.loads(reply.data)["__type"]) == (status, "InternalErrorException")
    assert reply.headers["x-amzn-ErrorType"] == "InternalErrorException"
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    token = f"e30.{b64(json.dumps({'iss': 'https://op.example'}))}.e30"
    xml = posted(browser, house, f"{FORM}&WebIdentityToken={token}", **{"Content-Type": "application/x-www-form-urlencoded"})
    found = BeautifulSoup(xml.data, "xml")
    assert (xml.status_code, found.find("Code").text, found.find("Type").text) == (status, code, "Receiver")
    logged = capsys.readouterr()
    assert reply.headers["x-amzn-RequestId"]
    for answer in (reply, xml):
        assert b"s3cret" not in answer.data
        assert "s3cret" not in str(answer.headers)
    assert "s3cret" in logged.out + logged.err, "the operator reads what it was"

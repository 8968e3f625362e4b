"""A broker with two services behind it, credentials of somebody in marketing, and the two proxies as they ask."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from werkzeug.test import Client, TestResponse

from broker.gate import Gate
from broker.model.sts import Credentials
from broker.sigv4 import ClientKeys, SignedRequest, presign, sign
from tests.fakes.broker import POOL, TestBroker

ACCOUNT = "123456789012"
IDENTITY_POOL = "eu-west-1:11111111-1111-4111-8111-111111111111"
HOST = "reports.example.com"
UPLOADS = "uploads.example.com"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "reports:*", "Resource": "arn:aws:reports:::${aws:PrincipalTag/Department}/*"},
            {"Sid": "NoDelete", "Effect": "Deny", "Action": "reports:Delete", "Resource": "*"},
            {
                "Sid": "Tls",
                "Effect": "Deny",
                "Action": "reports:Purge",
                "Resource": "*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
            {
                "Sid": "Office",
                "Effect": "Deny",
                "Action": "reports:Purge",
                "Resource": "*",
                "Condition": {"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}},
            },
        ],
    }
)
RULES = ", ".join(
    f'{{ methods = [{methods}], path = "/reports/{{department}}/{{report*}}", action = "reports:{action}", '
    'resource = "arn:aws:reports:::{department}/{report}" }'
    for methods, action in (('"GET"', "Read"), ('"PUT", "POST"', "Write"), ('"DELETE"', "Delete"), ('"PURGE"', "Purge"))
)
SETTINGS = f"""
[aws]
region = "eu-west-1"
account_id = "{ACCOUNT}"
access_keys = [{{ id = "CROSSGATEADMIN", secret = "admin-secret-of-forty-characters-or-so" }}]

[authorize]
bind = "127.0.0.1:8081"

[[role]]
name = "reader"
policies = [{{ name = "department", document = '{POLICY}' }}]

[[identity_pool]]
id = "{IDENTITY_POOL}"
name = "Everybody"
authenticated_role = "reader"
[[identity_pool.user_pool]]
id = "{POOL}"
client = "app"

[[protected_service]]
name = "reports"
hosts = ["{HOST}"]
rules = [{RULES}]

[[protected_service]]
name = "uploads"
hosts = ["uploads.example.com"]
signed_for = "s3"
unsigned_payload = true
streaming = true
rules = [{{ path = "/{{department}}/{{file*}}", action = "reports:Upload", resource = "arn:aws:reports:::{{department}}/{{file}}" }}]
"""


@dataclass
class World:
    """The broker, and credentials of somebody in marketing."""

    broker: TestBroker
    credentials: Credentials

    @property
    def keys(self) -> ClientKeys:
        given = self.credentials
        return ClientKeys(given.access_key_id, given.secret_access_key, given.session_token)

    def signed(
        self, method: str, path: str, body: bytes | None = b"", host: str = HOST, service: str = "execute-api", **headers: str
    ) -> Any:
        """The headers of a request that an honest client signed."""
        request = SignedRequest(method, path.partition("?")[0], path.partition("?")[2], [("host", host), *headers.items()], body)
        return sign(request, self.keys, now=self.broker.clock.now().astimezone(UTC), region="eu-west-1", service=service)

    def presigned(self, path: str) -> str:
        request = SignedRequest("GET", path, "", [("host", HOST)], None)
        made = presign(request, self.keys, now=self.broker.clock.now().astimezone(UTC), region="eu-west-1", service="execute-api")
        return made if "?" in made else f"{path}?{made}"

    def gate(self) -> Gate:
        return Gate(self.broker.wired.services.access.kit, self.broker.config)


def nginx(world: World, method: str, path: str, headers: Any, host: str = HOST, peer: str = "127.0.0.1") -> TestResponse:
    given = [(name, value) for name, value in headers if name.lower() != "host"]
    told = [("X-Original-Method", method), ("X-Original-URI", path), ("X-Forwarded-For", "198.51.100.7"), *given]
    client = Client(world.broker.app)
    return client.get("/authorize", base_url=f"http://{host}", headers=told, environ_overrides={"SERVER_PORT": "8081", "REMOTE_ADDR": peer})


def envoy(world: World, method: str, path: str, headers: Any, host: str = HOST, data: bytes = b"", peer: str = "127.0.0.1") -> TestResponse:
    given = [(name, value) for name, value in headers if name.lower() != "host"]
    client = Client(world.broker.app)
    target = "/authorize" + path
    return client.open(
        target,
        method=method,
        base_url=f"http://{host}",
        headers=given,
        data=data,
        environ_overrides={"SERVER_PORT": "8081", "REQUEST_URI": target, "RAW_URI": target, "REMOTE_ADDR": peer},
    )


ALLOWED = "/reports/marketing/q1/summary.pdf"

Ask = Callable[[World, str, str, Any], TestResponse]

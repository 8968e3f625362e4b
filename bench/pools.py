"""The identity pool that is measured: `crossgate serve` with two pools, roles and a protected service, and calls to it as octets."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench import crossgate
from bench.hammer import request
from bench.logins import Broker
from bench.party import CLIENT_ID, Party
from bench.server import Server, free_port
from broker.sigv4 import ClientKeys, SignedRequest, sign

REGION, ACCOUNT = "eu-west-1", "123456789012"
ONE_RULE = f"{REGION}:11111111-1111-4111-8111-111111111111"
MANY_RULES = f"{REGION}:22222222-2222-4222-8222-222222222222"
LOGIN = f"cognito-idp.{REGION}.amazonaws.com/{crossgate.POOL}"
RULES = 25
HOST = "reports.example.org"
REPORT = "/reports/Jane/2026/q1"

POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "List", "Effect": "Allow", "Action": ["reports:List", "reports:Search"], "Resource": "*"},
            {"Effect": "Allow", "Action": "reports:Read", "Resource": "arn:aws:reports:::${aws:PrincipalTag/Name}/*"},
            {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        ],
    },
    indent=1,
)

SETTINGS = """
[aws]
region = "{region}"
account_id = "{account}"

[authorize]
bind = "127.0.0.1:{authorize}"

[[role]]
name = "reader"
policies = [{{ name = "reports", document = {policy} }}]

[[role]]
name = "other"

[[protected_service]]
name = "reports"
hosts = ["{host}"]
rules = [
    {{ methods = ["GET"], path = "/", action = "reports:List", resource = "*" }},
    {{ methods = ["GET"], path = "/search/{{word}}", action = "reports:Search", resource = "*" }},
    {{ methods = ["PUT"], path = "/reports/{{who}}/{{what*}}", action = "reports:Write", resource = "arn:aws:reports:::{{who}}" }},
    {{ methods = ["DELETE"], path = "/reports/{{who}}/{{what*}}", action = "reports:Delete", resource = "arn:aws:reports:::{{who}}" }},
    {{ methods = ["GET"], path = "/reports/{{who}}/{{a*}}", action = "reports:Read", resource = "arn:aws:reports:::{{who}}/{{a}}" }},
]
"""

POOL = """
[[identity_pool]]
id = "{id}"
name = "Bench"
guests = true
authenticated_role = "other"
guest_role = "other"

[[identity_pool.user_pool]]
id = "{user_pool}"
client = "{client}"
role_from = "rules"
rules = [{rules}]
tags = {{ Name = "given_name", Mail = "email", Nick = "nickname" }}
"""


@dataclass(frozen=True)
class Keys:
    """Temporary credentials, and whose they are."""

    identity: str
    client: ClientKeys


@dataclass(frozen=True)
class Pools:
    """The server, the port of its API and the port of its `/authorize`."""

    broker: Broker
    config: Path
    port: int
    authorize: int

    @property
    def server(self) -> Server:
        return self.broker.server

    def get_id(self, token: str, pool: str = ONE_RULE) -> str:
        """The identity of an ID token."""
        return str(self.call("GetId", {"IdentityPoolId": pool, "Logins": {LOGIN: token}})["IdentityId"])

    def keys(self, token: str, pool: str = ONE_RULE) -> Keys:
        """Credentials for an ID token."""
        identity = self.get_id(token, pool)
        given = self.call("GetCredentialsForIdentity", {"IdentityId": identity, "Logins": {LOGIN: token}})["Credentials"]
        return Keys(identity, ClientKeys(given["AccessKeyId"], given["SecretKey"], given["SessionToken"]))

    def call(self, operation: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """What the API answers."""
        url = f"http://127.0.0.1:{self.port}/"
        asked = urllib.request.Request(url, json.dumps(values).encode(), _headers(operation))
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return dict(json.loads(answer.read()))


def _headers(operation: str) -> dict[str, str]:
    return {
        "Host": urlsplit(crossgate.PUBLIC).netloc,
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "192.0.2.1",
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"AWSCognitoIdentityService.{operation}",
    }


def octets(operation: str, values: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> bytes:
    """A call, as a proxy that ended TLS passes it on; SDKs do not sign these."""
    return request("POST", "/", {**_headers(operation), **(headers or {})}, json.dumps(values))


def signed(keys: ClientKeys) -> SignedRequest:
    """A request to the protected service."""
    bare = SignedRequest("GET", REPORT, "", (("host", HOST), ("user-agent", "bench/1")), b"")
    return SignedRequest("GET", REPORT, "", sign(bare, keys, now=datetime.now(UTC), region=REGION, service="execute-api"), b"")


def authorize(keys: ClientKeys) -> bytes:
    """What nginx asks about that request."""
    told = {
        "X-Original-Method": "GET",
        "X-Original-URI": REPORT,
        "X-Forwarded-For": "192.0.2.1",
        "X-Forwarded-Proto": "https",
        **{name.title(): value for name, value in signed(keys).headers},
    }
    return request("GET", "/authorize", told)


@contextmanager
def serving(folder: Path, party: Party) -> Iterator[Pools]:
    """One worker of four threads, like the peer, which is one process. A database that is there is used."""
    port, authorize_port = free_port(), free_port()
    config = crossgate.write_config(folder, party, port, workers=1)
    settings = SETTINGS.format(region=REGION, account=ACCOUNT, authorize=authorize_port, policy=json.dumps(POLICY), host=HOST)
    last = {"claim": "email", "value": "@example.org", "match": "Contains", "role": "reader"}
    others = [{"claim": "nickname", "value": f"nobody {number}", "role": "other"} for number in range(RULES - 1)]
    for pool, rules in ((ONE_RULE, [last]), (MANY_RULES, [*others, last])):
        listed = ", ".join("{ " + ", ".join(f'{name} = "{value}"' for name, value in rule.items()) + " }" for rule in rules)
        settings += POOL.format(id=pool, user_pool=crossgate.POOL, client=CLIENT_ID, rules=listed)
    config.write_text(config.read_text() + settings)
    command = [sys.executable, "-m", "broker", "serve", "--config", str(config)]
    env = {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    with Server("crossgate", command, f"http://127.0.0.1:{port}/readyz", folder, env) as server:
        issuer, more = f"{crossgate.PUBLIC}/{crossgate.POOL}", {"identity_provider": "idp0"}
        broker = Broker(server, f"127.0.0.1:{port}", f"{issuer}/oauth2/authorize", f"{issuer}/oauth2/token", more)
        yield Pools(broker, config, port, authorize_port)

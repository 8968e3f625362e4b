"""A whole broker behind a real socket, and boto3 at it: the SDK is unchanged but for the endpoint."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import TestResponse

from broker.flows.access_kit import AccessKit
from tests.fakes.broker import PUBLIC, TestBroker
from tests.fakes.setup import TOML

REGION = "eu-west-1"
ACCOUNT = "123456789012"
ADMIN, ADMIN_SECRET = "AKIAADMINADMINADMIN2", "q" * 40
IDENTITY = "AWSCognitoIdentityService"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"

AWS = f"""
[aws]
region = "{REGION}"
account_id = "{ACCOUNT}"
access_keys = [{{ id = "{ADMIN}", secret = "{ADMIN_SECRET}" }}]
"""

Keys = tuple[str, str, str | None]
ADMIN_KEYS: Keys = (ADMIN, ADMIN_SECRET, None)


class Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nobody reads it."""


def policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


TRUST_ACCOUNT = policy({"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": ["sts:AssumeRole", "sts:TagSession"]})


@dataclass
class AwsHouse:
    """`broker` in process and, at `url`, over HTTP."""

    broker: TestBroker
    url: str
    _clients: dict[tuple[str, Keys], Any] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def open(cls, folder: Path, more: str = "", issuer: str = "https://op.example") -> Iterator[AwsHouse]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        toml = (TOML + AWS + more).replace(PUBLIC, url).replace("{issuer}", issuer)
        broker = TestBroker.start(folder, toml)
        server = make_server("127.0.0.1", int(url.rpartition(":")[2]), broker.app, threaded=True, request_handler=Quiet)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        house = cls(broker, url)
        yield house
        for client in house._clients.values():
            client.close()
        server.shutdown()
        thread.join()
        server.server_close()

    @property
    def kit(self) -> AccessKit:
        return self.broker.wired.services.access.kit

    def client(self, service: str, keys: Keys = ADMIN_KEYS) -> Any:
        """boto3's, with an admin key unless told otherwise."""
        if (service, keys) not in self._clients:
            session = boto3.session.Session(keys[0], keys[1], keys[2], region_name=REGION)
            config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30)
            self._clients[service, keys] = session.client(service, endpoint_url=self.url, config=config)
        return self._clients[service, keys]

    def session(self, role: str, name: str = "tester", **more: Any) -> Keys:
        """The keys of a session of a role."""
        found = self.client("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}", RoleSessionName=name, **more)["Credentials"]
        return found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]

    # --- raw requests, for what the SDK would not send ---------------------------------------------------------------------------------

    def raw(self, body: bytes | str, headers: Mapping[str, str], method: str = "POST", path: str = "/", **more: Any) -> TestResponse:
        data = body.encode() if isinstance(body, str) else body
        return self.broker.browser(self.url).client.open(path, method=method, base_url=self.url, data=data, headers=dict(headers), **more)

    def json(self, operation: str, body: Any, keys: Keys | None = None, **headers: str) -> TestResponse:
        """An operation of cognito-identity, signed if there are keys."""
        sent = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{IDENTITY}.{operation}", **headers}
        data = body if isinstance(body, bytes | str) else json.dumps(body)
        return self.raw(data, self.signed(data, sent, "cognito-identity", keys) if keys else sent)

    def form(self, service: str, body: str, keys: Keys | None = None) -> TestResponse:
        """A call of the query protocol, signed if there are keys."""
        sent = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.raw(body, self.signed(body, sent, service, keys) if keys else sent)

    def signed(
        self, body: bytes | str, headers: Mapping[str, str], service: str, keys: Keys = ADMIN_KEYS, path: str = "/"
    ) -> dict[str, str]:
        request = AWSRequest(method="POST" if body else "GET", url=self.url + path, data=body, headers=dict(headers))
        botocore.auth.SigV4Auth(Credentials(*keys), service, REGION).add_auth(request)
        return dict(request.headers)

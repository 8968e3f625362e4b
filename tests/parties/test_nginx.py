"""nginx with auth_request, configured as docs/how-to/guard-a-service.md writes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.parties.kit.guide import HOST
from tests.parties.kit.identity_pool import ACCOUNT, REGION, IdentityPools, Keys
from tests.parties.kit.nginx import Nginx, Service

pytestmark = pytest.mark.parties

OWN, OTHERS = "/reports/Alice/2026/q1", "/reports/Bob/2026/q1"
WRITER = f"arn:aws:sts::{ACCOUNT}:assumed-role/writer/CognitoIdentityCredentials"


@dataclass
class Stage:
    """The guard, and a second one that asks from an address which is nobody's trusted proxy."""

    nginx: Nginx
    stranger: Nginx
    alice: Keys
    bob: Keys


@pytest.fixture(scope="module")
def stage(pools: IdentityPools) -> Iterator[Stage]:
    bind = pools.authorize
    with (
        closing(Service()) as service,
        closing(Nginx(bind, service.url)) as nginx,
        closing(Nginx(bind, service.url, source="127.0.0.2")) as stranger,
    ):
        yield Stage(nginx, stranger, pools.credentials(pools.logins("alice")), pools.credentials(pools.logins("bob")))


def sign(keys: Keys, target: str, method: str = "GET", body: str = "", host: str = HOST, *, query: bool = False) -> AWSRequest:
    """The request as boto would sign it for the service's public name, with the body's hash in a header."""
    request = AWSRequest(method, f"http://{host}{target}", data=body or None)
    if body:
        request.headers["X-Amz-Content-SHA256"] = hashlib.sha256(body.encode()).hexdigest()
    kind = SigV4QueryAuth if query else SigV4Auth
    kind(Credentials(*keys), "execute-api", REGION).add_auth(request)
    return request


def send(nginx: Nginx, request: AWSRequest, body: str | None = None, source: str = "127.0.0.1", **headers: str) -> tuple[int, Any]:
    """Bring it to nginx: the status, and what the service saw, or the body of the refusal. Underscores are dashes in names of headers."""
    parts = urlsplit(request.url)
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    told: Mapping[str, str] = {"Host": parts.netloc, **dict(request.headers.items()), **more}
    connection = HTTPConnection("127.0.0.1", nginx.port, timeout=30, source_address=(source, 0))
    with closing(connection):
        content = request.data if body is None else body
        connection.request(request.method, f"{parts.path}?{parts.query}" if parts.query else parts.path, content or None, dict(told))
        answer = connection.getresponse()
        text = answer.read().decode()
        return answer.status, json.loads(text) if answer.status == 200 else text


def test_allowed_and_denied(stage: Stage) -> None:
    """Alice reads what is her department's and no more; Bob's role allows nothing; who signs nothing, or wrongly, is nobody."""
    status, seen = send(stage.nginx, sign(stage.alice, OWN))
    assert status == 200
    told = {name: value for name, value in seen["headers"].items() if name.startswith("x-crossgate-")}
    assert told == {
        "x-crossgate-principal": WRITER,
        "x-crossgate-role": f"arn:aws:iam::{ACCOUNT}:role/writer",
        "x-crossgate-tags": "Department=Alice",
    }
    assert send(stage.nginx, sign(stage.alice, OTHERS))[0] == 403
    assert send(stage.nginx, sign(stage.alice, "/elsewhere"))[0] == 403
    assert send(stage.nginx, sign(stage.bob, OTHERS))[0] == 403
    assert send(stage.nginx, AWSRequest("GET", f"http://{HOST}{OWN}"))[0] == 401
    wrong: Keys = (stage.alice[0], "x" * 40, stage.alice[2])
    assert send(stage.nginx, sign(wrong, OWN))[0] == 401


def test_headers_that_a_client_makes_up(stage: Stage) -> None:
    """What Crossgate would say, and what nginx would say to Crossgate: none of it is the client's to say."""
    made_up = {
        f"X_Crossgate_{name}": "forged" for name in ("Principal", "Role", "Tags", "Decision", "Action", "Resource", "Payload", "Service")
    }
    status, seen = send(stage.nginx, sign(stage.alice, OWN), **made_up)
    assert status == 200
    assert "forged" not in seen["headers"].values()
    assert seen["headers"]["x-crossgate-principal"] == WRITER
    assert send(stage.nginx, sign(stage.bob, OWN), **made_up)[0] == 403
    # She signed for her own report and asks for another's.
    others = AWSRequest("GET", f"http://{HOST}{OTHERS}", headers=dict(sign(stage.alice, OWN).headers.items()))
    assert send(stage.nginx, others, X_Original_URI=OWN)[0] == 401
    own = AWSRequest("PUT", f"http://{HOST}{OWN}", headers=dict(sign(stage.alice, OWN).headers.items()))
    assert send(stage.nginx, own, X_Original_Method="GET")[0] == 401


def test_a_request_to_one_service_is_not_judged_as_one_to_another(stage: Stage) -> None:
    """She may do anything at the public service, and reaches nothing here by signing for that one."""
    elsewhere = sign(stage.alice, OTHERS, host="public.example.com")
    assert send(stage.nginx, elsewhere)[0] == 401
    for header in ("X_Forwarded_Host", "X_Host", "Forwarded"):
        value = "host=public.example.com" if header == "Forwarded" else "public.example.com"
        assert send(stage.nginx, elsewhere, Host=HOST, **{header: value})[0] == 401
    # The absolute form of the request line wins over Host where nginx chooses a server.
    moved = AWSRequest("GET", elsewhere.url, headers=dict(elsewhere.headers.items()))
    connection = HTTPConnection("127.0.0.1", stage.nginx.port, timeout=30)
    with closing(connection):
        connection.request("GET", f"http://{HOST}{OTHERS}", headers={**dict(moved.headers.items()), "Host": "public.example.com"})
        assert connection.getresponse().status == 401


def test_a_presigned_url(stage: Stage) -> None:
    """The signature in the query, for whoever has the link; a changed link is nobody's."""
    link = sign(stage.alice, OWN, query=True)
    bare = AWSRequest("GET", link.url)
    assert send(stage.nginx, bare)[0] == 200
    assert send(stage.nginx, AWSRequest("GET", link.url.replace("/q1", "/q2")))[0] == 401
    assert send(stage.nginx, AWSRequest("GET", link.url + "&more=1"))[0] == 401


def test_a_body_passes_unseen(stage: Stage, pools: IdentityPools) -> None:
    """nginx shows no body, so a changed one gets through, and the answer says `unverified`."""
    put = sign(stage.alice, OWN, "PUT", "as signed")
    assert send(stage.nginx, put)[1]["body"] == "as signed"
    status, seen = send(stage.nginx, put, body="something else")
    assert (status, seen["body"]) == (200, "something else")
    del put.headers["X-Amz-Content-SHA256"]
    assert send(stage.nginx, put)[0] == 401
    put = sign(stage.alice, OWN, "PUT", "as signed")
    headers = {**dict(put.headers.items()), "Host": HOST, "X-Original-Method": "PUT", "X-Original-URI": OWN, "X-Forwarded-For": "127.0.0.1"}
    asked = requests.get(f"http://{pools.authorize}/authorize", headers=headers, timeout=30)
    assert (asked.status_code, asked.headers["X-Crossgate-Payload"]) == (200, "unverified")


def test_the_clients_address_is_the_one_that_nginx_saw(stage: Stage) -> None:
    """Writing is allowed from one address; to claim it is not to have it."""
    put = sign(stage.alice, OWN, "PUT", "x")
    assert send(stage.nginx, put)[0] == 200
    assert send(stage.nginx, put, source="127.0.0.3")[0] == 403
    assert send(stage.nginx, put, source="127.0.0.3", X_Forwarded_For="127.0.0.1")[0] == 403


def test_a_proxy_that_is_not_trusted_learns_nothing(stage: Stage) -> None:
    """The same nginx from another address: whatever it asks is refused."""
    assert send(stage.nginx, sign(stage.alice, OWN))[0] == 200
    assert send(stage.stranger, sign(stage.alice, OWN))[0] == 403

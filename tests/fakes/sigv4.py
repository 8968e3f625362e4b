"""Signed requests for tests: the reference signer is botocore's, and a request is changed here after it was signed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from broker.sigv4 import Requirements, SignedRequest, SigningSecret, Verified, verify

KEY_ID = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"  # the secret of AWS's own examples
TOKEN = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRq=="
REGION = "us-east-1"
SERVICES = ("cognito-idp", "cognito-identity", "sts", "s3", "service")
ANYTHING = Requirements(allow_unsigned_payload=True, allow_streaming=True, allow_presigned=True)
STAMP = "%Y%m%dT%H%M%SZ"

Headers = list[tuple[str, str]]


def secret_of(access_key_id: str, session_token: str | None) -> SigningSecret | None:
    """One key, good without a session token and with TOKEN."""
    return SigningSecret(SECRET) if access_key_id == KEY_ID and session_token in {None, TOKEN} else None


def moment(stamp: str) -> datetime:
    return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)


def check(request: SignedRequest, policy: Requirements = ANYTHING, now: datetime | None = None, **other: object) -> Verified:
    """Verified at the request's own time unless told otherwise."""
    asked: dict[str, object] = {"region": REGION, "services": SERVICES, "secret_of": secret_of} | other
    return verify(request, now=now or signed_at(request), policy=policy, **asked)  # type: ignore[arg-type]


def signed_at(request: SignedRequest) -> datetime:
    for part in request.query_raw.split("&"):
        if part.startswith("X-Amz-Date="):
            return moment(part.partition("=")[2])
    found = header(request, "X-Amz-Date")
    return moment(found) if found else datetime.now(UTC)


def header(request: SignedRequest, name: str) -> str:
    return next((value for key, value in request.headers if key.lower() == name.lower()), "")


def with_header(request: SignedRequest, name: str, change: Callable[[str], str]) -> SignedRequest:
    """The first header of that name with another value."""
    headers = list(request.headers)
    at = next(number for number, (key, _) in enumerate(headers) if key.lower() == name.lower())
    headers[at] = (headers[at][0], change(headers[at][1]))
    return replace(request, headers=headers)


def adding(request: SignedRequest, *more: tuple[str, str]) -> SignedRequest:
    return replace(request, headers=[*request.headers, *more])


def without(request: SignedRequest, name: str) -> SignedRequest:
    return replace(request, headers=[pair for pair in request.headers if pair[0].lower() != name.lower()])


def by_botocore(
    signer: str, method: str, url: str, headers: Headers, body: bytes, service: str = "sts", token: str | None = None
) -> SignedRequest:
    """What botocore's signer of that class name makes of a request, as it would come over the wire. Signed now."""
    request = AWSRequest(method=method, url=url, headers=dict(headers), data=body)
    getattr(botocore.auth, signer)(Credentials(KEY_ID, SECRET, token), service, REGION).add_auth(request)
    split = urlsplit(request.url)
    wire = [("Host", split.netloc), *((name, str(value)) for name, value in request.headers.items())]
    return SignedRequest(method, split.path or "/", split.query, wire, body)


def json_call(target: str = "AWSCognitoIdentityProviderService.ListUsers", token: str | None = None) -> SignedRequest:
    """A call as boto3 sends it."""
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", target)]
    return by_botocore(
        "SigV4Auth", "POST", "https://cognito-idp.us-east-1.example/", headers, b'{"UserPoolId":"x"}', "cognito-idp", token=token
    )

"""From an ID token to temporary credentials, and what they are good for: by boto3, which believes it speaks to AWS."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import boto3
import requests
from botocore import UNSIGNED
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError

from broker.demo.layout import LOGIN, REGION
from broker.demo.reports import REPORTS


@dataclass(frozen=True, slots=True)
class Cloud:
    """Where the app finds the identity pool, and the API that its credentials are for."""

    endpoint: str
    identity_pool: str
    reports: str


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What came of a token. `reports` has the status of a request for each department's report; `problem` says why there is nothing."""

    identity_id: str = ""
    access_key_id: str = ""
    expires_at: str = ""
    role: str = ""
    tags: str = ""
    reports: tuple[tuple[str, int, str], ...] = ()
    problem: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        plain = asdict(self)
        plain["reports"] = {department: status for department, status, _ in self.reports}
        return {name: value for name, value in plain.items() if name != "problem" or value}


def exchange(cloud: Cloud, id_token: str) -> Exchanged:
    """GetId, GetCredentialsForIdentity, GetCallerIdentity, and a signed request for every report."""
    logins = {LOGIN: id_token}
    quiet = Config(signature_version=UNSIGNED, region_name=REGION, retries={"max_attempts": 1})
    try:
        pools = boto3.client("cognito-identity", endpoint_url=cloud.endpoint, config=quiet)
        identity = pools.get_id(IdentityPoolId=cloud.identity_pool, Logins=logins)["IdentityId"]
        given = pools.get_credentials_for_identity(IdentityId=identity, Logins=logins)["Credentials"]
        keys = (given["AccessKeyId"], given["SecretKey"], given["SessionToken"])
        named = {"aws_access_key_id": keys[0], "aws_secret_access_key": keys[1], "aws_session_token": keys[2]}
        sts = boto3.client("sts", endpoint_url=cloud.endpoint, region_name=REGION, **named)
        role = str(sts.get_caller_identity()["Arn"])
    except (BotoCoreError, ClientError) as failed:
        return Exchanged(problem=str(failed))
    answers = {department: _read(cloud, Credentials(*keys), department) for department in REPORTS}
    tags = next((str(answer.json()["reader"]["tags"]) for answer in answers.values() if answer.ok), "")
    return Exchanged(
        identity_id=identity,
        access_key_id=keys[0],
        expires_at=given["Expiration"].isoformat(timespec="seconds"),
        role=role,
        tags=tags,
        reports=tuple((department, answer.status_code, _words(answer)) for department, answer in answers.items()),
    )


def _read(cloud: Cloud, keys: Credentials, department: str) -> requests.Response:
    request = AWSRequest("GET", f"{cloud.reports}/reports/{department}")
    SigV4Auth(keys, "execute-api", REGION).add_auth(request)
    return requests.get(request.url, headers=dict(request.headers.items()), timeout=30)


def _words(answer: requests.Response) -> str:
    said = answer.json()
    return str(said.get("report") or said.get("message", ""))

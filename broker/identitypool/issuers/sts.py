"""Credentials from another STS: AWS itself, Ceph RGW, SeaweedFS, or whatever takes AssumeRoleWithWebIdentity (spec D.7, E.4).

It trusts the identity pool as an OpenID provider and gets the pool's own token, so no key of that service is kept here. It is asked as its
SDK would ask: three tries, a growing pause with jitter between them, and only where another try can help.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from broker.api_errors import ExternalService, InvalidPoolConfiguration
from broker.errors import BrokerError, RateLimited
from broker.identitypool.issuers.sts_reply import Failure, read_reply
from broker.model.sts import Credentials, Grant
from broker.ports.environment import Clock
from metadata.errors import FetchFailed, TrustError
from metadata.fetch import Fetcher, Limits, Reply

VERSION = "2011-06-15"
TRIES = 3
LIMITS = Limits(connect=3.0, read=6.0, total=8.0, max_bytes=262_144)
BUDGET = 15.0
"""Seconds after which no further try begins: somebody is waiting."""
_LONGEST_PAUSE = 20.0
_MOST_POLICY = 2048

# botocore's standard retry mode: these, and the statuses below.
THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottledException",
        "RequestThrottled",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "SlowDown",
        "PriorRequestNotComplete",
    }
)
TRANSIENT = frozenset({"RequestTimeout", "RequestTimeoutException", "InternalError", "InternalFailure", "IDPCommunicationError"})
TRANSIENT_STATUSES = frozenset({500, 502, 503, 504})
# What the service says of the role, the trust, the token or the policy: the operator's to put right, and no reason to try again.
REFUSED = frozenset(
    {
        "AccessDenied",
        "ExpiredTokenException",
        "IDPRejectedClaim",
        "InvalidIdentityToken",
        "InvalidParameterValue",
        "MalformedPolicyDocument",
        "NoSuchEntity",
        "PackedPolicyTooLarge",
        "RegionDisabledException",
        "ValidationError",
    }
)


@dataclass(frozen=True, slots=True)
class StsIssuer:
    """ports.credentials.CredentialIssuer over the STS at `endpoint`, which the operator declared. Safe for threads."""

    endpoint: str
    fetch: Fetcher
    clock: Clock
    limits: Limits = LIMITS
    pause: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = field(default=random.random)

    def issue(self, grant: Grant) -> Credentials:
        """Raises InvalidPoolConfiguration when the service refuses, ExternalService when it is away or talks nonsense, RateLimited."""
        form = _form(grant)
        began = time.monotonic()
        failed: Failure | FetchFailed = Failure(0, "", "")
        for number in range(TRIES):
            try:
                answer = self._ask(form)
            except FetchFailed as away:
                failed = away
            except TrustError as refused:
                # An address that may not be reached, or an answer too large: trying again changes nothing.
                raise ExternalService(f"the STS at {self.endpoint}: {refused.code}: {refused.private}") from None
            else:
                if isinstance(answer, Credentials):
                    return self._held_against(answer)
                failed = answer
                if not _may_help(failed):
                    break
            last = number == TRIES - 1
            wait = min(self.jitter() * 2**number, _LONGEST_PAUSE)
            if last or time.monotonic() - began + wait > BUDGET:
                break
            self.pause(wait)
        raise _error(self.endpoint, failed)

    def _ask(self, form: dict[str, str]) -> Credentials | Failure:
        reply: Reply = self.fetch.limited(self.limits).post(
            self.endpoint, form=form, headers={"Accept": "text/xml"}, operator_declared=True
        )
        return read_reply(reply.status, reply.body)

    def _held_against(self, credentials: Credentials) -> Credentials:
        if credentials.expires_at <= self.clock.now().astimezone(UTC):
            raise ExternalService(f"the STS at {self.endpoint} handed out credentials that ended at {_stamp(credentials.expires_at)}")
        return credentials


def _form(grant: Grant) -> dict[str, str]:
    form = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": VERSION,
        "RoleArn": grant.role_arn,
        "RoleSessionName": grant.session_name,
        "DurationSeconds": str(grant.ttl),
        "WebIdentityToken": grant.openid_token(),
    }
    if grant.session_policies:
        form["Policy"] = _one_policy(grant.session_policies)
    for number, arn in enumerate(grant.policy_arns, start=1):
        form[f"PolicyArns.member.{number}.arn"] = arn
    return form


def _one_policy(documents: tuple[str, ...]) -> str:
    """Session policies form one set, so several are one document with all their statements. Dropping any would widen what it allows."""
    read = [json.loads(document) for document in documents]
    statements = [each for document in read for each in _listed(document["Statement"])]
    if len({document.get("Version", "2008-10-17") for document in read}) != 1:
        raise InvalidPoolConfiguration("the session policies are of different versions, which one document cannot say")
    joined = json.dumps({"Version": read[0].get("Version", "2008-10-17"), "Statement": statements}, separators=(",", ":"))
    if len(joined) > _MOST_POLICY:
        raise InvalidPoolConfiguration(f"the session policies have {len(joined)} characters together; an STS takes {_MOST_POLICY}")
    return joined


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _may_help(failure: Failure) -> bool:
    return failure.status in TRANSIENT_STATUSES or failure.code in THROTTLED or failure.code in TRANSIENT or failure.status == 429


def _error(endpoint: str, failed: Failure | FetchFailed) -> BrokerError:
    if isinstance(failed, FetchFailed):
        return ExternalService(f"the STS at {endpoint}: {failed.code}: {failed.private}")
    said = f"the STS at {endpoint} answered {failed.status} {failed.code}: {failed.message}"
    if failed.code in THROTTLED or failed.status == 429:
        return RateLimited(said, retry_after=1)
    if failed.code in REFUSED:
        return InvalidPoolConfiguration(said)
    return ExternalService(said)


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")

"""`[credentials] issuer = "sts"`: SeaweedFS hands out the credentials, for the pool's own token, and its S3 obeys them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from tests.parties.kit.identity_pool import IdentityPools, Keys, role_arn
from tests.parties.kit.places import free_port
from tests.parties.kit.seaweed import ADMIN, SeaweedFs

pytestmark = pytest.mark.parties

BUCKET = "reports"


@dataclass
class Stage:
    """The broker, and the STS whose credentials it hands out."""

    pools: IdentityPools
    weed: SeaweedFs

    def s3(self, keys: Keys) -> Any:
        return self.pools.client("s3", keys, self.weed.url)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    port = free_port()
    with closing(
        IdentityPools("broker-sts", credentials={"issuer": "sts", "sts_endpoint": f"http://127.0.0.1:{port}", "timeout_seconds": 2})
    ) as pools:
        issuer = f"{pools.endpoint}/identity/{pools.pool.partition(':')[2]}"
        found = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=30).json()
        assert found["issuer"] == issuer
        with closing(SeaweedFs(issuer, pools.pool, found["jwks_uri"], role_arn("{}"), port)) as weed:
            made = Stage(pools, weed)
            admin = made.s3((*ADMIN, None))
            admin.create_bucket(Bucket=BUCKET)
            admin.put_object(Bucket=BUCKET, Key="q1", Body=b"good")
            yield made
        assert pools.broker.tracebacks() == []


def refused(call: Any, **values: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**values)
    return str(raised.value.response["Error"]["Code"])


def test_credentials_are_seaweedfs_own(stage: Stage) -> None:
    """Alice's role reads and writes; her keys are none of ours."""
    keys = stage.pools.credentials(stage.pools.logins("alice"))
    s3 = stage.s3(keys)
    s3.put_object(Bucket=BUCKET, Key="q2", Body=b"better")
    assert s3.get_object(Bucket=BUCKET, Key="q2")["Body"].read() == b"better"
    assert s3.get_object(Bucket=BUCKET, Key="q1")["Body"].read() == b"good"
    assert refused(stage.pools.client("sts", keys).get_caller_identity) in {"InvalidClientTokenId", "InvalidClientToken"}


def test_another_role_may_less(stage: Stage) -> None:
    """Bob's role reads."""
    keys = stage.pools.credentials(stage.pools.logins("bob"))
    s3 = stage.s3(keys)
    assert s3.get_object(Bucket=BUCKET, Key="q1")["Body"].read() == b"good"
    assert refused(s3.put_object, Bucket=BUCKET, Key="q3", Body=b"no") == "AccessDenied"
    forged = (keys[0], "x" * 40, keys[2])
    assert refused(stage.s3(forged).get_object, Bucket=BUCKET, Key="q1")


def test_a_role_that_seaweedfs_does_not_have(stage: Stage) -> None:
    """Our roles for guests are not its own: the refusal is the documented one."""
    pools = stage.pools.client("cognito-identity")
    identity = pools.get_id(IdentityPoolId=stage.pools.pool)["IdentityId"]
    assert refused(pools.get_credentials_for_identity, IdentityId=identity) == "InvalidIdentityPoolConfigurationException"


def test_an_sts_that_is_away(stage: Stage) -> None:
    """The documented error, and the identity is there all the same. The last test: SeaweedFS does not come back."""
    stage.weed.process.stop()
    pools, logins = stage.pools.client("cognito-identity"), stage.pools.logins("bob")
    identity = pools.get_id(IdentityPoolId=stage.pools.pool, Logins=logins)["IdentityId"]
    assert refused(pools.get_credentials_for_identity, IdentityId=identity, Logins=logins) == "ExternalServiceException"

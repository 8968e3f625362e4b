"""An identity pool with what its operations need, made by the API itself."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes.aws import ACCOUNT, ADMIN_KEYS, REGION, AwsHouse, Keys, policy
from tests.fakes.oidc_op import FakeOp, sign

DEVELOPER = "login.backend"
COGNITO = "cognito-identity.amazonaws.com"
FILED = f"{REGION}:22222222-2222-4222-8222-222222222222"
DEAD = "127.0.0.1:9"
NOBODY = f"{REGION}:99999999-9999-4999-8999-999999999999"

ACCESS = f"""
[[oidc_provider]]
issuer = "{{issuer}}"
client_ids = ["mobile"]

[[oidc_provider]]
issuer = "{{second}}"
client_ids = ["mobile"]

[[oidc_provider]]
issuer = "http://{DEAD}"
client_ids = ["mobile"]

[[identity_pool]]
id = "{FILED}"
name = "Filed"
guests = true
developer_provider = "{DEVELOPER}"
"""


def arn(role: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{role}"


def pool_arn(pool_id: str) -> str:
    return f"arn:aws:cognito-identity:{REGION}:{ACCOUNT}:identitypool/{pool_id}"


@dataclass
class Stage:
    """`pool` takes guests, the OpenID provider's users and the developer's own."""

    house: AwsHouse
    op: FakeOp
    second: FakeOp
    pool: str
    names: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, house: AwsHouse, ops: tuple[FakeOp, FakeOp], **changes: Any) -> Stage:
        op, second = ops
        provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/"
        asked = {
            "IdentityPoolName": "Test pool",
            "AllowUnauthenticatedIdentities": True,
            "AllowClassicFlow": True,
            "DeveloperProviderName": DEVELOPER,
            "OpenIdConnectProviderARNs": [provider + op.issuer, provider + second.issuer, f"{provider}http://{DEAD}"],
            **changes,
        }
        return cls(house, op, second, house.client("cognito-identity").create_identity_pool(**asked)["IdentityPoolId"])

    @property
    def client(self) -> Any:
        """Signed by the operator."""
        return self.house.client("cognito-identity")

    @property
    def key(self) -> str:
        """The OpenID provider's key in Logins."""
        return self.op.issuer.partition("://")[2]

    @property
    def key_of_mapping(self) -> str:
        """The OpenID provider's key among role mappings and tag maps: its ARN."""
        return f"arn:aws:iam::{ACCOUNT}:oidc-provider/{self.op.issuer}"

    def another(self, **changes: Any) -> Stage:
        """A pool beside this one."""
        return Stage.make(self.house, (self.op, self.second), **changes)

    def login(self, user: str | None = None, op: FakeOp | None = None, **claims: Any) -> dict[str, str]:
        """Logins of one of an OpenID provider's users."""
        op = op or self.op
        now = int(self.house.broker.clock.now().timestamp())
        said = {"iss": op.issuer, "sub": user or uuid.uuid4().hex, "aud": "mobile", "iat": now, "exp": now + 300, **claims}
        return {op.issuer.partition("://")[2]: sign({"alg": op.key.alg, "kid": op.key.kid}, said, op.key.key)}

    def identity(self, logins: dict[str, str] | None = None) -> str:
        found: str = self.client.get_id(IdentityPoolId=self.pool, Logins=logins or {})["IdentityId"]
        return found

    def developer(self, user: str | None = None, **more: Any) -> tuple[str, str]:
        """Identity and token of one of the developer's users."""
        logins = {DEVELOPER: user or uuid.uuid4().hex}
        found = self.client.get_open_id_token_for_developer_identity(IdentityPoolId=self.pool, Logins=logins, **more)
        return found["IdentityId"], found["Token"]

    def roles(self, *, tags: bool = False) -> dict[str, str]:
        """Roles for users and for guests, which trust this pool alone."""
        for kind in ("authenticated", "unauthenticated"):
            name = f"{kind}-{self.pool[-12:]}"
            conditions = {"StringEquals": {f"{COGNITO}:aud": self.pool}, "ForAnyValue:StringLike": {f"{COGNITO}:amr": kind}}
            actions = ["sts:AssumeRoleWithWebIdentity", *(["sts:TagSession"] if tags else [])]
            trust = policy({"Effect": "Allow", "Principal": {"Federated": COGNITO}, "Action": actions, "Condition": conditions})
            self.house.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)
            self.names[kind] = arn(name)
        self.client.set_identity_pool_roles(IdentityPoolId=self.pool, Roles=self.names)
        return self.names

    def settle(self) -> None:
        """Until every worker has read the settings anew."""
        self.house.broker.clock.advance(seconds=1.05)

    def refusal(self, operation: str, keys: Keys = ADMIN_KEYS, **values: Any) -> tuple[str, str]:
        """The exception, which botocore knows as one of the model's, and its message."""
        client = self.house.client("cognito-identity", keys)
        with pytest.raises(ClientError) as raised:
            getattr(client, operation)(**values)
        error = raised.value.response["Error"]
        assert raised.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"] == error["Code"]
        assert type(raised.value).__name__ in {error["Code"], "ClientError"}
        return error["Code"], error["Message"]

    def told(self, operation: str, body: Any) -> dict[str, Any]:
        """The answer to what the SDK would not send."""
        found: dict[str, Any] = json.loads(self.house.json(operation, body, ADMIN_KEYS).data)
        return found

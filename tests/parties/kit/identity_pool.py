"""A broker with an identity pool: whoever signs in at an OpenID provider gets credentials. Alice is a writer, the others are readers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from tests.parties.kit.agent import Agent
from tests.parties.kit.app import UNTIL
from tests.parties.kit.broker import OIDC_MAPPING, Broker, pool
from tests.parties.kit.openid_provider import OpenidProvider
from tests.parties.kit.places import free_port

REGION = "eu-west-1"
ACCOUNT = "123456789012"
USER_POOL = "local_Apps"
CLIENT = "appApps"
LOGIN = f"cognito-idp.{REGION}.amazonaws.com/{USER_POOL}"
ADMIN = {"id": "CROSSGATEADMIN", "secret": "an-admin-secret-of-good-length-0123456789"}
UPSTREAM_SECRET = "an-upstream-secret-of-good-length-0123456789"

Keys = tuple[str, str, str | None]
ADMIN_KEYS: Keys = (ADMIN["id"], ADMIN["secret"], None)


def role_arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


class IdentityPools:
    """The broker, the OpenID provider behind it, and the pool `pool`; `tables` are more of the configuration file."""

    def __init__(self, name: str, **tables: Any) -> None:
        self._stack = ExitStack()
        self.pool = f"{REGION}:{uuid.uuid4()}"
        self._tokens: dict[str, str] = {}
        port, op_port = free_port(), free_port()
        registered = {
            "client_id": "broker", "client_secret": UPSTREAM_SECRET, "redirect_uris": [f"http://127.0.0.1:{port}/{USER_POOL}/oauth2/idpresponse"],
        }  # fmt: skip
        try:
            self.op = OpenidProvider([registered], op_port)
            self._stack.callback(self.op.close)
            provider = {
                "name": "workforce", "kind": "oidc", "issuer": self.op.issuer, "client_id": "broker", "client_secret": UPSTREAM_SECRET,
                "mapping": OIDC_MAPPING,
            }  # fmt: skip
            everything = {**self._tables(), **tables}
            self.broker = Broker([pool(USER_POOL, [provider])], name=name, port=port, **everything)
            self._stack.callback(self.broker.close)
        except BaseException:
            self._stack.close()
            raise
        self.endpoint = self.broker.url
        self.authorize = str(tables.get("authorize", {}).get("bind", ""))

    def _tables(self) -> dict[str, Any]:
        sign_in = {
            "id": USER_POOL, "client": CLIENT, "role_from": "rules", "ambiguous": "authenticated", "tags": {"Department": "given_name"},
            "rules": [{"claim": "email", "value": "alice@example.org", "role": "writer"}],
        }  # fmt: skip
        identity_pool = {
            "id": self.pool, "name": "Apps", "guests": True, "authenticated_role": "reader", "guest_role": "guest", "user_pool": [sign_in],
        }  # fmt: skip
        return {
            "aws": {"region": REGION, "account_id": ACCOUNT, "access_keys": [ADMIN]},
            "identity_pool": [identity_pool],
            "role": [{"name": name} for name in ("writer", "reader", "guest")],
        }

    def id_token(self, user: str) -> str:
        """Of a real sign-in, made once."""
        if user not in self._tokens:
            tokens = self.broker.app(USER_POOL).sign_in(Agent(UNTIL), user, f"{user}pass")
            self._tokens[user] = str(tokens.raw["id_token"])
        return self._tokens[user]

    def logins(self, user: str) -> dict[str, str]:
        """The `Logins` of somebody who signed in."""
        return {LOGIN: self.id_token(user)}

    def client(self, service: str, keys: Keys | None = None, endpoint: str = "") -> Any:
        """boto3 at our endpoint, or at another; without keys it does not sign. It tries once."""
        named = dict(zip(("aws_access_key_id", "aws_secret_access_key", "aws_session_token"), keys, strict=True)) if keys else {}
        config = Config(signature_version=None if keys else UNSIGNED, retries={"max_attempts": 0})
        return boto3.client(service, endpoint_url=endpoint or self.endpoint, region_name=REGION, config=config, **named)

    def credentials(self, logins: Mapping[str, str]) -> Keys:
        """Through GetId and GetCredentialsForIdentity."""
        pools = self.client("cognito-identity")
        identity = pools.get_id(IdentityPoolId=self.pool, Logins=dict(logins))["IdentityId"]
        given = pools.get_credentials_for_identity(IdentityId=identity, Logins=dict(logins))["Credentials"]
        return given["AccessKeyId"], given["SecretKey"], given["SessionToken"]

    def close(self) -> None:
        self._stack.close()

"""A broker with identity pools, roles and an admin key, its use cases called in process."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from broker.flows.access_kit import AccessKit
from broker.flows.sts import web_identity
from broker.flows.sts.asks import WebIdentityAsk, WebIdentityAssumed
from broker.flows.sts.callers import caller_of
from broker.identitypool.assume import pool_issuer
from broker.model.iam import IAM, Role
from broker.model.identity import PoolIdentity
from broker.model.sts import Caller, Credentials, Grant
from broker.tokens import openid
from tests.fakes.broker import TestBroker
from tests.fakes.saml_forge import IdpBox
from tests.fakes.setup import TOML

REGION = "eu-west-1"
ACCOUNT = "123456789012"
ADMIN, ADMIN_SECRET = "AKIAADMINADMINADMIN2", "q" * 40
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
POOL_A = f"{REGION}:aaaaaaaa-1111-4111-8111-111111111111"
POOL_B = f"{REGION}:bbbbbbbb-2222-4222-8222-222222222222"
COGNITO = "cognito-identity.amazonaws.com"
SIGNED_IN = ("authenticated", "login.backend", "login.backend:x:user")
GUEST = ("unauthenticated",)

READ = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"reports:Get","Resource":"*"}]}'
SETTINGS = f"""
[aws]
region = "{REGION}"
account_id = "{ACCOUNT}"
access_keys = [{{ id = "{ADMIN}", secret = "{ADMIN_SECRET}" }}]

[[role]]
name = "declared"
policies = [{{ name = "read", document = '{READ}' }}]

[[identity_pool]]
id = "{POOL_A}"
name = "A"
guests = true
guest_role = "declared"
classic_flow = true
authenticated_role = "declared"
developer_provider = "login.backend"

[[identity_pool]]
id = "{POOL_B}"
name = "B"
authenticated_role = "declared"
developer_provider = "login.backend"
"""


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions: str, resource: str = "*", **condition: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return found | ({"Condition": condition} if condition else {})


def trust(pool: str = POOL_A, amr: str = "authenticated", *more: str) -> str:
    """What the console of Cognito writes, and `more` actions."""
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Federated": COGNITO},
            "Action": ["sts:AssumeRoleWithWebIdentity", *more],
            "Condition": {"StringEquals": {f"{COGNITO}:aud": pool}, "ForAnyValue:StringLike": {f"{COGNITO}:amr": amr}},
        }
    )


def trust_of(principal: Mapping[str, str], *actions: str) -> str:
    return document({"Effect": "Allow", "Principal": dict(principal), "Action": list(actions)})


@dataclass
class Access:
    """`kit` is what the flows take; the rest saves words."""

    broker: TestBroker

    @classmethod
    def start(cls, folder: Path, more: str = "", issuer: str = "https://op.example", idp: IdpBox | None = None) -> Access:
        return cls(TestBroker.start(folder, TOML.replace("{issuer}", issuer) + SETTINGS + more, idp))

    @property
    def kit(self) -> AccessKit:
        return self.broker.wired.services.access.kit

    def role(self, name: str, trusts: str, *policies: Mapping[str, Any], **changes: Any) -> str:
        """Write a role; its ARN. It is there at once: the settings' cache is let go stale."""
        inline = {"inline": document(*policies)} if policies else {}
        made = Role(name, f"AROA{name.upper():A<17.17}", trusts, self.kit.base.now(), policies=inline, owner="api")
        with self.kit.base.store.unit() as unit:
            unit.roles.put(replace(made, **changes))
        self.settle()
        return f"arn:aws:iam::{ACCOUNT}:role/{name}"

    def change_role(self, name: str, **changes: Any) -> None:
        with self.kit.base.store.unit() as unit:
            found = unit.roles.get(IAM, name)
            assert found is not None
            unit.roles.put(replace(found, **changes))
        self.settle()

    def settle(self) -> None:
        """Two seconds later: every worker has seen what was written."""
        self.broker.clock.advance(seconds=2)

    def identity(self, pool: str = POOL_A, number: int = 1, **changes: Any) -> str:
        """An identity of the pool; its id."""
        now = self.kit.base.now()
        found = replace(PoolIdentity(f"{REGION}:cccccccc-0000-4000-8000-{number:012d}", pool, now, now), **changes)
        with self.kit.base.store.unit() as unit:
            if unit.pool_identities.get(found.id) is None:
                unit.pool_identities.create(found)
        return found.id

    def token(self, identity: str, pool: str = POOL_A, amr: Sequence[str] = SIGNED_IN, **claims: Any) -> str:
        """The pool's OpenID token, as GetOpenIdToken makes it; claims of None are left out."""
        now = int(self.kit.base.now().timestamp())
        made = {
            "iss": pool_issuer(self.kit.identity_base, pool),
            "aud": pool,
            "sub": identity,
            "amr": list(amr),
            "iat": now,
            "exp": now + 600,
            **claims,
        }
        return openid.sign(self.kit.base.keys, pool, {name: value for name, value in made.items() if value is not None})

    def assume(self, role_arn: str, token: str, name: str = "app", **more: Any) -> WebIdentityAssumed:
        return web_identity.assume_role_with_web_identity(self.kit, WebIdentityAsk(role_arn, name, token, **more))

    def grant(self, role_arn: str, identity: str | None = None, pool: str = POOL_A, amr: Sequence[str] = SIGNED_IN, **more: Any) -> Grant:
        """What the enhanced flow asks an issuer for."""
        who = identity or self.identity(pool)
        keys = {f"{COGNITO}:aud": pool, f"{COGNITO}:sub": who, f"{COGNITO}:amr": tuple(amr)}
        made = Grant(
            lambda: self.token(who, pool, amr), COGNITO, role_arn, "CognitoIdentityCredentials", 3600, federated=keys, identity_id=who
        )
        return replace(made, identity_pool_id=pool, **more)

    def caller(self, credentials: Credentials) -> Caller:
        """Who has these, as a signed call would be read."""
        found = caller_of(self.kit, credentials.access_key_id, credentials.session_token)
        assert found is not None
        assert found[1] == credentials.secret_access_key
        return found[0]

    def admin(self) -> Caller:
        found = caller_of(self.kit, ADMIN, None)
        assert found is not None
        return found[0]

    def audited(self, event: str) -> list[dict[str, Any]]:
        """The audit log's lines of an event."""
        path = self.broker.config.log.audit_file
        assert path is not None
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return [line for line in lines if line["event"] == event]

"""A broker with an identity pool that takes every kind of login, and the parties that vouch for people there."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from broker.flows.identity.proofs import verify_logins
from broker.model.identity import IdentityPool
from broker.model.sts import Proof
from tests.fakes.broker import POOL, TestBroker
from tests.fakes.oidc_op import FakeOp, SigningKey, sign
from tests.fakes.saml_forge import Answer, Attribute, IdpBox
from tests.fakes.saml_keys import key
from tests.fakes.setup import TOML
from tests.fakes.social_api import SocialApi

REGION = "eu-west-1"
ACCOUNT = "123456789012"
IDENTITY_POOL = f"{REGION}:11111111-1111-4111-8111-111111111111"
USERS = f"cognito-idp.{REGION}.amazonaws.com/{POOL}"
SAML_ARN = f"arn:aws:iam::{ACCOUNT}:saml-provider/corp"
RECIPIENT = "https://signin.aws.amazon.com/saml"
AUDIENCE = "urn:amazon:webservices"
ROLE_ATTRIBUTE = "https://aws.amazon.com/SAML/Attributes/Role"
READER = f"arn:aws:iam::{ACCOUNT}:role/reader"

ALLOW = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"reports:Get","Resource":"*"}]}'
ACCESS = f"""
[aws]
region = "{REGION}"
account_id = "{ACCOUNT}"
access_keys = [{{ id = "CROSSGATEADMIN", secret = "admin-secret-of-forty-characters-or-so" }}]

[[role]]
name = "reader"
policies = [{{ name = "read", document = '{ALLOW}' }}]

[[oidc_provider]]
issuer = "{{issuer}}"
client_ids = ["mobile"]

[[saml_provider]]
name = "corp"
metadata_file = "{{metadata}}"

[[identity_pool]]
id = "{IDENTITY_POOL}"
name = "Everybody"
authenticated_role = "reader"
developer_provider = "login.backend"
[[identity_pool.user_pool]]
id = "{POOL}"
client = "app"
[[identity_pool.user_pool]]
id = "{POOL}"
client = "corponly"
server_side_token_check = true
[[identity_pool.oidc]]
issuer = "{{issuer}}"
[[identity_pool.saml]]
name = "corp"
[[identity_pool.social]]
host = "accounts.google.com"
app_id = "google-app"
api_url = "{{issuer}}/jwks"
[[identity_pool.social]]
host = "graph.facebook.com"
app_id = "fb-app"
secret = "fb-hush"
api_url = "{{social}}"
[[identity_pool.social]]
host = "www.amazon.com"
app_id = "amzn-app"
api_url = "{{social}}"
[[identity_pool.social]]
host = "api.twitter.com"
app_id = "x-app"
secret = "x-hush"
api_url = "{{social}}"
"""


@dataclass
class Everybody:
    """The broker, an OpenID provider, a SAML IdP and the social providers."""

    broker: TestBroker
    op: FakeOp
    idp: IdpBox
    social: SocialApi

    @property
    def pool(self) -> IdentityPool:
        pool = self.broker.wired.settings.identity_pool(IDENTITY_POOL)
        assert pool is not None
        return pool

    @property
    def oidc_key(self) -> str:
        return self.op.issuer.partition("://")[2]

    def verify(self, logins: dict[str, str], operation: str = "GetId") -> tuple[Proof, ...]:
        return verify_logins(self.broker.wired.services.access.kit, self.pool, logins, operation)

    def tokens(self, client_id: str = "app") -> dict[str, Any]:
        """The tokens of a real sign-in of Alice through SAML."""
        browser = self.broker.browser()
        flow, sent = self.broker.begin(browser, client_id, identity_provider="corp", scope="openid email")
        code = self.broker.code_of(flow, self.broker.post_acs(browser, self.broker.saml_answer(sent)))
        answer: dict[str, Any] = self.broker.redeem(flow, code).get_json()
        return answer

    def oidc_token(self, signer: SigningKey | None = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        now = int(self.broker.clock.now().timestamp())
        said = {"iss": self.op.issuer, "sub": "ada", "aud": "mobile", "iat": now, "exp": now + 300, **claims}
        signer = signer or self.op.key
        kept = {name: value for name, value in said.items() if value is not None}
        return sign({"alg": signer.alg, "kid": signer.kid, **(header or {})}, kept, signer.key)

    def assertion(self, **changes: Any) -> str:
        """A base64 Response for AWS's own audience and recipient, with a role for this provider."""
        roles = Attribute(ROLE_ATTRIBUTE, (f"{READER},{SAML_ARN}",))
        given = {
            "issuer": self.idp.entity_id,
            "acs": RECIPIENT,
            "audience": AUDIENCE,
            "now": self.broker.clock.now(),
            "attributes": (roles,),
            "lifetime": timedelta(minutes=4),
            **changes,
        }
        return base64.b64encode(self.idp.respond(Answer(**given), "G-B")).decode()


@contextmanager
def everybody(folder: Path) -> Iterator[Everybody]:
    """All of them, listening."""
    with ExitStack() as stack:
        op, social = stack.enter_context(FakeOp()), stack.enter_context(SocialApi())
        idp = IdpBox("https://idp.example/metadata", key("idp"))
        toml = (TOML + ACCESS.replace("{{", "{").replace("}}", "}")).replace("{issuer}", op.issuer).replace("{social}", social.url)
        broker = TestBroker.start(folder, toml.replace("{metadata}", str(folder / "idp.xml")), idp)
        op.now = lambda: broker.clock.now().timestamp()
        yield Everybody(broker, op, idp, social)

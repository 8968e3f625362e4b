"""One broker that many journeys share: clients of every kind, a second SAML provider that signs out, and a pool with hooks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt

from tests.attacks.op.rig import World
from tests.fakes.broker import POOL, REDIRECT, SECRET, Browser, Flow
from tests.fakes.oidc_op import FakeOp
from tests.fakes.saml_forge import IdpBox
from tests.fakes.saml_keys import key
from tests.fakes.setup import TOML

HOOKED = "local_Hooks"
BYE = "https://app.example/bye"
SECOND = IdpBox("https://second.example/metadata", key("idp2"))


def client(name: str, *lines: str, secret: bool = True, providers: str = '["corp"]') -> str:
    """A client's table; lines are its own keys."""
    own = [f'secret = "{SECRET}"'] if secret else []
    own += [f'redirect_uris = ["{REDIRECT}"]', f'logout_uris = ["{BYE}"]', f"providers = {providers}", *lines]
    return "\n".join(("[[user_pool.client]]", f'id = "{name}"', *own, ""))


CLIENTS = "\n".join(
    (
        client("curved", 'signing_alg = "ES256"'),
        client("edwards", 'signing_alg = "EdDSA"'),
        client("graceful", "rotation = true", "rotation_grace_seconds = 30"),
        client("reader", 'scopes = ["openid", "profile", "https://api.example/read"]'),
        client("told", 'backchannel_logout_uri = "{receiver}/told"', providers='["corp", "second", "op"]'),
        client("also", 'backchannel_logout_uri = "{receiver}/also"', "logout_revokes = true", providers='["corp", "second", "op"]'),
        client("short", "access_token_minutes = 5", "id_token_minutes = 5", "refresh_token_days = 0.5"),
        client("narrow", 'read_attributes = ["email"]'),
        client("uninvited", 'scopes = ["openid", "email"]', providers='["opendoor"]'),
        client("linker", providers='["corp", "second", "op"]'),
        client("signed", 'jwks_file = "signed.json"', secret=False),
        client("closing", providers='["corp", "second"]'),
    )
)

PROVIDERS = """
[[user_pool.provider]]
name = "second"
display_name = "Second"
kind = "saml"
metadata_file = "second.xml"
sign_out = true
identifiers = ["second.example"]
mapping = { email = "email", given_name = "urn:oid:2.5.4.42" }

[[user_pool.provider]]
name = "opendoor"
kind = "saml"
metadata_file = "opendoor.xml"
idp_initiated = true
mapping = { email = "email" }
"""

HOOKS = f"""
[[user_pool]]
id = "{HOOKED}"
name = "Hooks"
pre_token_hook = "tests.journeys.hooks:pre_token"
inbound_federation_hook = "tests.journeys.hooks:inbound"

{client("hooked", providers='["corp", "op"]')}
[[user_pool.provider]]
name = "corp"
kind = "saml"
metadata_file = "{{metadata}}"
mapping = {{ email = "email", given_name = "urn:oid:2.5.4.42" }}

[[user_pool.provider]]
name = "op"
kind = "oidc"
issuer = "{{issuer}}"
client_id = "client-1"
client_secret = "a-secret-that-is-quite-long-enough"
mapping = {{ email = "email", name = "name" }}
"""

OPEN_DOOR = IdpBox("https://opendoor.example/metadata", key("idp3"))


class House(World):
    """The broker of the journeys; what an honest app and an honest user do is in World."""

    @classmethod
    def open(cls, folder: Path, op: FakeOp, receiver: str) -> House:
        (folder / "second.xml").write_text(SECOND.metadata())
        (folder / "opendoor.xml").write_text(OPEN_DOOR.metadata())
        cut = TOML.index("[[user_pool.resource_server]]")
        # The OpenID provider signs out too: it would be asked for its end_session_endpoint.
        toml = TOML[:cut] + CLIENTS + TOML[cut:] + PROVIDERS + HOOKS
        return cls.start(folder, op, op, toml.replace("{issuer}", op.issuer).replace("{receiver}", receiver))

    @contextmanager
    def at(self, box: IdpBox) -> Iterator[None]:
        """SAML answers come from this identity provider meanwhile."""
        was, self.broker.idp = self.broker.idp, box
        yield
        self.broker.idp = was

    def sign_in(
        self, browser: Browser, client_id: str = "app", provider: str = "corp", pool: str = POOL, **answer: Any
    ) -> tuple[Flow, str]:
        """A sign-in through a provider up to the code, whatever kind it is."""
        flow, sent = self.broker.begin(browser, client_id, pool, identity_provider=provider, prompt="login")
        if provider == "op":
            back = browser.get(self.url("/oauth2/idpresponse", pool, **dict(self.op.browse(sent.location))))
        else:
            with self.at({"second": SECOND, "opendoor": OPEN_DOOR}.get(provider, self.broker.idp)):
                back = self.broker.post_acs(browser, self.broker.saml_answer(sent, **answer), pool)
        return flow, self.broker.code_of(flow, back)

    def grant(self, flow: Flow, code: str, pool: str = POOL) -> dict[str, Any]:
        """The tokens for a code."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": flow.verifier}
        reply = self.broker.token(form, flow.client_id, pool=pool)
        assert reply.status_code == 200, reply.get_data(as_text=True)
        body: dict[str, Any] = reply.get_json()
        return body

    def verified(self, token: str, audience: str | None = None, pool: str = POOL) -> dict[str, Any]:
        """Verify as an ordinary client does: with PyJWT, by the published keys, at the broker's time."""
        keys = jwt.PyJWKSet.from_dict(self.broker.browser().get(self.url("/.well-known/jwks.json", pool)).get_json())
        head = jwt.get_unverified_header(token)
        options = {"verify_aud": audience is not None, "verify_exp": False, "verify_iat": False}
        claims: dict[str, Any] = jwt.decode(
            token, keys[head["kid"]].key, [head["alg"]], options, audience=audience, issuer=self.broker.issuer(pool)
        )
        return claims

    def logout_url(self, client_id: str, **more: str) -> str:
        return f"{self.url('/logout')}?{urlencode({'client_id': client_id, 'logout_uri': BYE, **more})}"

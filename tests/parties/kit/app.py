"""An app of ours, written with nothing of Crossgate's: it makes the links, redeems the codes and verifies the tokens."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import jwt
import requests

from tests.parties.kit.agent import TIMEOUT, Agent, Page

CALLBACK = "http://127.0.0.1:1/callback"  # nobody is there: the agent stops in front of it
SIGNED_OUT = "http://127.0.0.1:1/bye"
UNTIL = "http://127.0.0.1:1/"


@dataclass
class Journey:
    """What the app remembers of one sign-in."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass
class Tokens:
    """A verified answer of the token endpoint."""

    raw: dict[str, Any]
    id_token: dict[str, Any]
    access_token: dict[str, Any]


@dataclass
class App:
    """One app client of a pool. `issuer` is the pool's."""

    issuer: str
    client_id: str
    secret: str
    scope: str = "openid email profile"
    _discovered: dict[str, Any] = field(default_factory=dict, repr=False)
    _keys: jwt.PyJWKClient | None = field(default=None, repr=False)

    @property
    def endpoints(self) -> dict[str, Any]:
        """The discovery document."""
        if not self._discovered:
            self._discovered = requests.get(f"{self.issuer}/.well-known/openid-configuration", timeout=TIMEOUT).json()
            assert self._discovered["issuer"] == self.issuer
        return self._discovered

    def begin(self, **parameters: str) -> Journey:
        """The link of a sign-in button."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "response_type": "code", "client_id": self.client_id, "redirect_uri": CALLBACK, "scope": self.scope, "state": state,
            "nonce": nonce, "code_challenge": challenge, "code_challenge_method": "S256", **parameters,
        }  # fmt: skip
        return Journey(f"{self.endpoints['authorization_endpoint']}?{urlencode(query)}", state, nonce, verifier)

    def post(self, endpoint: str, **fields: str) -> requests.Response:
        """A call to one of the endpoints with the client's secret."""
        return requests.post(self.endpoints[endpoint], data=fields, auth=(self.client_id, self.secret), timeout=TIMEOUT)

    def redeem(self, journey: Journey, page: Page) -> requests.Response:
        """Bring the code of a callback to the token endpoint."""
        assert page.arrived, page.shown()
        assert page.query.get("state") == journey.state, page.url
        assert page.query.get("iss") == self.issuer, page.url
        fields = {"code": page.query["code"], "redirect_uri": CALLBACK, "code_verifier": journey.verifier}
        return self.post("token_endpoint", grant_type="authorization_code", **fields)

    def finish(self, journey: Journey, page: Page) -> Tokens:
        """Redeem the code and verify what comes."""
        assert "error" not in page.query, page.url
        reply = self.redeem(journey, page)
        assert reply.status_code == 200, reply.text
        tokens = self.read(reply.json())
        assert tokens.id_token["nonce"] == journey.nonce
        return tokens

    def read(self, raw: dict[str, Any]) -> Tokens:
        """Verify the tokens of an answer against the published keys."""
        id_token = self.read_id_token(raw["id_token"])
        access_token = self._verified(raw["access_token"], options={"verify_aud": False})
        assert (id_token["token_use"], access_token["token_use"]) == ("id", "access")
        return Tokens(raw, id_token, access_token)

    def read_id_token(self, token: str) -> dict[str, Any]:
        """The claims of a verified ID token for this client."""
        return self._verified(token, audience=self.client_id)

    def _verified(self, token: str, **options: Any) -> dict[str, Any]:
        self._keys = self._keys or jwt.PyJWKClient(self.endpoints["jwks_uri"])
        key = self._keys.get_signing_key_from_jwt(token)
        return dict(jwt.decode(token, key, algorithms=["RS256"], issuer=self.issuer, **options))

    def refresh(self, tokens: Tokens) -> requests.Response:
        return self.post("token_endpoint", grant_type="refresh_token", refresh_token=tokens.raw["refresh_token"])

    def sign_in(self, agent: Agent, user: str = "alice", password: str = "alicepass", **parameters: str) -> Tokens:
        """A whole sign-in."""
        journey = self.begin(**parameters)
        return self.finish(journey, agent.journey(journey.url, user, password))

    def silent(self, agent: Agent) -> Page:
        """Ask whether the browser is signed in, without anything to see (prompt=none)."""
        page = agent.open(self.begin(prompt="none").url)
        assert page.arrived, page.shown()
        return page

    def logout_url(self, **parameters: str) -> str:
        """The link of a sign-out button."""
        query = {"client_id": self.client_id, "logout_uri": SIGNED_OUT, **parameters}
        return f"{self.endpoints['end_session_endpoint']}?{urlencode(query)}"

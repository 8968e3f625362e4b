"""The sample app: an ordinary OpenID Connect client (Authlib's Flask integration) that knows one issuer and nothing of SAML.

It shows the tokens of each sign-in side by side, so that one can see that they differ in values only.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import jwt
from authlib.integrations.flask_client import OAuth
from flask import Flask, Response, jsonify, redirect, request, session
from werkzeug.wrappers import Response as WerkzeugResponse

from broker.demo.exchange import Cloud, Exchanged, exchange
from broker.demo.party import make_party, page


@dataclass(frozen=True, slots=True)
class Registration:
    """What the app was told when it was registered at the broker; `providers` are names to offer by their own buttons."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    base: str
    providers: tuple[tuple[str, str], ...] = ()
    cloud: Cloud | None = None


@dataclass(frozen=True, slots=True)
class SignIn:
    """One sign-in: who vouched for it, the raw tokens, and what they say."""

    label: str
    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    claims: dict[str, Any]
    access_claims: dict[str, Any]
    exchanged: Exchanged


class SampleApp:
    """The app's routes. What a visitor's tokens say is kept in memory, under a random id in his cookie."""

    def __init__(self, app: Flask, registration: Registration) -> None:
        self._registration = registration
        self._oauth = OAuth(app)
        self._client = self._oauth.register(
            "crossgate",
            client_id=registration.client_id,
            client_secret=registration.client_secret,
            server_metadata_url=f"{registration.issuer}/.well-known/openid-configuration",
            client_kwargs={"scope": "openid email profile", "code_challenge_method": "S256"},
        )
        self._visits: dict[str, dict[str, SignIn]] = {}

    def _mine(self) -> dict[str, SignIn]:
        return self._visits.get(session.get("visit", ""), {})

    def home(self) -> str:
        """Sign in, or see the tokens."""
        mine = list(self._mine().values())
        return page("app.html", sign_ins=mine, providers=self._registration.providers, tables=_tables(mine))

    def sign_in(self) -> Any:
        """Send the browser to the broker; `with` names a provider, without it the broker asks."""
        wanted = request.args.get("with")
        # Without the prompt a session at the broker would answer at once, and there would be nothing to compare.
        extra = {"prompt": "select_account", **({"identity_provider": wanted} if wanted else {})}
        return self._client.authorize_redirect(f"{self._registration.base}/callback", **extra)

    def callback(self) -> tuple[str, int] | WerkzeugResponse:
        """The broker sends the browser back, with a code or an error."""
        if "error" in request.args:
            words = f"{request.args['error']}: {request.args.get('error_description', '')}"
            return page("said.html", words=words), 400
        # Authlib checks state, redeems the code with its PKCE verifier, and verifies the ID token's signature, issuer, audience and nonce.
        tokens = self._client.authorize_access_token()
        claims = dict(tokens["userinfo"])
        identities = claims.get("identities") or [{}]
        label = str(identities[0].get("providerName", "Crossgate"))
        access = jwt.decode(tokens["access_token"], options={"verify_signature": False})
        visit = session.get("visit") or secrets.token_urlsafe(16)
        session.clear()
        session["visit"] = visit
        cloud = self._registration.cloud
        exchanged = exchange(cloud, tokens["id_token"]) if cloud else Exchanged(problem="This app uses no identity pool.")
        self._visits.setdefault(visit, {})[label] = SignIn(label, tokens["id_token"], tokens["access_token"], claims, access, exchanged)
        return redirect("/", 303)

    def tokens(self) -> Response:
        """GET /tokens.json: this visitor's raw tokens, for whoever wants to verify them himself."""
        return jsonify(
            {
                label: {"id_token": one.id_token, "access_token": one.access_token, "credentials": one.exchanged.as_dict()}
                for label, one in self._mine().items()
            }
        )

    def sign_out(self) -> WerkzeugResponse:
        """Forget the tokens and end the session at the broker (OpenID Connect RP-Initiated Logout)."""
        mine = list(self._visits.pop(session.get("visit", ""), {}).values())
        session.clear()
        params = {"client_id": self._registration.client_id, "post_logout_redirect_uri": f"{self._registration.base}/"}
        if mine:
            params["id_token_hint"] = mine[-1].id_token
        endpoint = self._client.load_server_metadata()["end_session_endpoint"]
        return redirect(f"{endpoint}?{urlencode(params)}", 303)


def _tables(sign_ins: list[SignIn]) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """Claim by claim, one column a sign-in."""
    return [
        ("ID token", _rows([one.claims for one in sign_ins])),
        ("Access token", _rows([one.access_claims for one in sign_ins])),
        ("Temporary credentials", _rows([_credentials(one.exchanged) for one in sign_ins])),
    ]


def _credentials(exchanged: Exchanged) -> dict[str, Any]:
    """What the app's AWS client got for the ID token, and what the reports API said to it."""
    if exchanged.problem:
        return {"problem": exchanged.problem}
    told: dict[str, Any] = {
        "identity": exchanged.identity_id,
        "caller": exchanged.role,
        "principal tags": exchanged.tags or None,
        "expires": exchanged.expires_at,
    }
    return told | {f"GET /reports/{department}": f"{status} {words}" for department, status, words in exchanged.reports}


def _rows(tokens: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    names = list(dict.fromkeys(name for token in tokens for name in token if name != "userinfo"))
    return [(name, [_shown(token.get(name)) for token in tokens]) for name in names]


def _shown(value: Any) -> str:
    if value is None:
        return "—"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, list):
        return "; ".join(" ".join(f"{name}={item[name]}" for name in item) for item in value if isinstance(item, dict))
    return value if isinstance(value, str) else json.dumps(value)


def make_sample_app(registration: Registration) -> Flask:
    """The app as a Flask app."""
    app = make_party("sample-app", "sample_app", "Sample app")
    sample = SampleApp(app, registration)
    app.add_url_rule("/", "home", sample.home)
    app.add_url_rule("/sign-in", "sign_in", sample.sign_in)
    app.add_url_rule("/callback", "callback", sample.callback)
    app.add_url_rule("/tokens.json", "tokens", sample.tokens)
    app.add_url_rule("/sign-out", "sign_out", sample.sign_out, methods=["POST"])
    return app

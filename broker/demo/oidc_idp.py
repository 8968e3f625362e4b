"""The sample OpenID provider: discovery, code flow with PKCE, RS256 ID tokens, UserInfo, end of session."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, jsonify, redirect, request, session
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.wrappers import Response as WerkzeugResponse

from broker.demo.party import make_party, page
from broker.demo.people import PEOPLE, Person, SigningKey, sign_in

CODE_SECONDS = 60
TOKEN_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Client:
    """The one relying party: the broker."""

    id: str
    secret: str
    redirect_uris: tuple[str, ...]
    logout_uris: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grant:
    """What a code or an access token stands for."""

    person: Person
    redirect_uri: str
    nonce: str | None
    challenge: str
    auth_time: int
    until: float


class OidcIdp:
    """The provider's routes; its codes and tokens live in this process."""

    def __init__(self, base: str, client: Client, key: SigningKey) -> None:
        self.base = base
        self._client = client
        self._key = RSAKey.import_key(key.pem(), {"kid": secrets.token_hex(8), "use": "sig", "alg": "RS256"})
        self._waiting: dict[str, dict[str, str]] = {}
        self._codes: dict[str, Grant] = {}
        self._tokens: dict[str, Grant] = {}

    def discovery(self) -> Response:
        """GET /.well-known/openid-configuration."""
        return jsonify(
            issuer=self.base,
            authorization_endpoint=f"{self.base}/authorize",
            token_endpoint=f"{self.base}/token",
            userinfo_endpoint=f"{self.base}/userinfo",
            jwks_uri=f"{self.base}/jwks",
            end_session_endpoint=f"{self.base}/end-session",
            response_types_supported=["code"],
            subject_types_supported=["public"],
            id_token_signing_alg_values_supported=["RS256"],
            scopes_supported=["openid", "email", "profile", "groups"],
            token_endpoint_auth_methods_supported=["client_secret_basic", "client_secret_post"],
            code_challenge_methods_supported=["S256"],
            authorization_response_iss_parameter_supported=True,
        )

    def jwks(self) -> Response:
        """GET /jwks."""
        return jsonify(keys=[self._key.as_dict(private=False)])

    def authorize(self) -> tuple[str, int] | str | WerkzeugResponse:
        """An authorization request arrives."""
        asked = {name: value for name, value in request.args.items() if value}
        if asked.get("client_id") != self._client.id or asked.get("redirect_uri") not in self._client.redirect_uris:
            return page("said.html", words="The request comes from a client that is not known here."), 400
        if asked.get("response_type") != "code" or "openid" not in asked.get("scope", "").split():
            return self._back(asked, error="invalid_request")
        if asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge"):
            return self._back(asked, error="invalid_request", error_description="PKCE with S256 is required.")
        signed_in = session.get("name") in PEOPLE and "login" not in asked.get("prompt", "").split()
        if asked.get("prompt") == "none" and not signed_in:
            return self._back(asked, error="login_required")
        ticket = secrets.token_urlsafe(16)
        self._waiting[ticket] = asked
        return self._issue(ticket) if signed_in else page("sign_in.html", ticket=ticket, action="/sign-in", problem="")

    def sign_in(self) -> tuple[str, int] | str | WerkzeugResponse:
        """The login form was sent."""
        ticket = request.form.get("ticket", "")
        if ticket not in self._waiting:
            return page("said.html", words="Nothing waits for this sign-in. Start again from the app."), 400
        person = sign_in(request.form.get("username", ""), request.form.get("password", ""))
        if person is None:
            return page("sign_in.html", ticket=ticket, action="/sign-in", problem="That name and password do not match.")
        session.clear()
        session.update(name=person.name, at=int(time.time()))
        return self._issue(ticket)

    def _issue(self, ticket: str) -> WerkzeugResponse:
        asked = self._waiting.pop(ticket)
        code = secrets.token_urlsafe(32)
        person = PEOPLE[session["name"]]
        until = time.time() + CODE_SECONDS
        self._codes[code] = Grant(person, asked["redirect_uri"], asked.get("nonce"), asked["code_challenge"], session["at"], until)
        return self._back(asked, code=code)

    def _back(self, asked: dict[str, str], **given: str) -> WerkzeugResponse:
        params = {**given, "iss": self.base, **({"state": asked["state"]} if "state" in asked else {})}
        return redirect(f"{asked['redirect_uri']}?{urlencode(params)}", 303)

    def token(self) -> tuple[Response, int]:
        """POST /token."""
        given = request.authorization
        client_id = given.get("username") if given else request.form.get("client_id")
        secret = given.get("password") if given else request.form.get("client_secret")
        if client_id != self._client.id or not hmac.compare_digest(str(secret).encode(), self._client.secret.encode()):
            return jsonify(error="invalid_client"), 401
        grant = self._codes.pop(request.form.get("code", ""), None)
        digest = hashlib.sha256(request.form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if grant is None or grant.until < time.time() or grant.challenge != challenge:
            return jsonify(error="invalid_grant"), 400
        if request.form.get("grant_type") != "authorization_code" or request.form.get("redirect_uri") != grant.redirect_uri:
            return jsonify(error="invalid_grant"), 400
        access_token = secrets.token_urlsafe(32)
        self._tokens[access_token] = grant
        return jsonify(access_token=access_token, token_type="Bearer", expires_in=TOKEN_SECONDS, id_token=self._id_token(grant)), 200

    def _id_token(self, grant: Grant) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.base,
            "sub": grant.person.id,
            "aud": self._client.id,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "auth_time": grant.auth_time,
            **({"nonce": grant.nonce} if grant.nonce else {}),
            **self._claims(grant.person),
        }
        return jwt.encode({"alg": "RS256", "kid": self._key.kid}, claims, self._key)

    def _claims(self, person: Person) -> dict[str, Any]:
        return {
            "email": person.email,
            "email_verified": True,
            "given_name": person.given_name,
            "family_name": person.family_name,
            "name": f"{person.given_name} {person.family_name}",
            "department": person.department,
            "groups": list(person.groups),
        }

    def userinfo(self) -> tuple[Response, int]:
        """GET or POST /userinfo."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        grant = self._tokens.get(token)
        if grant is None:
            return jsonify(error="invalid_token"), 401
        return jsonify({"sub": grant.person.id, **self._claims(grant.person)}), 200

    def end_session(self) -> str | WerkzeugResponse:
        """Sign out here, and go where the relying party says, if it may."""
        session.clear()
        back = request.values.get("post_logout_redirect_uri")
        if back in self._client.logout_uris and back is not None:
            state = request.values.get("state")
            return redirect(back + (f"?{urlencode({'state': state})}" if state else ""), 303)
        return page("said.html", words="You are signed out.")

    def home(self) -> str:
        """Who is signed in here."""
        return page("idp_home.html", person=PEOPLE.get(session.get("name", "")), people=PEOPLE.values())


def make_oidc_idp(base: str, client: Client, key: SigningKey) -> Flask:
    """The provider as a Flask app."""
    app = make_party("sample-oidc-idp", "sample_oidc_idp", "Sample OIDC IdP")
    idp = OidcIdp(base, client, key)
    app.add_url_rule("/", "home", idp.home)
    app.add_url_rule("/.well-known/openid-configuration", "discovery", idp.discovery)
    app.add_url_rule("/jwks", "jwks", idp.jwks)
    app.add_url_rule("/authorize", "authorize", idp.authorize)
    app.add_url_rule("/sign-in", "sign_in", idp.sign_in, methods=["POST"])
    app.add_url_rule("/token", "token", idp.token, methods=["POST"])
    app.add_url_rule("/userinfo", "userinfo", idp.userinfo, methods=["GET", "POST"])
    app.add_url_rule("/end-session", "end_session", idp.end_session, methods=["GET", "POST"])
    app.add_url_rule("/sign-out", "sign_out", idp.end_session, methods=["POST"])
    return app

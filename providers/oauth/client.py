"""We as an OAuth client: how we authenticate ourselves at a token endpoint, and the request for a token (RFC 6749 sections 2.3, 4.1.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, cast
from urllib.parse import quote

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_token_request
from authlib.oauth2.rfc7523.assertion import private_key_jwt_sign
from authlib.oauth2.rfc7523.client import ASSERTION_TYPE
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.errors import JoseError
from joserfc.jwk import import_key

from metadata.fetch import Fetcher, Reply
from providers.base import KeyPair
from providers.errors import ProviderMisconfigured, ResponseInvalid, UpstreamUnavailable
from providers.http import cleaned, json_reply, upstream
from providers.oauth.memo import Memo

TokenAuth = Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]
ASSERTION_SECONDS = 60


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """`url` and how to speak to it. `method` GET is for one social provider that wants it so."""

    url: str
    operator_declared: bool = False
    method: Literal["GET", "POST"] = "POST"


@dataclass(frozen=True, slots=True)
class Client:
    """Our registration at one provider. `audience` is the `aud` of our assertions: that provider's issuer, and nothing it told us.

    With an audience taken from its metadata, a provider could make us sign an assertion for another one (OA-R3.15, rfc7523bis).
    """

    client_id: str
    auth: TokenAuth
    secret: str = field(default="", repr=False)
    key: KeyPair | None = field(default=None, repr=False)
    audience: str = ""

    def redeem(self, fetch: Fetcher, endpoint: TokenEndpoint, code: str, memo: Memo, now: datetime) -> dict[str, Any]:
        """Exchange the code for tokens: the token response, with an `access_token` of type Bearer.

        Raises ResponseInvalid (the code is not good), ProviderMisconfigured (we are not known there), UpstreamUnavailable.
        """
        body = prepare_token_request("authorization_code", redirect_uri=memo.redirect_uri, code=code, code_verifier=memo.verifier)
        headers: dict[str, str] = {}
        _, headers, body = self._authentication(now).prepare("POST", endpoint.url, headers, body)
        with upstream("token_endpoint"):
            if endpoint.method == "GET":
                url = endpoint.url + ("&" if "?" in endpoint.url else "?") + body
                reply = fetch.get(url, headers=headers, operator_declared=endpoint.operator_declared)
            else:
                reply = fetch.post(endpoint.url, form=body, headers=headers, operator_declared=endpoint.operator_declared)
        return read_token_reply(reply)

    def _authentication(self, now: datetime) -> ClientAuth:
        methods: Mapping[str, Any] = {"client_secret_basic": _basic, "private_key_jwt": self._assertion(now)}
        return ClientAuth(self.client_id, self.secret, methods.get(self.auth, self.auth))

    def _assertion(self, now: datetime) -> Any:
        def attach(_: ClientAuth, method: str, uri: str, headers: Any, body: str) -> Any:
            assertion = self.sign_assertion(now)
            sent = {"client_id": self.client_id, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
            return uri, headers, body + "".join(f"&{k}={quote(v, safe='')}" for k, v in sent.items())

        return attach

    def sign_assertion(self, now: datetime) -> str:
        """A JWT that proves who we are (RFC 7523 section 3), good for a minute. Raises ProviderMisconfigured: no usable key."""
        if self.key is None:
            raise ProviderMisconfigured("private_key_jwt needs a key", reason="client_key_missing")
        try:
            kty = {"ES": "EC", "Ed": "OKP"}.get(self.key.alg[:2], "RSA")
            key = import_key(self.key.private_pem, cast(Any, kty))
            signed = private_key_jwt_sign(
                key,
                client_id=self.client_id,
                token_endpoint=self.audience,
                alg=self.key.alg,
                header={"kid": self.key.kid, "typ": "JWT"} if self.key.kid else {"typ": "JWT"},
                issued_at=int(now.timestamp()),
                expires_in=ASSERTION_SECONDS,
            )
        except (JoseError, ValueError, TypeError) as e:
            raise ProviderMisconfigured(f"client key: {type(e).__name__}", reason="client_key_invalid") from None
        return cast(str, signed)


def assertion_alg(private_pem: str) -> str:
    """The algorithm that goes with a private key of ours, RS256 if it is an RSA key or no key at all."""
    try:
        key = load_pem_private_key(private_pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "RS256"  # signing will say what is wrong with it
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return {256: "ES256", 384: "ES384", 521: "ES512"}.get(key.curve.key_size, "ES256")
    return "EdDSA" if isinstance(key, ed25519.Ed25519PrivateKey) else "RS256"


def _basic(client: ClientAuth, method: str, uri: str, headers: dict[str, str], body: str) -> Any:
    # Authlib sends the two as they are; RFC 6749 section 2.3.1 wants them form-encoded first.
    encoded = ClientAuth(quote(client.client_id, safe=""), quote(client.client_secret, safe=""))
    return encoded.prepare(method, uri, headers, body)


def read_token_reply(reply: Reply) -> dict[str, Any]:
    """Judge a token endpoint's answer (RFC 6749 section 5). Raises as Client.redeem does."""
    if 300 <= reply.status < 400:
        # Not followed: the code and our secret would travel along (OA-R3.14).
        raise UpstreamUnavailable(f"the token endpoint redirects ({reply.status})", reason="token_endpoint_redirect")
    if reply.status >= 500:
        raise UpstreamUnavailable(f"token endpoint: status {reply.status}", reason="token_endpoint_status")
    answer = json_reply(Reply(200, reply.headers, reply.body, reply.url), "token_endpoint")
    error = answer.get("error")
    if error is not None or reply.status != 200:
        said = f"status {reply.status}: {cleaned(str(error), 80)}: {cleaned(str(answer.get('error_description', '')))}"
        if error in ("invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope"):
            raise ProviderMisconfigured(f"token endpoint: {said}", reason="client_refused")
        raise ResponseInvalid(f"token endpoint: {said}", reason="code_refused")
    token = answer.get("access_token")
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise UpstreamUnavailable("no access_token", reason="token_endpoint_no_token")
    if str(answer.get("token_type", "bearer")).lower() != "bearer":
        raise UpstreamUnavailable("token_type is not Bearer", reason="token_endpoint_token_type")
    return answer

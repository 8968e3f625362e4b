"""The OpenID Connect adapter: authorization code, PKCE S256, nonce, and an ID token that passes our own checks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from metadata.oidc.discovery import OpMetadata
from providers.base import (
    Burn,
    Inbound,
    KeyPair,
    LoginAsk,
    LoginStart,
    LogoutNotice,
    ProviderSpec,
    Toolbox,
    UpstreamIdentity,
    UpstreamSession,
    VerifiedAttributes,
)
from providers.errors import ResponseInvalid
from providers.oauth.attributes import TOKEN_NAMES
from providers.oauth.authorize import check_callback_url, login_start
from providers.oauth.callback import read_callback
from providers.oauth.client import Client, TokenAuth, TokenEndpoint, assertion_alg
from providers.oauth.memo import UNPROVEN, Memo
from providers.oidc.endpoints import Endpoints
from providers.oidc.id_token import Expected, check_id_token, subject_of
from providers.oidc.jws import KeyFinder, Rules, Verified, verify
from providers.oidc.logout import check_logout_answer, logout_start, logout_token_of, read_logout_token
from providers.oidc.options import OidcOptions, read_options
from providers.oidc.userinfo import fetch_userinfo, merge, read_userinfo

LOGIN_SECONDS = 600
"""A nonce is burned for as long as a token that holds it could still pass."""


class OidcProvider:
    """One OpenID Connect connection. It also takes part in logout (providers.base.LogsOut)."""

    def __init__(self, spec: ProviderSpec, options: OidcOptions, tools: Toolbox) -> None:
        self.spec, self._options, self._tools = spec, options, tools
        self._endpoints = Endpoints(spec, options, tools)

    @classmethod
    def from_spec(cls, spec: ProviderSpec, tools: Toolbox) -> Self:
        """Check the spec; nothing is fetched yet. Raises ProviderMisconfigured."""
        return cls(spec, read_options(spec), tools)

    def start(self, ask: LoginAsk) -> LoginStart:
        """Raises ProviderMisconfigured, UpstreamUnavailable."""
        options, metadata = self._options, self._endpoints.metadata()
        now = int(self._tools.clock().timestamp())
        forward: tuple[str, ...] = options.forward
        forwarded = {n: value for n, value in _hints(ask).items() if n in forward}
        sent = {**options.authorize_params, **forwarded}
        memo = Memo(
            pool_id=self.spec.pool_id,
            provider_id=self.spec.provider_id,
            handle=ask.handle,
            issuer=options.issuer,
            redirect_uri=check_callback_url(self.spec, ask),
            mode=options.response_mode,
            started=now,
            verifier=self._tools.token(32),
            nonce=self._tools.token(32),
            max_age=int(sent["max_age"]) if "max_age" in sent else None,
            fresh="login" in sent.get("prompt", "").split(),
            acr_values=ask.acr_values if "acr_values" in forwarded and options.require_acr else (),
        )
        scope = " ".join(dict.fromkeys((*options.scopes, *ask.scopes)))
        return login_start(metadata.authorization_endpoint, options.client_id, scope, memo, sent)

    def finish(self, memo: bytes | None, inbound: Inbound) -> UpstreamIdentity:
        """Raises ResponseInvalid, UpstreamRefused, UpstreamUnavailable, ProviderMisconfigured."""
        login = Memo.unpack(memo, self.spec)
        if login.issuer != self._options.issuer:
            raise ResponseInvalid("the issuer was changed during the login", reason="provider_mismatch")
        metadata = self._endpoints.metadata()
        issuers = (metadata.issuer, *self._options.issuer_aliases)
        code = read_callback(inbound, login, issuers, iss_required=self._iss_required(metadata))
        now = self._tools.clock()
        endpoint = TokenEndpoint(metadata.token_endpoint, self._endpoints.declared(metadata, metadata.token_endpoint))
        tokens = self._client(metadata).redeem(self._tools.fetch, endpoint, code, login, now)
        compact = tokens.get("id_token")
        if not isinstance(compact, str):
            # Never fall back to UserInfo: an access token says nothing about who is at the browser (OA-R2.18).
            raise ResponseInvalid("openid was asked for, but there is no id_token", reason="id_token_missing")
        find = self._endpoints.key_finder(metadata, now)
        want = self._expected(metadata, now, login, code, tokens["access_token"])
        token = verify(compact, Rules("id_token", self._options.id_token_algs), find)
        check_id_token(token, want)
        userinfo = self._userinfo(metadata, token, tokens["access_token"], find, want)
        return self._identity(token, userinfo, tokens, login)

    def start_logout(self, session: UpstreamSession, handle: str, return_url: str) -> LoginStart | None:
        """None if the option or the provider has no logout. Raises ProviderMisconfigured, UpstreamUnavailable."""
        endpoint = self._endpoints.metadata().end_session_endpoint if self._options.logout else ""
        if not endpoint:
            return None
        return logout_start(endpoint, self._options.client_id, session, handle, return_url)

    def finish_logout(self, memo: bytes, inbound: Inbound) -> None:
        """Raises ResponseInvalid."""
        check_logout_answer(memo, inbound)

    def receive_logout(self, inbound: Inbound) -> LogoutNotice:
        """A back-channel logout token. Raises ResponseInvalid, UpstreamUnavailable, ProviderMisconfigured."""
        token, metadata, now = logout_token_of(inbound), self._endpoints.metadata(), self._tools.clock()
        want = self._expected(metadata, now)
        find = self._endpoints.key_finder(metadata, now)
        place = f"{self.spec.pool_id}:{self.spec.provider_id}"
        return read_logout_token(token, self._options.id_token_algs, find, want, place)

    def _iss_required(self, metadata: OpMetadata) -> bool:
        said = self._options.iss_parameter
        return metadata.iss_parameter if said is None else said

    def _client(self, metadata: OpMetadata) -> Client:
        options, secrets = self._options, self.spec.secrets
        key = self.spec.signing_key
        if secrets.get("private_key"):
            key = KeyPair(
                kid=secrets.get("private_key_id", ""),
                private_pem=secrets["private_key"],
                alg=secrets.get("private_key_alg") or assertion_alg(secrets["private_key"]),
            )
        to_endpoint = options.assertion_audience == "token_endpoint"
        return Client(
            client_id=options.client_id,
            auth=options.token_auth or _auth_that_fits(metadata),
            secret=secrets.get("client_secret", ""),
            key=key,
            audience=metadata.token_endpoint if to_endpoint else options.issuer,
        )

    def _expected(
        self,
        metadata: OpMetadata,
        now: datetime,
        login: Memo | None = None,
        code: str = "",
        access_token: str = "",
    ) -> Expected:
        options = self._options
        return Expected(
            issuer=metadata.issuer,
            client_id=options.client_id,
            nonce=login.nonce if login else "",
            now=now.timestamp(),
            skew=options.clock_skew,
            access_token=access_token,
            code=code,
            max_age=login.max_age if login else None,
            since=login.started if login and login.fresh else None,
            acr_values=login.acr_values if login else (),
            issuer_aliases=options.issuer_aliases,
            trusted_audiences=options.trusted_audiences,
            tenants=options.tenants,
        )

    def _userinfo(self, metadata: OpMetadata, token: Verified, access_token: str, find: KeyFinder, want: Expected) -> Mapping[str, Any]:
        url = metadata.userinfo_endpoint
        if not (self._options.userinfo and url):
            return {}
        reply = fetch_userinfo(
            self._tools.fetch,
            url,
            access_token,
            method=self._options.attributes_request_method,
            operator_declared=self._endpoints.declared(metadata, url),
        )
        sub = subject_of(token.claims, "id_token")
        return read_userinfo(reply, sub, self._options.id_token_algs, find, want)

    def _identity(self, token: Verified, userinfo: Mapping[str, Any], tokens: Mapping[str, Any], login: Memo) -> UpstreamIdentity:
        claims, options = token.claims, self._options
        subject = subject_of(claims, "id_token")
        mapped = {n: tokens[n] for n in TOKEN_NAMES if isinstance(tokens.get(n), str)}
        attributes: VerifiedAttributes = merge(claims, userinfo, mapped if options.map_tokens else {})
        sid, amr, acr, auth_time = (claims.get(n) for n in ("sid", "amr", "acr", "auth_time"))
        until = self._tools.clock() + timedelta(seconds=LOGIN_SECONDS + 2 * options.clock_skew)
        place = f"{self.spec.pool_id}:{self.spec.provider_id}"
        return UpstreamIdentity(
            provider_id=self.spec.provider_id,
            # The canonical spelling, unless one endpoint serves many tenants.
            issuer=str(claims["iss"]) if options.tenants else options.issuer,
            subject=subject,
            subject_key=f"{claims['tid']}|{subject}" if options.tenants else subject,
            attributes=attributes,
            authenticated_at=datetime.fromtimestamp(auth_time, UTC) if auth_time is not None else None,
            acr=acr if isinstance(acr, str) else None,
            amr=tuple(a for a in amr if isinstance(a, str)) if isinstance(amr, list) else (),
            session=UpstreamSession(sid=sid if isinstance(sid, str) else None, id_token=tokens["id_token"]),
            burns=(Burn(f"oidc-nonce:{place}:{login.nonce}", until),),
            notes=(UNPROVEN,) if login.fresh and auth_time is None else (),
            evidence=json.dumps({"id_token": tokens["id_token"], "userinfo": userinfo}).encode(),
        )


def _hints(ask: LoginAsk) -> dict[str, str]:
    hints = {
        "login_hint": ask.login_hint,
        "prompt": " ".join(ask.prompt),
        "acr_values": " ".join(ask.acr_values),
        "max_age": None if ask.max_age is None else str(ask.max_age),
        "ui_locales": ask.ui_locales,
    }
    return {name: value for name, value in hints.items() if value}


def _auth_that_fits(metadata: OpMetadata) -> TokenAuth:
    """Basic unless the provider lists only the other one (Discovery 1.0: Basic is what an absent list means)."""
    listed = metadata.token_auth_methods
    if "client_secret_basic" not in listed and "client_secret_post" in listed:
        return "client_secret_post"
    return "client_secret_basic"

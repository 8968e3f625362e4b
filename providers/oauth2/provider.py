"""The plain OAuth 2.0 adapter, driven by a row: authorization code, PKCE S256, then the provider's own profile API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self
from urllib.parse import urljoin

from metadata.errors import DocumentInvalid
from metadata.oidc.discovery import origin
from metadata.oidc.strict_json import parse_json
from providers.base import (
    Inbound,
    LoginAsk,
    LoginStart,
    ProviderSpec,
    Toolbox,
    UpstreamIdentity,
    VerifiedAttributes,
)
from providers.errors import ResponseInvalid, UpstreamUnavailable
from providers.http import json_reply, upstream
from providers.oauth.attributes import TOKEN_NAMES, is_true
from providers.oauth.authorize import check_callback_url, login_start
from providers.oauth.callback import read_callback
from providers.oauth.client import Client, TokenEndpoint
from providers.oauth.memo import UNPROVEN, Memo
from providers.oauth.row import Quirk, SocialRow
from providers.oauth2.options import OAuth2Options, read_options


class OAuth2Provider:
    """One connection to a provider that speaks OAuth 2.0 but not OpenID Connect."""

    def __init__(self, spec: ProviderSpec, options: OAuth2Options, row: SocialRow, quirk: Quirk | None, tools: Toolbox) -> None:
        self.spec, self._options, self._row, self._quirk, self._tools = spec, options, row, quirk, tools

    @classmethod
    def from_row(cls, row: SocialRow, quirk: Quirk | None, spec: ProviderSpec, tools: Toolbox) -> Self:
        """Check the spec against the row; nothing is fetched. Raises ProviderMisconfigured."""
        options, row = read_options(spec, row)
        return cls(spec, options, row, quirk, tools)

    def start(self, ask: LoginAsk) -> LoginStart:
        """Raises ProviderMisconfigured."""
        row = self._row
        memo = Memo(
            pool_id=self.spec.pool_id,
            provider_id=self.spec.provider_id,
            handle=ask.handle,
            issuer=self._issuer,
            redirect_uri=check_callback_url(self.spec, ask),
            mode="query",
            started=int(self._tools.clock().timestamp()),
            verifier=self._tools.token(32),
            max_age=ask.max_age,
            fresh="login" in ask.prompt,
        )
        wanted = {
            "login_hint": ask.login_hint,
            "prompt": " ".join(ask.prompt),
            "max_age": None if ask.max_age is None else str(ask.max_age),
            "ui_locales": ask.ui_locales,
        }
        hints: dict[str, str] = {row.hints[n]: v for n, v in wanted.items() if v and n in row.hints}
        scope = row.separator.join(dict.fromkeys((*row.scopes, *ask.scopes)))
        extra = {**row.authorize_params, **hints}
        return login_start(row.authorize_url, self._options.client_id, scope, memo, extra)

    def finish(self, memo: bytes | None, inbound: Inbound) -> UpstreamIdentity:
        """Raises ResponseInvalid, UpstreamRefused, UpstreamUnavailable, ProviderMisconfigured."""
        login = Memo.unpack(memo, self.spec)
        if login.issuer != self._issuer:
            raise ResponseInvalid("the provider was changed during the login", reason="provider_mismatch")
        # No issuer is known to compare `iss` with; `state` binds the login to this provider.
        code = read_callback(inbound, login, (), iss_required=False)
        endpoint = TokenEndpoint(self._row.token_url, self.spec.operator_declared, self._row.token_method)
        tokens = self._client().redeem(self._tools.fetch, endpoint, code, login, self._tools.clock())
        profile = json_reply(self._get(self._row.userinfo_url, tokens["access_token"]), "userinfo")
        identity = self._identity(profile, tokens)
        # Nothing in OAuth 2.0 says when the user signed in: what was asked for is passed on as far as the provider takes it.
        return replace(identity, notes=(UNPROVEN,)) if login.fresh or login.max_age is not None else identity

    @property
    def _issuer(self) -> str:
        """Where the person comes from: the row's name for it, unless the URLs were overridden."""
        issuer = self._row.issuer
        return issuer if not self._options.authorize_url else origin(self._row.authorize_url)

    def _client(self) -> Client:
        secret = self.spec.secrets.get("client_secret", "")
        return Client(self._options.client_id, self._row.token_auth, secret)

    def _get(self, url: str, access_token: str) -> Any:
        headers = {"Authorization": f"Bearer {access_token}", **self._row.headers}
        with upstream("userinfo"):
            return self._tools.fetch.get(url, headers=headers, operator_declared=self.spec.operator_declared)

    def _identity(self, profile: Mapping[str, Any], tokens: Mapping[str, Any]) -> UpstreamIdentity:
        def ask(path: str) -> Any:
            base = self._row.userinfo_url
            url = base.rstrip("/") + path if path.startswith("/") else urljoin(base, path)
            if origin(url) != origin(base):
                raise UpstreamUnavailable("the API points elsewhere", reason="userinfo_foreign")
            reply = self._get(url, tokens["access_token"])
            if reply.status in (403, 404):
                return None
            try:
                return parse_json(reply.body) if reply.status == 200 else json_reply(reply, "userinfo")
            except DocumentInvalid as e:
                raise UpstreamUnavailable(e.private, reason="userinfo_not_json") from None

        subject = self._subject(profile)
        told = dict(self._quirk(profile, ask) if self._quirk else profile)
        attributes = self._attributes(told, subject)
        if self._options.map_tokens:
            attributes.update({n: tokens[n] for n in TOKEN_NAMES if isinstance(tokens.get(n), str)})
        return UpstreamIdentity(
            provider_id=self.spec.provider_id,
            issuer=self._issuer,
            subject=subject,
            subject_key=subject,
            attributes=VerifiedAttributes(attributes),
            evidence=json.dumps({"userinfo": told}).encode(),
        )

    def _subject(self, profile: Mapping[str, Any]) -> str:
        value = member(profile, self._row.subject)
        subject = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
        if not 0 < len(subject) <= 255 or not subject.isascii() or not subject.isprintable() or " " in subject:
            raise ResponseInvalid(f"userinfo: no usable {self._row.subject}", reason="userinfo_sub")
        return subject

    def _attributes(self, told: Mapping[str, Any], subject: str) -> dict[str, Any]:
        """The provider's own names, the standard ones beside them, and an e-mail flag that says no more than is known."""
        found = {name: member(told, path) for name, path in self._row.claims.items()}
        attributes = {**told, **{name: value for name, value in found.items() if value is not None}}
        for name in TOKEN_NAMES:
            attributes.pop(name, None)
        verified = self._row.email_verified != "never" and is_true(attributes.get("email_verified"))
        if "email" in attributes:
            attributes["email_verified"] = verified
        else:
            attributes.pop("email_verified", None)
        attributes["sub"] = subject
        return attributes


def member(profile: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, or None."""
    value: Any = profile
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value

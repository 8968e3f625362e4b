"""The authorization request (RFC 6749 4.1.1, spec B.2): an ordered list of small checks, then a Login.

Until client_id and redirect_uri are trusted an error is a page; after that it goes back to the application, with state and iss (RFC 9207).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from broker.errors import (
    BrokerError,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    InvalidToken,
    NotFound,
    UnauthorizedClient,
    UnsupportedResponseType,
    UntrustedRedirect,
)
from broker.flows.choices import hinted_provider, sight_of
from broker.flows.kit import FlowKit
from broker.flows.logins import LOGIN_SECONDS, save, secret_hash
from broker.flows.next_step import Step, Upstream, next_step
from broker.flows.sessions import usable_session
from broker.model.login import AuthorizeRequest, Login
from broker.model.settings import AppClient, UserPool

PROMPTS = frozenset({"none", "login", "select_account", "consent"})
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")  # S256 of anything is 43 characters (RFC 7636 4.2)
RESOURCE = re.compile(
    r"(https://[^/?#\s]+|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(?=[/?]|\Z)|[a-z][a-z0-9+.-]*\.[a-z0-9+.-]*:)[^#\s]*\Z"
)
NO_VALUE = ("request", "registration", "claims")  # OpenID Connect Core 6 and 5.5, not offered


@dataclass(frozen=True, slots=True)
class AuthorizeAsk:
    """An authorization request as a face read it. `params` hold each name once; `session_cookie` is that of this pool, if any."""

    pool: UserPool
    params: Mapping[str, str]
    base_url: str
    address: str = ""
    session_cookie: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Trusted:
    """What an error may be sent to: both members were checked against the client's registration."""

    client: AppClient
    redirect_uri: str
    state: str | None


class RefusedToClient(Exception):
    """An error that belongs at the application's redirect_uri."""

    def __init__(self, error: BrokerError, trusted: Trusted) -> None:
        super().__init__(str(error))
        self.error = error
        self.trusted = trusted


@dataclass(frozen=True, slots=True)
class Started:
    """A login has begun, and `step` comes first. `browser_secret` goes into the cookie that binds it.

    Before Upstream the login is not kept yet: `start_login` does that, with what the answer must match.
    """

    login: Login
    browser_secret: str = field(repr=False)
    step: Step


def trust(kit: FlowKit, pool: UserPool, params: Mapping[str, str]) -> Trusted:
    """Check client_id and redirect_uri, exactly. Raises UntrustedRedirect: the caller shows a page and never redirects."""
    client = kit.settings.client(pool.id, params.get("client_id", ""))
    if client is None or not client.enabled:
        raise UntrustedRedirect("client_id is missing or names no enabled client of this pool", code="unknown_client")
    redirect_uri = params.get("redirect_uri")
    if redirect_uri is None:
        raise UntrustedRedirect(f"client {client.id} sent no redirect_uri", code="redirect_missing")
    if redirect_uri not in client.redirect_uris:
        raise UntrustedRedirect(f"redirect_uri is not registered for client {client.id}", code="redirect_mismatch")
    return Trusted(client, redirect_uri, params.get("state"))


def check_response_type(client: AppClient, params: Mapping[str, str]) -> None:
    """Only `code`. `token` is a flow we store but refuse (RFC 9700 2.1.2)."""
    wanted = params.get("response_type")
    if wanted is None:
        raise InvalidRequest("response_type is missing")
    if wanted == "token":
        raise UnauthorizedClient("the implicit flow is refused")
    if wanted != "code":
        raise UnsupportedResponseType(f"response_type {wanted!r}")
    if "code" not in client.flows:
        raise UnauthorizedClient("the client may not use the code flow")
    if params.get("response_mode", "query") != "query":
        raise InvalidRequest("only response_mode query is supported")
    for name in NO_VALUE:
        if name in params:
            raise InvalidRequest(f"{name} is not supported", code="request_not_supported" if name == "request" else None)


def check_scopes(client: AppClient, params: Mapping[str, str]) -> tuple[str, ...]:
    """Scopes in the order asked, each once; none asked means all of the client's (spec B.2)."""
    if "scope" not in params:
        return client.scopes
    asked = tuple(dict.fromkeys(params["scope"].split(" ")))
    if not all(asked):
        raise InvalidScope("scope is empty or has doubled spaces")
    unknown = [scope for scope in asked if scope not in client.scopes]
    if unknown:
        raise InvalidScope(f"scopes that client {client.id} does not have: {unknown!r:.200}")
    if {"email", "phone", "profile"} & set(asked) and "openid" not in asked:
        raise InvalidScope("email, phone and profile need openid")
    return asked


def check_pkce(client: AppClient, params: Mapping[str, str]) -> str | None:
    """S256 or nothing; nothing only for a confidential client that opted out (RFC 9700 2.1.1)."""
    challenge, method = params.get("code_challenge"), params.get("code_challenge_method")
    if challenge is None and method is None:
        if client.require_pkce or client.token_auth == "none":  # noqa: S105 -- the method's name
            raise InvalidRequest("code_challenge is missing: this client must use PKCE with S256")
        return None
    if method != "S256":
        raise InvalidRequest("code_challenge_method must be S256")
    if challenge is None or not CHALLENGE.match(challenge):
        raise InvalidRequest("code_challenge must be 43 base64url characters")
    return challenge


def check_prompt(params: Mapping[str, str]) -> tuple[str, ...]:
    """Known values, and `none` alone."""
    values = tuple(dict.fromkeys(params.get("prompt", "").split()))
    if not set(values) <= PROMPTS:
        raise InvalidRequest("prompt has an unknown value")
    if "none" in values and len(values) > 1:
        raise InvalidRequest("prompt=none cannot be combined")
    return values


def check_max_age(params: Mapping[str, str]) -> int | None:
    """Whole seconds, 0 or more."""
    text = params.get("max_age")
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise InvalidRequest("max_age must be a whole number of seconds")
    return int(text)


def check_resource(params: Mapping[str, str]) -> str | None:
    """One absolute URI without a fragment: https, loopback http, or a custom scheme with a dot (RFC 8707 2, spec A.3)."""
    resource = params.get("resource")
    if resource is not None and not RESOURCE.match(resource):
        raise InvalidTarget("resource must be one absolute https URI without a fragment")
    return resource


def check_hint(kit: FlowKit, client: AppClient, params: Mapping[str, str]) -> str | None:
    """Whom an id_token_hint names: a token of ours for this very client, which may have expired (OpenID Connect Core 3.1.2.1, P1.18)."""
    hint = params.get("id_token_hint")
    if hint is None:
        return None
    try:
        named = kit.verifier.verify_hint(client.pool_id, hint)
    except InvalidToken as bad:
        raise InvalidRequest(f"id_token_hint: {bad.private}") from bad
    if named.client_id != client.id:
        raise InvalidRequest("id_token_hint was issued to another client")
    return named.sub


def read_request(kit: FlowKit, pool: UserPool, trusted: Trusted, params: Mapping[str, str]) -> AuthorizeRequest:
    """Every check behind the trusted redirect_uri, in order; PAR runs the same list at its own endpoint."""
    client = trusted.client
    check_response_type(client, params)
    request = AuthorizeRequest(
        client_id=client.id,
        redirect_uri=trusted.redirect_uri,
        scopes=check_scopes(client, params),
        state=trusted.state,
        nonce=params.get("nonce"),
        code_challenge=check_pkce(client, params),
        prompt=check_prompt(params),
        max_age=check_max_age(params),
        resource=check_resource(params),
        login_hint=params.get("login_hint"),
        hinted_sub=check_hint(kit, client, params),
        identity_provider=params.get("identity_provider"),
        idp_identifier=params.get("idp_identifier"),
        acr_values=tuple(params.get("acr_values", "").split()),
        ui_locales=params.get("lang") or params.get("ui_locales"),
    )
    try:
        hinted_provider(kit, pool, client, request)
    except NotFound as refused:
        raise InvalidRequest(refused.private, code="provider_unavailable") from refused
    return request


def authorize(kit: FlowKit, ask: AuthorizeAsk, pushed: Callable[[Mapping[str, str]], Mapping[str, str]]) -> Started:
    """Check the request and begin a login. Raises UntrustedRedirect (a page), RateLimited, or RefusedToClient (a redirect).

    `pushed` resolves a request_uri to the parameters that were pushed (RFC 9126 4), or returns its argument.
    """
    kit.rates.check("authorize", ask.address)
    params = pushed(ask.params)
    trusted = trust(kit, ask.pool, params)
    kit.rates.check("authorize_client", f"{ask.pool.id}/{trusted.client.id}")
    try:
        request = read_request(kit, ask.pool, trusted, params)
        session = usable_session(kit, ask.pool, ask.session_cookie, request)
    except BrokerError as refused:
        kit.audit("login.refused", "refused", refused.code, {"private": refused.private}, pool_id=ask.pool.id, client_id=trusted.client.id)
        raise RefusedToClient(refused, trusted) from refused
    secret = kit.random.token(32)
    now = kit.now()
    login = Login(
        handle=kit.random.token(32),
        event_id=kit.random.uuid(),
        pool_id=ask.pool.id,
        request=request,
        browser=secret_hash(secret),
        base_url=ask.base_url,
        created_at=now,
        expires_at=now + timedelta(seconds=LOGIN_SECONDS),
        session_id=session.id if session else None,
        user_sub=session.user_sub if session else None,
        trace=(kit.line("authorize", client=request.client_id, scopes=list(request.scopes), prompt=list(request.prompt),
                        session="used" if session else "none"),),
    )  # fmt: skip
    step = next_step(login, sight_of(kit, ask.pool, trusted.client, login))
    if not isinstance(step, Upstream):
        save(kit, login)
    return Started(login, secret, step)

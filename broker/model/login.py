"""A sign-in in flight, and what it leaves behind: a session, a code, a refresh family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class AuthorizeRequest:
    """An authorization request that passed its checks (spec B.2). `scopes` are granted as asked; `resource` is RFC 8707's, one at most.

    `hinted_sub` is the user whom an id_token_hint named: nobody else may come out of this login.
    """

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None = None
    nonce: str | None = None
    code_challenge: str | None = None
    prompt: tuple[str, ...] = ()
    max_age: int | None = None
    resource: str | None = None
    login_hint: str | None = None
    hinted_sub: str | None = None
    identity_provider: str | None = None
    idp_identifier: str | None = None
    acr_values: tuple[str, ...] = ()
    ui_locales: str | None = None


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One step of a login as its trace tells it: what was seen, what was decided. `detail` is redacted before it gets here."""

    at: datetime
    step: str
    outcome: Literal["ok", "note", "refused"]
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Login:
    """A row per login. `handle` is the secret that travels as state or RelayState; `browser` is the hash of the cookie that binds it.

    `base_url` is the origin at which the login began (one of the pool's own); callbacks stay there. `session_id` and `user_sub` are set
    once the upstream leg is done; the login then has a new handle, so that a second answer finds none.
    """

    handle: str
    event_id: str
    pool_id: str
    request: AuthorizeRequest
    browser: str
    base_url: str
    created_at: datetime
    expires_at: datetime
    provider: str | None = None
    memo: bytes = field(default=b"", repr=False)
    session_id: str | None = None
    user_sub: str | None = None
    consented: bool = False
    trace: tuple[TraceLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody is signed in at a pool, in one browser. Fixed end. `id` is the `sid` claim; `secret_hash` is the cookie's hash."""

    id: str
    pool_id: str
    user_sub: str
    secret_hash: str = field(repr=False)
    auth_time: datetime
    created_at: datetime
    expires_at: datetime
    amr: tuple[str, ...] = ()
    acr: str | None = None
    provider: str | None = None
    upstream_subject_key: str | None = None
    upstream_index: str | None = None
    upstream: Mapping[str, Any] = field(default_factory=dict, repr=False)
    clients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Code:
    """What an authorization code stands for. Kept under the code's hash; `family` is the origin_jti of everything issued from it.

    `auth_time` may be the upstream's, long before `session_began`, from which a refresh family's lifetime counts (spec A.5).
    """

    pool_id: str
    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    user_sub: str
    session_id: str
    family: str
    event_id: str
    auth_time: datetime
    session_began: datetime
    nonce: str | None = None
    code_challenge: str | None = None
    resource: str | None = None
    amr: tuple[str, ...] = ()
    acr: str | None = None
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class RefreshFamily:
    """Everything issued from one sign-in at one client. Its `id` is the `origin_jti` claim; `expires_at` is absolute (spec A.5)."""

    id: str
    pool_id: str
    client_id: str
    user_sub: str
    session_id: str | None
    scopes: tuple[str, ...]
    event_id: str
    auth_time: datetime
    created_at: datetime
    expires_at: datetime
    resource: str | None = None
    amr: tuple[str, ...] = ()
    acr: str | None = None
    provider: str | None = None
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Consent:
    """A user's standing agreement that a third-party client gets these scopes."""

    pool_id: str
    user_sub: str
    client_id: str
    scopes: tuple[str, ...]
    agreed_at: datetime

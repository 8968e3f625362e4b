"""Temporary credentials: what is asked for, what is handed out, and what the sealed session token holds (API `sts`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

ContextValue = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """What an issuer of credentials is asked for, after everything has been decided. `ttl` is seconds.

    `openid_token` makes the identity pool's own token, which an external STS wants; making one costs an RSA signature, so only who needs
    it calls it. `federated` are the context keys that the sign-in leaves in the session (`cognito-identity.amazonaws.com:sub`, ...).
    """

    openid_token: Callable[[], str]
    provider: str
    role_arn: str
    session_name: str
    ttl: int
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive_keys: tuple[str, ...] = ()
    session_policies: tuple[str, ...] = ()
    policy_arns: tuple[str, ...] = ()
    source_identity: str | None = None
    federated: Mapping[str, ContextValue] = field(default_factory=dict)
    identity_id: str | None = None
    identity_pool_id: str | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is handed out (API `Credentials`)."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class StsSession:
    """What a session token says, once opened. Role policies are not in it: they are looked up when it is used, so a change acts at once."""

    access_key_id: str
    role_arn: str
    role_id: str
    session_name: str
    issued_at: datetime
    expires_at: datetime
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive_keys: tuple[str, ...] = ()
    session_policies: tuple[str, ...] = ()
    policy_arns: tuple[str, ...] = ()
    source_identity: str | None = None
    provider: str | None = None
    federated: Mapping[str, ContextValue] = field(default_factory=dict)
    identity_id: str | None = None
    identity_pool_id: str | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed a request: an admin key of the operator (`session` is None), or a session of our own STS."""

    kind: Literal["admin", "session"]
    arn: str
    user_id: str
    access_key_id: str
    session: StsSession | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """A login that was verified: which provider of the identity pool, who there, and what its token said.

    `key` is the Logins key as given; `mapping_key` the key of its role mapping (`POOL:CLIENTID` for a user pool). `claims` are what the
    verifier read; only `providers` and `flows.identity.proofs` make a Proof.
    """

    kind: Literal["user_pool", "oidc", "social", "saml", "developer", "openid"]
    key: str
    subject: str
    mapping_key: str
    claims: Mapping[str, object] = field(default_factory=dict, repr=False)
    audience: str = ""
    amr: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

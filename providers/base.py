"""The contract of a provider: one upstream in, one verified identity out. Open this page first.

A provider is built for one user pool's one upstream connection, keeps nothing between calls (the broker keeps its `memo`), touches no
database and no web framework. `start` says where to send the browser; `finish` turns what came back into an `UpstreamIdentity`, or raises
`providers.errors.ProviderError`. What else an upstream can do (refresh, log out) is a small protocol of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NewType, Protocol, runtime_checkable

from providers.spec import KeyPair, ProviderSpec, Toolbox

__all__ = [
    "Burn", "Inbound", "KeyPair", "LoginAsk", "LoginStart", "LogoutNotice", "LogsOut", "Provider", "ProviderSpec", "Toolbox",
    "UpstreamIdentity", "UpstreamSession", "VerifiedAttributes",
]  # fmt: skip

VerifiedAttributes = NewType("VerifiedAttributes", Mapping[str, Any])
"""Attributes that a signature or an authenticated channel vouches for. Only verifying functions may make one."""


@dataclass(frozen=True, slots=True)
class LoginAsk:
    """What the broker wants. `handle` is one-time and unguessable: it travels as state or RelayState and comes back."""

    handle: str
    callback_url: str
    scopes: tuple[str, ...] = ()
    prompt: tuple[str, ...] = ()
    login_hint: str | None = None
    acr_values: tuple[str, ...] = ()
    max_age: int | None = None
    ui_locales: str | None = None


@dataclass(frozen=True, slots=True)
class LoginStart:
    """Where to send the browser. `memo` is the adapter's own memory (nonce, verifier, request id), kept server-side by the broker."""

    method: Literal["redirect", "form_post"]
    url: str
    fields: Mapping[str, str]
    memo: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Inbound:
    """What the browser brought back. Pairs, not dicts, so that a doubled parameter is seen. `raw_query` is the query's octets as sent.

    `callback_url` is our own address from configuration, never one built from the request's Host header.
    """

    method: Literal["GET", "POST"]
    callback_url: str
    query: tuple[tuple[str, str], ...] = ()
    form: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    raw_query: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Burn:
    """A one-time key that the flow burns, until `until`, before anything else. Burned already means replayed."""

    key: str
    until: datetime
    durable: bool = False


@dataclass(frozen=True, slots=True)
class UpstreamSession:
    """What a logout needs later. `index_keys` are the strings by which the upstream may name this session (sid, SessionIndex...)."""

    name_id: Mapping[str, str] | None = None
    session_index: str | None = None
    sid: str | None = None
    id_token: str | None = field(default=None, repr=False)
    not_on_or_after: datetime | None = None


@dataclass(frozen=True, slots=True)
class UpstreamIdentity:
    """Who signed in, as the upstream said and we verified.

    `subject` is the upstream's own value (NameID, sub, id), used in the username; `subject_key` is the exact key by which
    the same person is found again: it includes what tells equal values apart (NameID Format and qualifiers). A `transient` one
    is never linked.
    `evidence` is the verified bytes, for the sealed trace.
    """

    provider_id: str
    issuer: str
    subject: str
    subject_key: str
    attributes: VerifiedAttributes
    authenticated_at: datetime | None = None
    acr: str | None = None
    amr: tuple[str, ...] = ()
    transient: bool = False
    session: UpstreamSession = UpstreamSession()
    burns: tuple[Burn, ...] = ()
    notes: tuple[str, ...] = ()
    evidence: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class LogoutNotice:
    """A verified demand of the upstream to end sessions: one subject, at all sessions or only those named. `reply` answers the upstream."""

    issuer: str
    subject_key: str | None
    session_indexes: tuple[str, ...]
    burns: tuple[Burn, ...] = ()
    reply: LoginStart | None = None


class Provider(Protocol):
    """One upstream connection of one user pool."""

    spec: ProviderSpec

    def start(self, ask: LoginAsk) -> LoginStart:
        """Say where to send the browser. Raises ProviderMisconfigured or UpstreamUnavailable."""
        ...

    def finish(self, memo: bytes | None, inbound: Inbound) -> UpstreamIdentity:
        """Verify what came back; `memo` is None for an IdP-initiated login. Raises ProviderError."""
        ...


@runtime_checkable
class LogsOut(Protocol):
    """An upstream that takes part in logout: SAML SLO, OIDC RP-initiated and back-channel logout."""

    def start_logout(self, session: UpstreamSession, handle: str, return_url: str) -> LoginStart | None:
        """Send the browser to the upstream's logout, or None if it has none. `handle` comes back as RelayState or state."""
        ...

    def finish_logout(self, memo: bytes, inbound: Inbound) -> None:
        """Check the upstream's answer to our logout request. Raises ResponseInvalid."""
        ...

    def receive_logout(self, inbound: Inbound) -> LogoutNotice:
        """Verify the upstream's own logout request or logout token; always signed. Raises ResponseInvalid."""
        ...

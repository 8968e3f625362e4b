"""One OpenID provider, one adapter, one clock: a login that succeeds, until a row changes one thing about it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from metadata.fetch import Fetcher, Limits
from providers.base import Inbound, LoginAsk, LoginStart, ProviderSpec, Toolbox, UpstreamIdentity
from providers.errors import ProviderError
from providers.oidc.provider import OidcProvider
from tests.fakes.oidc_op import FakeOp, Pairs

CALLBACK = "https://broker.example/pool/oauth2/idpresponse"
SECRET = "a-secret-that-is-quite-long-enough"  # the fake's own


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@dataclass
class Rig:
    """`options` and `spec` change the adapter that the next `provider()` makes; `ask` changes what is asked."""

    op: FakeOp
    clock: Clock = field(default_factory=Clock)
    options: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=lambda: {"client_secret": SECRET})
    ask: dict[str, Any] = field(default_factory=dict)
    method: str = "GET"
    tools: Toolbox = field(init=False)

    def __post_init__(self) -> None:
        limits = Limits(connect=5, read=5, total=8, max_bytes=200_000)
        self.tools = Toolbox(self.clock, Fetcher(("127.0.0.0/8",), limits), secrets.token_urlsafe)
        self.op.now = lambda: self.clock().timestamp()

    def hurry(self) -> None:
        """From now on a call may take half a second."""
        self.tools = replace(self.tools, fetch=self.tools.fetch.limited(Limits(read=0.4, total=0.5, max_bytes=200_000)))

    def spec(self, **changes: Any) -> ProviderSpec:
        return ProviderSpec(
            **{
                "pool_id": "pool", "provider_id": "idp", "name": "IdP", "kind": "oidc",
                "options": {"issuer": self.op.issuer, "client_id": "client-1", **self.options},
                "secrets": self.secrets, "callback_urls": (CALLBACK,), "operator_declared": True, **changes,
            }
        )  # fmt: skip

    def provider(self, **changes: Any) -> OidcProvider:
        return OidcProvider.from_spec(self.spec(**changes), self.tools)

    def begin(self, provider: OidcProvider | None = None) -> LoginStart:
        asked = {"handle": secrets.token_urlsafe(32), "callback_url": CALLBACK, **self.ask}
        return (provider or self.provider()).start(LoginAsk(**asked))

    def inbound(self, pairs: Pairs, **changes: Any) -> Inbound:
        where = "form" if self.method == "POST" else "query"
        return Inbound(**{"method": self.method, "callback_url": CALLBACK, where: tuple(pairs), **changes})

    def login(self) -> UpstreamIdentity:
        """A whole login, over HTTP."""
        provider = self.provider()
        started = self.begin(provider)
        return provider.finish(started.memo, self.inbound(self.op.browse(started.url)))


@dataclass(frozen=True)
class Row:
    """A row of the catalogue: `attack` changes the rig, `refused` is the reason of the refusal, `honest` makes the twin's rig."""

    id: str
    name: str
    attack: Callable[[Rig], None]
    refused: str
    honest: Callable[[Rig], None] = lambda rig: None

    def __str__(self) -> str:
        return f"{self.id} {self.name}"


def refuses_then_accepts(rig: Rig, row: Row) -> None:
    """The oracle: refused for the reason named, and the untouched login of the same rig accepted right after."""
    row.honest(rig)
    options, told, ask, keys = dict(rig.options), dict(rig.secrets), dict(rig.ask), list(rig.op.keys)
    tools = rig.tools
    row.attack(rig)
    with pytest.raises(ProviderError) as caught:
        rig.login()
    assert caught.value.reason == row.refused, caught.value.private
    assert len(caught.value.private) < 600
    rig.op.reset()
    rig.options, rig.secrets, rig.ask, rig.op.keys, rig.tools = options, told, ask, keys, tools
    rig.clock.advance(minutes=11)  # keys that the attack published have had their time
    assert rig.login().subject == "user-1"

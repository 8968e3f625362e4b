"""What every flow may use. Built once by `broker.wiring`; a flow takes it as its first argument and keeps nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from broker.errors import BrokerError
from broker.guard.rates import RateGuard
from broker.model.login import TraceLine
from broker.model.records import AuditEvent
from broker.model.settings import ProviderRecord, UserPool
from broker.ports.environment import AuditSink, Clock, Random
from broker.ports.store import Settings, Store
from broker.ports.transient import Transient
from broker.tokens.issue import TokenIssuer
from broker.tokens.keys import KeyRing
from broker.tokens.verify import TokenVerifier
from providers.base import Provider

_told: ContextVar[str] = ContextVar("_told", default="")


class ProviderSource(Protocol):
    """Built providers, kept and rebuilt when their record, our keys or our addresses change."""

    def get(self, pool: UserPool, record: ProviderRecord) -> Provider:
        """Raises providers.errors.ProviderMisconfigured."""
        ...


class Addresses(Protocol):
    """Our own addresses, from configuration alone. A base is an origin with the pool's prefix, if any, and no trailing slash."""

    def issuer(self, pool: UserPool) -> str: ...

    def bases(self, pool: UserPool) -> tuple[str, ...]:
        """Every base at which the pool answers, the preferred one first."""
        ...

    def canonical(self, pool: UserPool) -> str:
        """The preferred base: the pool's own domain if it has one."""
        ...


@dataclass(frozen=True, slots=True)
class FlowKit:
    """The flows' tools. `request_id` reads the id of the request at hand, for audit events."""

    store: Store
    transient: Transient
    settings: Settings
    clock: Clock
    random: Random
    audit_sink: AuditSink
    providers: ProviderSource
    addresses: Addresses
    keys: KeyRing
    issuer: TokenIssuer
    verifier: TokenVerifier
    rates: RateGuard
    request_id: Callable[[], str]
    keep_evidence: bool = True

    def now(self) -> datetime:
        """The time in UTC."""
        return self.clock.now()

    def line(self, step: str, outcome: str = "ok", **detail: Any) -> TraceLine:
        """A line of a login's trace, dated now. Callers redact. A refusal keeps the request id that the error page shows."""
        if outcome == "refused" and self.request_id():
            detail["request_id"] = self.request_id()
        return TraceLine(self.clock.now(), step, outcome, detail)  # type: ignore[arg-type]

    def audit(self, event: str, outcome: str, reason: str = "", detail: Mapping[str, Any] | None = None, **ids: str | None) -> None:
        """Write an audit event; ids are AuditEvent's own (pool_id, client_id, provider, user_sub, address)."""
        known = {name: value for name, value in ids.items() if value}
        if outcome == "refused":
            _told.set(self.request_id())
        self.audit_sink.emit(AuditEvent(self.clock.now(), event, outcome, reason, self.request_id(), detail=detail or {}, **known))

    def audit_refusal(self, error: BrokerError, **ids: str | None) -> None:
        """Tell of a refusal that no flow has told of: an unreadable request, a forged form, a flood. At most one event a request."""
        if not self.request_id() or _told.get() != self.request_id():
            self.audit("request.refused", "refused", error.code, {"private": error.private[:500]}, **ids)

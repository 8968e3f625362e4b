"""The upstream's side of logout: its answer to ours, and its own demand to end sessions. Always signed, or nothing happens (SAML-I)."""

from __future__ import annotations

from dataclasses import dataclass

from broker.errors import FederationFailed, LoginExpired, NotFound
from broker.flows.finish_login import burn_keys
from broker.flows.kit import FlowKit
from broker.flows.logout import end_session, take_return
from broker.model.login import Session
from broker.model.settings import ProviderRecord, UserPool
from broker.ports.store import Unit
from providers.base import Inbound, LoginStart, LogoutNotice, LogsOut
from providers.errors import ProviderError
from providers.saml.logout import peek_issuer


@dataclass(frozen=True, slots=True)
class LogoutCome:
    """A message at a logout endpoint. `provider` is named by the address (OIDC); None: found by the message's issuer (SAML)."""

    pool: UserPool
    inbound: Inbound
    provider: str | None
    address: str = ""


def finish_upstream_logout(kit: FlowKit, pool: UserPool, handle: str, inbound: Inbound) -> str | None:
    """The upstream answers our logout request: check it, and return where the application wanted to go.

    Our own session ended before we asked, so a refused answer changes nothing. Raises LoginExpired or FederationFailed.
    """
    row = take_return(kit, handle)
    if row is None:
        raise LoginExpired("no logout waits for this answer", code="logout_unknown")
    record = _record(kit, pool, str(row["provider"]))
    provider = kit.providers.get(pool, record)
    if isinstance(provider, LogsOut):
        try:
            provider.finish_logout(str(row["memo"]).encode(), inbound)
        except ProviderError as failed:
            kit.audit("logout.upstream", "refused", failed.reason, pool_id=pool.id, provider=record.name)
            raise FederationFailed(failed.private, reason=failed.reason, public=failed.public) from failed
    return row["return_url"]


def receive_logout(kit: FlowKit, come: LogoutCome) -> LoginStart | None:
    """End the sessions that a verified notice names, and their refresh families (design: an upstream logout revokes).

    Returns the signed answer to send, if the protocol has one. Raises NotFound, RateLimited or FederationFailed.
    """
    kit.rates.check("callback", come.address)
    record = _record(kit, come.pool, come.provider) if come.provider else saml_provider_of(kit, come.pool, come.inbound)
    provider = kit.providers.get(come.pool, record)
    if not isinstance(provider, LogsOut):
        raise NotFound(f"provider {record.name} has no logout")
    try:
        notice = provider.receive_logout(come.inbound)
        burn_keys(kit, notice.burns)
    except ProviderError as failed:
        kit.audit(
            "logout.upstream", "refused", failed.reason, {"private": failed.private[:500]}, pool_id=come.pool.id, provider=record.name
        )
        raise FederationFailed(failed.private, reason=failed.reason, public=failed.public) from failed
    with kit.store.unit() as unit:
        ended = [one.id for one in _named(unit, record, notice) if end_session(kit, unit, come.pool, one, revoke=True)]
    kit.audit("logout.upstream", "ok", "received", {"sids": ended}, pool_id=come.pool.id, provider=record.name)
    return notice.reply


def _named(unit: Unit, record: ProviderRecord, notice: LogoutNotice) -> list[Session]:
    """The sessions of exactly this subject at exactly this provider; with indexes, only those (I5)."""
    found: dict[str, Session] = {}
    for index in notice.session_indexes or (None,):
        for session in unit.sessions.of_upstream(record.pool_id, record.name, notice.subject_key, index):
            found[session.id] = session
    return list(found.values())


def _record(kit: FlowKit, pool: UserPool, name: str) -> ProviderRecord:
    record = kit.settings.provider(pool.id, name)
    if record is None or record.state != "live":
        raise NotFound(f"no live provider {name!r:.80}")
    return record


def saml_provider_of(kit: FlowKit, pool: UserPool, inbound: Inbound) -> ProviderRecord:
    """The provider that a LogoutRequest claims to come from. The claim only picks whose keys must verify it. Raises NotFound."""
    try:
        issuer = peek_issuer(inbound)
    except ProviderError as failed:
        raise FederationFailed(failed.private, reason=failed.reason, public=failed.public) from failed
    record = kit.settings.provider_by_issuer(pool.id, issuer) if issuer else None
    if record is None or record.state != "live":
        raise NotFound("no live SAML provider has this issuer")
    return record

"""The ways to sign in that a client offers, and what a hint or an e-mail domain makes of them."""

from __future__ import annotations

from broker.errors import NotFound
from broker.flows.kit import FlowKit
from broker.flows.next_step import ProviderChoice, Sight
from broker.model.login import AuthorizeRequest, Consent, Login
from broker.model.settings import AppClient, ProviderRecord, UserPool

SHOWN_AT_MOST = 50  # past that a wall of buttons helps nobody: the page asks for an e-mail address first


def live_provider(kit: FlowKit, pool: UserPool, client: AppClient, name: str) -> ProviderRecord:
    """The client's provider of that name. Raises NotFound unless the client lists it and it is live (J20, R3.17)."""
    record = kit.settings.provider(pool.id, name) if name in client.providers else None
    if record is None or record.state != "live":
        raise NotFound(f"provider {name!r} is not among the live providers of client {client.id}", code="provider_unavailable")
    return record


def hinted_provider(kit: FlowKit, pool: UserPool, client: AppClient, request: AuthorizeRequest) -> str | None:
    """The provider that identity_provider, idp_identifier or the login_hint's domain names; None if nothing decides (spec B.2, B.8).

    Raises NotFound when identity_provider or idp_identifier names none of the client's live providers.
    """
    if request.identity_provider:
        return live_provider(kit, pool, client, request.identity_provider).name
    if request.idp_identifier:
        found = kit.settings.provider_by_identifier(pool.id, request.idp_identifier.lower())
        if found is None:
            raise NotFound("no provider has this idp_identifier", code="provider_unavailable")
        return live_provider(kit, pool, client, found.name).name
    return route_email(kit, pool, client, request.login_hint) if request.login_hint else None


def route_email(kit: FlowKit, pool: UserPool, client: AppClient, address: str) -> str | None:
    """The provider that an e-mail address leads to by its domain, if the client has it live."""
    domain = address.rpartition("@")[2].strip().lower()
    if not domain or "@" not in address:
        return None
    found = kit.settings.provider_by_identifier(pool.id, domain)
    if found is None or found.state != "live" or found.name not in client.providers:
        return None
    return found.name


def sight_of(kit: FlowKit, pool: UserPool, client: AppClient, login: Login) -> Sight:
    """All that `next_step` needs to know about this login, read only as far as it matters."""
    if login.user_sub is not None:
        return Sight(client, (), consent=_consent(kit, login) if client.third_party else None)
    try:
        hinted = hinted_provider(kit, pool, client, login.request)
    except NotFound:
        hinted = None
    if hinted is not None:
        return Sight(client, (), hinted=hinted)
    records = [kit.settings.provider(pool.id, name) for name in client.providers[:SHOWN_AT_MOST]]
    live = [record for record in records if record is not None and record.state == "live"]
    found_by_address = [record for record in live if _has_domain(record)]
    email_first = len(client.providers) > SHOWN_AT_MOST or (bool(found_by_address) and (pool.email_first or found_by_address == live))
    # Whom a company signs in with is not told to a stranger: those ways are found by the address. One way alone needs no page at all.
    shown = [record for record in live if record not in found_by_address] if email_first and len(live) > 1 else live
    choices = tuple(ProviderChoice(record.name, record.display_name or record.name, record.kind) for record in shown)
    return Sight(client, choices, email_first=email_first and len(live) > 1)


def _has_domain(record: ProviderRecord) -> bool:
    return any("." in identifier and "@" not in identifier for identifier in record.identifiers)


def _consent(kit: FlowKit, login: Login) -> Consent | None:
    with kit.store.unit() as unit:
        return unit.consents.get(login.pool_id, login.user_sub or "", login.request.client_id)

"""A third-party client gets scopes only after the user has agreed to exactly these (P1.20)."""

from __future__ import annotations

from dataclasses import replace

from broker.errors import AccessDenied
from broker.flows.kit import FlowKit
from broker.flows.logins import save, with_line
from broker.model.login import Consent, Login


def record_consent(kit: FlowKit, login: Login, agreed: bool) -> Login:
    """Keep the user's answer; the scopes are those of the login row, never of the form. Raises AccessDenied for a no."""
    scopes = login.request.scopes
    line = kit.line("consent", "ok" if agreed else "refused", scopes=list(scopes))
    kit.audit(
        "consent.given" if agreed else "consent.refused", "ok" if agreed else "refused", "", {"scopes": list(scopes)},
        pool_id=login.pool_id, client_id=login.request.client_id, user_sub=login.user_sub,
    )  # fmt: skip
    if not agreed or login.user_sub is None:
        raise AccessDenied("the user did not agree", public="The user denied the request.")
    with kit.store.unit() as unit:
        held = unit.consents.get(login.pool_id, login.user_sub, login.request.client_id)
        every = tuple(dict.fromkeys((*(held.scopes if held else ()), *scopes)))
        unit.consents.put(Consent(login.pool_id, login.user_sub, login.request.client_id, every, kit.now()))
    going = with_line(replace(login, consented=True), line)
    save(kit, going)
    return going


def withdraw_consent(kit: FlowKit, pool_id: str, user_sub: str, client_id: str) -> bool:
    """The user takes it back: what the client holds for this user ends with it (P2.14)."""
    with kit.store.unit() as unit:
        withdrawn = unit.consents.withdraw(pool_id, user_sub, client_id)
        unit.refreshes.revoke(pool_id, user_sub=user_sub, client_id=client_id)
    return withdrawn

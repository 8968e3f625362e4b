"""Keeping the story of a login: sealed, for as long as the pool says, and erased with its user."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta

from broker.flows.kit import FlowKit
from broker.model.login import Login, Session
from broker.model.records import Trace
from broker.model.settings import ProviderRecord, UserPool
from broker.ports.store import Unit
from providers.base import UpstreamIdentity


def of_login(kit: FlowKit, pool: UserPool, login: Login, record: ProviderRecord | None, outcome: str) -> Trace:
    """The trace of a login as it stands. Its id is the login's event_id, which the tokens carry too."""
    return Trace(
        id=login.event_id,
        pool_id=pool.id,
        client_id=login.request.client_id,
        provider=record.name if record else login.provider,
        organization_id=record.organization_id if record else None,
        user_sub=login.user_sub,
        outcome=outcome,
        started_at=login.created_at,
        expires_at=kit.now() + timedelta(days=pool.trace_retention_days),
        lines=login.trace,
    )


def keep(kit: FlowKit, unit: Unit, pool: UserPool, login: Login, outcome: str, session: Session | None = None) -> None:
    """Tell the story of a login to its end. `session` names the provider of a login that never went upstream itself."""
    name = login.provider or (session.provider if session else None)
    record = kit.settings.provider(pool.id, name) if name else None
    unit.traces.put(replace(of_login(kit, pool, login, record, outcome), provider=name))


def keep_refused(kit: FlowKit, pool: UserPool, login: Login, reason: str) -> None:
    """Keep the trace of a login that was refused: the one an administrator will look for first."""
    with kit.store.unit() as unit:
        # A login out of a session never went upstream itself; the list by provider should have it all the same.
        session = unit.sessions.get(pool.id, login.session_id) if login.session_id and not login.provider else None
        keep(kit, unit, pool, login, reason, session)


def evidence_of(identity: UpstreamIdentity) -> bytes:
    """What was verified, as JSON: the attributes and the bytes that vouch for them. For replay of a change on real logins."""
    return json.dumps(
        {
            "issuer": identity.issuer,
            "subject": identity.subject,
            "subject_key": identity.subject_key,
            "attributes": dict(identity.attributes),
            "verified": base64.b64encode(identity.evidence).decode(),
        }
    ).encode()

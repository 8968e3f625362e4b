"""Keeping the story of a login: sealed, for as long as the pool says, and erased with its user."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

from broker.flows.kit import FlowKit
from broker.model.login import Login
from broker.model.records import Trace
from broker.model.settings import ProviderRecord, UserPool
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


def keep_refused(kit: FlowKit, pool: UserPool, login: Login, record: ProviderRecord, reason: str) -> None:
    """Keep the trace of a login that was refused: the one an administrator will look for first."""
    with kit.store.unit() as unit:
        unit.traces.put(of_login(kit, pool, login, record, reason))


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

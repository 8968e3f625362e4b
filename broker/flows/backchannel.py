"""OpenID Connect Back-Channel Logout 1.0: telling a client that a session of its user has ended. Run by the worker, from the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from broker.flows.kit import FlowKit
from broker.model.settings import AppClient, UserPool
from metadata.errors import TrustError
from metadata.fetch import Fetcher

KIND = "backchannel_logout"
LOGOUT_SECONDS = 120
MOST_ATTEMPTS = 6
EVENT = "http://schemas.openid.net/event/backchannel-logout"


def logout_token(kit: FlowKit, pool: UserPool, client: AppClient, sub: str, sid: str) -> str:
    """A logout token (2.4): signed with a key of its own use, so that it can never pass for an ID token; `nonce` is forbidden in it."""
    now = int(kit.now().timestamp())
    claims = {
        "iss": kit.addresses.issuer(pool),
        "aud": client.id,
        "sub": sub,
        "sid": sid,
        "iat": now,
        "exp": now + LOGOUT_SECONDS,
        "jti": kit.random.uuid(),
        "events": {EVENT: {}},
    }
    return kit.keys.signer(pool.id, "logout", client.signing_alg).compact(claims)


def deliver(kit: FlowKit, fetch: Fetcher, payload: Mapping[str, Any]) -> None:
    """Post one logout token. Raises TrustError when the client does not take it: the outbox tries again."""
    pool = kit.settings.pool(str(payload["pool_id"]))
    client = kit.settings.client(str(payload["pool_id"]), str(payload["client_id"]))
    if pool is None or client is None or not client.backchannel_logout_uri:
        return
    token = logout_token(kit, pool, client, str(payload["sub"]), str(payload["sid"]))
    declared = client.owner == "file"
    reply = fetch.post(client.backchannel_logout_uri, form={"logout_token": token}, operator_declared=declared)
    if reply.status not in (200, 204):
        raise TrustError(f"the client answered {reply.status}", code="backchannel_refused")


def run_outbox(kit: FlowKit, fetch: Fetcher, limit: int = 10) -> int:
    """Lease and deliver what is due, backing off by powers of four seconds; returns how many were delivered."""
    now, delivered = kit.now(), 0
    with kit.store.unit() as unit:
        jobs = unit.jobs.lease((KIND,), now, 60, limit)
    for job in jobs:
        problem = _attempt(kit, fetch, job.payload)
        with kit.store.unit() as unit:
            if problem is None or job.attempts >= MOST_ATTEMPTS:
                unit.jobs.done(job.id)
            else:
                unit.jobs.retry(job.id, now + timedelta(seconds=4**job.attempts), problem)
        delivered += problem is None
        outcome = "ok" if problem is None else "refused"
        ids = {"pool_id": str(job.payload["pool_id"]), "client_id": str(job.payload["client_id"])}
        kit.audit("logout.backchannel", outcome, problem or "", {"attempt": job.attempts}, **ids)
    return delivered


def _attempt(kit: FlowKit, fetch: Fetcher, payload: Mapping[str, Any]) -> str | None:
    try:
        deliver(kit, fetch, payload)
    except TrustError as failed:
        return failed.code
    return None

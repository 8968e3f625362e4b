"""OpenID Connect Back-Channel Logout 1.0: telling a client that a session of its user has ended. Run by the worker, from the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import timedelta
from typing import Any

import structlog

from broker.errors import BrokerError
from broker.flows.kit import FlowKit
from broker.model.records import Job
from broker.model.settings import AppClient, UserPool
from metadata.errors import TrustError
from metadata.fetch import Fetcher, Limits

log = structlog.get_logger(__name__)
KIND = "backchannel_logout"
LOGOUT_SECONDS = 120
MOST_ATTEMPTS = 6
AT_ONCE, LEASE_SECONDS = 10, 60
FETCH = Limits(read=5.0, total=10.0)
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
    return kit.keys.signer(pool.id, "logout", client.signing_alg).compact(claims, typ="logout+jwt")


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


def run_outbox(kit: FlowKit, fetch: Fetcher, limit: int = AT_ONCE) -> int:
    """Lease and deliver what is due, backing off by powers of four seconds; returns how many were delivered.

    All of a lease at once, each within its own limits, so that a client that hangs holds up nobody else, and the lease outlasts them all.
    """
    with kit.store.unit() as unit:
        jobs = unit.jobs.lease((KIND,), kit.now(), LEASE_SECONDS, limit)
    if not jobs:
        return 0
    out = fetch.limited(FETCH)
    # Threads only deliver; what came of it is written here, one after the other.
    with ThreadPoolExecutor(len(jobs), thread_name_prefix="logout") as threads:
        running = {threads.submit(_attempt, kit, out, job): job for job in jobs}
        return sum(_settle(kit, running[ended], ended.result()) for ended in as_completed(running))


def _settle(kit: FlowKit, job: Job, problem: str | None) -> bool:
    """Strike the job off, or put it back for later; given up after MOST_ATTEMPTS. True if it was delivered."""
    with kit.store.unit() as unit:
        if problem is None or job.attempts >= MOST_ATTEMPTS:
            unit.jobs.done(job.id)
        else:
            unit.jobs.retry(job.id, kit.now() + timedelta(seconds=4**job.attempts), problem)
    ids = {name: str(job.payload.get(name, "")) for name in ("pool_id", "client_id")}
    kit.audit("logout.backchannel", "ok" if problem is None else "refused", problem or "", {"attempt": job.attempts}, **ids)
    return problem is None


def _attempt(kit: FlowKit, fetch: Fetcher, job: Job) -> str | None:
    """The problem's code, or None. It never raises: one job that nobody can deliver must not take the others of its lease with it."""
    try:
        deliver(kit, fetch, job.payload)
    except (TrustError, BrokerError) as failed:
        return failed.code
    except Exception:
        log.exception("a back-channel logout failed", job=job.id, attempt=job.attempts)
        return "server_error"
    return None

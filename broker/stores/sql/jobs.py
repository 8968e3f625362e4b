"""The outbox, and one-time keys that must outlive a lost Redis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import bindparam, delete, select, update

from broker.errors import Conflict
from broker.model.records import Job
from broker.seal import digest
from broker.stores.documents import decode, encode, millis, span
from broker.stores.sql.dialect import insert_new, insert_or_replace
from broker.stores.sql.tables import jobs, replay_keys
from broker.stores.sql.work import Work

_ENQUEUE = insert_new(jobs)
_READY = (
    select(jobs.c.id, jobs.c.document, jobs.c.attempts, jobs.c.due_at)
    .where(jobs.c.kind.in_(bindparam("b_kinds", expanding=True)), jobs.c.ready_at <= bindparam("b_now"))
    .order_by(jobs.c.due_at, jobs.c.id)
    .limit(bindparam("b_limit"))
    # PostgreSQL: workers pass by what another one is taking. SQLite knows no row locks and needs none: it has one writer.
    .with_for_update(skip_locked=True)
)
_LEASE = update(jobs).where(jobs.c.id == bindparam("b_id")).values(attempts=jobs.c.attempts + 1, ready_at=bindparam("b_until"))
_DONE = delete(jobs).where(jobs.c.id == bindparam("b_id"))
_RETRY = (
    update(jobs)
    .where(jobs.c.id == bindparam("b_id"))
    .values(due_at=bindparam("b_due"), ready_at=bindparam("b_due"), error=bindparam("b_error"))
)
_BURN = insert_or_replace(replay_keys, lambda new: {"until": new.until}, where=lambda _new: replay_keys.c.until <= bindparam("b_now"))
_LONGEST_ERROR = 2000


class SqlJobs:
    """ports.store.Jobs."""

    __slots__ = ("_work",)

    def __init__(self, work: Work) -> None:
        self._work = work

    def enqueue(self, job: Job) -> None:
        """Raises Conflict if a job of that id is waiting."""
        due = millis(job.due_at)
        row = {
            "id": job.id,
            # A job that belongs to a pool says so in its payload; it goes when the pool goes.
            "pool_id": str(job.payload.get("pool_id", "")),
            "kind": job.kind,
            "due_at": due,
            "ready_at": due,
            "attempts": job.attempts,
            "error": "",
            "document": encode(job),
        }
        if not self._work.write(_ENQUEUE.on(self._work.sqlite), row).rowcount:
            raise Conflict(f"job {job.id} is waiting already")

    def lease(self, kinds: Sequence[str], now: datetime, lease_seconds: int, limit: int = 10) -> Sequence[Job]:
        moment = millis(now)
        rows = self._work.write(_READY, {"b_kinds": list(kinds), "b_now": moment, "b_limit": limit}).all()
        if rows:
            self._work.write(_LEASE, [{"b_id": row.id, "b_until": moment + span(lease_seconds)} for row in rows])
        return [
            replace(decode(Job, row.document), attempts=row.attempts + 1, due_at=datetime.fromtimestamp(row.due_at / 1000, UTC))
            for row in rows
        ]

    def done(self, job_id: str) -> None:
        self._work.write(_DONE, {"b_id": job_id})

    def retry(self, job_id: str, due_at: datetime, error: str) -> None:
        self._work.write(_RETRY, {"b_id": job_id, "b_due": millis(due_at), "b_error": error[:_LONGEST_ERROR]})


def burn(work: Work, key: str, until: datetime) -> bool:
    """True for the first caller, and again once `until` has passed. Two units at once: the second waits for the first to end."""
    row = {"digest": digest(key), "until": millis(until), "b_now": work.now_ms()}
    return work.write(_BURN.on(work.sqlite), row).rowcount > 0

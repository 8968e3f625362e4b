"""Sessions, refresh families, traces and jobs in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from broker.errors import Conflict
from broker.model.login import RefreshFamily, Session
from broker.model.records import Job, Trace
from broker.ports.store import Advanced, Reused
from broker.stores.documents import adapter, millis, span
from broker.stores.lifetimes import ACCESS_TOKEN_CEILING
from broker.stores.memory.state import FamilyRow, JobRow, State, TokenRow, kept
from broker.stores.rotation import retired_until, worth


class MemorySessions:
    """ports.store.Sessions."""

    def __init__(self, state: State) -> None:
        self._state = state

    def get(self, pool_id: str, sid: str) -> Session | None:
        return self._alive(self._state.sessions.get((pool_id, sid)))

    def put(self, session: Session) -> None:
        if (session.pool_id, session.id) in self._state.sessions:
            raise Conflict(f"session {session.id} exists already")
        self._state.sessions.set((session.pool_id, session.id), kept(session))

    def join(self, pool_id: str, sid: str, client_id: str) -> Session | None:
        session = self.get(pool_id, sid)
        if session is None or client_id in session.clients:
            return session
        joined = replace(session, clients=(*session.clients, client_id))
        self._state.sessions.set((pool_id, sid), joined)
        return joined

    def of_upstream(self, pool_id: str, provider: str, subject_key: str | None, index: str | None = None) -> Sequence[Session]:
        if subject_key is None and index is None:
            return []

        def of_it(session: Session) -> bool:
            same = (session.pool_id, session.provider) == (pool_id, provider)
            return same and subject_key in {None, session.upstream_subject_key} and index in {None, session.upstream_index}

        return self._several(of_it)

    def of_user(self, pool_id: str, user_sub: str) -> Sequence[Session]:
        return self._several(lambda session: (session.pool_id, session.user_sub) == (pool_id, user_sub))

    def end(self, pool_id: str, sid: str) -> Session | None:
        return self._alive(self._state.sessions.pop((pool_id, sid)))

    def _several(self, condition: Callable[[Session], bool]) -> list[Session]:
        found = self._state.sessions.where(lambda session: condition(session) and self._alive(session) is not None)
        return sorted(found, key=lambda session: (session.created_at, session.id))

    def _alive(self, session: Session | None) -> Session | None:
        return session if session is not None and millis(session.expires_at) > self._state.now_ms() else None


class MemoryRefreshes:
    """ports.store.Refreshes."""

    def __init__(self, state: State) -> None:
        self._state = state

    def start(self, family: RefreshFamily, token_hash: str) -> None:
        if family.id in self._state.families:
            raise Conflict(f"refresh family {family.id} exists already")
        self._state.families.set(family.id, FamilyRow(kept(family), millis(family.expires_at + ACCESS_TOKEN_CEILING)))
        self._add(family.id, token_hash)

    def find(self, token_hash: str) -> RefreshFamily | None:
        now = self._state.now_ms()
        token, row = self._look(token_hash)
        if token is None or row is None:
            return None
        found = worth(token.usable_until, millis(row.family.expires_at), row.family.revoked, now)
        return row.family if found in {"current", "forgiven"} else None

    def advance(self, token_hash: str, successor_hash: str, now: datetime, grace_seconds: int) -> Advanced | Reused | None:
        moment = millis(now)
        token, row = self._look(token_hash)
        if token is None or row is None:
            return None
        found = worth(token.usable_until, millis(row.family.expires_at), row.family.revoked, moment)
        if found == "over":
            return None
        if found == "reused":
            self._revoke(row)
            return Reused(replace(row.family, revoked=True))
        if found == "current":
            self._state.tokens.set(token_hash, replace(token, usable_until=retired_until(moment, grace_seconds)))
        self._add(row.family.id, successor_hash)
        return Advanced(row.family)

    def revoke(
        self,
        pool_id: str,
        *,
        family: str | None = None,
        user_sub: str | None = None,
        session_id: str | None = None,
        client_id: str | None = None,
    ) -> int:
        given = {"id": family, "user_sub": user_sub, "session_id": session_id, "client_id": client_id}
        asked = {name: value for name, value in given.items() if value is not None}
        if not asked:
            raise ValueError("say what to revoke")

        def chosen(row: FamilyRow) -> bool:
            one = row.family
            return one.pool_id == pool_id and not one.revoked and all(getattr(one, name) == value for name, value in asked.items())

        rows = self._state.families.where(chosen)
        for row in rows:
            self._revoke(row)
        return len(rows)

    def is_revoked(self, pool_id: str, family: str) -> bool:
        row = self._state.families.get(family)
        return row is None or row.family.pool_id != pool_id or row.family.revoked

    def _look(self, token_hash: str) -> tuple[TokenRow | None, FamilyRow | None]:
        token = self._state.tokens.get(token_hash)
        return token, None if token is None else self._state.families.get(token.family)

    def _revoke(self, row: FamilyRow) -> None:
        removed_at = self._state.now_ms() + span(ACCESS_TOKEN_CEILING.total_seconds())
        self._state.families.set(row.family.id, FamilyRow(replace(row.family, revoked=True), removed_at))

    def _add(self, family: str, token_hash: str) -> None:
        if token_hash in self._state.tokens:
            raise Conflict("this token exists already")
        self._state.tokens.set(token_hash, TokenRow(family, None))


class MemoryTraces:
    """ports.store.Traces."""

    def __init__(self, state: State) -> None:
        self._state = state

    def put(self, trace: Trace) -> None:
        # The codec's JSON does not carry arbitrary bytes; evidence is bytes anyway and cannot be changed from outside.
        codec = adapter(Trace)
        stored = codec.validate_json(codec.dump_json(trace, exclude={"evidence"}))
        held = self._state.traces.get(trace.id)
        self._state.traces.set(trace.id, replace(stored, evidence=trace.evidence or (held.evidence if held else b"")))

    def get(self, trace_id: str, pool_id: str | None = None) -> Trace | None:
        trace = self._state.traces.get(trace_id)
        return trace if trace is not None and pool_id in {None, trace.pool_id} else None

    def recent(self, pool_id: str | None, provider: str | None = None, limit: int = 50) -> Sequence[Trace]:
        found = self._state.traces.where(lambda trace: pool_id in {None, trace.pool_id} and provider in {None, trace.provider})
        newest = sorted(found, key=lambda trace: trace.started_at, reverse=True)[:limit]
        return [replace(trace, evidence=b"") for trace in newest]

    def erase_user(self, pool_id: str, user_sub: str) -> int:
        return len(self._state.traces.pop_where(lambda _, trace: (trace.pool_id, trace.user_sub) == (pool_id, user_sub)))


class MemoryJobs:
    """ports.store.Jobs."""

    def __init__(self, state: State) -> None:
        self._state = state

    def enqueue(self, job: Job) -> None:
        if job.id in self._state.jobs:
            raise Conflict(f"job {job.id} is waiting already")
        self._state.jobs.set(job.id, JobRow(kept(job), millis(job.due_at)))

    def lease(self, kinds: Sequence[str], now: datetime, lease_seconds: int, limit: int = 10) -> Sequence[Job]:
        moment = millis(now)
        ready = self._state.jobs.where(lambda row: row.job.kind in kinds and row.ready_at <= moment)
        leased = []
        for row in sorted(ready, key=lambda row: (row.job.due_at, row.job.id))[:limit]:
            job = replace(row.job, attempts=row.job.attempts + 1)
            self._state.jobs.set(job.id, JobRow(job, moment + span(lease_seconds)))
            leased.append(job)
        return leased

    def done(self, job_id: str) -> None:
        self._state.jobs.pop(job_id)

    def retry(self, job_id: str, due_at: datetime, error: str) -> None:
        row = self._state.jobs.get(job_id)
        if row is not None:
            self._state.jobs.set(job_id, JobRow(replace(row.job, due_at=due_at), millis(due_at)))

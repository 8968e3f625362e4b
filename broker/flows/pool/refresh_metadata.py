"""Keep the metadata of SAML providers fresh that have only its address: fetch, judge, and replace only what is good (spec B.6).

The schedule is a job in the outbox for each such provider, so that it survives restarts and any number of workers share it. A copy that
was good is kept whatever happens at the other end; its own end (`validUntil`) is honoured by whoever reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from broker.errors import BrokerError, Conflict
from broker.flows.pool.validate import reading
from broker.model.records import AuditEvent, Job
from broker.model.settings import ProviderRecord
from broker.ports.environment import AuditSink, Clock
from broker.ports.store import Store
from metadata.errors import DocumentInvalid, FetchFailed, TrustError
from metadata.fetch import Fetcher, Limits
from metadata.saml.entity import IdpEntity
from metadata.saml.parse import Reading, parse_idp

log = structlog.get_logger(__name__)
KIND = "refresh_metadata"
LONGEST = timedelta(hours=6)
SHORTEST = timedelta(minutes=5)
AFTER_FAILURE = timedelta(minutes=10)
LEASE_SECONDS = 300
ACCEPT = "application/samlmetadata+xml, application/xml;q=0.9, text/xml;q=0.8"
FETCH = Limits(max_bytes=5_000_000, read=10.0, total=20.0)
# At a start, so many are waited for; the worker fetches the rest.
AT_ONCE, AT_START = 8, 40


@dataclass(frozen=True, slots=True)
class Fetched:
    """How one refresh ended. `problem` is for the operator and empty if all is well; `due_at` is when to look again."""

    pool_id: str
    provider: str
    problem: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class MetadataRefresher:
    """Fetches through `fetch` alone, which decides where it may go."""

    store: Store
    clock: Clock
    fetch: Fetcher
    audit: AuditSink

    def schedule(self) -> int:
        """Give every provider with an address its job; returns how many had none yet."""
        now, made = self.clock.now(), 0
        records = list(self._addressed())
        with self.store.unit() as unit:
            for record in records:
                try:
                    unit.jobs.enqueue(Job(_job_id(record), KIND, {"pool_id": record.pool_id, "provider": record.name}, now))
                    made += 1
                except Conflict:
                    continue  # it waits already
        return made

    def run_due(self, limit: int = 10) -> int:
        """Refresh what is due, several at once; returns how many documents were good."""
        with self.store.unit() as unit:
            jobs = unit.jobs.lease((KIND,), self.clock.now(), LEASE_SECONDS, limit)
        due = [record for job in jobs if (record := self._wanted(job)) is not None]
        return sum(not done.problem for done in self._refresh_all(due))

    def fetch_missing(self) -> Sequence[Fetched]:
        """Fetch for those that have no metadata at all, several at once; for the start, so that sign-ins work from the first second on."""
        missing = [record for record in self._addressed() if not record.options.get("metadata")]
        with self.store.unit() as unit:
            for record in missing[AT_START:]:
                # Its job may be waiting for the next refresh of a document that is no longer there, hours from now.
                unit.jobs.retry(_job_id(record), self.clock.now(), "")
        return self._refresh_all(missing[:AT_START])

    def _refresh_all(self, records: Sequence[ProviderRecord]) -> Sequence[Fetched]:
        """Fetch, judge, and say when to come again. What goes wrong with one, whatever it is, is its own problem only."""
        if not records:
            return ()
        # Threads only fetch; what they bring is written here, one after the other.
        with ThreadPoolExecutor(min(AT_ONCE, len(records)), thread_name_prefix="metadata") as threads:
            brought = list(threads.map(self._retrieve, records))
        ended = [self._settle(record, answer) for record, answer in zip(records, brought, strict=True)]
        with self.store.unit() as unit:
            for record, done in zip(records, ended, strict=True):
                unit.jobs.retry(_job_id(record), done.due_at, done.problem)
        return ended

    def refresh(self, record: ProviderRecord) -> Fetched:
        """Fetch one provider's metadata now and keep it if it is good."""
        return self._settle(record, self._retrieve(record))

    def _wanted(self, job: Job) -> ProviderRecord | None:
        """The provider that a job is about. Without one, or with one that rests, the job ends: who comes back is scheduled again."""
        with self.store.unit() as unit:
            record = unit.providers.get(str(job.payload["pool_id"]), str(job.payload["provider"]))
            if record is None or not record.options.get("metadata_url") or record.state == "disabled" or _job_id(record) != job.id:
                unit.jobs.done(job.id)
                return None
        return record

    def _retrieve(self, record: ProviderRecord) -> str | TrustError:
        url = str(record.options["metadata_url"])
        try:
            reply = self.fetch.limited(FETCH).get(url, accept=ACCEPT, operator_declared=record.operator_declared, redirects=3)
            if reply.status != 200:
                raise FetchFailed(f"The server answered {reply.status}.", f"{url}: status {reply.status}")
            return reply.body.decode("utf-8")
        except UnicodeDecodeError:
            return DocumentInvalid("The metadata is not UTF-8 text.", url, code="metadata_unparsable")
        except TrustError as error:
            return error
        except Exception as error:  # one provider's trouble must not keep the others from being fetched
            log.exception("fetching metadata failed", pool=record.pool_id, provider=record.name)
            return FetchFailed("The metadata could not be fetched.", f"{url}: {error!r}")

    def _settle(self, record: ProviderRecord, answer: str | TrustError) -> Fetched:
        """Judge what was fetched, and keep it if it is good."""
        now = self.clock.now()
        try:
            if isinstance(answer, TrustError):
                raise answer
            idp = _judge(record, answer, now)
            self._keep(record, answer)
        except (TrustError, BrokerError) as error:
            return self._failed(record, error.code, error.private or str(error))
        except Exception as error:
            log.exception("reading metadata failed", pool=record.pool_id, provider=record.name)
            return self._failed(record, "server_error", repr(error))
        self._say(record, "ok", "")
        return Fetched(record.pool_id, record.name, "", now + _interval(idp, now))

    def _failed(self, record: ProviderRecord, code: str, words: str) -> Fetched:
        self._say(record, "refused", code)
        kept = "the last good copy is kept" if record.options.get("metadata") else "nobody can sign in through it until it is there"
        problem = f"{record.options['metadata_url']}: {words} ({kept})"
        return Fetched(record.pool_id, record.name, problem, self.clock.now() + AFTER_FAILURE)

    def _keep(self, record: ProviderRecord, document: str) -> None:
        """Write the document, if it is another one, into the record as it is now."""
        with self.store.unit() as unit:
            current = unit.providers.get(record.pool_id, record.name)
            if current is None or current.options.get("metadata_url") != record.options["metadata_url"]:
                return  # changed meanwhile: what was fetched is of the old address
            if current.options.get("metadata") != document:
                options = {**current.options, "metadata": document}
                unit.providers.put(replace(current, options=options, revision=current.revision + 1))

    def _say(self, record: ProviderRecord, outcome: str, reason: str) -> None:
        self.audit.emit(
            AuditEvent(
                self.clock.now(),
                "metadata.refresh",
                outcome,
                reason,
                pool_id=record.pool_id,
                provider=record.name,
                organization_id=record.organization_id or "",
            )
        )

    def _addressed(self) -> Iterator[ProviderRecord]:
        after: str | None = None
        while True:
            with self.store.unit() as unit:
                page = unit.providers.list(None, after, 500)
            yield from _with_address(page)
            if len(page) < 500:
                return
            after = f"{page[-1].pool_id}/{page[-1].name}"


def _with_address(records: Iterable[ProviderRecord]) -> Iterator[ProviderRecord]:
    return (r for r in records if r.kind == "saml" and r.options.get("metadata_url") and r.state != "disabled")


def _judge(record: ProviderRecord, document: str, now: datetime) -> IdpEntity:
    """Read the document. It must speak of the same IdP as the last one: a server that changes hands must not bring its own identity."""
    how: Reading = reading(record, now)
    idp = parse_idp(document, how)
    known = record.options.get("metadata")
    if known and not how.entity_id:
        try:
            before = parse_idp(str(known), replace(how, allow_expired=True)).entity_id
        except DocumentInvalid:
            return idp  # the old copy has ended: there is nothing left to compare with
        if before != idp.entity_id:
            public = "The metadata now describes another identity provider. If that is meant, set entity_id."
            raise DocumentInvalid(public, f"{public} It was {before}, it is {idp.entity_id}", code="entity_id_mismatch")
    return idp


def _interval(idp: IdpEntity, now: datetime) -> timedelta:
    """Six hours, or less if the document says so (validUntil, cacheDuration); never so little that it becomes a burden."""
    wanted = [LONGEST]
    if idp.cache_duration_seconds is not None:
        wanted.append(timedelta(seconds=idp.cache_duration_seconds))
    if idp.valid_until is not None:
        wanted.append(idp.valid_until - now)
    return max(min(wanted), SHORTEST)


def _job_id(record: ProviderRecord) -> str:
    return f"metadata:{record.id}"

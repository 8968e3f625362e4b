"""Everything that a memory store holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import RLock
from typing import Any, TypeVar

from broker.model.identity import PoolIdentity
from broker.model.keys import KeyRecord
from broker.model.login import Consent, RefreshFamily, Session
from broker.model.records import Job, Trace
from broker.model.users import LinkedIdentity, PendingLink, User
from broker.stores.documents import decode, encode
from broker.stores.memory.table import Journal, Table

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FamilyRow:
    """A family, and until when (in milliseconds) it is remembered."""

    family: RefreshFamily
    removed_at: int


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token's family; None while current, then the end of its grace in milliseconds."""

    family: str
    usable_until: int | None


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job, and when (in milliseconds) a worker may take it."""

    job: Job
    ready_at: int


class State:
    """The tables, one lock over all of them, one journal. `now_ms` is the clock in milliseconds."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.now_ms = now_ms
        self.lock = RLock()
        self.journal = Journal()
        self.records: Table[tuple[str, str, str], Any] = self._table()
        self.index: Table[tuple[str, str, str, str, str], tuple[str, str]] = self._table()
        self.versions: Table[str, int] = self._table()
        self.users: Table[tuple[str, str], User] = self._table()
        self.pool_identities: Table[str, PoolIdentity] = self._table()
        self.identities: Table[tuple[str, str, str], LinkedIdentity] = self._table()
        self.pending: Table[tuple[str, str, str, str], PendingLink] = self._table()
        self.memberships: Table[tuple[str, str, str], bool] = self._table()
        self.sessions: Table[tuple[str, str], Session] = self._table()
        self.families: Table[str, FamilyRow] = self._table()
        self.tokens: Table[str, TokenRow] = self._table()
        self.keys: Table[tuple[str, str], KeyRecord] = self._table()
        self.traces: Table[str, Trace] = self._table()
        self.consents: Table[tuple[str, str, str], Consent] = self._table()
        self.jobs: Table[str, JobRow] = self._table()
        self.replay: Table[str, int] = self._table()
        self.leases: Table[str, tuple[str, int]] = self._table()

    def _table(self) -> Table[Any, Any]:
        return Table(self.journal)

    def bump(self, pool_id: str) -> None:
        self.versions.set(pool_id, (self.versions.get(pool_id) or 0) + 1)


def kept(record: T) -> T:
    """The record as any store would give it back: through JSON, sharing nothing with what was given."""
    return decode(type(record), encode(record))

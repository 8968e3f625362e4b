"""What stands between a file and a broker that serves it: migrations, the records, and metadata that was never fetched."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from broker.errors import Unavailable
from broker.flows.pool.apply import apply
from broker.flows.pool.refresh_metadata import Fetched, MetadataRefresher
from broker.flows.pool.report import ApplyReport

if TYPE_CHECKING:
    from broker.wiring import Wired

LEASE = "apply"
LEASE_SECONDS = 300
PATIENCE_SECONDS = 60


class Database(Protocol):
    """What `broker.wiring` can do with a database as a whole, by its URL."""

    def migrate(self, url: str) -> str:
        """Bring the schema to this version; returns the revision."""
        ...

    def current(self, url: str) -> str:
        """The revision that is there; empty if there is none."""
        ...

    def backup(self, url: str, target: Path) -> None:
        """Write the durable state of one moment to a file, while others go on writing."""
        ...

    def restore(self, url: str, source: Path) -> int:
        """Fill an empty store from such a file; returns the number of rows."""
        ...


def database() -> Database:
    """The functions of `broker.wiring`, imported when they are needed."""
    return cast(Database, import_module("broker.wiring"))


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying the file did, and what was fetched because there was none."""

    report: ApplyReport
    fetched: Sequence[Fetched] = ()


def refresher(wired: Wired) -> MetadataRefresher:
    """The refresher of this broker."""
    return MetadataRefresher(wired.store, wired.clock, wired.fetch, wired.kit.audit_sink)


def apply_file(wired: Wired, *, prune: bool = False) -> Applied:
    """Apply the file under a lease, so that two instances that start together take turns. Fetching comes after: it may be slow."""
    from broker.config import declare

    with leased(wired):
        report = apply(wired.store, declare(wired.config), prune=prune)
    for each in report.changes:
        if each.action != "unchanged":
            outcome = "refused" if each.action == "refused" else "ok"
            detail = {"kind": each.kind, "name": each.name, "action": each.action, "prune": prune}
            wired.kit.audit("settings.applied", outcome, each.reason or "configuration_file", detail, pool_id=each.pool_id)
    metadata = refresher(wired)
    metadata.schedule()
    return Applied(report, metadata.fetch_missing())


@contextmanager
def leased(wired: Wired) -> Iterator[None]:
    """Hold the lease for applying. Raises Unavailable if somebody else holds it for longer than a minute."""
    holder = wired.kit.random.uuid()
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not wired.store.acquire(LEASE, holder, LEASE_SECONDS):
        if time.monotonic() > give_up:
            raise Unavailable(f"another instance has been applying its file for {PATIENCE_SECONDS} s; try again, or see what it does")
        time.sleep(0.2)
    try:
        yield
    finally:
        wired.store.release(LEASE, holder)

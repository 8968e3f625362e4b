"""A store full of one of everything, kept as an archive for each released revision, so that every upgrade is tried on real rows.

`python -m tests.unit.stores.released_data` writes the archive of the newest revision. Do it once, with the release that brings the
revision; an archive of a released revision is never written again, because it stands for databases that are out there.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from broker.seal import MasterSeal
from broker.stores.sql.archive import read_database, write_archive
from broker.stores.sql.engine import connect_engine
from broker.stores.sql.migrate import migrate
from broker.stores.sql.store import SqlStore
from broker.stores.versioned import VersionedStore
from tests.contract import samples

FOLDER = Path(__file__).with_name("released")
MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SEAL = MasterSeal([b"m" * 32])


@dataclass(frozen=True)
class FixedClock:
    """Always the moment at which the archives' rows are alive."""

    def now(self) -> datetime:
        return MOMENT


def fill(store: VersionedStore) -> None:
    """One of everything."""
    with store.unit() as unit:
        unit.pools.put(samples.pool())
        unit.clients.put(samples.client())
        unit.providers.put(samples.provider())
        unit.resource_servers.put(samples.server())
        unit.groups.put(samples.group())
        unit.users.create(samples.user(MOMENT))
        unit.identities.add(samples.identity(MOMENT))
        unit.identities.add_pending(samples.pending(MOMENT))
        unit.memberships.add(samples.POOL, "admins", "sub-1")
        unit.sessions.put(samples.session(MOMENT))
        unit.refreshes.start(samples.family(MOMENT), "token-1")
        unit.keys.put(samples.key(MOMENT))
        unit.traces.put(samples.trace(MOMENT))
        unit.consents.put(samples.consent(MOMENT))
        unit.jobs.enqueue(samples.job(MOMENT))
        unit.identity_pools.put(samples.identity_pool())
        unit.pool_identities.create(samples.pool_identity(MOMENT))
        unit.roles.put(samples.role(MOMENT))
        unit.managed_policies.put(samples.managed_policy())
        unit.oidc_providers.put(samples.oidc_provider())
        unit.saml_providers.put(samples.saml_provider())
        unit.revocations.put(samples.revocation(MOMENT))
        unit.burn("assertion-1", MOMENT + timedelta(days=1))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/store.db"
        revision = migrate(url)
        store = SqlStore(url, SEAL, FixedClock())
        fill(store)
        store.close()
        engine = connect_engine(url)
        with engine.connect() as connection, (FOLDER / f"{revision}.jsonl.gz").open("wb") as file:
            print(revision, write_archive(file, revision, read_database(connection)), "rows")
        engine.dispose()


if __name__ == "__main__":
    main()

"""A pool with keys for the tests of this room: a clock to turn, a store that keeps keys by the port's rules, settings that read it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from broker.errors import Conflict
from broker.model.keys import KeyRecord
from broker.model.settings import AppClient, UserPool
from broker.model.users import User
from broker.tokens.claims import IssueAsk
from broker.tokens.issue import TokenIssuer
from broker.tokens.keys import KeyRing
from broker.tokens.verify import TokenVerifier

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
POOL = UserPool(id="eu_one", name="One")
OTHER = UserPool(id="eu_two", name="Two")
CLIENT = AppClient(id="app1", pool_id="eu_one")
URL = "https://broker.example"
USER = User(
    pool_id="eu_one",
    sub="5f0c1b1e-0000-4000-8000-000000000001",
    username="MySAML_ada@example.com",
    status="EXTERNAL_PROVIDER",
    created_at=NOW,
    updated_at=NOW,
    attributes={"email": "ada@example.com", "email_verified": "true", "name": "Ada"},
)


class TurnedClock:
    """A clock that moves when told."""

    def __init__(self, now: datetime = NOW) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def turn(self, **how: float) -> None:
        self.time += timedelta(**how)


class KeyStore:
    """Keys alone, by the rules of `ports.store.Keys`: transactions roll back whole, and two keys in one place conflict."""

    def __init__(self) -> None:
        self.rows: dict[str, KeyRecord] = {}
        self.opened = 0
        self._lock = threading.RLock()

    @contextmanager
    def unit(self) -> Iterator[Any]:
        with self._lock:
            self.opened += 1
            before = dict(self.rows)
            try:
                yield SimpleNamespace(keys=self)
            except BaseException:
                self.rows = before
                raise

    def list(self, pool_id: str) -> Sequence[KeyRecord]:
        found = [key for key in self.rows.values() if key.pool_id == pool_id and key.state != "revoked"]
        return sorted(found, key=lambda key: key.created_at, reverse=True)

    def put(self, key: KeyRecord) -> None:
        place = (key.pool_id, key.use, key.alg, key.state)
        taken = [row for row in self.rows.values() if (row.pool_id, row.use, row.alg, row.state) == place and row.kid != key.kid]
        if key.state in {"current", "next"} and taken:
            raise Conflict(str(place))
        self.rows[key.kid] = key

    def pools(self) -> Sequence[str]:
        return sorted({key.pool_id for key in self.rows.values()})

    def states(self, use: str = "id", alg: str = "RS256", pool_id: str = "eu_one") -> dict[str, int]:
        counted: dict[str, int] = {}
        for key in self.rows.values():
            if (key.pool_id, key.use, key.alg) == (pool_id, use, alg):
                counted[key.state] = counted.get(key.state, 0) + 1
        return counted


class StaleSettings:
    """Settings over the key store. `freeze` keeps what they see now, as a worker's cache does for a second."""

    def __init__(self, store: KeyStore, *pools: UserPool) -> None:
        self.store = store
        self.pools = {pool.id: pool for pool in pools or (POOL, OTHER)}
        self._frozen: dict[str, Sequence[KeyRecord]] | None = None

    def pool(self, pool_id: str) -> UserPool | None:
        return self.pools.get(pool_id)

    def keys(self, pool_id: str) -> Sequence[KeyRecord]:
        return self.store.list(pool_id) if self._frozen is None else self._frozen.get(pool_id, ())

    def freeze(self) -> None:
        self._frozen = {pool_id: self.store.list(pool_id) for pool_id in self.pools}

    def thaw(self) -> None:
        self._frozen = None


class Counting:
    """Randomness that can be foretold: uuid 1, 2, 3."""

    def __init__(self) -> None:
        self.count = 0

    def uuid(self) -> str:
        self.count += 1
        return f"00000000-0000-4000-8000-{self.count:012d}"

    def token(self, size: int = 32) -> str:
        self.count += 1
        return f"secret{self.count}-{size}"


class KeyRoom:
    """Everything wired together."""

    def __init__(self) -> None:
        self.clock = TurnedClock()
        self.store = KeyStore()
        self.settings = StaleSettings(self.store)
        self.random = Counting()
        self.ring = self.fresh_ring()
        self.issuer = TokenIssuer(self.ring, self.random)
        self.verifier = TokenVerifier(self.ring, self.settings, self.clock, lambda pool: f"{URL}/{pool.id}")  # type: ignore[arg-type]

    def fresh_ring(self) -> KeyRing:
        """Another worker's."""
        return KeyRing(self.settings, self.store, self.clock)  # type: ignore[arg-type]

    def ask(self, **changes: Any) -> IssueAsk:
        plain = IssueAsk(
            pool=POOL,
            client=CLIENT,
            user=USER,
            issuer=f"{URL}/eu_one",
            scopes=("openid", "email", "profile"),
            family="family-1",
            event_id="event-1",
            auth_time=NOW - timedelta(minutes=1),
            now=self.clock.now(),
            sid="session-1",
            nonce="n-0S6",
        )
        return replace(plain, **changes)

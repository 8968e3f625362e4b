"""Durable state. A `Unit` is one transaction: everything done in it is written, or nothing is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from broker.model.iam import ManagedPolicy, OidcProvider, Revocation, Role, SamlProvider
from broker.model.identity import IdentityPool, PoolIdentity
from broker.model.keys import KeyRecord
from broker.model.login import Consent, RefreshFamily, Session
from broker.model.records import Job, Trace
from broker.model.settings import AppClient, Group, ProviderRecord, ResourceServer, UserPool
from broker.model.users import LinkedIdentity, PendingLink, User

T = TypeVar("T")


class Records(Protocol[T]):
    """Settings of one kind. A pool's own record has its id as key. Any write bumps the pool's settings version."""

    def get(self, pool_id: str, key: str) -> T | None: ...

    def find(self, index: str, value: str, pool_id: str | None = None) -> T | None:
        """By a unique index: pools by `host`, clients by `client_id`, providers by `identifier` (lower case, in a pool)."""
        ...

    def list(self, pool_id: str | None, after: str | None = None, limit: int = 1000) -> Sequence[T]:
        """In order of key. `pool_id` None lists all pools' records, by pool and key; `after` is the last key (or pool/key) seen."""
        ...

    def put(self, record: T) -> None:
        """Insert or replace. Raises Conflict if an index value belongs to another record."""
        ...

    def delete(self, pool_id: str, key: str) -> bool: ...


class Users(Protocol):
    """Profiles. Reads never cross pools."""

    def get(self, pool_id: str, sub: str) -> User | None: ...

    def by_username(self, pool_id: str, username: str) -> User | None: ...

    def by_attribute(self, pool_id: str, name: str, value: str, limit: int = 2) -> Sequence[User]:
        """Exact match on an indexed attribute (email, phone_number, preferred_username; email compares in lower case)."""
        ...

    def create(self, user: User) -> None:
        """Raises Conflict if the username or sub exists."""
        ...

    def update(self, user: User) -> User:
        """Writes if the stored version is `user.version`; returns it with the next version. Raises Conflict otherwise."""
        ...

    def delete(self, pool_id: str, sub: str) -> bool:
        """With its identities, pending links, memberships, sessions, refresh families, consents, and the key that seals its traces."""
        ...


class Identities(Protocol):
    """Upstream identities and the profiles they reach."""

    def find(self, pool_id: str, provider: str, subject_key: str) -> LinkedIdentity | None: ...

    def of_user(self, pool_id: str, user_sub: str) -> Sequence[LinkedIdentity]:
        """Primary first, then by creation."""
        ...

    def add(self, link: LinkedIdentity) -> None:
        """Raises Conflict if this identity reaches a profile already."""
        ...

    def remove(self, pool_id: str, provider: str, subject_key: str) -> bool: ...

    def add_pending(self, link: PendingLink) -> None:
        """Raises Conflict if the same attribute value is pending for another user."""
        ...

    def pending(self, pool_id: str, provider: str, values: Mapping[str, str], take: bool = False) -> Sequence[PendingLink]:
        """Pending links that any of these attribute values answers; `take` removes them."""
        ...


class Memberships(Protocol):
    """Which user is in which group."""

    def groups_of(self, pool_id: str, user_sub: str) -> Sequence[str]: ...

    def members(self, pool_id: str, group: str, after: str | None = None, limit: int = 60) -> Sequence[str]: ...

    def add(self, pool_id: str, group: str, user_sub: str) -> None: ...

    def remove(self, pool_id: str, group: str, user_sub: str) -> bool: ...


class Sessions(Protocol):
    """Signed-in browsers. Expired rows are never returned."""

    def get(self, pool_id: str, sid: str) -> Session | None: ...

    def put(self, session: Session) -> None:
        """Insert. Raises Conflict if the sid exists: what is written after a look could bring an ended session back."""
        ...

    def join(self, pool_id: str, sid: str, client_id: str) -> Session | None:
        """Add a client (once) to a session that lives, and keep others from ending it until the unit is over. None if it has ended."""
        ...

    def of_upstream(self, pool_id: str, provider: str, subject_key: str | None, index: str | None = None) -> Sequence[Session]:
        """By the upstream's subject, its session index, or both; with neither, nothing."""
        ...

    def of_user(self, pool_id: str, user_sub: str) -> Sequence[Session]: ...

    def end(self, pool_id: str, sid: str) -> Session | None:
        """Delete; returns what was deleted, to the first caller only."""
        ...


@dataclass(frozen=True, slots=True)
class Advanced:
    """The token was current (or within grace) and is now succeeded by the new one."""

    family: RefreshFamily


@dataclass(frozen=True, slots=True)
class Reused:
    """A retired token was shown again after its grace: the family is revoked in the same step."""

    family: RefreshFamily


class Refreshes(Protocol):
    """Refresh families and the hashes of their tokens. Tokens are opaque and only their SHA-256 is kept."""

    def start(self, family: RefreshFamily, token_hash: str) -> None: ...

    def find(self, token_hash: str) -> RefreshFamily | None:
        """The family of a current, non-revoked, non-expired token (or one retired within its grace). For clients without rotation."""
        ...

    def advance(self, token_hash: str, successor_hash: str, now: datetime, grace_seconds: int) -> Advanced | Reused | None:
        """Rotate in one atomic step. None: unknown, revoked or expired. Of two at once, one wins, the other is within grace or Reused."""
        ...

    def revoke(
        self,
        pool_id: str,
        *,
        family: str | None = None,
        user_sub: str | None = None,
        session_id: str | None = None,
        client_id: str | None = None,
    ) -> int:
        """Revoke the families that match every argument given (at least one); returns how many.

        A family stays as a tombstone until its access tokens have ended.
        """
        ...

    def is_revoked(self, pool_id: str, family: str) -> bool:
        """True also for a family that never existed or has been removed (fail closed)."""
        ...


class Keys(Protocol):
    """Our own keys, sealed at rest."""

    def list(self, pool_id: str) -> Sequence[KeyRecord]:
        """All but revoked ones, newest first."""
        ...

    def put(self, key: KeyRecord) -> None:
        """Insert or replace by kid. At most one `current` and one `next` per (pool, use, alg): raises Conflict."""
        ...

    def pools(self) -> Sequence[str]: ...

    def rewrap(self) -> int:
        """Seal everything sealed (keys, secrets, user keys) again under the newest master key; returns the number of rows.

        Not the ID tokens in sessions: those end by themselves, and one that no longer opens is left out.
        """
        ...


class Traces(Protocol):
    """The stories of logins, encrypted."""

    def put(self, trace: Trace) -> None:
        """Insert or replace. A story told on, which has no evidence of its own, leaves the evidence that is kept."""
        ...

    def get(self, trace_id: str, pool_id: str | None = None) -> Trace | None: ...

    def recent(self, pool_id: str | None, provider: str | None = None, limit: int = 50) -> Sequence[Trace]:
        """Newest first, without evidence."""
        ...

    def erase_user(self, pool_id: str, user_sub: str) -> int: ...


class Consents(Protocol):
    """Standing agreements with third-party clients."""

    def get(self, pool_id: str, user_sub: str, client_id: str) -> Consent | None: ...

    def put(self, consent: Consent) -> None: ...

    def withdraw(self, pool_id: str, user_sub: str, client_id: str) -> bool: ...


class Jobs(Protocol):
    """A durable outbox: at least once, leased."""

    def enqueue(self, job: Job) -> None: ...

    def lease(self, kinds: Sequence[str], now: datetime, lease_seconds: int, limit: int = 10) -> Sequence[Job]: ...

    def done(self, job_id: str) -> None: ...

    def retry(self, job_id: str, due_at: datetime, error: str) -> None: ...


class PoolIdentities(Protocol):
    """The identities of identity pools, and the logins that reach them. Ids are unique over all pools."""

    def get(self, identity_id: str) -> PoolIdentity | None: ...

    def by_login(self, pool_id: str, provider: str, subject: str) -> PoolIdentity | None: ...

    def create(self, identity: PoolIdentity) -> None:
        """Raises Conflict if the id exists, or one of its logins reaches another identity of the pool."""
        ...

    def update(self, identity: PoolIdentity) -> PoolIdentity:
        """Writes, with its logins as given, if the stored version is `identity.version`; returns it with the next version.

        Raises Conflict otherwise, or if one of the logins reaches another identity.
        """
        ...

    def delete(self, pool_id: str, identity_id: str) -> bool: ...

    def list(self, pool_id: str, after: str | None = None, limit: int = 60, enabled_only: bool = False) -> Sequence[PoolIdentity]:
        """In order of id; `after` is the last id seen."""
        ...


class Unit(Protocol):
    """One transaction over everything durable."""

    pools: Records[UserPool]
    clients: Records[AppClient]
    providers: Records[ProviderRecord]
    resource_servers: Records[ResourceServer]
    groups: Records[Group]
    identity_pools: Records[IdentityPool]
    roles: Records[Role]
    managed_policies: Records[ManagedPolicy]
    oidc_providers: Records[OidcProvider]
    saml_providers: Records[SamlProvider]
    revocations: Records[Revocation]
    pool_identities: PoolIdentities
    users: Users
    identities: Identities
    memberships: Memberships
    sessions: Sessions
    refreshes: Refreshes
    keys: Keys
    traces: Traces
    consents: Consents
    jobs: Jobs

    def burn(self, key: str, until: datetime) -> bool:
        """Burn a durable one-time key (replay of unsolicited assertions). True for the first caller only."""
        ...


class Store(Protocol):
    """The durable store. Opening it costs nothing; `unit` begins a transaction, committed on a clean exit, rolled back on an exception."""

    def unit(self) -> AbstractContextManager[Unit]:
        """Raises Unavailable when the database cannot be reached; what was done in the block is then not written."""
        ...

    def ping(self) -> None:
        """Raises Unavailable."""
        ...

    def acquire(self, lease: str, holder: str, seconds: int) -> bool:
        """Take or renew a named lease."""
        ...

    def release(self, lease: str, holder: str) -> None: ...

    def expire(self, now: datetime) -> int:
        """Delete what has ended (sessions, families, traces, replay keys, transient rows); returns how many rows."""
        ...


class Settings(Protocol):
    """Settings as a worker reads them: cached by the pool's version, stale for a second at most."""

    def pool(self, pool_id: str) -> UserPool | None: ...

    def pool_by_host(self, host: str) -> UserPool | None: ...

    def client(self, pool_id: str, client_id: str) -> AppClient | None: ...

    def provider(self, pool_id: str, name: str) -> ProviderRecord | None: ...

    def provider_by_identifier(self, pool_id: str, identifier: str) -> ProviderRecord | None: ...

    def provider_by_issuer(self, pool_id: str, issuer: str) -> ProviderRecord | None:
        """A SAML provider by its IdP's entity id. Several may share one: the first live one by name."""
        ...

    def groups(self, pool_id: str) -> Sequence[Group]: ...

    def resource_servers(self, pool_id: str) -> Sequence[ResourceServer]: ...

    def keys(self, pool_id: str) -> Sequence[KeyRecord]: ...

    def identity_pool(self, pool_id: str) -> IdentityPool | None: ...

    def role(self, name: str) -> Role | None: ...

    def roles(self) -> Sequence[Role]: ...

    def managed_policy(self, name: str) -> ManagedPolicy | None: ...

    def oidc_provider(self, url: str) -> OidcProvider | None: ...

    def saml_provider(self, name: str) -> SamlProvider | None: ...

    def revocation(self, subject: str) -> Revocation | None: ...

"""Settings as a worker reads them: one row at a time, kept until the pool's version changes, which is looked up once a second.

A login asks for a host, a client and a provider or two. Whether its pool has ten providers or five thousand, those rows are what it
costs; and while nobody changes anything, one small query a pool and second.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, TypeVar

from broker.model.iam import IAM, ManagedPolicy, OidcProvider, Revocation, Role, SamlProvider
from broker.model.identity import IdentityPool
from broker.model.keys import KeyRecord
from broker.model.settings import AppClient, Group, ProviderRecord, ResourceServer, UserPool
from broker.ports.environment import Clock
from broker.ports.store import Records, Unit
from broker.stores.versioned import VersionedStore

T = TypeVar("T")

STALE = timedelta(seconds=1)
_NONE = timedelta()
# What a pool may hold in memory. Absent names come from the wire, so they have a smaller room of their own.
PRESENT = 2048
ABSENT = 512
# Pools whose settings are held at a time.
POOLS = 512
# The pools' own records: who exists, and at which host.
_DIRECTORY = ""
_PAGE = 1000


class _Generation:
    """What was read under one version. Replaced as a whole: a slow reader fills the old one, where nobody looks any more."""

    __slots__ = ("absent", "checked", "present", "version")

    def __init__(self, version: int, checked: datetime) -> None:
        self.version = version
        self.checked = checked
        self.present: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self.absent: OrderedDict[tuple[str, str], None] = OrderedDict()


class CachedSettings:
    """ports.store.Settings over a store, for the threads of one process. Raises Unavailable rather than answer from older than a second."""

    def __init__(self, store: VersionedStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = Lock()
        self._generations: OrderedDict[str, _Generation] = OrderedDict()

    def pool(self, pool_id: str) -> UserPool | None:
        return self._kept(_DIRECTORY, "pool", pool_id, lambda unit: unit.pools.get(pool_id, pool_id))

    def pool_by_host(self, host: str) -> UserPool | None:
        name = host.lower()
        return self._kept(_DIRECTORY, "host", name, lambda unit: unit.pools.find("host", name))

    def client(self, pool_id: str, client_id: str) -> AppClient | None:
        return self._kept(pool_id, "client", client_id, lambda unit: unit.clients.get(pool_id, client_id))

    def provider(self, pool_id: str, name: str) -> ProviderRecord | None:
        return self._kept(pool_id, "provider", name, lambda unit: unit.providers.get(pool_id, name))

    def provider_by_identifier(self, pool_id: str, identifier: str) -> ProviderRecord | None:
        value = identifier.lower()
        return self._kept(pool_id, "identifier", value, lambda unit: unit.providers.find("identifier", value, pool_id))

    def provider_by_issuer(self, pool_id: str, issuer: str) -> ProviderRecord | None:
        return self._kept(pool_id, "issuer", issuer, lambda unit: unit.providers.find("issuer", issuer, pool_id))

    def groups(self, pool_id: str) -> Sequence[Group]:
        return self._kept(pool_id, "groups", "", lambda unit: _all(unit.groups, pool_id, lambda group: group.name)) or ()

    def resource_servers(self, pool_id: str) -> Sequence[ResourceServer]:
        read = self._kept(pool_id, "servers", "", lambda unit: _all(unit.resource_servers, pool_id, lambda server: server.identifier))
        return read or ()

    def keys(self, pool_id: str) -> Sequence[KeyRecord]:
        return self._kept(pool_id, "keys", "", lambda unit: tuple(unit.keys.list(pool_id))) or ()

    def identity_pool(self, pool_id: str) -> IdentityPool | None:
        return self._kept(_DIRECTORY, "identity pool", pool_id, lambda unit: unit.identity_pools.get(pool_id, pool_id))

    def role(self, name: str) -> Role | None:
        return self._kept(IAM, "role", name, lambda unit: unit.roles.get(IAM, name))

    def roles(self) -> Sequence[Role]:
        return self._kept(IAM, "roles", "", lambda unit: _all(unit.roles, IAM, lambda role: role.name)) or ()

    def managed_policy(self, name: str) -> ManagedPolicy | None:
        return self._kept(IAM, "policy", name, lambda unit: unit.managed_policies.get(IAM, name))

    def oidc_provider(self, url: str) -> OidcProvider | None:
        return self._kept(IAM, "oidc", url, lambda unit: unit.oidc_providers.get(IAM, url))

    def saml_provider(self, name: str) -> SamlProvider | None:
        return self._kept(IAM, "saml", name, lambda unit: unit.saml_providers.get(IAM, name))

    def revocation(self, subject: str) -> Revocation | None:
        # All at once: they are few, and every call asks for names that are mostly not there, of which only so many are remembered.
        every = self._kept(IAM, "revocations", "", lambda unit: {each.subject: each for each in _all(unit.revocations, IAM, _subject)})
        return every.get(subject) if every else None

    def _kept(self, scope: str, kind: str, name: str, read: Callable[[Unit], T | None]) -> T | None:
        generation = self._fresh(scope)
        key = (kind, name)
        with self._lock:
            found: T | None = generation.present.get(key)
            if found is not None:
                generation.present.move_to_end(key)
                return found
            if key in generation.absent:
                return None
        with self._store.unit() as unit:
            value = read(unit)
        with self._lock:
            if value is None:
                _keep(generation.absent, key, None, ABSENT)
            else:
                _keep(generation.present, key, value, PRESENT)
        return value

    def _fresh(self, scope: str) -> _Generation:
        """The scope's generation, its version looked up within the last second. The version is read before the rows, so that rows are
        never older than the version they stand under."""
        now = self._clock.now()
        with self._lock:
            generation = self._generations.get(scope)
            # A clock that was set back must not make an entry immortal.
            if generation is not None and _NONE <= now - generation.checked < STALE:
                return generation
        version = self._store.version(scope)
        with self._lock:
            generation = self._generations.get(scope)
            if generation is None or generation.version != version:
                generation = _Generation(version, now)
                _keep(self._generations, scope, generation, POOLS)
            else:
                generation.checked = now
                self._generations.move_to_end(scope)
            return generation


def _keep(entries: OrderedDict[Any, Any], key: Any, value: Any, limit: int) -> None:
    entries[key] = value
    entries.move_to_end(key)
    while len(entries) > limit:
        entries.popitem(last=False)


def _subject(revocation: Revocation) -> str:
    return revocation.subject


def _all(records: Records[T], pool_id: str, key: Callable[[T], str]) -> tuple[T, ...]:
    found: list[T] = []
    page: Sequence[T] = records.list(pool_id, None, _PAGE)
    while page:
        found += page
        page = records.list(pool_id, key(page[-1]), _PAGE) if len(page) == _PAGE else ()
    return tuple(found)

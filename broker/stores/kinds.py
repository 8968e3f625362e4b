"""The kinds of settings records: what their key is, which of their values are unique and where, what of them is sealed.

One table for every adapter, so that they cannot differ in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import unescape
from typing import Generic, TypeVar

from broker.model.iam import ManagedPolicy, OidcProvider, Revocation, Role, SamlProvider
from broker.model.identity import IdentityPool
from broker.model.settings import AppClient, Group, ProviderRecord, ResourceServer, UserPool

T = TypeVar("T")

# Index, scope, value, and what tells records apart that may share the value (else empty): unique all together.
IndexEntry = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class RecordIndex(Generic[T]):
    """Values that reach a record. `everywhere`: unique over all pools; otherwise within a pool. `fold`: compared in lower case.

    `shared`: several records may have one value; the first by key is found.
    """

    name: str
    values: Callable[[T], Iterable[str]]
    everywhere: bool = False
    fold: bool = False
    shared: bool = False

    def scope(self, pool_id: str) -> str:
        return "" if self.everywhere else pool_id

    def form(self, value: str) -> str:
        return value.lower() if self.fold else value


@dataclass(frozen=True, slots=True)
class RecordKind(Generic[T]):
    """How records of one class are kept. `whole_pool`: the record is a pool itself; whatever is in it goes with it."""

    name: str
    record: type[T]
    pool_of: Callable[[T], str]
    key_of: Callable[[T], str]
    indexes: tuple[RecordIndex[T], ...] = ()
    has_secrets: bool = False
    whole_pool: bool = False

    def index(self, name: str) -> RecordIndex[T]:
        for index in self.indexes:
            if index.name == name:
                return index
        raise ValueError(f"records of kind {self.name} have no index {name!r}")

    def entries(self, record: T) -> set[IndexEntry]:
        """Everything that must reach this record."""
        pool, key = self.pool_of(record), self.key_of(record)
        return {
            (index.name, index.scope(pool), index.form(value), key if index.shared else "")
            for index in self.indexes
            for value in index.values(record)
            if value
        }

    def version_scopes(self, pool_id: str) -> tuple[str, ...]:
        """Whose settings version a write bumps. Pools themselves are also looked for by host, or by an id that may be nobody's."""
        return (pool_id, "") if self.whole_pool else (pool_id,)


_ENTITY_ID = re.compile(r"""\bentityID\s*=\s*(?:"([^"<]{1,1024})"|'([^'<]{1,1024})')""")


def saml_issuers(provider: ProviderRecord) -> tuple[str, ...]:
    """The entity id that a live SAML provider's messages come from: the pinned one, else that of its metadata.

    Found by its looks: the value only picks whose keys must verify a message, and a metadata document was checked when it was saved.
    """
    if provider.kind != "saml" or provider.state != "live":
        return ()
    pinned = provider.options.get("entity_id")
    if isinstance(pinned, str) and pinned:
        return (pinned,)
    found = _ENTITY_ID.search(str(provider.options.get("metadata", "")))
    return (unescape(found[1] or found[2]).strip(),) if found else ()


POOLS: RecordKind[UserPool] = RecordKind(
    "pool",
    UserPool,
    pool_of=lambda pool: pool.id,
    key_of=lambda pool: pool.id,
    indexes=(RecordIndex("host", lambda pool: (pool.domain or "",), everywhere=True, fold=True),),
    whole_pool=True,
)
CLIENTS: RecordKind[AppClient] = RecordKind(
    "client",
    AppClient,
    pool_of=lambda client: client.pool_id,
    key_of=lambda client: client.id,
    indexes=(RecordIndex("client_id", lambda client: (client.id,), everywhere=True),),
    has_secrets=True,
)
# The key is the name: that is what the API, a URL and an identity hold. The id outlives a removal and a new start under the same name.
PROVIDERS: RecordKind[ProviderRecord] = RecordKind(
    "provider",
    ProviderRecord,
    pool_of=lambda provider: provider.pool_id,
    key_of=lambda provider: provider.name,
    indexes=(
        RecordIndex("identifier", lambda provider: provider.identifiers, fold=True),
        RecordIndex("id", lambda provider: (provider.id,)),
        RecordIndex("issuer", saml_issuers, shared=True),
    ),
    has_secrets=True,
)
RESOURCE_SERVERS: RecordKind[ResourceServer] = RecordKind(
    "resource_server", ResourceServer, pool_of=lambda server: server.pool_id, key_of=lambda server: server.identifier
)
GROUPS: RecordKind[Group] = RecordKind("group", Group, pool_of=lambda group: group.pool_id, key_of=lambda group: group.name)
IDENTITY_POOLS: RecordKind[IdentityPool] = RecordKind(
    "identity_pool", IdentityPool, pool_of=lambda pool: pool.id, key_of=lambda pool: pool.id, has_secrets=True, whole_pool=True
)
ROLES: RecordKind[Role] = RecordKind(
    "role",
    Role,
    pool_of=lambda role: role.scope,
    key_of=lambda role: role.name,
    indexes=(RecordIndex("id", lambda role: (role.id,)), RecordIndex("name", lambda role: (role.name,), fold=True)),
)
MANAGED_POLICIES: RecordKind[ManagedPolicy] = RecordKind(
    "managed_policy", ManagedPolicy, pool_of=lambda policy: policy.scope, key_of=lambda policy: policy.name
)
OIDC_PROVIDERS: RecordKind[OidcProvider] = RecordKind(
    "oidc_provider", OidcProvider, pool_of=lambda provider: provider.scope, key_of=lambda provider: provider.url
)
SAML_PROVIDERS: RecordKind[SamlProvider] = RecordKind(
    "saml_provider", SamlProvider, pool_of=lambda provider: provider.scope, key_of=lambda provider: provider.name
)
REVOCATIONS: RecordKind[Revocation] = RecordKind(
    "revocation", Revocation, pool_of=lambda revocation: revocation.scope, key_of=lambda revocation: revocation.subject
)

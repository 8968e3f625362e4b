"""Make the store say what the file says. Doing it twice does nothing the second time.

A record belongs to whoever declared it. The file's are written as declared; those that vanished from the file are disabled, so that a
slip of the editor can be undone, and deleted only at `prune`. A record that was made by API keeps its owner, and the file is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from operator import attrgetter
from typing import Generic, TypeVar

from broker.errors import Conflict
from broker.flows.pool.report import ApplyReport, Change
from broker.flows.pool.validate import complaints
from broker.model.declared import Declared
from broker.model.iam import IAM, ManagedPolicy, OidcProvider, Role, SamlProvider
from broker.model.identity import IdentityPool
from broker.model.settings import AppClient, Group, ProviderRecord, ResourceServer, UserPool
from broker.ports.store import Records, Store, Unit

R = TypeVar("R")
P = TypeVar("P", OidcProvider, SamlProvider)

PAGE = 1000
PINS = ("metadata_url", "entity_id", "metadata_certificate")


@dataclass(frozen=True, slots=True)
class Kind(Generic[R]):
    """How records of one kind are found and named. `rest` makes a record inert; without it, a vanished record is deleted.

    `merge` brings into a declared record what the stored one knows and the file does not say; `problem` judges a record before it is
    written.
    """

    word: str
    records: Callable[[Unit], Records[R]]
    key: Callable[[R], str]
    rest: Callable[[R], R] | None = None
    merge: Callable[[R, R], R] | None = None
    problem: Callable[[R], str | None] | None = None
    pool: Callable[[R], str] = attrgetter("pool_id")


def _merge_provider(declared: ProviderRecord, stored: ProviderRecord) -> ProviderRecord:
    """Keep the id (users and traces refer to it) and fetched metadata of the same address; count the revision if anything else differs."""
    options = dict(declared.options)
    # What was fetched stays as long as what it was judged by does: the address, and what the file pins of the document.
    if "metadata" in stored.options and "metadata_url" in options and all(options.get(p) == stored.options.get(p) for p in PINS):
        options["metadata"] = stored.options["metadata"]
    merged = replace(declared, id=stored.id, options=options, organization_id=stored.organization_id, revision=stored.revision)
    return merged if merged == stored else replace(merged, revision=stored.revision + 1)


def _merge_role(declared: Role, stored: Role) -> Role:
    """Keep the id that sessions and policies know, its date, and what revoked its older sessions."""
    return replace(declared, id=stored.id, created_at=stored.created_at, valid_after=stored.valid_after)


def _keep_date(declared: P, stored: P) -> P:
    return replace(declared, created_at=stored.created_at)


def _provider_problem(record: ProviderRecord) -> str | None:
    """What is wrong with a provider's options, unless it was right once and only time has passed."""
    found = [complaint.text for complaint in complaints(record, datetime.now(UTC)) if not complaint.passing]
    return "; ".join(found) or None


_id = attrgetter("id")

# At rest, a record gives back what it held alone: its host, its identifiers. Only a client's id stays taken, being its key.
POOLS: Kind[UserPool] = Kind("user_pool", lambda u: u.pools, lambda r: r.id, lambda r: replace(r, enabled=False, domain=None), pool=_id)
CLIENTS: Kind[AppClient] = Kind("client", lambda u: u.clients, lambda r: r.id, lambda r: replace(r, enabled=False))
PROVIDERS: Kind[ProviderRecord] = Kind(
    "provider",
    lambda u: u.providers,
    lambda r: r.name,
    lambda r: r if r.state == "disabled" else replace(r, state="disabled", identifiers=(), revision=r.revision + 1),
    _merge_provider,
    _provider_problem,
)
SERVERS: Kind[ResourceServer] = Kind("resource_server", lambda u: u.resource_servers, lambda r: r.identifier)
GROUPS: Kind[Group] = Kind("group", lambda u: u.groups, lambda r: r.name)
IDENTITY_POOLS: Kind[IdentityPool] = Kind(
    "identity_pool", lambda u: u.identity_pools, lambda r: r.id, lambda r: replace(r, enabled=False), pool=_id
)
# The account's own. A role at rest can be assumed by nobody, and its sessions are refused; the others are only names for documents.
_scope = attrgetter("scope")
POLICIES: Kind[ManagedPolicy] = Kind("policy", lambda u: u.managed_policies, lambda r: r.name, pool=_scope)
OIDC: Kind[OidcProvider] = Kind("oidc_provider", lambda u: u.oidc_providers, lambda r: r.url, merge=_keep_date, pool=_scope)
SAML: Kind[SamlProvider] = Kind("saml_provider", lambda u: u.saml_providers, lambda r: r.name, merge=_keep_date, pool=_scope)
ROLES: Kind[Role] = Kind("role", lambda u: u.roles, lambda r: r.name, lambda r: replace(r, enabled=False), _merge_role, pool=_scope)


def apply(store: Store, declared: Declared, *, prune: bool) -> ApplyReport:
    """Apply what the file declares, one transaction a pool. A refused record stops nothing else; the report names it.

    Raises Unavailable if the store goes away; the pools before are then applied and a second run does the rest.
    """
    changes: list[Change] = []
    # Those that leave come first: they may hold a host, a client id or an identifier that another pool now takes over.
    for pool_id in _vanished(store, declared):
        with store.unit() as unit:
            changes += _retire_pool(unit, pool_id, prune)
    for pool in declared.pools:
        with store.unit() as unit:
            changes += _apply_pool(unit, declared, pool, prune)
    with store.unit() as unit:
        changes += _apply_account(unit, declared, prune)
    return ApplyReport(tuple(changes))


def _apply_pool(unit: Unit, declared: Declared, pool: UserPool, prune: bool) -> list[Change]:
    stored = unit.pools.get(pool.id, pool.id)
    if stored is not None and stored.owner != "file":
        return [_refused(POOLS, pool.id, pool)]
    changes = [_put(POOLS, unit, pool, stored)]
    if changes[0].action == "refused":
        return changes
    _free_identifiers(unit, _of(pool.id, declared.providers))
    changes += _reconcile(SERVERS, unit, pool.id, _of(pool.id, declared.resource_servers), prune)
    changes += _reconcile(GROUPS, unit, pool.id, _of(pool.id, declared.groups), prune)
    changes += _reconcile(PROVIDERS, unit, pool.id, _of(pool.id, declared.providers), prune)
    changes += _reconcile(CLIENTS, unit, pool.id, _of(pool.id, declared.clients), prune)
    return changes


def _apply_account(unit: Unit, declared: Declared, prune: bool) -> list[Change]:
    """What belongs to no user pool: policies and providers, the roles that name them, the identity pools that name those."""
    changes = _reconcile(POLICIES, unit, IAM, declared.managed_policies, prune)
    changes += _reconcile(OIDC, unit, IAM, declared.oidc_providers, prune)
    changes += _reconcile(SAML, unit, IAM, declared.saml_providers, prune)
    changes += _reconcile(ROLES, unit, IAM, declared.roles, prune)
    return changes + _reconcile(IDENTITY_POOLS, unit, None, declared.identity_pools, prune)


def _free_identifiers(unit: Unit, declared: Sequence[ProviderRecord]) -> None:
    """Take from providers the identifiers that they lose, so that two of them can exchange theirs in one go."""
    for record in declared:
        stored = unit.providers.get(record.pool_id, record.name)
        if stored is not None and stored.owner == "file" and not set(stored.identifiers) <= set(record.identifiers):
            unit.providers.put(replace(stored, identifiers=()))


def _retire_pool(unit: Unit, pool_id: str, prune: bool) -> list[Change]:
    """Disable a pool that is no longer declared and what the file had in it; at `prune` delete it, with everything that is in it."""
    stored = unit.pools.get(pool_id, pool_id)
    if stored is None:
        return []
    changes = _reconcile(CLIENTS, unit, pool_id, (), prune) + _reconcile(PROVIDERS, unit, pool_id, (), prune)
    changes += _reconcile(SERVERS, unit, pool_id, (), prune) + _reconcile(GROUPS, unit, pool_id, (), prune)
    return [_leave(POOLS, unit, pool_id, stored, prune), *changes]


def _reconcile(kind: Kind[R], unit: Unit, pool_id: str | None, declared: Sequence[R], prune: bool) -> list[Change]:
    """Bring one kind of record of one pool, or of all (None), in line with the file."""
    stored = {kind.key(record): record for record in _all(kind, unit, pool_id)}
    wanted = {kind.key(record) for record in declared}
    changes = [
        _leave(kind, unit, kind.pool(record), record, prune)
        for name, record in stored.items()
        if name not in wanted and _owner(record) == "file"
    ]
    for record in declared:
        present = stored.get(kind.key(record))
        if present is not None and _owner(present) != "file":
            changes.append(_refused(kind, kind.pool(record), record))
        else:
            changes.append(_put(kind, unit, record, present))
    return changes


def _put(kind: Kind[R], unit: Unit, record: R, stored: R | None) -> Change:
    """Write a record if it differs from what is stored."""
    if stored is not None and kind.merge is not None:
        record = kind.merge(record, stored)
    pool_id, key = kind.pool(record), kind.key(record)
    if record == stored:
        return Change(pool_id, kind.word, key, "unchanged")
    problem = kind.problem(record) if kind.problem is not None else None
    if problem is not None:
        return Change(pool_id, kind.word, key, "refused", problem)
    try:
        kind.records(unit).put(record)
    except Conflict as conflict:
        return Change(pool_id, kind.word, key, "refused", conflict.private)
    return Change(pool_id, kind.word, key, "created" if stored is None else "changed")


def _leave(kind: Kind[R], unit: Unit, pool_id: str, record: R, prune: bool) -> Change:
    """What vanished from the file: at rest, or gone."""
    key = kind.key(record)
    if prune or kind.rest is None:
        kind.records(unit).delete(pool_id, key)
        return Change(pool_id, kind.word, key, "deleted")
    resting = kind.rest(record)
    if resting != record:
        kind.records(unit).put(resting)
    return Change(pool_id, kind.word, key, "unchanged" if resting == record else "disabled")


def _refused(kind: Kind[R], pool_id: str, record: R) -> Change:
    reason = "it was made by API or in the console; delete it there, or give the one in the file another name"
    return Change(pool_id, kind.word, kind.key(record), "refused", reason)


def _vanished(store: Store, declared: Declared) -> list[str]:
    """File-owned pools that the file no longer has."""
    wanted = {pool.id for pool in declared.pools}
    with store.unit() as unit:
        return [pool.id for pool in _all(POOLS, unit, None) if pool.owner == "file" and pool.id not in wanted]


def _all(kind: Kind[R], unit: Unit, pool_id: str | None) -> Iterable[R]:
    """Every record, page by page."""
    after: str | None = None
    while page := kind.records(unit).list(pool_id, after, PAGE):
        yield from page
        if len(page) < PAGE:
            return
        last = kind.key(page[-1])
        after = last if pool_id is not None else f"{kind.pool(page[-1])}/{last}"


def _owner(record: object) -> str:
    return str(getattr(record, "owner", ""))


def _of(pool_id: str, records: Sequence[R]) -> tuple[R, ...]:
    return tuple(record for record in records if getattr(record, "pool_id", "") == pool_id)

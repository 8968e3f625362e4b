"""Who can reach a role: over the records of a file, of a store, or of a file with what was made by API beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from broker.errors import NotFound
from broker.flows.access_kit import AccessKit
from broker.identitypool.issuers.embedded import EmbeddedIssuer
from broker.identitypool.reach.path import Path
from broker.identitypool.reach.search import paths_to
from broker.identitypool.reach.world import World
from broker.model.declared import Declared
from broker.ports.store import Records, Store, Unit

T = TypeVar("T")
_PAGE = 1000


def reach_role(kit: AccessKit, role: str) -> tuple[Path, ...]:
    """Every way to a role, by name or ARN, over everything that is stored. Raises NotFound."""
    embedded = isinstance(kit.credentials, EmbeddedIssuer)
    return reach_in(World(stored(kit.base.store), kit.account.id, kit.identity_base, embedded), role)[1]


def reach_in(world: World, role: str) -> tuple[str, tuple[Path, ...]]:
    """The role's ARN, and every way to it. Raises NotFound."""
    arn = world.role_named(role)
    if arn is None:
        raise NotFound(f"there is no role {role[:200]!r}; there are: {', '.join(each.name for each in world.roles.values()) or 'none'}")
    return arn, paths_to(world, arn)


def stored(store: Store) -> Declared:
    """All the records that count for roles, whoever owns them. Raises Unavailable."""
    with store.unit() as unit:
        return _read(unit)


def with_api(declared: Declared, stored: Declared) -> Declared:
    """A file's records, and those that were made by API. Where both have one, the file's: it is what a change of the file would bring."""
    return Declared(
        pools=_joined(declared.pools, stored.pools, lambda each: each.id),
        clients=_joined(declared.clients, stored.clients, lambda each: f"{each.pool_id}/{each.id}"),
        providers=_joined(declared.providers, stored.providers, lambda each: f"{each.pool_id}/{each.name}"),
        groups=_joined(declared.groups, stored.groups, lambda each: f"{each.pool_id}/{each.name}"),
        roles=_joined(declared.roles, stored.roles, lambda each: each.name),
        managed_policies=_joined(declared.managed_policies, stored.managed_policies, lambda each: each.name),
        oidc_providers=_joined(declared.oidc_providers, stored.oidc_providers, lambda each: each.url),
        saml_providers=_joined(declared.saml_providers, stored.saml_providers, lambda each: each.name),
        identity_pools=_joined(declared.identity_pools, stored.identity_pools, lambda each: each.id),
    )


def _joined(ours: tuple[T, ...], theirs: tuple[T, ...], key: Callable[[T], str]) -> tuple[T, ...]:
    known = {key(each) for each in ours}
    return (*ours, *(each for each in theirs if getattr(each, "owner", "file") == "api" and key(each) not in known))


def _read(unit: Unit) -> Declared:
    return Declared(
        pools=_every(unit.pools, lambda each: (each.id, each.id)),
        clients=_every(unit.clients, lambda each: (each.pool_id, each.id)),
        providers=_every(unit.providers, lambda each: (each.pool_id, each.name)),
        groups=_every(unit.groups, lambda each: (each.pool_id, each.name)),
        roles=_every(unit.roles, lambda each: (each.scope, each.name)),
        managed_policies=_every(unit.managed_policies, lambda each: (each.scope, each.name)),
        oidc_providers=_every(unit.oidc_providers, lambda each: (each.scope, each.url)),
        saml_providers=_every(unit.saml_providers, lambda each: (each.scope, each.name)),
        identity_pools=_every(unit.identity_pools, lambda each: (each.id, each.id)),
    )


def _every(records: Records[T], place: Callable[[T], tuple[str, str]]) -> tuple[T, ...]:
    found: list[T] = []
    page: Iterable[T] = records.list(None, None, _PAGE)
    while page:
        found += page
        page = records.list(None, "/".join(place(found[-1])), _PAGE)
    return tuple(found)

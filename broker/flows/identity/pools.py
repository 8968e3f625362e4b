"""Identity pools as the API makes and changes them (spec D.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from broker.api_errors import InvalidParameter
from broker.flows.access_kit import AccessKit
from broker.flows.identity import paging
from broker.flows.identity.lookups import ours, refusals_told
from broker.flows.identity.paging import Page
from broker.flows.identity.records import change, read, stored, tell
from broker.flows.identity.resource_tags import check_tags
from broker.identitypool.mappings import MAX_MAPPINGS, is_mapping_key, is_tag_key, provider_fault
from broker.model.identity import IdentityPool, PoolClient
from broker.model.sts import Caller

MAX_CLIENTS = 50
_NAME = re.compile(r"[\w\s+=,.@-]{1,128}", re.ASCII)
_DEVELOPER = re.compile(r"[\w._-]{1,128}", re.ASCII)
# X needs a second key to check a token, and Facebook a secret: both come behind a semicolon, as AWS has it for X.
_WITH_SECRET = ("api.twitter.com", "graph.facebook.com")
_LIST = "identity pools"
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class PoolAsk:
    """CreateIdentityPool and UpdateIdentityPool. `social` values may be `APP_ID;SECRET`. `tags` None leaves them as they are."""

    name: str
    allow_guests: bool = False
    allow_classic: bool = False
    user_pools: tuple[PoolClient, ...] = ()
    social: Mapping[str, str] = field(default_factory=dict, repr=False)
    developer_provider: str | None = None
    oidc_providers: tuple[str, ...] = ()
    saml_providers: tuple[str, ...] = ()
    tags: Mapping[str, str] | None = None


def create(kit: AccessKit, by: Caller, ask: PoolAsk) -> IdentityPool:
    """A new pool. It has no roles yet. Raises InvalidParameter."""
    with refusals_told(kit, "identity_pool.refused", by=by.arn):
        fresh = IdentityPool(f"{kit.account.region}:{kit.base.random.uuid()}", ask.name, owner="api")
        pool = _filled(kit, fresh, ask)
        with kit.base.store.unit() as unit:
            unit.identity_pools.put(pool)
    tell(kit, by, "identity_pool.created", pool.id, name=pool.name)
    return pool


def update(kit: AccessKit, by: Caller, pool_id: str, ask: PoolAsk) -> IdentityPool:
    """Replace everything but the roles, mappings and tag maps, which have operations of their own.

    Mappings and tag maps of providers that the pool loses go with them: a provider that comes back must not find old rules.
    Raises ResourceNotFound, ResourceConflict (a pool of the file), InvalidParameter (also for another developer provider).
    """
    with refusals_told(kit, "identity_pool.refused", pool_id, by=by.arn):
        pool = change(kit, pool_id, lambda known: _kept_rules(_filled(kit, known, ask)))
    tell(kit, by, "identity_pool.updated", pool.id, name=pool.name)
    return pool


def describe(kit: AccessKit, pool_id: str) -> IdentityPool:
    """Raises ResourceNotFound."""
    return read(kit, pool_id)


def delete(kit: AccessKit, by: Caller, pool_id: str) -> None:
    """The pool at once, then its identities, which nobody reaches any more.

    Raises ResourceNotFound, ResourceConflict (a pool of the file).
    """
    with refusals_told(kit, "identity_pool.refused", pool_id, by=by.arn), kit.base.store.unit() as unit:
        ours(stored(unit, pool_id))
        unit.identity_pools.delete(pool_id, pool_id)
    tell(kit, by, "identity_pool.deleted", pool_id)
    while _some_deleted(kit, pool_id):
        # A million of them in one transaction would keep everybody else waiting.
        pass


def _some_deleted(kit: AccessKit, pool_id: str) -> bool:
    with kit.base.store.unit() as unit:
        identities = unit.pool_identities.list(pool_id, None, _AT_ONCE)
        for identity in identities:
            unit.pool_identities.delete(pool_id, identity.id)
    return bool(identities)


def list_page(kit: AccessKit, max_results: int, next_token: str | None = None) -> Page[IdentityPool]:
    """By id. Raises InvalidParameter for a token of another list."""
    after = paging.opened(next_token, _LIST)
    found: list[IdentityPool] = []
    with kit.base.store.unit() as unit:
        while len(found) <= max_results:
            cursor = f"{after}/{after}" if after else None
            page = unit.identity_pools.list(None, cursor, max_results + 1)
            found += [pool for pool in page if pool.enabled]
            if len(page) <= max_results:
                break
            after = page[-1].id
    return paging.cut(found, max_results, _LIST, lambda pool: pool.id)


def _filled(kit: AccessKit, pool: IdentityPool, ask: PoolAsk) -> IdentityPool:
    """The pool with what was asked for. Raises InvalidParameter."""
    social, secrets = _apps(pool, ask.social)
    made = replace(
        pool,
        name=ask.name,
        allow_guests=ask.allow_guests,
        allow_classic=ask.allow_classic,
        user_pools=ask.user_pools,
        social=social,
        secrets=secrets,
        developer_provider=_developer(pool, ask.developer_provider),
        oidc_providers=tuple(dict.fromkeys(ask.oidc_providers)),
        saml_providers=tuple(dict.fromkeys(ask.saml_providers)),
        tags=pool.tags if ask.tags is None else dict(ask.tags),
    )
    if _NAME.fullmatch(ask.name) is None:
        raise _wrong("The name of an identity pool has 1 to 128 letters, digits, blanks and + = , . @ - _")
    if len(made.user_pools) > MAX_CLIENTS or len(made.social) > MAX_MAPPINGS:
        raise _wrong(f"An identity pool has at most {MAX_CLIENTS} app clients and {MAX_MAPPINGS} social providers.")
    if (fault := provider_fault(made, kit.account.id)) is not None:
        raise _wrong(fault)
    check_tags(made.tags)
    return made


def _developer(pool: IdentityPool, name: str | None) -> str | None:
    """Set once: identities hang on the name."""
    if pool.developer_provider is not None and name not in {None, pool.developer_provider}:
        raise _wrong("The developer provider name cannot be changed once it is set.")
    if name is not None and _DEVELOPER.fullmatch(name) is None:
        raise _wrong("The developer provider name has 1 to 128 letters, digits and . _ -")
    return pool.developer_provider or name


def _apps(pool: IdentityPool, given: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """App ids and, apart, secrets. Nobody is shown a secret again, so an app id without one keeps the one that is known."""
    apps: dict[str, str] = {}
    secrets: dict[str, str] = {}
    for host, value in given.items():
        app_id, _, secret = value.partition(";") if host in _WITH_SECRET else (value, "", "")
        if not app_id:
            raise _wrong(f"{host} has no app id.")
        apps[host] = app_id
        known = pool.secrets.get(host, "") if pool.social.get(host) == app_id else ""
        if secret or known:
            secrets[host] = secret or known
    return apps, secrets


def _kept_rules(pool: IdentityPool) -> IdentityPool:
    """Without the mappings and tag maps of providers that it no longer has."""
    return replace(
        pool,
        mappings={key: mapping for key, mapping in pool.mappings.items() if is_mapping_key(pool, key)},
        tag_maps={key: tag_map for key, tag_map in pool.tag_maps.items() if is_tag_key(pool, key)},
    )


def _wrong(words: str) -> InvalidParameter:
    return InvalidParameter(words, public=words)

"""Rules about pools among themselves, and about names inside one."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from broker.config.root import Config
from broker.config.rules.finding import Finding, PoolAt, repeated
from broker.errors import ConfigError
from broker.hooks import plugins, pretoken


def pools_differ(config: Config) -> Iterator[Finding]:
    """An id, a host and an issuer each lead to one pool, or a token of one tenant would be a token of another."""
    public, admin = urlsplit(config.server.public_url).netloc, urlsplit(config.server.admin_url or "").netloc
    ids: dict[str, PoolAt] = {}
    hosts: dict[str, str] = {public: "public_url", admin: "admin_url"}
    issuers: dict[str, str] = {f"{config.server.public_url}/{pool.id}": pool.id for pool in config.user_pool if pool.issuer is None}
    for position, pool in enumerate(config.user_pool):
        at = PoolAt(pool, position)
        if pool.id in ids:
            yield Finding(at.table, "id", f"is the id of pool #{ids[pool.id].position + 1} too", "give each pool an id of its own")
        ids.setdefault(pool.id, at)
        if pool.domain and pool.domain in hosts:
            yield Finding(at.table, "domain", f"{pool.domain} is taken by {hosts[pool.domain]}", "give each pool a host name of its own")
        if pool.domain:
            hosts.setdefault(pool.domain, pool.id)
        if pool.issuer and pool.issuer in issuers:
            yield Finding(at.table, "issuer", f"is the issuer of {issuers[pool.issuer]} too", "give each pool an issuer of its own")
        if pool.issuer:
            issuers.setdefault(pool.issuer, pool.id)


def clients_differ(config: Config) -> Iterator[Finding]:
    """A client id alone must tell the pool: the AWS API finds a client without naming one."""
    owners: dict[str, str] = {}
    for position, pool in enumerate(config.user_pool):
        for client in pool.client:
            if client.id in owners:
                table = PoolAt(pool, position).inner("client", client.id)
                yield Finding(table, "id", f"is the id of a client of {owners[client.id]} too", "give each client an id of its own")
            owners.setdefault(client.id, pool.id)


def hooks_exist(at: PoolAt) -> Iterator[Finding]:
    """A hook that is missing would be found out by every user at once. Its module is imported, as it is when it is called."""
    for key, name, checked in (
        ("pre_token_hook", at.pool.pre_token_hook, pretoken.check),
        ("inbound_federation_hook", at.pool.inbound_federation_hook, plugins.load),
    ):
        if name is None:
            continue
        try:
            checked(name)
        except ConfigError as missing:
            yield Finding(at.table, key, missing.private, "install it, add its folder to PYTHONPATH, or correct the name")


def names_inside_differ(at: PoolAt) -> Iterator[Finding]:
    """What has a name in the pool has it alone."""
    # Names of providers begin user names, and those may not depend on case: two that differ only in case would share users.
    for name in repeated(provider.name.casefold() for provider in at.pool.provider):
        yield Finding(at.inner("provider", name), "name", "is used twice in this pool", "give each provider a name of its own")
    for name in repeated(server.identifier for server in at.pool.resource_server):
        yield Finding(at.inner("resource_server", name), "identifier", "is used twice in this pool", "put the scopes into one table")
    for name in repeated(group.name for group in at.pool.group):
        yield Finding(at.inner("group", name), "name", "is used twice in this pool", "remove one of them")
    for server in at.pool.resource_server:
        for scope in repeated(scope.name for scope in server.scopes):
            yield Finding(at.inner("resource_server", server.identifier), "scopes", f"{scope} is listed twice", "remove one of them")

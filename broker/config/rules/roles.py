"""Rules about who gets a role: what the API would refuse is refused in the file, and what hangs on a user's own word is told."""

from __future__ import annotations

from collections.abc import Iterator

from broker.config import declare_access
from broker.config.declare import app_client, user_pool
from broker.config.declare_access import AccessNames, choices
from broker.config.identity_pool import IdentityPool
from broker.config.problems import shown
from broker.config.root import Config
from broker.config.rules.access import label
from broker.config.rules.finding import Finding
from broker.identitypool.logins import user_pool_key
from broker.identitypool.mappings import provider_fault
from broker.identitypool.policy import arns
from broker.identitypool.rules import of_account
from broker.identitypool.tag_names import tag_fault
from broker.identitypool.writable import writable_claims
from broker.model import identity
from broker.model.settings import AppClient, UserPool


def roles_can_be_handed_out(config: Config) -> Iterator[Finding]:
    """A role is of this account, and a rule compares with something (row IP-S1.23): every value contains the empty one."""
    names = AccessNames(config)
    for pool in config.identity_pool:
        table = label("identity_pool", pool.id)
        wanted = [("authenticated_role", pool.authenticated_role), ("guest_role", pool.guest_role)]
        for choice in choices(pool):
            wanted += [(f"rules #{number} role", rule.role) for number, rule in enumerate(choice.rules, start=1)]
            for number, rule in enumerate(choice.rules, start=1):
                if rule.claim and not rule.value:
                    yield Finding(table, f"rules #{number} value", "is missing", "say what the claim is compared with")
        for key, name in wanted:
            if name and not of_account(names.role(name), names.account):
                remedy = f"write the name of a [[role]], or an ARN of account {names.account}"
                yield Finding(table, key, f"{shown(name)} is no role of this account", remedy)


def issuers_have_arns(config: Config) -> Iterator[Finding]:
    """An OpenID provider has an ARN, which not every issuer can stand in."""
    named = [("[[oidc_provider]]", provider.issuer) for provider in config.oidc_provider]
    named += [(label("identity_pool", pool.id), login.issuer) for pool in config.identity_pool for login in pool.oidc]
    for table, issuer in named:
        try:
            arns.oidc_provider(config.aws.account_id, issuer)
        except ValueError:
            what = f"{shown(issuer)} cannot stand in the ARN of a provider"
            yield Finding(table, "issuer", what, "it has up to 255 letters, digits and . : _ ~ % / -")


def tags_are_possible(config: Config) -> Iterator[Finding]:
    """Tags of roles and pools, which policies look at."""
    tagged = [(label("role", role.name), role.tags) for role in config.role]
    tagged += [(label("identity_pool", pool.id), pool.tags) for pool in config.identity_pool]
    for table, tags in tagged:
        if (fault := tag_fault(tags.items())) is not None:
            yield Finding(table, "tags", fault.rstrip("."), "")


def users_do_not_choose_their_role(config: Config) -> Iterator[Finding]:
    """Whoever sets his own department sets his own role (rows IP-S1.22 and IP-S2.8)."""
    clients: dict[str, tuple[UserPool, AppClient]] = {}
    for users in config.user_pool:
        key = user_pool_key(users.id, config.aws.region)
        for client in users.client:
            clients[f"{key}:{client.id}"] = (user_pool(users, config.trace.retention_days), app_client(users.id, client))
    for pool in config.identity_pool:
        yield from _written_by_users(config, pool, clients)


def _written_by_users(config: Config, pool: IdentityPool, clients: dict[str, tuple[UserPool, AppClient]]) -> Iterator[Finding]:
    record = _record(config, pool)
    for found in writable_claims(record, clients) if record is not None else ():
        key = f"rules #{found.rule}" if found.rule else f"tags {found.tag}"
        remedy = "let no client of these users write it, or use a claim that an upstream alone fills"
        yield Finding(label("identity_pool", pool.id), key, f"depends on the claim {found.claim}: {found.why}", remedy, warning=True)


def providers_are_told_apart(config: Config) -> Iterator[Finding]:
    """A pool's providers are what the API takes: above all, a backend's word is not taken for a public provider's."""
    for pool in config.identity_pool:
        record = _record(config, pool)
        if record is not None and (fault := provider_fault(record, config.aws.account_id)) is not None:
            key = "developer_provider" if fault.startswith("The developer") else "user_pool"
            yield Finding(label("identity_pool", pool.id), key, fault.rstrip("."), "give it another name")


def _record(config: Config, pool: IdentityPool) -> identity.IdentityPool | None:
    """The pool as a record; None for one with an issuer that has no ARN."""
    try:
        return declare_access.identity_pool(config, pool)
    except ValueError:
        return None

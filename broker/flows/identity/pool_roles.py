"""Which roles an identity pool hands out, and by which rules (API `SetIdentityPoolRoles`, spec D.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from broker.api_errors import InvalidParameter, NotAuthorized
from broker.errors import MalformedPolicy
from broker.flows.access_kit import AccessKit
from broker.flows.iam.documents import check_trust
from broker.flows.identity.lookups import ours, refusals_told
from broker.flows.identity.records import change, read, tell
from broker.flows.sts.authorize_call import authorize_call
from broker.identitypool.mappings import roles_fault
from broker.identitypool.roles import role_of
from broker.identitypool.rules import of_account
from broker.identitypool.writable import Writable, writable_claims
from broker.model.identity import IdentityPool, RoleMapping
from broker.model.settings import AppClient, UserPool
from broker.model.sts import Caller

PASS_ROLE = "iam:PassRole"  # noqa: S105 -- the name of an action
SERVICE = "cognito-identity.amazonaws.com"


@dataclass(frozen=True, slots=True)
class PoolRoles:
    """What SetIdentityPoolRoles takes and GetIdentityPoolRoles gives. `roles` has the keys `authenticated` and `unauthenticated`."""

    roles: Mapping[str, str] = field(default_factory=dict)
    mappings: Mapping[str, RoleMapping] = field(default_factory=dict)


def set_roles(kit: AccessKit, by: Caller, pool_id: str, wanted: PoolRoles) -> IdentityPool:
    """Replace both. The caller must be allowed to pass every role.

    Raises ResourceNotFound, ResourceConflict (a pool of the file), InvalidParameter (also for an expression, with its place, and for a role
    that any identity pool could assume), NotAuthorized (a role of another account, or one that the caller may not pass).
    """
    with refusals_told(kit, "identity_pool.refused", pool_id, by=by.arn):
        _checked(ours(read(kit, pool_id)), wanted)
        for arn in _roles(wanted):
            _check_passed(kit, by, arn)
        pool = change(kit, pool_id, lambda known: _with_roles(_checked(known, wanted), wanted))
    warnings = warnings_of(kit, pool)
    tell(kit, by, "identity_pool.roles_set", pool.id, roles=_roles(wanted), warnings=warnings)
    return pool


def roles(kit: AccessKit, pool_id: str) -> PoolRoles:
    """Raises ResourceNotFound."""
    pool = read(kit, pool_id)
    named = {"authenticated": pool.authenticated_role, "unauthenticated": pool.unauthenticated_role}
    return PoolRoles({kind: arn for kind, arn in named.items() if arn}, pool.mappings)


def warnings_of(kit: AccessKit, pool: IdentityPool) -> list[str]:
    """Rules and tags that hang on what users can write themselves (attack IP-S1.22), in words."""
    return [str(warning) for warning in writable_of(kit, pool)]


def writable_of(kit: AccessKit, pool: IdentityPool) -> tuple[Writable, ...]:
    """The same, one by one."""
    clients: dict[str, tuple[UserPool, AppClient]] = {}
    for each in pool.user_pools:
        users = kit.base.settings.pool(each.provider.rpartition("/")[2])
        client = kit.base.settings.client(users.id, each.client_id) if users is not None else None
        if users is not None and client is not None:
            clients[f"{each.provider}:{each.client_id}"] = (users, client)
    return writable_claims(pool, clients)


def _checked(pool: IdentityPool, wanted: PoolRoles) -> IdentityPool:
    """The pool, if it may have these. Raises InvalidParameter."""
    if (fault := roles_fault(pool, wanted.roles, wanted.mappings)) is not None:
        raise InvalidParameter(fault, public=fault)
    return pool


def _with_roles(pool: IdentityPool, wanted: PoolRoles) -> IdentityPool:
    return replace(
        pool,
        authenticated_role=wanted.roles.get("authenticated"),
        unauthenticated_role=wanted.roles.get("unauthenticated"),
        mappings=dict(wanted.mappings),
    )


def _roles(wanted: PoolRoles) -> list[str]:
    ruled = [rule.role_arn for mapping in wanted.mappings.values() for rule in mapping.rules]
    return list(dict.fromkeys((*wanted.roles.values(), *ruled)))


def _check_passed(kit: AccessKit, by: Caller, arn: str) -> None:
    """Whoever sets the roles of a pool gives them to its users: he must be allowed to, and no role that is open to all pools is taken."""
    allowed = of_account(arn, kit.account.id)
    if allowed:
        allowed = authorize_call(kit, by, PASS_ROLE, arn, {"iam:PassedToService": SERVICE}).allowed
    if not allowed:
        raise NotAuthorized(f"{by.arn} may not pass {arn}", public=f"Access to Role '{arn}' is forbidden.", code="role_not_passed")
    role = role_of(kit.base.settings, kit.account.id, arn)
    if role is not None:
        try:
            check_trust(kit, role.trust)
        except MalformedPolicy as open_to_all:
            raise InvalidParameter(f"{arn}: {open_to_all.private}", public=f"{arn}: {open_to_all.public}") from None

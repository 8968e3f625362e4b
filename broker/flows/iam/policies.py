"""A role's own policies, and the managed ones attached to it (API `PutRolePolicy`, `AttachRolePolicy` and their kin)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from broker.api_errors import LimitExceeded, NoSuchEntity, ValidationFailed
from broker.flows.access_kit import AccessKit
from broker.flows.iam import records, roles
from broker.flows.iam.documents import check_identity, inline_size
from broker.flows.iam.paging import Listed, page
from broker.identitypool.roles import policy_name
from broker.model.iam import Role
from broker.model.sts import Caller
from broker.ports.store import Unit

NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
MAX_INLINE = 10_240
"""Characters of all inline policies of a role together, white space not counted (IAM quotas)."""
MAX_ATTACHED = 20


@dataclass(frozen=True, slots=True)
class Attached:
    """An attached managed policy (API `AttachedPolicy`)."""

    name: str
    arn: str


@dataclass(frozen=True, slots=True)
class AttachedListing:
    """ListAttachedRolePolicies."""

    role: str
    path_prefix: str = "/"
    marker: str | None = None
    max_items: int | None = None


def put(kit: AccessKit, by: Caller, role: str, name: str, document: str) -> None:
    """Write an inline policy, or replace it. Raises NoSuchEntity, Unmodifiable, MalformedPolicy, LimitExceeded, ValidationFailed."""
    if not NAME.fullmatch(name):
        raise ValidationFailed(f"policy name {name!r}", public="The policy's name is malformed.")
    check_identity(document)

    def written(_: Unit, found: Role) -> Role:
        policies = {**found.policies, name: document}
        if sum(map(inline_size, policies.values())) > MAX_INLINE:
            words = f"Maximum policy size of {MAX_INLINE} bytes exceeded for role {role}"
            raise LimitExceeded(words, public=words)
        return replace(found, policies=policies)

    records.change_role(kit, role, written)
    records.tell(kit, by, "role.policy_put", role=role, policy=name)


def get(kit: AccessKit, role: str, name: str) -> str:
    """The document, as it was given. Raises NoSuchEntity."""
    return _inline(roles.get(kit, role), name)


def delete(kit: AccessKit, by: Caller, role: str, name: str) -> None:
    """Raises NoSuchEntity, Unmodifiable."""

    def without(_: Unit, found: Role) -> Role:
        _inline(found, name)
        return replace(found, policies={key: value for key, value in found.policies.items() if key != name})

    records.change_role(kit, role, without)
    records.tell(kit, by, "role.policy_deleted", role=role, policy=name)


def list_page(kit: AccessKit, role: str, marker: str | None = None, max_items: int | None = None) -> Listed[str]:
    """The names of a role's inline policies. Raises NoSuchEntity, ValidationFailed."""
    return page(list(roles.get(kit, role).policies), lambda name: name, marker, max_items)


def attach(kit: AccessKit, by: Caller, role: str, arn: str) -> None:
    """Attaching twice is once. Raises NoSuchEntity for role or policy, Unmodifiable, LimitExceeded."""

    def attached(unit: Unit, found: Role) -> Role:
        records.policy(kit, unit, arn)
        if arn not in found.managed and len(found.managed) >= MAX_ATTACHED:
            words = f"Cannot exceed quota for PoliciesPerRole: {MAX_ATTACHED}"
            raise LimitExceeded(words, public=words)
        return replace(found, managed=tuple(dict.fromkeys((*found.managed, arn))))

    records.change_role(kit, role, attached)
    records.tell(kit, by, "role.policy_attached", role=role, policy=arn)


def detach(kit: AccessKit, by: Caller, role: str, arn: str) -> None:
    """Raises NoSuchEntity, also if it was not attached, Unmodifiable."""

    def detached(_: Unit, found: Role) -> Role:
        if arn not in found.managed:
            raise NoSuchEntity(f"{arn} is not attached to {role}", public=f"Policy {arn} was not found.")
        return replace(found, managed=tuple(each for each in found.managed if each != arn))

    records.change_role(kit, role, detached)
    records.tell(kit, by, "role.policy_detached", role=role, policy=arn)


def list_attached(kit: AccessKit, ask: AttachedListing) -> Listed[Attached]:
    """By name. Raises NoSuchEntity, ValidationFailed."""
    found = [Attached(policy_name(arn) or arn, arn) for arn in roles.get(kit, ask.role).managed]
    under = [each for each in found if each.arn.partition(":policy")[2].startswith(ask.path_prefix)]
    return page(under, lambda each: each.name, ask.marker, ask.max_items)


def holders(unit: Unit, arn: str) -> list[Role]:
    """The roles to which a managed policy is attached, or whose boundary it is."""
    every = records.everything(unit.roles, lambda role: role.name)
    return [role for role in every if arn in role.managed or role.boundary == arn]


def _inline(role: Role, name: str) -> str:
    if name not in role.policies:
        raise NoSuchEntity(f"role {role.name} has no policy {name}", public=f"The role policy with name {name} cannot be found.")
    return role.policies[name]

"""Managed policies: with a name of their own, attached to roles or passed by their ARN (API `CreatePolicy` and its kin).

They have one version, `v1`. To change one, detach and create it anew, or let the configuration file declare it.
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from broker.api_errors import DeleteConflict, NoSuchEntity, ValidationFailed
from broker.flows.access_kit import AccessKit
from broker.flows.iam import records
from broker.flows.iam.documents import check_managed
from broker.flows.iam.paging import Listed, page
from broker.flows.iam.policies import NAME, holders
from broker.flows.iam.roles import PATH
from broker.identitypool.roles import policy_arn
from broker.model.iam import IAM, ManagedPolicy, Role
from broker.model.sts import Caller

VERSION = "v1"


@dataclass(frozen=True, slots=True)
class PolicyAsk:
    """CreatePolicy."""

    name: str
    document: str
    path: str = "/"
    description: str = ""


@dataclass(frozen=True, slots=True)
class PolicyListing:
    """ListPolicies. There are no policies of AWS's own here, so `scope` AWS lists none."""

    scope: Literal["All", "AWS", "Local"] = "All"
    only_attached: bool = False
    path_prefix: str = "/"
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True)
class PolicyView:
    """A managed policy and who uses it (API `Policy`). `id` is made from the ARN: a policy created anew under its name keeps it."""

    policy: ManagedPolicy
    arn: str
    id: str
    attached_to: int
    bounds: int


def create(kit: AccessKit, by: Caller, ask: PolicyAsk) -> PolicyView:
    """Raises EntityExists, MalformedPolicy, ValidationFailed."""
    if not NAME.fullmatch(ask.name) or not PATH.fullmatch(ask.path):
        raise ValidationFailed(f"policy name {ask.name!r}, path {ask.path!r}", public="The policy's name or path is malformed.")
    check_managed(ask.document)
    policy = ManagedPolicy(ask.name, ask.document, ask.path, ask.description, owner="api")
    records.create(kit, lambda unit: unit.managed_policies, policy, "policy", policy.name)
    records.tell(kit, by, "policy.created", policy=policy.name)
    return _view(kit, policy, ())


def get(kit: AccessKit, arn: str) -> PolicyView:
    """Raises NoSuchEntity."""
    with kit.base.store.unit() as unit:
        return _view(kit, records.policy(kit, unit, arn), holders(unit, arn))


def get_version(kit: AccessKit, arn: str, version: str) -> ManagedPolicy:
    """Its one version. Raises NoSuchEntity."""
    found = get(kit, arn).policy
    if version != VERSION:
        raise NoSuchEntity(f"{arn} has no {version}", public=f"Policy {arn} version {version} does not exist or is not attachable.")
    return found


def delete(kit: AccessKit, by: Caller, arn: str) -> None:
    """Raises NoSuchEntity, Unmodifiable, DeleteConflict while a role has it."""
    with records.writing(kit) as unit:
        policy = records.ours(records.policy(kit, unit, arn), "policy", arn)
        if holders(unit, arn):
            raise DeleteConflict(f"{arn} is in use", public="Cannot delete a policy attached to entities.")
        unit.managed_policies.delete(IAM, policy.name)
    records.tell(kit, by, "policy.deleted", policy=policy.name)


def list_page(kit: AccessKit, ask: PolicyListing) -> Listed[PolicyView]:
    """By name. Raises ValidationFailed."""
    if ask.scope == "AWS":
        return Listed(())
    with kit.base.store.unit() as unit:
        every = records.everything(unit.managed_policies, lambda policy: policy.name)
        roles = records.everything(unit.roles, lambda role: role.name)
    views = [_view(kit, policy, roles) for policy in every if policy.path.startswith(ask.path_prefix)]
    wanted = [view for view in views if view.attached_to or not ask.only_attached]
    return page(wanted, lambda view: view.policy.name, ask.marker, ask.max_items)


def _view(kit: AccessKit, policy: ManagedPolicy, roles: Sequence[Role]) -> PolicyView:
    arn = policy_arn(kit.account.id, policy)
    made = "ANPA" + b32encode(sha256(arn.encode()).digest()[:10]).decode("ascii")
    return PolicyView(policy, arn, made, sum(arn in role.managed for role in roles), sum(role.boundary == arn for role in roles))

"""Roles and managed policies by their ARNs. Both read from the settings cache: no call of an API waits for the database."""

from __future__ import annotations

import re

from broker.identitypool.policy import arns
from broker.model.iam import ManagedPolicy, Role
from broker.ports.store import Settings

_POLICY = re.compile(r"policy(?P<path>/(?:[\x21-\x7e]{1,510}/)?)(?P<name>[\w+=,.@-]{1,128})", re.ASCII)


def role_arn(account_id: str, role: Role) -> str:
    """The ARN of a role of ours."""
    return str(arns.RoleArn(account_id, role.name, role.path))


def policy_arn(account_id: str, policy: ManagedPolicy) -> str:
    """The ARN of a managed policy of ours."""
    return f"arn:aws:iam::{account_id}:policy{policy.path}{policy.name}"


def role_of(settings: Settings, account_id: str, arn: str) -> Role | None:
    """The enabled role of this very ARN, path and all; None if there is none in this account."""
    try:
        named = arns.parse_role(arn)
    except ValueError:
        return None
    role = settings.role(named.name) if named.account == account_id else None
    return role if role is not None and role.enabled and role_arn(account_id, role) == arn else None


def policy_name(arn: str) -> str | None:
    """The name in a managed policy's ARN; None if it is no such ARN."""
    try:
        found = _POLICY.fullmatch(arns.parse(arn).resource)
    except ValueError:
        return None
    return found["name"] if found is not None else None


def policy_of(settings: Settings, account_id: str, arn: str) -> ManagedPolicy | None:
    """The managed policy of this very ARN; None if there is none in this account."""
    name = policy_name(arn)
    policy = settings.managed_policy(name) if name else None
    return policy if policy is not None and policy_arn(account_id, policy) == arn else None

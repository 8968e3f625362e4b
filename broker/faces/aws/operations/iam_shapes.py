"""What the operations of IAM have in common: ARNs to judge by, and records as the API shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from broker.faces.aws.operations.row import Call
from broker.flows.iam.managed import VERSION, PolicyView
from broker.flows.iam.paging import Listed
from broker.identitypool.roles import role_arn
from broker.model.iam import ManagedPolicy, Role

T = TypeVar("T")


def of_role(call: Call) -> str:
    """The role's ARN with its path: a policy that names a path must not reach a role of the same name under another."""
    name = call.values["RoleName"]
    role = call.kit.base.settings.role(name)
    return role_arn(call.kit.account.id, role) if role else new_role(call)


def new_role(call: Call) -> str:
    """The ARN that a role will have."""
    return f"arn:{call.kit.account.partition}:iam::{call.kit.account.id}:role{call.get('Path', '/')}{call.values['RoleName']}"


def new_policy(call: Call) -> str:
    """The ARN that a managed policy will have."""
    return f"arn:{call.kit.account.partition}:iam::{call.kit.account.id}:policy{call.get('Path', '/')}{call.values['PolicyName']}"


def member(name: str) -> Callable[[Call], str]:
    """The ARN that a member gives."""
    return lambda call: str(call.values[name])


def everything(kind: str) -> Callable[[Call], str]:
    """All of a kind, for the lists."""
    return lambda call: f"arn:{call.kit.account.partition}:iam::{call.kit.account.id}:{kind}/*"


def shown_document(text: str) -> str:
    """A policy document as IAM hands it out: percent-encoded (API `GetRolePolicy`, RFC 3986)."""
    return quote(text, safe="")


def pairs(tags: Sequence[Mapping[str, str]]) -> tuple[tuple[str, str], ...]:
    """Tags as they came; two of one key must be seen to be refused."""
    return tuple((tag["Key"], tag["Value"]) for tag in tags)


def tags(found: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as the API lists them."""
    return [{"Key": key, "Value": value} for key, value in found.items()]


def page_of(name: str, found: Listed[T], shown: Callable[[T], Any]) -> dict[str, Any]:
    """A page of a list."""
    return {name: [shown(item) for item in found.items], "IsTruncated": found.marker is not None, "Marker": found.marker}


def shown_role(call: Call, role: Role, *, listed: bool = False) -> dict[str, Any]:
    """A role (API `Role`). Lists leave out its boundary and tags."""
    boundary = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": role.boundary} if role.boundary else None
    return {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role_arn(call.kit.account.id, role),
        "CreateDate": role.created_at,
        "AssumeRolePolicyDocument": shown_document(role.trust),
        "Description": role.description or None,
        "MaxSessionDuration": role.max_session,
        "PermissionsBoundary": None if listed else boundary,
        "Tags": None if listed or not role.tags else tags(role.tags),
    }


def shown_policy(view: PolicyView) -> dict[str, Any]:
    """A managed policy (API `Policy`)."""
    return {
        "PolicyName": view.policy.name,
        "PolicyId": view.id,
        "Arn": view.arn,
        "Path": view.policy.path,
        "DefaultVersionId": VERSION,
        "AttachmentCount": view.attached_to,
        "PermissionsBoundaryUsageCount": view.bounds,
        "IsAttachable": True,
        "Description": view.policy.description or None,
    }


def shown_version(policy: ManagedPolicy) -> dict[str, Any]:
    """Its one version (API `PolicyVersion`)."""
    return {"Document": shown_document(policy.document), "VersionId": VERSION, "IsDefaultVersion": True}

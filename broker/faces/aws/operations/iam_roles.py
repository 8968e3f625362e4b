"""Roles and their policies, from wire to flows and back (API `iam`)."""

from __future__ import annotations

from typing import Any

from broker.faces.aws.operations.iam_shapes import page_of, pairs, shown_document, shown_policy, shown_role, shown_version, tags
from broker.faces.aws.operations.row import Call
from broker.flows.iam import managed, policies, roles


def create_role(call: Call) -> dict[str, Any]:
    """CreateRole."""
    ask = roles.RoleAsk(
        call.values["RoleName"],
        call.values["AssumeRolePolicyDocument"],
        path=call.get("Path", "/"),
        description=call.get("Description", ""),
        max_session=call.get("MaxSessionDuration"),
        boundary=call.get("PermissionsBoundary"),
        tags=pairs(call.get("Tags", ())),
    )
    return {"Role": shown_role(call, call.change(roles.create, ask))}


def get_role(call: Call) -> dict[str, Any]:
    """GetRole."""
    return {"Role": shown_role(call, call.run(roles.get, call.values["RoleName"]))}


def update_role(call: Call) -> None:
    """UpdateRole."""
    call.change(roles.update, roles.RoleChange(call.values["RoleName"], call.get("Description"), call.get("MaxSessionDuration")))


def update_role_description(call: Call) -> dict[str, Any]:
    """UpdateRoleDescription."""
    changed = call.change(roles.update, roles.RoleChange(call.values["RoleName"], call.values["Description"]))
    return {"Role": shown_role(call, changed)}


def delete_role(call: Call) -> None:
    """DeleteRole."""
    call.change(roles.delete, call.values["RoleName"])


def list_roles(call: Call) -> dict[str, Any]:
    """ListRoles."""
    ask = roles.RoleListing(call.get("PathPrefix", "/"), call.get("Marker"), call.get("MaxItems"))
    return page_of("Roles", call.run(roles.list_page, ask), lambda role: shown_role(call, role, listed=True))


def update_trust(call: Call) -> None:
    """UpdateAssumeRolePolicy."""
    call.change(roles.update_trust, call.values["RoleName"], call.values["PolicyDocument"])


def tag_role(call: Call) -> None:
    """TagRole."""
    call.change(roles.tag, call.values["RoleName"], pairs(call.values["Tags"]))


def untag_role(call: Call) -> None:
    """UntagRole."""
    call.change(roles.untag, call.values["RoleName"], call.values["TagKeys"])


def list_role_tags(call: Call) -> dict[str, Any]:
    """ListRoleTags."""
    found = call.run(roles.list_tags, call.values["RoleName"], call.get("Marker"), call.get("MaxItems"))
    return page_of("Tags", found, lambda pair: tags(dict([pair]))[0])


def put_boundary(call: Call) -> None:
    """PutRolePermissionsBoundary."""
    call.change(roles.put_boundary, call.values["RoleName"], call.values["PermissionsBoundary"])


def delete_boundary(call: Call) -> None:
    """DeleteRolePermissionsBoundary."""
    call.change(roles.delete_boundary, call.values["RoleName"])


# --- policies of a role --------------------------------------------------------------------------------------------------------------


def put_role_policy(call: Call) -> None:
    """PutRolePolicy."""
    call.change(policies.put, call.values["RoleName"], call.values["PolicyName"], call.values["PolicyDocument"])


def get_role_policy(call: Call) -> dict[str, Any]:
    """GetRolePolicy."""
    role, name = call.values["RoleName"], call.values["PolicyName"]
    return {"RoleName": role, "PolicyName": name, "PolicyDocument": shown_document(call.run(policies.get, role, name))}


def delete_role_policy(call: Call) -> None:
    """DeleteRolePolicy."""
    call.change(policies.delete, call.values["RoleName"], call.values["PolicyName"])


def list_role_policies(call: Call) -> dict[str, Any]:
    """ListRolePolicies."""
    found = call.run(policies.list_page, call.values["RoleName"], call.get("Marker"), call.get("MaxItems"))
    return page_of("PolicyNames", found, str)


def attach_role_policy(call: Call) -> None:
    """AttachRolePolicy."""
    call.change(policies.attach, call.values["RoleName"], call.values["PolicyArn"])


def detach_role_policy(call: Call) -> None:
    """DetachRolePolicy."""
    call.change(policies.detach, call.values["RoleName"], call.values["PolicyArn"])


def list_attached(call: Call) -> dict[str, Any]:
    """ListAttachedRolePolicies."""
    ask = policies.AttachedListing(call.values["RoleName"], call.get("PathPrefix", "/"), call.get("Marker"), call.get("MaxItems"))
    found = call.run(policies.list_attached, ask)
    return page_of("AttachedPolicies", found, lambda each: {"PolicyName": each.name, "PolicyArn": each.arn})


# --- managed policies ----------------------------------------------------------------------------------------------------------------


def create_policy(call: Call) -> dict[str, Any]:
    """CreatePolicy."""
    ask = managed.PolicyAsk(call.values["PolicyName"], call.values["PolicyDocument"], call.get("Path", "/"), call.get("Description", ""))
    return {"Policy": shown_policy(call.change(managed.create, ask))}


def get_policy(call: Call) -> dict[str, Any]:
    """GetPolicy."""
    return {"Policy": shown_policy(call.run(managed.get, call.values["PolicyArn"]))}


def get_policy_version(call: Call) -> dict[str, Any]:
    """GetPolicyVersion."""
    return {"PolicyVersion": shown_version(call.run(managed.get_version, call.values["PolicyArn"], call.values["VersionId"]))}


def delete_policy(call: Call) -> None:
    """DeletePolicy."""
    call.change(managed.delete, call.values["PolicyArn"])


def list_policies(call: Call) -> dict[str, Any]:
    """ListPolicies."""
    ask = managed.PolicyListing(
        call.get("Scope", "All"), call.get("OnlyAttached", False), call.get("PathPrefix", "/"), call.get("Marker"), call.get("MaxItems")
    )
    return page_of("Policies", call.run(managed.list_page, ask), shown_policy)

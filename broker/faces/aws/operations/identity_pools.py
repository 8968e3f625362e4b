"""Identity pools and their settings, from wire to flows and back (API `cognito-identity`, spec D.1 and D.10)."""

from __future__ import annotations

from typing import Any

from broker.faces.aws.operations.identity_shapes import mappings, pool_fields, shown_mapping, shown_pool
from broker.faces.aws.operations.row import Call
from broker.flows.identity import pool_roles, pools, resource_tags, tag_maps
from broker.model.identity import TagMap


def create_pool(call: Call) -> dict[str, Any]:
    """CreateIdentityPool."""
    return shown_pool(call.change(pools.create, pools.PoolAsk(**pool_fields(call.values))))


def describe_pool(call: Call) -> dict[str, Any]:
    """DescribeIdentityPool."""
    return shown_pool(call.run(pools.describe, call.values["IdentityPoolId"]))


def update_pool(call: Call) -> dict[str, Any]:
    """UpdateIdentityPool."""
    return shown_pool(call.change(pools.update, call.values["IdentityPoolId"], pools.PoolAsk(**pool_fields(call.values))))


def delete_pool(call: Call) -> None:
    """DeleteIdentityPool."""
    call.change(pools.delete, call.values["IdentityPoolId"])


def list_pools(call: Call) -> dict[str, Any]:
    """ListIdentityPools."""
    page = call.run(pools.list_page, call.values["MaxResults"], call.get("NextToken"))
    shown = [{"IdentityPoolId": pool.id, "IdentityPoolName": pool.name} for pool in page.items]
    return {"IdentityPools": shown, "NextToken": page.next_token}


def set_roles(call: Call) -> None:
    """SetIdentityPoolRoles."""
    wanted = pool_roles.PoolRoles(call.values["Roles"], mappings(call.get("RoleMappings", {})))
    call.change(pool_roles.set_roles, call.values["IdentityPoolId"], wanted)


def get_roles(call: Call) -> dict[str, Any]:
    """GetIdentityPoolRoles."""
    pool_id = call.values["IdentityPoolId"]
    found = call.run(pool_roles.roles, pool_id)
    shown = {key: shown_mapping(mapping) for key, mapping in found.mappings.items()}
    return {"IdentityPoolId": pool_id, "Roles": found.roles, "RoleMappings": shown or None}


def _shown_tag_map(call: Call, found: TagMap) -> dict[str, Any]:
    return {
        "IdentityPoolId": call.values["IdentityPoolId"],
        "IdentityProviderName": call.values["IdentityProviderName"],
        "UseDefaults": found.use_defaults,
        "PrincipalTags": found.tags,
    }


def set_tag_map(call: Call) -> dict[str, Any]:
    """SetPrincipalTagAttributeMap."""
    wanted = TagMap(call.get("PrincipalTags", {}), call.get("UseDefaults", False))
    return _shown_tag_map(
        call, call.change(tag_maps.set_tag_map, call.values["IdentityPoolId"], call.values["IdentityProviderName"], wanted)
    )


def get_tag_map(call: Call) -> dict[str, Any]:
    """GetPrincipalTagAttributeMap."""
    return _shown_tag_map(call, call.run(tag_maps.tag_map, call.values["IdentityPoolId"], call.values["IdentityProviderName"]))


def tag_resource(call: Call) -> None:
    """TagResource."""
    call.change(resource_tags.tag, call.values["ResourceArn"], call.values["Tags"])


def untag_resource(call: Call) -> None:
    """UntagResource."""
    call.change(resource_tags.untag, call.values["ResourceArn"], call.values["TagKeys"])


def list_tags(call: Call) -> dict[str, Any]:
    """ListTagsForResource."""
    return {"Tags": call.run(resource_tags.tags_of, call.values["ResourceArn"])}

"""All operations of identity pools (API `cognito-identity` 2014-06-30, spec D)."""

from __future__ import annotations

from broker.faces.aws.operations import identity_calls as calls
from broker.faces.aws.operations import identity_pools as pools
from broker.faces.aws.operations.identity_shapes import of_pool, of_resource
from broker.faces.aws.operations.row import Operation, anything

OPERATIONS = (
    Operation("CreateIdentityPool", "sigv4", pools.create_pool, anything),
    # An identity's id does not say its pool, so these are judged as IAM's own reference has them: without a resource.
    Operation("DeleteIdentities", "sigv4", calls.delete_identities, anything),
    Operation("DeleteIdentityPool", "sigv4", pools.delete_pool, of_pool),
    Operation("DescribeIdentity", "sigv4", calls.describe_identity, anything),
    Operation("DescribeIdentityPool", "sigv4", pools.describe_pool, of_pool),
    Operation("GetCredentialsForIdentity", "none", calls.get_credentials),
    Operation("GetId", "none", calls.get_id, unlike="AccountId is ignored: there is one account"),
    Operation("GetIdentityPoolRoles", "sigv4", pools.get_roles, of_pool, unlike="rules that are expressions are left out"),
    Operation("GetOpenIdToken", "none", calls.get_open_id_token),
    Operation("GetOpenIdTokenForDeveloperIdentity", "sigv4", calls.developer_token, of_pool),
    Operation("GetPrincipalTagAttributeMap", "sigv4", pools.get_tag_map, of_pool),
    Operation("ListIdentities", "sigv4", calls.list_identities, of_pool),
    Operation("ListIdentityPools", "sigv4", pools.list_pools, anything),
    Operation("ListTagsForResource", "sigv4", pools.list_tags, of_resource),
    Operation("LookupDeveloperIdentity", "sigv4", calls.lookup_developer, of_pool),
    Operation("MergeDeveloperIdentities", "sigv4", calls.merge_developers, of_pool),
    Operation("SetIdentityPoolRoles", "sigv4", pools.set_roles, of_pool),
    Operation("SetPrincipalTagAttributeMap", "sigv4", pools.set_tag_map, of_pool),
    Operation("TagResource", "sigv4", pools.tag_resource, of_resource),
    Operation("UnlinkDeveloperIdentity", "sigv4", calls.unlink_developer, of_pool),
    Operation("UnlinkIdentity", "none", calls.unlink_identity),
    Operation("UntagResource", "sigv4", pools.untag_resource, of_resource),
    Operation("UpdateIdentityPool", "sigv4", pools.update_pool, of_pool),
)

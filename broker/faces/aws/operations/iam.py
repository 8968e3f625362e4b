"""The operations of IAM that are offered: enough to manage roles, their policies, and whom they trust (API `iam` 2010-05-08)."""

from __future__ import annotations

from broker.faces.aws.operations import iam_providers as providers
from broker.faces.aws.operations import iam_roles as roles
from broker.faces.aws.operations.iam_shapes import everything, member, new_policy, new_role, of_role
from broker.faces.aws.operations.row import Operation

OIDC = member("OpenIDConnectProviderArn")
SAML = member("SAMLProviderArn")
POLICY = member("PolicyArn")


OPERATIONS = (
    Operation("AddClientIDToOpenIDConnectProvider", "sigv4", providers.add_client, OIDC),
    Operation("AttachRolePolicy", "sigv4", roles.attach_role_policy, of_role),
    Operation(
        "CreateOpenIDConnectProvider",
        "sigv4",
        providers.create_oidc,
        providers.new_oidc,
        unlike="thumbprints are ignored: certificates are verified",
    ),
    Operation("CreatePolicy", "sigv4", roles.create_policy, new_policy, unlike="one version, no tags"),
    Operation("CreateRole", "sigv4", roles.create_role, new_role),
    Operation("CreateSAMLProvider", "sigv4", providers.create_saml, providers.new_saml, unlike="no private keys"),
    Operation("DeleteOpenIDConnectProvider", "sigv4", providers.delete_oidc, OIDC),
    Operation("DeletePolicy", "sigv4", roles.delete_policy, POLICY),
    Operation("DeleteRole", "sigv4", roles.delete_role, of_role),
    Operation("DeleteRolePermissionsBoundary", "sigv4", roles.delete_boundary, of_role),
    Operation("DeleteRolePolicy", "sigv4", roles.delete_role_policy, of_role),
    Operation("DeleteSAMLProvider", "sigv4", providers.delete_saml, SAML),
    Operation("DetachRolePolicy", "sigv4", roles.detach_role_policy, of_role),
    Operation("GetOpenIDConnectProvider", "sigv4", providers.get_oidc, OIDC),
    Operation("GetPolicy", "sigv4", roles.get_policy, POLICY),
    Operation("GetPolicyVersion", "sigv4", roles.get_policy_version, POLICY),
    Operation("GetRole", "sigv4", roles.get_role, of_role),
    Operation("GetRolePolicy", "sigv4", roles.get_role_policy, of_role),
    Operation("GetSAMLProvider", "sigv4", providers.get_saml, SAML),
    Operation("ListAttachedRolePolicies", "sigv4", roles.list_attached, of_role),
    Operation("ListOpenIDConnectProviders", "sigv4", providers.list_oidc, everything("oidc-provider")),
    Operation("ListPolicies", "sigv4", roles.list_policies, everything("policy"), unlike="there are none of AWS's own"),
    Operation("ListRolePolicies", "sigv4", roles.list_role_policies, of_role),
    Operation("ListRoles", "sigv4", roles.list_roles, everything("role")),
    Operation("ListRoleTags", "sigv4", roles.list_role_tags, of_role),
    Operation("ListSAMLProviders", "sigv4", providers.list_saml, everything("saml-provider")),
    Operation("PutRolePermissionsBoundary", "sigv4", roles.put_boundary, of_role),
    Operation("PutRolePolicy", "sigv4", roles.put_role_policy, of_role),
    Operation("RemoveClientIDFromOpenIDConnectProvider", "sigv4", providers.remove_client, OIDC),
    Operation("TagRole", "sigv4", roles.tag_role, of_role),
    Operation("UntagRole", "sigv4", roles.untag_role, of_role),
    Operation("UpdateAssumeRolePolicy", "sigv4", roles.update_trust, of_role),
    Operation("UpdateRole", "sigv4", roles.update_role, of_role),
    Operation("UpdateRoleDescription", "sigv4", roles.update_role_description, of_role),
    Operation("UpdateSAMLProvider", "sigv4", providers.update_saml, SAML, unlike="the document alone, no private keys"),
)

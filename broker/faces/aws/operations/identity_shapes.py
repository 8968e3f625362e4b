"""What the operations of identity pools have in common: ARNs to judge by, and records as the API shows them and takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.api_errors import InvalidParameter
from broker.faces.aws.operations.row import Call
from broker.model.identity import IdentityPool, PoolClient, PoolIdentity, RoleMapping, RoleRule


def of_pool(call: Call) -> str:
    """The identity pool's ARN (spec 0)."""
    pool_id = str(call.values["IdentityPoolId"])
    account = call.kit.account
    return f"arn:{account.partition}:cognito-identity:{account.region}:{account.id}:identitypool/{pool_id}"


def of_resource(call: Call) -> str:
    """The ARN that a call is about."""
    return str(call.values["ResourceArn"])


def shown_pool(pool: IdentityPool) -> dict[str, Any]:
    """A pool (API `IdentityPool`). Secrets of its providers stay here."""
    return {
        "IdentityPoolId": pool.id,
        "IdentityPoolName": pool.name,
        "AllowUnauthenticatedIdentities": pool.allow_guests,
        "AllowClassicFlow": pool.allow_classic,
        "SupportedLoginProviders": pool.social or None,
        "DeveloperProviderName": pool.developer_provider,
        "OpenIdConnectProviderARNs": pool.oidc_providers or None,
        "CognitoIdentityProviders": [_shown_client(client) for client in pool.user_pools] or None,
        "SamlProviderARNs": pool.saml_providers or None,
        "IdentityPoolTags": pool.tags or None,
    }


def _shown_client(client: PoolClient) -> dict[str, Any]:
    return {"ProviderName": client.provider, "ClientId": client.client_id, "ServerSideTokenCheck": client.server_side_check}


def pool_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a pool by their names in the model. Everything left out is reset, but for the tags, as the API has it."""
    return {
        "name": values["IdentityPoolName"],
        "allow_guests": values["AllowUnauthenticatedIdentities"],
        "allow_classic": values.get("AllowClassicFlow", False),
        "social": values.get("SupportedLoginProviders", {}),
        "developer_provider": values.get("DeveloperProviderName"),
        "oidc_providers": tuple(values.get("OpenIdConnectProviderARNs", ())),
        "user_pools": tuple(_client(client) for client in values.get("CognitoIdentityProviders", ())),
        "saml_providers": tuple(values.get("SamlProviderARNs", ())),
        "tags": values.get("IdentityPoolTags"),
    }


def _client(given: Mapping[str, Any]) -> PoolClient:
    return PoolClient(given.get("ProviderName", ""), given.get("ClientId", ""), given.get("ServerSideTokenCheck", False))


def shown_identity(identity: PoolIdentity) -> dict[str, Any]:
    """An identity (API `IdentityDescription`): the providers of its logins, never who it is there (spec D.2)."""
    return {
        "IdentityId": identity.id,
        "Logins": list(dict.fromkeys(login.provider for login in identity.logins)) or None,
        "CreationDate": identity.created_at,
        "LastModifiedDate": identity.modified_at,
    }


def shown_mapping(mapping: RoleMapping) -> dict[str, Any]:
    """A role mapping (API `RoleMapping`)."""
    # The API has no word for a rule that is an expression.
    rules = [
        {"Claim": rule.claim, "MatchType": rule.match, "Value": rule.value, "RoleARN": rule.role_arn}
        for rule in mapping.rules
        if not rule.expression
    ]
    return {
        "Type": mapping.type,
        "AmbiguousRoleResolution": mapping.ambiguous,
        "RulesConfiguration": {"Rules": rules} if mapping.type == "Rules" else None,
    }


def mappings(given: Mapping[str, Mapping[str, Any]]) -> dict[str, RoleMapping]:
    """Role mappings as the model has them. Raises InvalidParameter where nothing says what to do about an ambiguous role (spec D.1)."""
    return {key: _mapping(key, each) for key, each in given.items()}


def _mapping(key: str, given: Mapping[str, Any]) -> RoleMapping:
    if "AmbiguousRoleResolution" not in given:
        words = f"AmbiguousRoleResolution is required in the role mapping for {key}."
        raise InvalidParameter(words, public=words)
    rules = given.get("RulesConfiguration", {}).get("Rules", ())
    return RoleMapping(given["Type"], given["AmbiguousRoleResolution"], tuple(_rule(rule) for rule in rules))


def _rule(given: Mapping[str, str]) -> RoleRule:
    return RoleRule(given["RoleARN"], given["Claim"], given["MatchType"], given["Value"])  # type: ignore[arg-type]

"""Identities and their credentials, from wire to flows and back (API `cognito-identity`, spec D.2 to D.7)."""

from __future__ import annotations

from typing import Any

from broker.faces.aws.operations.identity_shapes import shown_identity
from broker.faces.aws.operations.row import Call
from broker.flows.identity import developer, identities
from broker.flows.identity.get_credentials import get_credentials as credentials
from broker.flows.identity.get_id import get_id as find
from broker.flows.identity.get_open_id_token import get_open_id_token as token
from broker.flows.identity.unlink import unlink


def get_id(call: Call) -> dict[str, Any]:
    """GetId."""
    return {"IdentityId": call.run(find, call.values["IdentityPoolId"], call.get("Logins", {}))}


def get_open_id_token(call: Call) -> dict[str, Any]:
    """GetOpenIdToken."""
    identity_id, made = call.run(token, call.values["IdentityId"], call.get("Logins", {}))
    return {"IdentityId": identity_id, "Token": made}


def get_credentials(call: Call) -> dict[str, Any]:
    """GetCredentialsForIdentity. The secret's name here is `SecretKey`, unlike in STS."""
    identity_id, made = call.run(credentials, call.values["IdentityId"], call.get("Logins", {}), call.get("CustomRoleArn"))
    shown = {
        "AccessKeyId": made.access_key_id,
        "SecretKey": made.secret_access_key,
        "SessionToken": made.session_token,
        "Expiration": made.expires_at,
    }
    return {"IdentityId": identity_id, "Credentials": shown}


def unlink_identity(call: Call) -> None:
    """UnlinkIdentity."""
    call.run(unlink, call.values["IdentityId"], call.values["Logins"], call.values["LoginsToRemove"])


# --- developers' users ---------------------------------------------------------------------------------------------------------------


def developer_token(call: Call) -> dict[str, Any]:
    """GetOpenIdTokenForDeveloperIdentity."""
    ask = developer.DeveloperAsk(
        call.values["IdentityPoolId"],
        call.values["Logins"],
        identity_id=call.get("IdentityId"),
        principal_tags=call.get("PrincipalTags", {}),
        duration=call.get("TokenDuration"),
    )
    identity_id, made = call.change(developer.open_id_token, ask)
    return {"IdentityId": identity_id, "Token": made}


def lookup_developer(call: Call) -> dict[str, Any]:
    """LookupDeveloperIdentity."""
    ask = developer.LookupAsk(
        call.values["IdentityPoolId"],
        call.get("IdentityId"),
        call.get("DeveloperUserIdentifier"),
        call.get("MaxResults"),
        call.get("NextToken"),
    )
    found = call.run(developer.lookup, ask)
    return {
        "IdentityId": found.identity_id,
        "DeveloperUserIdentifierList": found.user_identifiers or None,
        "NextToken": found.next_token,
    }


def merge_developers(call: Call) -> dict[str, Any]:
    """MergeDeveloperIdentities."""
    ask = developer.MergeAsk(
        call.values["IdentityPoolId"],
        call.values["DeveloperProviderName"],
        call.values["SourceUserIdentifier"],
        call.values["DestinationUserIdentifier"],
    )
    return {"IdentityId": call.change(developer.merge, ask)}


def unlink_developer(call: Call) -> None:
    """UnlinkDeveloperIdentity."""
    user = (call.values["DeveloperProviderName"], call.values["DeveloperUserIdentifier"])
    call.change(developer.unlink, call.values["IdentityPoolId"], call.values["IdentityId"], user)


# --- identities ----------------------------------------------------------------------------------------------------------------------


def describe_identity(call: Call) -> dict[str, Any]:
    """DescribeIdentity."""
    return shown_identity(call.run(identities.describe, call.values["IdentityId"]))


def list_identities(call: Call) -> dict[str, Any]:
    """ListIdentities."""
    pool_id = call.values["IdentityPoolId"]
    page = call.run(identities.list_page, pool_id, call.values["MaxResults"], call.get("NextToken"), call.get("HideDisabled", False))
    return {"IdentityPoolId": pool_id, "Identities": [shown_identity(each) for each in page.items], "NextToken": page.next_token}


def delete_identities(call: Call) -> dict[str, Any]:
    """DeleteIdentities."""
    left = call.change(identities.delete, call.values["IdentityIdsToDelete"])
    return {"UnprocessedIdentityIds": [{"IdentityId": identity_id, "ErrorCode": code} for identity_id, code in left]}

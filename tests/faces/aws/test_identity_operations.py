"""Every operation of identity pools, called by boto3: botocore writes the call and reads the answer by its own model."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import botocore.session

from tests.faces.aws.stage import DEVELOPER, FILED, Stage, arn, pool_arn
from tests.fakes.aws import ACCOUNT, AwsHouse
from tests.fakes.broker import claims_of

MODEL = botocore.session.Session().get_service_model("cognito-identity")


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    """Without what every answer has; every member is one that botocore knows."""
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_every_operation_of_the_model_is_called_here() -> None:
    import re
    from pathlib import Path

    from botocore import xform_name

    text = Path(__file__).read_text(encoding="utf-8") + Path(__file__).with_name("stage.py").read_text(encoding="utf-8")
    assert len(MODEL.operation_names) == 23
    assert not [name for name in MODEL.operation_names if not re.search(rf"\.{xform_name(name)}\(", text)]


def test_a_pool_is_made_shown_changed_listed_and_deleted(stage: Stage) -> None:
    client = stage.client
    asked = {
        "IdentityPoolName": "A pool, of all settings",
        "AllowUnauthenticatedIdentities": False,
        "AllowClassicFlow": True,
        "SupportedLoginProviders": {"accounts.google.com": "google-app", "api.twitter.com": "x-key;x-hush"},
        "DeveloperProviderName": DEVELOPER,
        "OpenIdConnectProviderARNs": [stage.key_of_mapping],
        "IdentityPoolTags": {"team": "Ünïcode"},
    }
    made = plain(client.create_identity_pool(**asked))
    shown = {**asked, "SupportedLoginProviders": {"accounts.google.com": "google-app", "api.twitter.com": "x-key"}}
    pool_id = made.pop("IdentityPoolId")
    assert made == shown, "the secret of a provider is never shown"
    assert plain(client.describe_identity_pool(IdentityPoolId=pool_id)) == {**shown, "IdentityPoolId": pool_id}
    changed = plain(
        client.update_identity_pool(
            IdentityPoolId=pool_id, IdentityPoolName="Other", AllowUnauthenticatedIdentities=True, DeveloperProviderName=DEVELOPER
        )
    )
    assert changed == {
        "IdentityPoolId": pool_id,
        "IdentityPoolName": "Other",
        "AllowUnauthenticatedIdentities": True,
        "AllowClassicFlow": False,
        "DeveloperProviderName": DEVELOPER,
        "IdentityPoolTags": {"team": "Ünïcode"},
    }, "what is left out is reset"
    listed: list[dict[str, str]] = []
    for page in client.get_paginator("list_identity_pools").paginate(PaginationConfig={"PageSize": 1}):
        assert len(page["IdentityPools"]) <= 1
        listed += page["IdentityPools"]
    assert {"IdentityPoolId": pool_id, "IdentityPoolName": "Other"} in listed
    assert {pool["IdentityPoolId"] for pool in listed} >= {pool_id, stage.pool, FILED}
    assert plain(client.delete_identity_pool(IdentityPoolId=pool_id)) == {}
    assert stage.refusal("describe_identity_pool", IdentityPoolId=pool_id)[0] == "ResourceNotFoundException"
    assert all(pool["IdentityPoolId"] != pool_id for pool in client.list_identity_pools(MaxResults=60)["IdentityPools"])


def test_roles_and_rules(stage: Stage) -> None:
    client = stage.client
    rule = {"Claim": "department", "MatchType": "Equals", "Value": "sales", "RoleARN": arn("Sales")}
    mappings = {
        stage.key_of_mapping: {
            "Type": "Rules",
            "AmbiguousRoleResolution": "Deny",
            "RulesConfiguration": {"Rules": [rule, {**rule, "MatchType": "NotEqual"}]},
        },
    }
    roles = {"authenticated": arn("A"), "unauthenticated": arn("U")}
    assert plain(client.set_identity_pool_roles(IdentityPoolId=stage.pool, Roles=roles, RoleMappings=mappings)) == {}
    found = plain(client.get_identity_pool_roles(IdentityPoolId=stage.pool))
    assert found == {"IdentityPoolId": stage.pool, "Roles": roles, "RoleMappings": mappings}
    client.set_identity_pool_roles(IdentityPoolId=stage.pool, Roles={})
    assert plain(client.get_identity_pool_roles(IdentityPoolId=stage.pool)) == {"IdentityPoolId": stage.pool, "Roles": {}}


def test_principal_tags(stage: Stage) -> None:
    of = {"IdentityPoolId": stage.pool, "IdentityProviderName": stage.key_of_mapping}
    wanted = {**of, "UseDefaults": False, "PrincipalTags": {"team": "department"}}
    assert plain(stage.client.set_principal_tag_attribute_map(**wanted)) == wanted
    assert plain(stage.client.get_principal_tag_attribute_map(**of)) == wanted


def test_tags_of_a_pool(stage: Stage) -> None:
    resource = {"ResourceArn": pool_arn(stage.pool)}
    assert plain(stage.client.tag_resource(**resource, Tags={"a": "1", "b": ""})) == {}
    assert plain(stage.client.untag_resource(**resource, TagKeys=["a", "c"])) == {}
    assert plain(stage.client.list_tags_for_resource(**resource)) == {"Tags": {"b": ""}}


def test_identities(stage: Stage) -> None:
    client, login = stage.client, stage.login("ada")
    guest, other, ada = stage.identity(), stage.identity(), stage.identity(login)
    assert ada == stage.identity(stage.login("ada"))
    assert len({guest, other, ada}) == 3
    shown = plain(client.describe_identity(IdentityId=ada))
    assert shown["IdentityId"] == ada
    assert shown["Logins"] == [stage.key]
    assert isinstance(shown["CreationDate"], datetime)
    assert shown["LastModifiedDate"] >= shown["CreationDate"]
    assert "Logins" not in plain(client.describe_identity(IdentityId=guest))
    first = plain(client.list_identities(IdentityPoolId=stage.pool, MaxResults=2))
    rest = plain(client.list_identities(IdentityPoolId=stage.pool, MaxResults=2, NextToken=first["NextToken"], HideDisabled=False))
    assert "NextToken" not in rest
    assert {each["IdentityId"] for each in first["Identities"] + rest["Identities"]} == {guest, other, ada}
    gone = plain(client.delete_identities(IdentityIdsToDelete=[guest, "eu-west-1:0"]))
    assert gone == {"UnprocessedIdentityIds": [{"IdentityId": "eu-west-1:0", "ErrorCode": "AccessDenied"}]}
    assert stage.refusal("describe_identity", IdentityId=guest)[0] == "ResourceNotFoundException"


def test_credentials_of_a_user_and_of_a_guest_are_good_at_our_sts(stage: Stage, house: AwsHouse) -> None:
    roles = stage.roles()
    for logins, kind in (({}, "unauthenticated"), (stage.login(), "authenticated")):
        identity = stage.identity(logins)
        found = plain(stage.client.get_credentials_for_identity(IdentityId=identity, Logins=logins))
        assert found["IdentityId"] == identity
        given = found["Credentials"]
        assert set(given) == {"AccessKeyId", "SecretKey", "SessionToken", "Expiration"}
        left = given["Expiration"] - house.broker.clock.now()
        assert timedelta(minutes=59) < left <= timedelta(hours=1)
        keys = (given["AccessKeyId"], given["SecretKey"], given["SessionToken"])
        role = roles[kind].rpartition("/")[2]
        who = house.client("sts", keys).get_caller_identity()["Arn"]
        assert who == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/CognitoIdentityCredentials"


def test_the_classic_flow(stage: Stage, house: AwsHouse) -> None:
    roles, login = stage.roles(), stage.login()
    identity = stage.identity(login)
    found = plain(stage.client.get_open_id_token(IdentityId=identity, Logins=login))
    assert found["IdentityId"] == identity
    claims = claims_of(found["Token"])
    assert (claims["sub"], claims["aud"], claims["amr"][0]) == (identity, stage.pool, "authenticated")
    ask = {"RoleArn": roles["authenticated"], "RoleSessionName": "classic", "WebIdentityToken": found["Token"]}
    assumed = house.client("sts").assume_role_with_web_identity(**ask)
    assert assumed["SubjectFromWebIdentityToken"] == identity
    assert assumed["Audience"] == stage.pool
    assert assumed["AssumedRoleUser"]["Arn"].endswith("/classic")
    given = assumed["Credentials"]
    keys = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    assert house.client("sts", keys).get_caller_identity()["Arn"] == assumed["AssumedRoleUser"]["Arn"]


def test_a_login_is_linked_and_taken_off(stage: Stage) -> None:
    login = stage.login()
    guest = stage.identity()
    linked = stage.client.get_open_id_token(IdentityId=guest, Logins=login)["IdentityId"]
    assert linked == guest
    assert plain(stage.client.unlink_identity(IdentityId=guest, Logins=login, LoginsToRemove=[stage.key])) == {}
    assert stage.identity(login) != guest


def test_the_developers_users(stage: Stage) -> None:
    client, pool = stage.client, {"IdentityPoolId": stage.pool}
    ann, bob = uuid.uuid4().hex, uuid.uuid4().hex
    found = plain(
        client.get_open_id_token_for_developer_identity(**pool, Logins={DEVELOPER: ann}, PrincipalTags={"team": "a"}, TokenDuration=60)
    )
    claims = claims_of(found["Token"])
    assert claims["exp"] - claims["iat"] == 60
    assert claims["https://aws.amazon.com/tags"] == {"principal_tags": {"team": ["a"]}}
    of_ann, of_bob = found["IdentityId"], stage.developer(bob)[0]
    assert plain(client.lookup_developer_identity(**pool, DeveloperUserIdentifier=ann))["IdentityId"] == of_ann
    by_id = plain(client.lookup_developer_identity(**pool, IdentityId=of_ann, MaxResults=10))
    assert by_id == {"IdentityId": of_ann, "DeveloperUserIdentifierList": [ann]}
    users = {"SourceUserIdentifier": ann, "DestinationUserIdentifier": bob, "DeveloperProviderName": DEVELOPER}
    assert plain(client.merge_developer_identities(**pool, **users)) == {"IdentityId": of_bob}
    page = plain(client.lookup_developer_identity(**pool, IdentityId=of_bob, MaxResults=1))
    rest = plain(client.lookup_developer_identity(**pool, IdentityId=of_bob, MaxResults=1, NextToken=page["NextToken"]))
    assert {*page["DeveloperUserIdentifierList"], *rest["DeveloperUserIdentifierList"]} == {ann, bob}
    unlink = {"IdentityId": of_bob, "DeveloperProviderName": DEVELOPER, "DeveloperUserIdentifier": ann}
    assert plain(client.unlink_developer_identity(**pool, **unlink)) == {}
    assert plain(client.lookup_developer_identity(**pool, IdentityId=of_bob)) == {
        "IdentityId": of_bob,
        "DeveloperUserIdentifierList": [bob],
    }

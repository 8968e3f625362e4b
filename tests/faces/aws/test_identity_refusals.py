"""Every exception that the model documents for an operation of identity pools, provoked at the wire (spec D.9)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from tests.faces.aws.stage import DEAD, DEVELOPER, FILED, NOBODY, Stage, arn, pool_arn
from tests.fakes.aws import REGION, TRUST_ACCOUNT, AwsHouse, policy

MODEL = botocore.session.Session().get_service_model("cognito-identity")
OPERATIONS = sorted(MODEL.operation_names)
UNSIGNED = {"GetCredentialsForIdentity", "GetId", "GetOpenIdToken", "UnlinkIdentity"}

GUESTS_OFF = "Unauthenticated access is not supported for this identity pool."
NOT_OURS = "Token is not from a supported provider of this identity pool."
DIFFER = "Logins don't match. Please include at least one valid login for this identity or identity pool."

Provoke = Callable[[Stage], tuple[str, str]]
"""Makes a call that is refused; gives the exception and its words."""


def tag_map(stage: Stage, operation: str, **values: Any) -> tuple[str, str]:
    return stage.refusal(operation, **{"IdentityPoolId": stage.pool, "IdentityProviderName": stage.key_of_mapping, **values})


def no_pool(operation: str, **values: Any) -> Provoke:
    return lambda stage: stage.refusal(operation, IdentityPoolId=NOBODY, **values)


def no_identity(operation: str, **values: Any) -> Provoke:
    return lambda stage: stage.refusal(operation, IdentityId=NOBODY, **values)


def filed(operation: str, **values: Any) -> Provoke:
    return lambda stage: stage.refusal(operation, IdentityPoolId=FILED, **values)


def without_guests(stage: Stage) -> Stage:
    return stage.another(AllowUnauthenticatedIdentities=False)


def two_identities(stage: Stage) -> tuple[str, dict[str, str]]:
    """The identity of an OpenID user, and logins that are of another one too."""
    ours, theirs = stage.login(), uuid.uuid4().hex
    mine = stage.identity(ours)
    stage.developer(theirs)
    return mine, {**ours, DEVELOPER: theirs}


def guest_of_elsewhere(stage: Stage) -> str:
    return stage.another().identity()


def developer_conflict(stage: Stage) -> tuple[str, str]:
    _mine, both = two_identities(stage)
    return stage.refusal("get_open_id_token_for_developer_identity", IdentityPoolId=stage.pool, Logins=both)


def bound_to_another(stage: Stage) -> tuple[str, str]:
    ann, bob = uuid.uuid4().hex, uuid.uuid4().hex
    stage.developer(ann)
    of_bob = stage.developer(bob)[0]
    values = {"IdentityPoolId": stage.pool, "IdentityId": of_bob, "Logins": {DEVELOPER: ann}}
    return stage.refusal("get_open_id_token_for_developer_identity", **values)


def merge_conflict(stage: Stage) -> tuple[str, str]:
    ann, bob = uuid.uuid4().hex, uuid.uuid4().hex
    for user in (ann, bob):
        stage.client.get_open_id_token_for_developer_identity(IdentityPoolId=stage.pool, Logins={DEVELOPER: user, **stage.login()})
    users = {"SourceUserIdentifier": ann, "DestinationUserIdentifier": bob, "DeveloperProviderName": DEVELOPER}
    return stage.refusal("merge_developer_identities", IdentityPoolId=stage.pool, **users)


def of_two_people(operation: str, name: str = "IdentityId") -> Provoke:
    """Logins of two providers, whose users have an identity each (attack IP-S1.14)."""

    def provoke(stage: Stage) -> tuple[str, str]:
        ours, theirs = stage.login(), stage.login(op=stage.second)
        mine, other = stage.identity(ours), stage.identity(theirs)
        assert mine != other
        whose = {"IdentityPoolId": stage.pool} if name == "IdentityPoolId" else {"IdentityId": mine}
        return stage.refusal(operation, **whose, Logins={**ours, **theirs})

    return provoke


def pass_role(stage: Stage) -> tuple[str, str]:
    name = f"Setter-{stage.pool[-12:]}"
    iam = stage.house.client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST_ACCOUNT)
    allow = {"Effect": "Allow", "Action": "cognito-identity:*", "Resource": pool_arn(stage.pool)}
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(allow))
    stage.settle()
    keys = stage.house.session(name)
    stage.house.client("cognito-identity", keys).set_identity_pool_roles(IdentityPoolId=stage.pool, Roles={})
    return stage.refusal("set_identity_pool_roles", keys, IdentityPoolId=stage.pool, Roles={"authenticated": arn("Mighty")})


def unlink_not_of(stage: Stage) -> tuple[str, str]:
    ann, bob = uuid.uuid4().hex, uuid.uuid4().hex
    stage.developer(bob)
    user = {"DeveloperProviderName": DEVELOPER, "DeveloperUserIdentifier": bob}
    return stage.refusal("unlink_developer_identity", IdentityPoolId=stage.pool, IdentityId=stage.developer(ann)[0], **user)


USERS = {"SourceUserIdentifier": "a", "DestinationUserIdentifier": "b", "DeveloperProviderName": DEVELOPER}
USER = {"DeveloperProviderName": DEVELOPER, "DeveloperUserIdentifier": "a"}
FULL = {"IdentityPoolName": "x", "AllowUnauthenticatedIdentities": False}
NO_POOL = f"IdentityPool '{NOBODY}' not found."
DECLARED = f"IdentityPool '{FILED}' is declared"
NO_IDENTITY = f"Identity '{NOBODY}' not found."

# (operation, exception, what makes it, its words or the beginning of them)
ROWS: tuple[tuple[str, str, Provoke, str], ...] = (
    ("DeleteIdentityPool", "ResourceNotFoundException", no_pool("delete_identity_pool"), NO_POOL),
    ("DescribeIdentity", "ResourceNotFoundException", no_identity("describe_identity"), NO_IDENTITY),
    ("DescribeIdentityPool", "ResourceNotFoundException", no_pool("describe_identity_pool"), NO_POOL),
    ("GetCredentialsForIdentity", "ResourceNotFoundException", no_identity("get_credentials_for_identity"), NO_IDENTITY),
    ("GetId", "ResourceNotFoundException", no_pool("get_id"), NO_POOL),
    ("GetIdentityPoolRoles", "ResourceNotFoundException", no_pool("get_identity_pool_roles"), NO_POOL),
    ("GetOpenIdToken", "ResourceNotFoundException", no_identity("get_open_id_token"), NO_IDENTITY),
    (
        "GetOpenIdTokenForDeveloperIdentity",
        "ResourceNotFoundException",
        no_pool("get_open_id_token_for_developer_identity", Logins={DEVELOPER: "a"}),
        NO_POOL,
    ),
    (
        "GetPrincipalTagAttributeMap",
        "ResourceNotFoundException",
        lambda stage: tag_map(stage, "get_principal_tag_attribute_map", IdentityPoolId=NOBODY),
        NO_POOL,
    ),
    ("ListIdentities", "ResourceNotFoundException", no_pool("list_identities", MaxResults=1), NO_POOL),
    (
        "ListTagsForResource",
        "ResourceNotFoundException",
        lambda stage: stage.refusal("list_tags_for_resource", ResourceArn=pool_arn(NOBODY)),
        NO_POOL,
    ),
    ("LookupDeveloperIdentity", "ResourceNotFoundException", no_pool("lookup_developer_identity", DeveloperUserIdentifier="a"), NO_POOL),
    ("MergeDeveloperIdentities", "ResourceNotFoundException", no_pool("merge_developer_identities", **USERS), NO_POOL),
    ("SetIdentityPoolRoles", "ResourceNotFoundException", no_pool("set_identity_pool_roles", Roles={}), NO_POOL),
    (
        "SetPrincipalTagAttributeMap",
        "ResourceNotFoundException",
        lambda stage: tag_map(stage, "set_principal_tag_attribute_map", IdentityPoolId=NOBODY),
        NO_POOL,
    ),
    (
        "TagResource",
        "ResourceNotFoundException",
        lambda stage: stage.refusal("tag_resource", ResourceArn=pool_arn(NOBODY), Tags={}),
        NO_POOL,
    ),
    (
        "UnlinkDeveloperIdentity",
        "ResourceNotFoundException",
        lambda stage: stage.refusal("unlink_developer_identity", IdentityPoolId=stage.pool, IdentityId=NOBODY, **USER),
        NO_IDENTITY,
    ),
    (
        "UnlinkIdentity",
        "ResourceNotFoundException",
        no_identity("unlink_identity", Logins={"a.example": "t"}, LoginsToRemove=["a.example"]),
        NO_IDENTITY,
    ),
    (
        "UntagResource",
        "ResourceNotFoundException",
        lambda stage: stage.refusal("untag_resource", ResourceArn=pool_arn(NOBODY), TagKeys=["a"]),
        NO_POOL,
    ),
    ("UpdateIdentityPool", "ResourceNotFoundException", no_pool("update_identity_pool", **FULL), NO_POOL),
    # Who somebody is was not proved, or not for this.
    (
        "GetId",
        "NotAuthorizedException",
        lambda stage: stage.refusal("get_id", IdentityPoolId=without_guests(stage).pool),
        GUESTS_OFF,
    ),
    (
        "GetCredentialsForIdentity",
        "NotAuthorizedException",
        lambda stage: stage.refusal("get_credentials_for_identity", IdentityId=stage.identity(stage.login())),
        DIFFER,
    ),
    (
        "GetOpenIdToken",
        "NotAuthorizedException",
        lambda stage: stage.refusal("get_open_id_token", IdentityId=stage.identity(), Logins={"other.example": "token"}),
        NOT_OURS,
    ),
    (
        "UnlinkIdentity",
        "NotAuthorizedException",
        lambda stage: stage.refusal(
            "unlink_identity", IdentityId=stage.identity(stage.login()), Logins=stage.login(), LoginsToRemove=[stage.key]
        ),
        DIFFER,
    ),
    (
        "GetOpenIdTokenForDeveloperIdentity",
        "NotAuthorizedException",
        lambda stage: stage.refusal("get_open_id_token_for_developer_identity", IdentityPoolId=stage.pool, Logins=stage.login()),
        NOT_OURS,
    ),
    (
        "LookupDeveloperIdentity",
        "NotAuthorizedException",
        lambda stage: stage.refusal("lookup_developer_identity", IdentityPoolId=stage.pool, IdentityId=guest_of_elsewhere(stage)),
        "Access to Identity '",
    ),
    (
        "UnlinkDeveloperIdentity",
        "NotAuthorizedException",
        lambda stage: stage.refusal("unlink_developer_identity", IdentityPoolId=stage.pool, IdentityId=guest_of_elsewhere(stage), **USER),
        "Access to Identity '",
    ),
    ("SetIdentityPoolRoles", "NotAuthorizedException", pass_role, f"Access to Role '{arn('Mighty')}' is forbidden."),
    # Two things that exclude one another.
    ("GetId", "ResourceConflictException", of_two_people("get_id", "IdentityPoolId"), ""),
    ("GetOpenIdToken", "ResourceConflictException", of_two_people("get_open_id_token"), ""),
    ("GetCredentialsForIdentity", "ResourceConflictException", of_two_people("get_credentials_for_identity"), ""),
    ("GetOpenIdTokenForDeveloperIdentity", "ResourceConflictException", developer_conflict, ""),
    ("MergeDeveloperIdentities", "ResourceConflictException", merge_conflict, "Both users are linked to the same public provider."),
    ("UnlinkDeveloperIdentity", "ResourceConflictException", unlink_not_of, ""),
    (
        "LookupDeveloperIdentity",
        "ResourceConflictException",
        lambda stage: stage.refusal(
            "lookup_developer_identity",
            IdentityPoolId=stage.pool,
            IdentityId=stage.identity(),
            DeveloperUserIdentifier=[stage.developer("dee"), "dee"][1],
        ),
        "",
    ),
    (
        "SetIdentityPoolRoles",
        "ResourceConflictException",
        filed("set_identity_pool_roles", Roles={}),
        f"IdentityPool '{FILED}' is declared",
    ),
    ("UpdateIdentityPool", "ResourceConflictException", filed("update_identity_pool", **FULL), f"IdentityPool '{FILED}' is declared"),
    # Settings that do not go.
    (
        "GetCredentialsForIdentity",
        "InvalidIdentityPoolConfigurationException",
        lambda stage: stage.refusal("get_credentials_for_identity", IdentityId=stage.identity()),
        "Invalid identity pool configuration. Check assigned IAM roles for this pool.",
    ),
    ("GetOpenIdTokenForDeveloperIdentity", "DeveloperUserAlreadyRegisteredException", bound_to_another, ""),
    # Somebody else is away.
    (
        "GetId",
        "ExternalServiceException",
        lambda stage: stage.refusal("get_id", IdentityPoolId=stage.pool, Logins=away(stage)),
        "",
    ),
    (
        "GetOpenIdToken",
        "ExternalServiceException",
        lambda stage: stage.refusal("get_open_id_token", IdentityId=stage.identity(), Logins=away(stage)),
        "",
    ),
    (
        "GetCredentialsForIdentity",
        "ExternalServiceException",
        lambda stage: stage.refusal("get_credentials_for_identity", IdentityId=stage.identity(), Logins=away(stage)),
        "",
    ),
    (
        "UnlinkIdentity",
        "ExternalServiceException",
        lambda stage: stage.refusal("unlink_identity", IdentityId=stage.identity(), Logins=away(stage), LoginsToRemove=[DEAD]),
        "",
    ),
)


def away(stage: Stage) -> dict[str, str]:
    """Logins of a provider that does not answer."""
    return {DEAD: next(iter(stage.login(iss=f"http://{DEAD}").values()))}


# Documented for an operation that cannot come to it here, and why.
NEVER = {
    "InternalErrorException": "a fault of ours has a test of its own",
    "TooManyRequestsException": "a flood has a test of its own",
    "InvalidParameterException": "each operation's input has a test of its own",
    ("ListIdentityPools", "ResourceNotFoundException"): "it names nothing that could be missing",
    ("CreateIdentityPool", "ResourceConflictException"): "names need not differ",
    ("CreateIdentityPool", "LimitExceededException"): "there is no quota",
    ("UpdateIdentityPool", "LimitExceededException"): "there is no quota",
    ("GetId", "LimitExceededException"): "a call holds ten logins, an identity twenty",
    ("UnlinkIdentity", "ResourceConflictException"): "nothing is linked",
    ("GetIdentityPoolRoles", "ResourceConflictException"): "nothing is changed",
    ("SetIdentityPoolRoles", "ConcurrentModificationException"): "a change is one transaction",
    ("UpdateIdentityPool", "ConcurrentModificationException"): "a change is one transaction",
}
# A caller whom no policy allows hears AccessDeniedException, as of every service; these have no other way to be unauthorized.
BY_POLICY_ALONE = {
    *("CreateIdentityPool", "DeleteIdentityPool", "DescribeIdentity", "DescribeIdentityPool", "GetIdentityPoolRoles"),
    *("GetPrincipalTagAttributeMap", "ListIdentities", "ListIdentityPools", "ListTagsForResource", "MergeDeveloperIdentities"),
    *("SetPrincipalTagAttributeMap", "TagResource", "UntagResource", "UpdateIdentityPool"),
}


def test_every_documented_exception_is_provoked_or_said_never_to_come() -> None:
    provoked = {(operation, exception) for operation, exception, *_ in ROWS}
    documented = {(name, shape.name) for name in OPERATIONS for shape in MODEL.operation_model(name).error_shapes}
    never = {pair for pair in documented if pair in NEVER or pair[1] in NEVER}
    never |= {(name, "NotAuthorizedException") for name in BY_POLICY_ALONE}
    assert provoked <= documented
    assert documented - provoked == never


@pytest.mark.parametrize(("operation", "exception", "provoke", "words"), ROWS, ids=[f"{row[0]}-{row[1]}" for row in ROWS])
def test_a_documented_exception(stage: Stage, operation: str, exception: str, provoke: Provoke, words: str) -> None:
    name, message = provoke(stage)
    assert name == exception, message
    assert message.startswith(words)
    assert message


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_input_without_its_members(house: AwsHouse, stage: Stage, operation: str) -> None:
    required = MODEL.operation_model(operation).input_shape.required_members
    told = stage.told(operation, {})
    assert told["__type"] == "InvalidParameterException"
    for name in required:
        shown = name[:1].lower() + name[1:]
        assert f"Value null at '{shown}' failed to satisfy constraint: Member must not be null" in told["message"]
    assert told["message"].startswith(f"{len(required)} validation error{'s' if len(required) > 1 else ''} detected: ")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_who_may_call_it(house: AwsHouse, operation: str) -> None:
    """Nobody needs keys for the four; for the others even the input is not looked at without them."""
    told = json.loads(house.json(operation, {}).data)["__type"]
    assert told == ("InvalidParameterException" if operation in UNSIGNED else "MissingAuthenticationTokenException")


@pytest.mark.parametrize("operation", sorted(BY_POLICY_ALONE))
def test_a_caller_without_a_policy(stage: Stage, operation: str) -> None:
    keys = nobodys_keys(stage.house)
    shape = MODEL.operation_model(operation).input_shape
    samples = {
        "IdentityPoolId": stage.pool,
        "IdentityId": NOBODY,
        "IdentityIdsToDelete": [NOBODY],
        "ResourceArn": pool_arn(stage.pool),
        "MaxResults": 1,
        "Tags": {},
        "TagKeys": ["a"],
        "IdentityProviderName": stage.key_of_mapping,
        **FULL,
        **USERS,
    }
    values = {name: samples[name] for name in shape.required_members}
    name, words = stage.refusal(xform_name(operation), keys, **values)
    assert name == "AccessDeniedException"
    assert f"is not authorized to perform: cognito-identity:{operation} on resource: " in words
    assert words.endswith(f"because no identity-based policy allows the cognito-identity:{operation} action")


def nobodys_keys(house: AwsHouse) -> tuple[str, str, str | None]:
    iam = house.client("iam")
    if not any(role["RoleName"] == "Powerless" for role in iam.list_roles(MaxItems=1000)["Roles"]):
        iam.create_role(RoleName="Powerless", AssumeRolePolicyDocument=TRUST_ACCOUNT)
    return house.session("Powerless")


def test_a_session_that_may_is_let_in_to_its_pool_alone(stage: Stage) -> None:
    name = f"Reader-{stage.pool[-12:]}"
    iam = stage.house.client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST_ACCOUNT)
    allow = {"Effect": "Allow", "Action": "cognito-identity:Describe*", "Resource": pool_arn(stage.pool)}
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(allow))
    stage.settle()
    keys = stage.house.session(name)
    client = stage.house.client("cognito-identity", keys)
    assert client.describe_identity_pool(IdentityPoolId=stage.pool)["IdentityPoolId"] == stage.pool
    assert stage.refusal("describe_identity_pool", keys, IdentityPoolId=FILED)[0] == "AccessDeniedException"
    assert stage.refusal("delete_identity_pool", keys, IdentityPoolId=stage.pool)[0] == "AccessDeniedException"


def test_a_role_mapping_must_say_what_to_do_about_an_ambiguous_role(stage: Stage) -> None:
    body = {"IdentityPoolId": stage.pool, "Roles": {}, "RoleMappings": {stage.key_of_mapping: {"Type": "Token"}}}
    told = stage.told("SetIdentityPoolRoles", body)
    assert told["__type"] == "InvalidParameterException"
    assert "AmbiguousRoleResolution is required" in told["message"]
    body["RoleMappings"][stage.key_of_mapping]["AmbiguousRoleResolution"] = "Deny"  # type: ignore[index]
    assert stage.told("SetIdentityPoolRoles", body) == {}


def test_the_region_in_an_id_is_no_way_around(stage: Stage) -> None:
    elsewhere = stage.pool.replace(REGION, "us-east-1")
    assert stage.refusal("describe_identity_pool", IdentityPoolId=elsewhere)[0] == "ResourceNotFoundException"

"""The AWS CLI: identity pools, STS and IAM, with nothing changed but --endpoint-url."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.parties.kit.aws_cli import AwsCli
from tests.parties.kit.identity_pool import ACCOUNT, ADMIN_KEYS, CLIENT, LOGIN, REGION, IdentityPools, Keys, role_arn

pytestmark = pytest.mark.parties

COGNITO = "cognito-identity.amazonaws.com"
READ = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "reports:Read", "Resource": "*"}]})


def trust(pool: str, amr: str) -> str:
    condition = {"StringEquals": {f"{COGNITO}:aud": pool}, "ForAnyValue:StringLike": {f"{COGNITO}:amr": amr}}
    statement = {
        "Effect": "Allow", "Principal": {"Federated": COGNITO}, "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
        "Condition": condition,
    }  # fmt: skip
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def keys_of(given: dict[str, Any]) -> Keys:
    return given["AccessKeyId"], given.get("SecretKey") or given["SecretAccessKey"], given["SessionToken"]


@pytest.fixture(scope="module")
def admin(pools: IdentityPools) -> AwsCli:
    return AwsCli(pools.endpoint, ADMIN_KEYS)


@pytest.fixture(scope="module")
def anybody(pools: IdentityPools) -> AwsCli:
    return AwsCli(pools.endpoint)


@pytest.fixture(scope="module")
def made(admin: AwsCli) -> Iterator[str]:
    """A pool with two roles, all made, and in the end deleted, by the CLI."""
    provider = f"ProviderName={LOGIN},ClientId={CLIENT},ServerSideTokenCheck=false"
    created = admin(
        "cognito-identity", "create-identity-pool", "--identity-pool-name", "By the CLI", "--allow-unauthenticated-identities",
        "--allow-classic-flow", "--cognito-identity-providers", provider, "--identity-pool-tags", "team=blue",
    )  # fmt: skip
    pool = str(created["IdentityPoolId"])
    for role, amr in (("cli-users", "authenticated"), ("cli-guests", "unauthenticated")):
        role_made = admin("iam", "create-role", "--role-name", role, "--assume-role-policy-document", trust(pool, amr))["Role"]
        assert (role_made["Arn"], role_made["RoleName"]) == (role_arn(role), role)
    roles = f"authenticated={role_arn('cli-users')},unauthenticated={role_arn('cli-guests')}"
    admin("cognito-identity", "set-identity-pool-roles", "--identity-pool-id", pool, "--roles", roles)
    yield pool
    admin("cognito-identity", "delete-identity-pool", "--identity-pool-id", pool)
    refused = admin.refused("cognito-identity", "describe-identity-pool", "--identity-pool-id", pool)
    assert "(ResourceNotFoundException)" in refused
    for role in ("cli-users", "cli-guests"):
        admin("iam", "delete-role", "--role-name", role)


def test_the_operator_manages_pools(admin: AwsCli, anybody: AwsCli, made: str) -> None:
    """Described, changed, listed; and nobody does so without keys."""
    described = admin("cognito-identity", "describe-identity-pool", "--identity-pool-id", made)
    assert described["IdentityPoolName"] == "By the CLI"
    assert described["CognitoIdentityProviders"] == [{"ProviderName": LOGIN, "ClientId": CLIENT, "ServerSideTokenCheck": False}]
    assert described["IdentityPoolTags"] == {"team": "blue"}
    rules = {
        "Type": "Rules", "AmbiguousRoleResolution": "AuthenticatedRole",
        "RulesConfiguration": {"Rules": [{"Claim": "email", "MatchType": "Equals", "Value": "x@y", "RoleARN": role_arn("writer")}]},
    }  # fmt: skip
    roles = f"authenticated={role_arn('cli-users')},unauthenticated={role_arn('cli-guests')}"
    mapping = json.dumps({f"{LOGIN}:{CLIENT}": rules})
    admin("cognito-identity", "set-identity-pool-roles", "--identity-pool-id", made, "--roles", roles, "--role-mappings", mapping)
    read = admin("cognito-identity", "get-identity-pool-roles", "--identity-pool-id", made)
    assert read["RoleMappings"] == {f"{LOGIN}:{CLIENT}": rules}
    # Without mappings they are gone again: the classic flow knows none.
    admin("cognito-identity", "set-identity-pool-roles", "--identity-pool-id", made, "--roles", roles)
    assert "RoleMappings" not in admin("cognito-identity", "get-identity-pool-roles", "--identity-pool-id", made)
    names, page = set(), admin("cognito-identity", "list-identity-pools", "--max-results", "1")
    names.add(page["IdentityPools"][0]["IdentityPoolName"])
    page = admin("cognito-identity", "list-identity-pools", "--max-results", "1", "--next-token", page["NextToken"])
    names.add(page["IdentityPools"][0]["IdentityPoolName"])
    assert names == {"By the CLI", "Apps"}
    assert "(MissingAuthenticationTokenException)" in anybody.refused("cognito-identity", "list-identity-pools", "--max-results", "10")


def test_a_user_and_a_guest_get_credentials(pools: IdentityPools, admin: AwsCli, anybody: AwsCli, made: str) -> None:
    """get-id and get-credentials-for-identity unsigned, then `aws sts get-caller-identity` with what came."""
    login = f"{LOGIN}={pools.id_token('bob')}"
    for role, logins in (("cli-users", ["--logins", login]), ("cli-guests", [])):
        identity = anybody("cognito-identity", "get-id", "--identity-pool-id", made, *logins)["IdentityId"]
        given = anybody("cognito-identity", "get-credentials-for-identity", "--identity-id", identity, *logins)
        assert given["IdentityId"] == identity
        who = AwsCli(pools.endpoint, keys_of(given["Credentials"]))("sts", "get-caller-identity")
        assert who["Account"] == ACCOUNT
        assert who["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/CognitoIdentityCredentials"
        described = admin("cognito-identity", "describe-identity", "--identity-id", identity)
        assert described.get("Logins", []) == ([LOGIN] if logins else [])
    forged = anybody.refused("cognito-identity", "get-id", "--identity-pool-id", made, "--logins", login[:-8] + "AAAAAAAA")
    assert "(NotAuthorizedException)" in forged
    listed = admin("cognito-identity", "list-identities", "--identity-pool-id", made, "--max-results", "10")["Identities"]
    gone = admin("cognito-identity", "delete-identities", "--identity-ids-to-delete", *(each["IdentityId"] for each in listed))
    assert gone["UnprocessedIdentityIds"] == []


def test_the_classic_flow(pools: IdentityPools, anybody: AwsCli, made: str) -> None:
    """The pool's own token is shown to our STS; and that of a guest opens no user's role."""
    identity = anybody("cognito-identity", "get-id", "--identity-pool-id", made)["IdentityId"]
    token = anybody("cognito-identity", "get-open-id-token", "--identity-id", identity)["Token"]
    session = ("--role-session-name", "cli", "--web-identity-token", token)
    given = anybody("sts", "assume-role-with-web-identity", "--role-arn", role_arn("cli-guests"), *session)
    assert (given["Audience"], given["SubjectFromWebIdentityToken"]) == (made, identity)
    who = AwsCli(pools.endpoint, keys_of(given["Credentials"]))("sts", "get-caller-identity")
    assert who["Arn"].endswith(":assumed-role/cli-guests/cli")
    refused = anybody.refused("sts", "assume-role-with-web-identity", "--role-arn", role_arn("cli-users"), *session)
    assert "(AccessDenied)" in refused


def test_iam(pools: IdentityPools, admin: AwsCli, made: str) -> None:
    """A role's policies, read and written; a policy that is none is refused; and the file's roles are the file's."""
    del made
    admin("iam", "put-role-policy", "--role-name", "cli-users", "--policy-name", "read", "--policy-document", READ)
    assert admin("iam", "list-role-policies", "--role-name", "cli-users")["PolicyNames"] == ["read"]
    shown = admin("iam", "get-role-policy", "--role-name", "cli-users", "--policy-name", "read")
    assert shown["PolicyDocument"] == json.loads(READ)
    admin("iam", "delete-role-policy", "--role-name", "cli-users", "--policy-name", "read")
    names = {role["RoleName"] for role in admin("iam", "list-roles")["Roles"]}
    assert {"cli-users", "cli-guests", "writer", "reader", "guest"} <= names
    refused = admin.refused("iam", "put-role-policy", "--role-name", "cli-users", "--policy-name", "no", "--policy-document", "{}")
    assert "(MalformedPolicyDocument)" in refused
    assert "(NoSuchEntity)" in admin.refused("iam", "get-role", "--role-name", "nobody")
    wrong = AwsCli(pools.endpoint, (ADMIN_KEYS[0], "wrong", None)).refused("iam", "list-roles")
    assert "(SignatureDoesNotMatch)" in wrong


def test_an_operator_without_a_role_is_somebody(admin: AwsCli) -> None:
    """`get-caller-identity` with the operator's keys."""
    who = admin("sts", "get-caller-identity")
    assert (who["Account"], who["Arn"].split(":")[:3]) == (ACCOUNT, ["arn", "aws", "iam"])
    assert admin("sts", "get-session-token", "--duration-seconds", "900")["Credentials"]["SessionToken"]
    assert REGION in admin("cognito-identity", "list-identity-pools", "--max-results", "1")["IdentityPools"][0]["IdentityPoolId"]

"""What SetIdentityPoolRoles and SetPrincipalTagAttributeMap refuse, and what they warn of (attacks IP-S1.22, IP-S1.23, IP-S2.8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from broker.identitypool import mappings, openid
from broker.identitypool.writable import writable_claims
from broker.model.identity import IdentityPool, PoolClient, RoleMapping, RoleRule, TagMap
from broker.model.settings import AppClient, AttributeSchema, UserPool
from broker.model.sts import Proof

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
KEY = "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Pool"
OIDC = f"arn:aws:iam::{ACCOUNT}:oidc-provider/op.example"
SAML = f"arn:aws:iam::{ACCOUNT}:saml-provider/corp"
POOL = IdentityPool(
    "eu-west-1:11111111-1111-4111-8111-111111111111",
    "pool",
    user_pools=(PoolClient(KEY, "app"),),
    social={"accounts.google.com": "g"},
    oidc_providers=(OIDC,),
    saml_providers=(SAML,),
)
RULE = RoleRule(ROLE, "dept", "Equals", "x")


def rules(*given: RoleRule) -> dict[str, RoleMapping]:
    return {f"{KEY}:app": RoleMapping("Rules", "Deny", given)}


@pytest.mark.parametrize("key", [f"{KEY}:app", "accounts.google.com", OIDC, SAML])
def test_each_configured_provider_may_have_a_mapping_and_a_tag_map(key: str) -> None:
    assert mappings.roles_fault(POOL, {"authenticated": ROLE}, {key: RoleMapping("Token")}) is None
    assert mappings.tag_map_fault(POOL, key, TagMap({"D": "dept"})) is None


@pytest.mark.parametrize("key", [KEY, f"{KEY}:other", "www.amazon.com", OIDC + "x", "op.example", "", "corp"])
def test_no_other_provider_may(key: str) -> None:
    fault = mappings.roles_fault(POOL, {}, {key: RoleMapping("Token")})
    assert fault == f"{key} is not a valid RoleMapping ProviderName or is not a configured provider."
    assert (mappings.tag_map_fault(POOL, key, TagMap()) is None) is (key == KEY)


def test_25_rules_are_allowed_and_26_are_not() -> None:
    assert mappings.roles_fault(POOL, {}, rules(*[RULE] * 25)) is None
    assert "25 are allowed" in (mappings.roles_fault(POOL, {}, rules(*[RULE] * 26)) or "")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"authenticated": "role/r"}, "not a valid role ARN"),
        ({"authenticated": ""}, "not a valid role ARN"),
        ({"authenticated": f"arn:aws:iam::{ACCOUNT}:user/u"}, "not a valid role ARN"),
        ({"admin": ROLE}, "not a role type"),
    ],
)
def test_roles_must_be_roles(wrong: dict[str, str], words: str) -> None:
    assert words in (mappings.roles_fault(POOL, wrong, {}) or "")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (replace(RULE, role_arn="r"), "not a valid role ARN"),
        (replace(RULE, claim=""), "1 to 64"),
        (replace(RULE, claim="c" * 65), "1 to 64"),
        (replace(RULE, value=""), "1 to 128"),
        (replace(RULE, value="v" * 129), "1 to 128"),
        (RoleRule(ROLE, "dept", expression="true"), "an expression and a claim"),
        (RoleRule(ROLE, expression="claims.dept =="), "line 1, column 15"),
        (RoleRule(ROLE, expression="'text'"), "not a yes or no"),
    ],
)
def test_a_rule_is_refused_with_its_number(rule: RoleRule, words: str) -> None:
    fault = mappings.roles_fault(POOL, {}, rules(RULE, rule)) or ""
    assert fault.startswith("Rule 2 of ")
    assert words in fault
    assert mappings.roles_fault(POOL, {}, rules(RULE, RoleRule(ROLE, expression="claims.dept == 'x'"))) is None


def test_a_mapping_has_rules_or_reads_the_token() -> None:
    assert "has no rules" in (mappings.roles_fault(POOL, {}, rules()) or "")
    assert "has rules" in (mappings.roles_fault(POOL, {}, {f"{KEY}:app": RoleMapping("Token", "Deny", (RULE,))}) or "")


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({f"k{n}": "c" for n in range(51)}, "50 are allowed"),
        ({"k" * 129: "c"}, "128"),
        ({"AWS:x": "c"}, "reserved"),
        ({"a": "c", "A": "d"}, "twice"),
        ({"a": ""}, "1 to 256"),
        ({"a": "c" * 257}, "1 to 256"),
        ({"a": "c" * 256, "b": "c" * 203}, "461 bytes"),
    ],
)
def test_a_tag_map_has_limits(tags: dict[str, str], words: str) -> None:
    assert words in (mappings.tag_map_fault(POOL, KEY, TagMap(tags)) or "")


def test_a_tag_map_at_its_limits_is_taken() -> None:
    assert mappings.tag_map_fault(POOL, KEY, TagMap({"a": "c" * 256, "b": "c" * 202})) is None


def test_a_pool_names_providers_of_its_own_account() -> None:
    assert mappings.provider_fault(POOL, ACCOUNT) is None
    assert mappings.provider_fault(POOL, "999999999999") is not None
    for changed in (
        replace(POOL, social={"login.example": "x"}),
        replace(POOL, oidc_providers=(SAML,)),
        replace(POOL, saml_providers=(OIDC,)),
        replace(POOL, user_pools=(PoolClient(KEY, ""),)),
        replace(POOL, user_pools=(PoolClient("cognito-idp.eu-west-1.amazonaws.com/", "app"),)),
        replace(POOL, user_pools=POOL.user_pools * 2),
        replace(POOL, developer_provider="accounts.google.com"),
        replace(POOL, developer_provider="cognito-identity.amazonaws.com"),
        replace(POOL, developer_provider="op.example", oidc_providers=(f"arn:aws:iam::{ACCOUNT}:oidc-provider/op.example",)),
    ):
        assert mappings.provider_fault(changed, ACCOUNT) is not None
    assert mappings.provider_fault(replace(POOL, developer_provider="login.backend"), ACCOUNT) is None


# --- what users write themselves --------------------------------------------------------------------------------------------------------

CUSTOM = AttributeSchema("custom:dept")
USERS = UserPool("eu-west-1_Pool", "users", schema=(CUSTOM, AttributeSchema("custom:fixed", mutable=False)))


def warned(claim: str, client: AppClient, key: str = f"{KEY}:app", users: UserPool = USERS) -> list[str]:
    pool = replace(POOL, mappings={key: RoleMapping("Rules", "Deny", (RULE, RoleRule(ROLE, claim, "Equals", "x")))})
    tagged = replace(POOL, tag_maps={key: TagMap({"D": claim})})
    found = writable_claims(pool, {f"{KEY}:app": (users, client)})
    assert len(writable_claims(tagged, {f"{KEY}:app": (users, client)})) == len(found)
    return [str(each) for each in found]


@pytest.mark.parametrize("claim", ["custom:dept", "name", "email", "preferred_username", "cognito:username"])
def test_a_rule_on_what_the_client_lets_users_write_is_warned_of(claim: str) -> None:
    (words,) = warned(claim, AppClient("app", USERS.id))
    assert words.startswith(f"rule 2 of {KEY}:app depends on the claim {claim}: ")


@pytest.mark.parametrize("claim", ["custom:dept", "name"])
def test_one_on_what_the_client_keeps_from_them_is_not(claim: str) -> None:
    assert not warned(claim, AppClient("app", USERS.id, write_attributes=("nickname",)))
    assert warned(claim, AppClient("app", USERS.id, write_attributes=("nickname", claim)))


@pytest.mark.parametrize("claim", ["sub", "cognito:groups", "custom:fixed", "aud", "identities"])
def test_what_nobody_can_write_is_no_matter(claim: str) -> None:
    assert not warned(claim, AppClient("app", USERS.id))


def test_other_providers_are_judged_by_what_people_say_of_themselves_there() -> None:
    assert warned("email", AppClient("app", USERS.id), "accounts.google.com")
    assert not warned("hd", AppClient("app", USERS.id), "accounts.google.com")
    assert not warned("email", AppClient("app", USERS.id), SAML)


def test_an_unknown_client_is_taken_for_an_open_one_and_expressions_are_read() -> None:
    pool = replace(POOL, mappings=rules(RoleRule(ROLE, "custom:dept", "Equals", "x")))
    assert "not known" in str(writable_claims(pool, {})[0])
    written = replace(POOL, mappings=rules(RoleRule(ROLE, expression="claims.email.endsWith('@corp')")))
    checked = replace(POOL, mappings=rules(RoleRule(ROLE, expression="claims.email_verified && claims.email.endsWith('@corp')")))
    assert writable_claims(written, {})
    assert not writable_claims(checked, {})


# --- the OpenID token -------------------------------------------------------------------------------------------------------------------


def test_the_claims_of_an_openid_token() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    token = openid.OpenIdToken("https://id.example/identity/1", ACCOUNT, POOL.id, "eu-west-1:i", openid.GUEST_AMR, now, tags={"D": "x"})
    claims = openid.claims_of(token)
    assert claims["exp"] - claims["iat"] == 600
    assert claims["https://aws.amazon.com/tags"] == {"principal_tags": {"D": ["x"]}}
    assert claims["https://cognito-identity.amazonaws.com/identity-pool-arn"].endswith(f":identitypool/{POOL.id}")
    assert "https://aws.amazon.com/tags" not in openid.claims_of(replace(token, tags={}))


def test_amr_says_how_one_signed_in_just_now() -> None:
    ada = Proof("user_pool", KEY, "ada", f"{KEY}:app", amr=(KEY, f"{KEY}:CognitoSignIn:ada"))
    assert openid.amr_of(()) == ("unauthenticated",)
    assert openid.amr_of((ada,)) == ("authenticated", KEY, f"{KEY}:CognitoSignIn:ada")
    assert openid.amr_of((ada, ada)) == openid.amr_of((ada,))

"""Identity pools, roles and policies in the file: what is declared, and what is said about mistakes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from broker import config
from broker.config.problems import ConfigProblems
from broker.flows.pool.apply import apply
from broker.identitypool.policy.scope_down import GUEST_INLINE, GUEST_MANAGED, guest_session_policies
from broker.model.iam import IAM
from broker.model.identity import PoolClient, RoleMapping, RoleRule, TagMap
from tests.contract.adapters import Case, case

POOL_ID = "eu-west-1:11111111-1111-4111-8111-111111111111"
ALLOW = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"reports:Get","Resource":"*"}]}'
HEAD = """
[aws]
region = "eu-west-1"
account_id = "123456789012"
[[user_pool]]
id = "eu-west-1_Demo"
[[user_pool.client]]
id = "app"
redirect_uris = ["http://localhost:3000/cb"]
providers = ["COGNITO"]
"""
ROLES = f"""
[[role]]
name = "marketing"
policies = [{{ name = "read", document = '{ALLOW}' }}]
[[role]]
name = "visitor"
path = "/guests/"
[[policy]]
name = "rules"
document = '{ALLOW}'
"""
RULES = 'rules = [{ claim = "custom:department", value = "marketing", role = "marketing" }]'
IDENTITY = f"""
[[identity_pool]]
id = "{POOL_ID}"
name = "Demo"
guests = true
authenticated_role = "marketing"
guest_role = "visitor"
[[identity_pool.user_pool]]
id = "eu-west-1_Demo"
client = "app"
role_from = "rules"
{RULES}
tags = {{ Department = "custom:department" }}
[[identity_pool.social]]
host = "graph.facebook.com"
app_id = "42"
secret = "hush"
default_tags = true
"""


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[Case]:
    made = case("sqlite", tmp_path)
    yield made
    made.close()


def load(text: str) -> config.Config:
    return config.loads(text, Path("c.toml"), {})


def test_names_become_arns_and_providers_their_keys() -> None:
    declared = config.declare(load(HEAD + ROLES + IDENTITY))
    (pool,) = declared.identity_pools
    marketing, key = "arn:aws:iam::123456789012:role/marketing", "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Demo"
    assert pool.authenticated_role == marketing
    assert pool.unauthenticated_role == "arn:aws:iam::123456789012:role/guests/visitor"
    assert pool.user_pools == (PoolClient(key, "app"),)
    assert pool.mappings == {f"{key}:app": RoleMapping("Rules", rules=(RoleRule(marketing, "custom:department", "Equals", "marketing"),))}
    assert pool.tag_maps == {
        f"{key}:app": TagMap({"Department": "custom:department"}),
        "graph.facebook.com": TagMap(use_defaults=True),
    }
    assert (pool.social, pool.secrets) == ({"graph.facebook.com": "42"}, {"graph.facebook.com": "hush"})


def test_a_role_without_a_trust_policy_trusts_the_pools_that_hand_it_out() -> None:
    declared = config.declare(load(HEAD + ROLES + IDENTITY))
    trust = {role.name: json.loads(role.trust)["Statement"] for role in declared.roles}
    for name, who in (("marketing", "authenticated"), ("visitor", "unauthenticated")):
        (statement,) = trust[name]
        assert statement["Condition"] == {
            "StringEquals": {"cognito-identity.amazonaws.com:aud": [POOL_ID]},
            "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": who},
        }
    alone = config.declare(load(HEAD + ROLES))
    assert [json.loads(role.trust)["Statement"][0]["Effect"] for role in alone.roles] == ["Deny", "Deny"]


@pytest.mark.parametrize(
    ("text", "words"),
    {
        "region": (IDENTITY.replace("eu-west-1:", "us-east-1:"), "[aws] region"),
        "id": (IDENTITY.replace(POOL_ID, "eu-west-1:x"), "UUID"),
        "two ids": (IDENTITY + IDENTITY, "is used twice"),
        "two roles": ('[[role]]\nname = "MARKETING"', "is used twice"),
        "no rules": (IDENTITY.replace(RULES, ""), "role_from"),
        "rules unused": (IDENTITY.replace('role_from = "rules"', ""), "role_from"),
        "broken expression": (
            IDENTITY.replace(RULES, """rules = [{ expression = "claims.department ==", role = "marketing" }]"""),
            "rules #1 expression: mismatched input '<EOF>' (line 1, column 21)",
        ),
        "reserved tag": (IDENTITY.replace("{ Department =", '{ "aws:Department" ='), "reserved"),
        "a rule for every value": (IDENTITY.replace('value = "marketing", ', ""), "rules #1 value"),
        "no role": (IDENTITY.replace('value = "marketing", role = "marketing"', 'value = "x", role = "mark eting"'), "rules #1 role"),
        "a foreign role": (IDENTITY.replace('"visitor"', '"arn:aws:iam::999999999999:role/visitor"'), "guest_role"),
        "no ARN": (IDENTITY.replace('authenticated_role = "marketing"', 'authenticated_role = "arn:x"'), "authenticated_role"),
        "tags of a role": ('[[role]]\nname = "r"\ntags = { Dept = "a", dept = "b" }', "tags"),
        "tags of a pool": (IDENTITY.replace("guests = true", 'guests = true\ntags = { "aws:x" = "b" }'), "reserved"),
        "wildcard path": ('[[role]]\nname = "r"\npath = "/a*/"', "path"),
        "an issuer without an ARN": ('[[oidc_provider]]\nissuer = "https://op.example/a+b"', "issuer"),
        "a developer's name of Google's": (
            IDENTITY.replace("guests = true", 'guests = true\ndeveloper_provider = "accounts.google.com"'),
            "developer_provider",
        ),
        "half a rule": (IDENTITY.replace('claim = "custom:department", ', ""), "claim or an expression"),
        "no secret": (IDENTITY.replace('secret = "hush"', ""), "graph.facebook.com"),
        "both tags": (IDENTITY.replace("default_tags = true", 'default_tags = true\ntags = { a = "b" }'), "default_tags"),
        "two documents": (f"[[policy]]\nname = \"p\"\ndocument = '{ALLOW}'\nfile = 'c.toml'", "file"),
        "no document": ('[[policy]]\nname = "p"', "one of file and document"),
        "bad effect": ("[[policy]]\nname = \"p\"\ndocument = '" + ALLOW.replace("Allow", "Alow") + "'", "Effect"),
        "bad trust": ("[[role]]\nname = \"r\"\ntrust = '" + ALLOW + "'", "Principal"),
        "no STS": ('[credentials]\nissuer = "sts"', "sts_endpoint"),
        "no metadata": ('[[saml_provider]]\nname = "corp"', "metadata"),
    }.values(),
)  # fmt: skip
def test_a_mistake_is_named_with_its_table_and_a_remedy(text: str, words: str, tmp_path: Path) -> None:
    load(HEAD + ROLES + IDENTITY)
    with pytest.raises(ConfigProblems) as found:
        load(HEAD + ROLES + text)
    assert words in str(found.value)


COGNITO = "cognito-identity.amazonaws.com"
AUD = {"StringEquals": {f"{COGNITO}:aud": POOL_ID}}
AMR = {"ForAnyValue:StringLike": {f"{COGNITO}:amr": "authenticated"}}


def trusting(condition: dict[str, dict[str, str]], principal: str = COGNITO) -> str:
    """A role that lets a federated principal in under a condition."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": principal},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return f"[[role]]\nname = \"bound\"\ntrust = '{trust}'\n"


OURS = "arn:aws:iam::123456789012:oidc-provider/broker.example/identity/11111111-1111-4111-8111-111111111111"
SERVER = '[server]\npublic_url = "https://broker.example"\nadmin_url = "https://admin.example"\n'


def test_a_trust_policy_that_any_identity_pool_could_meet_is_refused() -> None:
    """Rows IP-S1.4 and IP-S1.5: also where it names one of our pools' issuers."""
    assert not load(HEAD + trusting({**AUD, **AMR})).warnings
    assert "guests may assume the role" in "\n".join(str(warning) for warning in load(HEAD + trusting(AUD)).warnings)
    for condition in ({}, AMR, {"StringLike": {f"{COGNITO}:aud": "*"}, **AMR}):
        for text in (HEAD + trusting(condition), SERVER + HEAD + trusting(condition, OURS)):
            with pytest.raises(ConfigProblems, match="lets any identity pool assume the role"):
                load(text)


def test_a_policy_for_guests_is_all_that_bounds_them(tmp_path: Path) -> None:
    """Two session policies are one set: beside the operator's own, ours would widen what it allows (row IP-S1.3)."""
    (tmp_path / "guests.json").write_text(ALLOW)
    text = HEAD + ROLES + IDENTITY.replace("guests = true", 'guests = true\nguest_policy_file = "guests.json"')
    (pool,) = config.declare(config.loads(text, tmp_path / "c.toml", {})).identity_pools
    assert guest_session_policies(pool.guest_inline_policy, pool.guest_managed_policy) == (ALLOW,)
    (plain,) = config.declare(load(HEAD + ROLES + IDENTITY)).identity_pools
    assert guest_session_policies(plain.guest_inline_policy, plain.guest_managed_policy) == (GUEST_INLINE, GUEST_MANAGED)


def test_assertions_may_be_bound_to_a_pool() -> None:
    corp = '[[saml_provider]]\nname = "corp"\nmetadata = "<x/>"\n'
    login = '[[identity_pool.saml]]\nname = "corp"\naudience = "urn:a"\nrecipient = "https://a.example/saml"\n'
    (pool,) = config.declare(load(HEAD + ROLES + corp + IDENTITY + login)).identity_pools
    arn = "arn:aws:iam::123456789012:saml-provider/corp"
    assert (dict(pool.saml_audiences), dict(pool.saml_recipients)) == ({arn: "urn:a"}, {arn: "https://a.example/saml"})


WARNED = "users of app client app may write it"


@pytest.mark.parametrize(
    ("client", "told"),
    [
        ("", ["rules #1", "tags Department"]),
        ('write_attributes = ["email"]', []),
        ('write_attributes = ["email", "custom:department"]', ["rules #1", "tags Department"]),
    ],
)
def test_a_rule_or_a_tag_on_what_users_can_write_is_a_warning(client: str, told: list[str]) -> None:
    """Rows IP-S1.22 and IP-S2.8: whoever sets his own department sets his own role."""
    head = HEAD.replace('providers = ["COGNITO"]', f'providers = ["COGNITO"]\n{client}')
    head += '[[user_pool.attribute]]\nname = "custom:department"\n'
    warnings = [warning for warning in load(head + ROLES + IDENTITY).warnings if WARNED in warning.what]
    assert [warning.key for warning in warnings] == told


def test_a_claim_that_only_an_upstream_writes_is_none() -> None:
    """A client without sign-up and without the scope for writing one's own profile."""
    head = HEAD.replace('providers = ["COGNITO"]', 'providers = ["Corp"]') + (
        '[[user_pool.attribute]]\nname = "custom:department"\n'
        '[[user_pool.provider]]\nname = "Corp"\nkind = "oidc"\nissuer = "https://op.example"\nclient_id = "c"\nclient_secret = "s"\n'
        '[user_pool.provider.mapping]\n"custom:department" = "department"\n'
    )
    assert not [warning for warning in load(head + ROLES + IDENTITY).warnings if "may write it" in warning.what]
    writing = head.replace("[[user_pool.client]]", '[[user_pool.client]]\nscopes = ["openid", "aws.cognito.signin.user.admin"]')
    assert [warning for warning in load(writing + ROLES + IDENTITY).warnings if WARNED in warning.what]


def test_nobody_to_answer_is_a_warning() -> None:
    text = HEAD + '[authorize]\nbind = "127.0.0.1:8081"\n'
    assert "trusted_proxies" in "\n".join(str(warning) for warning in load(text).warnings)
    text = '[server]\ntrusted_proxies = ["127.0.0.1"]\n' + text
    assert "trusted_proxies" not in "\n".join(str(warning) for warning in load(text).warnings)


def test_what_hardly_was_meant_is_a_warning() -> None:
    text = HEAD + ROLES + IDENTITY.replace('client = "app"', 'client = "other"').replace('guest_role = "visitor"', "")
    told = "\n".join(str(warning) for warning in load(text).warnings)
    assert "with client other is not in this file" in told
    assert "guest_role" in told


def test_applying_keeps_a_roles_id_and_date_and_disables_what_vanishes(durable: Case) -> None:
    full, less = (config.declare(load(text)) for text in (HEAD + ROLES + IDENTITY, HEAD))
    assert not apply(durable.store, full, prune=False).refused
    with durable.store.unit() as unit:
        first = unit.roles.get(IAM, "marketing")
    assert first is not None
    again = apply(durable.store, config.declare(load(HEAD + ROLES + IDENTITY)), prune=False)
    assert not again.of("changed", "created", "refused")
    apply(durable.store, less, prune=False)
    with durable.store.unit() as unit:
        role, pool = unit.roles.get(IAM, "marketing"), unit.identity_pools.get(POOL_ID, POOL_ID)
        assert role == replace(first, enabled=False)
        assert pool is not None
        assert not pool.enabled
        assert unit.managed_policies.get(IAM, "rules") is None
    apply(durable.store, less, prune=True)
    with durable.store.unit() as unit:
        assert unit.roles.get(IAM, "marketing") is None
        assert unit.identity_pools.get(POOL_ID, POOL_ID) is None

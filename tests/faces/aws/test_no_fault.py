"""Whatever a body holds, the answer is the API's own: never a 5xx, and never a broken document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from broker.faces.aws.operations.iam import OPERATIONS as IAM
from broker.faces.aws.operations.identity import OPERATIONS as IDENTITY_POOLS
from broker.faces.aws.operations.sts import OPERATIONS as STS
from tests.fakes.aws import ADMIN_KEYS, AwsHouse

POOL = "eu-west-1:00000000-0000-4000-8000-000000000000"
MORE = f"""
[[role]]
name = "guest"
[[identity_pool]]
id = "{POOL}"
name = "Fuzz"
guests = true
guest_role = "guest"
developer_provider = "login.backend"
"""
POOL_ARN = f"arn:aws:cognito-identity:eu-west-1:123456789012:identitypool/{POOL}"
ROLE_ARN = "arn:aws:iam::123456789012:role/guest"
NOTHING_ALLOWED = '{"Version":"2012-10-17","Statement":[]}'
ODD = ["", "a" * 300, "\x00", "\ud800", "é", "${aws:x}", "{}", "1"]
WORDS = st.sampled_from([*ODD, "x", "eu-west-1:x", POOL, POOL_ARN, ROLE_ARN, "login.backend", "Rules", "Token", "Deny", NOTHING_ALLOWED])
MEMBERS = """
    IdentityPoolId IdentityId IdentityPoolName AllowUnauthenticatedIdentities Logins LoginsToRemove Roles RoleMappings MaxResults NextToken
    ResourceArn Tags TagKeys IdentityProviderName PrincipalTags UseDefaults DeveloperProviderName DeveloperUserIdentifier
    SourceUserIdentifier DestinationUserIdentifier IdentityIdsToDelete CustomRoleArn TokenDuration CognitoIdentityProviders
    SupportedLoginProviders OpenIdConnectProviderARNs SamlProviderARNs IdentityPoolTags HideDisabled
"""
PARAMETERS = """
    RoleName RoleArn RoleSessionName PolicyName PolicyDocument AssumeRolePolicyDocument Path MaxItems Marker DurationSeconds Policy
    PolicyArns.member.1.arn Tags.member.1.Key Tags.member.1.Value Tags.member.x TagKeys.member.1 TransitiveTagKeys.member.1 SourceIdentity
    WebIdentityToken SAMLAssertion PrincipalArn Url ClientIDList.member.1 SAMLMetadataDocument Name SAMLProviderArn
    OpenIDConnectProviderArn PolicyArn AccessKeyId PermissionsBoundary
"""
NAMES = st.sampled_from(MEMBERS.split())
LEAVES = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | WORDS
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | NAMES, inner, max_size=3), max_leaves=8)
BODIES = st.dictionaries(NAMES, VALUES, max_size=6)
FORMS = st.dictionaries(st.sampled_from(PARAMETERS.split()), WORDS | st.integers().map(str) | st.text(max_size=20), max_size=6)
MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsHouse]:
    with AwsHouse.open(Path(tmp_path_factory.mktemp("fuzz")), MORE) as made:
        yield made


@MANY
@given(operation=st.sampled_from([row.name for row in IDENTITY_POOLS]), body=BODIES)
def test_no_json_body_breaks_an_operation(house: AwsHouse, operation: str, body: dict[str, Any]) -> None:
    reply = house.json(operation, body, ADMIN_KEYS)
    assert reply.status_code < 500, reply.text
    answer = json.loads(reply.data)
    assert reply.status_code == 200 or answer["__type"]


@MANY
@given(call=st.sampled_from([*(("sts", row.name) for row in STS), *(("iam", row.name) for row in IAM)]), fields=FORMS)
def test_no_form_breaks_an_operation(house: AwsHouse, call: tuple[str, str], fields: dict[str, str]) -> None:
    version = {"sts": "2011-06-15", "iam": "2010-05-08"}[call[0]]
    reply = house.form(call[0], urlencode({"Action": call[1], "Version": version, **fields}, errors="surrogatepass"), ADMIN_KEYS)
    assert reply.status_code < 500, reply.text
    assert etree.fromstring(reply.data) is not None

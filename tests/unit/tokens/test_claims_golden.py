"""The exact claim sets. If one of these changes, every application sees it: change it knowingly."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from broker.model.settings import AppClient, Group
from broker.model.users import LinkedIdentity
from broker.tokens.claims import MachineAsk, at_hash, identities_attribute, user_info
from tests.unit.tokens.keyroom import CLIENT, NOW, POOL, URL, USER, KeyRoom

LINK = LinkedIdentity(
    pool_id="eu_one",
    provider="MySAML",
    subject_key="ada@example.com",
    subject="ada@example.com",
    user_sub=USER.sub,
    provider_type="SAML",
    issuer="https://idp.example/meta",
    primary=True,
    created_at=NOW - timedelta(days=1),
)
GROUPS = (
    Group("eu_one", "staff", precedence=5, role_arn="arn:aws:iam::1:role/staff"),
    Group("eu_one", "admins", precedence=1, role_arn="arn:aws:iam::1:role/admin"),
)
RICH = replace(
    USER,
    attributes={
        "email": "ada@example.com",
        "email_verified": "true",
        "phone_number": "+4412345",
        "phone_number_verified": "false",
        "address": "12 St James Square",
        "updated_at": "1700000000",
        "custom:level": "7",
        "nickname": "",
    },
)


def payload(token: str | None) -> dict[str, object]:
    assert token is not None
    body = token.split(".")[1]
    decoded: dict[str, object] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return decoded


def test_the_id_token_has_exactly_these_claims() -> None:
    room = KeyRoom()
    client = replace(CLIENT, read_attributes=("email", "email_verified", "phone_number_verified", "address", "updated_at", "custom:level"))
    tokens = room.issuer.issue(room.ask(user=RICH, client=client, groups=GROUPS, identities=(LINK,), scopes=("openid",)))
    assert payload(tokens.id_token) == {
        "sub": "5f0c1b1e-0000-4000-8000-000000000001",
        "iss": "https://broker.example/eu_one",
        "aud": "app1",
        "token_use": "id",
        "cognito:username": "MySAML_ada@example.com",
        "event_id": "event-1",
        "auth_time": 1772366340,
        "iat": 1772366400,
        "exp": 1772370000,
        "jti": "00000000-0000-4000-8000-000000000002",
        "origin_jti": "family-1",
        "sid": "session-1",
        "nonce": "n-0S6",
        "at_hash": at_hash(tokens.access_token, "RS256"),
        "cognito:groups": ["admins", "staff"],
        "cognito:roles": ["arn:aws:iam::1:role/admin", "arn:aws:iam::1:role/staff"],
        "cognito:preferred_role": "arn:aws:iam::1:role/admin",
        "identities": [
            {
                "userId": "ada@example.com",
                "providerName": "MySAML",
                "providerType": "SAML",
                "issuer": "https://idp.example/meta",
                "primary": "true",
                "dateCreated": "1772280000000",
            }
        ],
        "email": "ada@example.com",
        "email_verified": True,
        "phone_number_verified": False,
        "address": {"formatted": "12 St James Square"},
        "updated_at": 1700000000,
        "custom:level": "7",
    }


def test_the_access_token_has_exactly_these_claims() -> None:
    room = KeyRoom()
    ask = room.ask(groups=GROUPS, identities=(LINK,), resource="https://api.example/", device_key="dev-1")
    assert payload(room.issuer.issue(ask).access_token) == {
        "sub": "5f0c1b1e-0000-4000-8000-000000000001",
        "iss": "https://broker.example/eu_one",
        "client_id": "app1",
        "token_use": "access",
        "username": "MySAML_ada@example.com",
        "scope": "openid email profile",
        "version": 2,
        "event_id": "event-1",
        "auth_time": 1772366340,
        "iat": 1772366400,
        "exp": 1772370000,
        "jti": "00000000-0000-4000-8000-000000000001",
        "origin_jti": "family-1",
        "cognito:groups": ["admins", "staff"],
        "aud": "https://api.example/",
        "device_key": "dev-1",
    }


def test_the_plainest_access_token_has_no_aud_and_no_groups() -> None:
    room = KeyRoom()
    claims = payload(room.issuer.issue(room.ask()).access_token)
    assert not {"aud", "cognito:groups", "cognito:roles", "identities", "sid", "nonce", "email", "acr", "amr"} & claims.keys()


def test_a_machines_token_has_exactly_these_claims() -> None:
    room = KeyRoom()
    tokens = room.issuer.issue_client_credentials(MachineAsk(POOL, CLIENT, f"{URL}/eu_one", ("api/read", "api/write"), NOW))
    assert (tokens.id_token, tokens.refresh_token, tokens.expires_in, tokens.token_type) == (None, None, 3600, "Bearer")
    assert payload(tokens.access_token) == {
        "sub": "app1",
        "client_id": "app1",
        "iss": "https://broker.example/eu_one",
        "token_use": "access",
        "scope": "api/read api/write",
        "version": 2,
        "auth_time": 1772366400,
        "iat": 1772366400,
        "exp": 1772370000,
        "jti": "00000000-0000-4000-8000-000000000001",
    }


def test_api_sign_in_has_its_own_scope_and_neither_version_nor_at_hash() -> None:
    room = KeyRoom()
    tokens = room.issuer.issue(room.ask(user=RICH, scopes=(), oauth=False, sid=None, nonce=None))
    access, identity = payload(tokens.access_token), payload(tokens.id_token)
    assert access["scope"] == "aws.cognito.signin.user.admin"
    assert "version" not in access
    assert not {"at_hash", "nonce", "sid"} & identity.keys()
    assert identity["phone_number"] == "+4412345"


def test_without_revocation_there_are_no_token_ids() -> None:
    room = KeyRoom()
    tokens = room.issuer.issue(room.ask(client=replace(CLIENT, revocation=False)))
    for token in (tokens.access_token, tokens.id_token):
        assert not {"jti", "origin_jti"} & payload(token).keys()


def test_authentication_context_shows_only_if_it_is_switched_on() -> None:
    room = KeyRoom()
    told = {"acr": "urn:cognito:loa:1", "amr": ("pwd",)}
    off = room.issuer.issue(room.ask(**told))
    on = room.issuer.issue(room.ask(**told, authn_context=True))
    assert not {"acr", "amr"} & payload(off.id_token).keys()
    assert (payload(on.id_token)["acr"], payload(on.access_token)["amr"]) == ("urn:cognito:loa:1", ["pwd"])


@pytest.mark.parametrize(
    ("scopes", "seen"),
    [
        (("openid",), {"email", "email_verified", "phone_number", "phone_number_verified", "address", "updated_at"}),
        (("openid", "email"), {"email", "email_verified"}),
        (("openid", "phone", "api/read"), {"phone_number", "phone_number_verified"}),
        (("openid", "email", "profile"), {"email", "email_verified", "phone_number", "phone_number_verified", "address", "updated_at"}),
    ],
)
def test_scopes_choose_the_attributes(scopes: tuple[str, ...], seen: set[str]) -> None:
    room = KeyRoom()
    claims = payload(room.issuer.issue(room.ask(user=RICH, scopes=scopes)).id_token)
    assert claims.keys() & RICH.attributes.keys() == seen  # custom:level is not listed by the client, nickname is empty


def test_no_openid_no_id_token() -> None:
    room = KeyRoom()
    assert room.issuer.issue(room.ask(scopes=("email",))).id_token is None


def test_a_client_reads_what_its_list_says_and_an_attribute_never_poses_as_the_sub() -> None:
    user = replace(RICH, attributes={**RICH.attributes, "sub": "somebody-else"})
    info = user_info(user, AppClient("a", "p", read_attributes=("email", "sub", "custom:level")), {"openid"})
    assert info == {"sub": USER.sub, "username": USER.username, "email": "ada@example.com", "custom:level": "7"}


def test_userinfo_is_all_text() -> None:
    assert user_info(RICH, CLIENT, {"openid", "email"}) == {
        "sub": USER.sub,
        "username": USER.username,
        "email": "ada@example.com",
        "email_verified": "true",
    }


def test_identities_as_an_attribute_are_json_text_with_other_types() -> None:
    social = replace(LINK, issuer=None, primary=False)
    rows = json.loads(identities_attribute([LINK, social]))
    assert (rows[0]["primary"], rows[0]["dateCreated"]) == (True, 1772280000000)
    assert (rows[1]["primary"], rows[1]["issuer"]) == (False, None)


def test_at_hash_is_the_digest_that_goes_with_the_algorithm() -> None:
    # The example of OpenID Connect Core, A.3.
    assert at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", "RS256") == "77QmUPtjPfzWtF2AnpK9RQ"
    assert len(base64.urlsafe_b64decode(at_hash("x", "EdDSA") + "==")) == 32

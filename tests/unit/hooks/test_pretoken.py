"""The pre token generation hook (spec A.8): the event it gets, and every rule on what it may change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from broker.errors import ConfigError, HookRefused
from broker.hooks import plugins, pretoken
from broker.model.settings import Group
from broker.tokens.claims import MachineAsk
from tests.unit.hooks import hook_functions
from tests.unit.tokens.keyroom import CLIENT, NOW, POOL, URL, KeyRoom
from tests.unit.tokens.test_claims_golden import GROUPS, LINK, payload

HERE = "tests.unit.hooks.hook_functions"
Claims = dict[str, Any]


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    hook_functions.seen.clear()
    hook_functions.answer.clear()
    yield
    hook_functions.answer.clear()


def issue(hook: str = "record", details: object = None, **changes: Any) -> tuple[Claims, Claims]:
    """ID and access claims under a hook that answers with these override details."""
    if details is not None:
        hook_functions.answer["claimsOverrideDetails" if hook.endswith("V1_0") else "claimsAndScopeOverrideDetails"] = details
    room = KeyRoom()
    ask = room.ask(
        pool=replace(POOL, pre_token_hook=f"{HERE}:{hook}"), groups=GROUPS, client=replace(CLIENT, signing_alg="ES256"), **changes
    )
    tokens = room.issuer.issue(ask)
    return payload(tokens.id_token), payload(tokens.access_token)


def test_the_event_is_cognitos_v2() -> None:
    issue(identities=(LINK,), client_metadata={"a": "b"})
    assert hook_functions.seen == [
        {
            "version": "2",
            "triggerSource": "TokenGeneration_HostedAuth",
            "region": "eu",
            "userPoolId": "eu_one",
            "userName": "MySAML_ada@example.com",
            "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "app1"},
            "request": {
                "userAttributes": {
                    "sub": "5f0c1b1e-0000-4000-8000-000000000001",
                    "cognito:user_status": "EXTERNAL_PROVIDER",
                    "email": "ada@example.com",
                    "email_verified": "true",
                    "name": "Ada",
                    "identities": json.dumps(
                        [
                            {
                                "userId": "ada@example.com",
                                "providerName": "MySAML",
                                "providerType": "SAML",
                                "issuer": "https://idp.example/meta",
                                "primary": True,
                                "dateCreated": 1772280000000,
                            }
                        ],
                        separators=(",", ":"),
                    ),
                },
                "groupConfiguration": {
                    "groupsToOverride": ["admins", "staff"],
                    "iamRolesToOverride": ["arn:aws:iam::1:role/admin", "arn:aws:iam::1:role/staff"],
                    "preferredRole": "arn:aws:iam::1:role/admin",
                },
                "clientMetadata": {"a": "b"},
                "scopes": ["openid", "email", "profile"],
            },
            "response": {"claimsAndScopeOverrideDetails": None},
        }
    ]


@pytest.mark.parametrize("details", [None, {}, {"idTokenGeneration": None, "accessTokenGeneration": {}}])
def test_a_hook_that_wants_nothing_changes_nothing(details: object) -> None:
    identity, access = issue(details=details)
    assert identity["cognito:groups"] == access["cognito:groups"] == ["admins", "staff"]
    assert (identity["name"], access["scope"]) == ("Ada", "openid email profile")


def test_claims_are_added_overridden_and_suppressed_in_either_token() -> None:
    identity, access = issue(
        details={
            "idTokenGeneration": {"claimsToAddOrOverride": {"name": "Countess", "plan": {"seats": [1, 2]}}, "claimsToSuppress": ["email"]},
            "accessTokenGeneration": {
                "claimsToAddOrOverride": {"tier": 3, "beta": True},
                "scopesToAdd": ["api/read"],
                "scopesToSuppress": ["email"],
            },
        }
    )
    assert (identity["name"], identity["plan"]) == ("Countess", {"seats": [1, 2]})
    assert "email" not in identity
    assert (access["tier"], access["beta"], access["scope"]) == (3, True, "openid profile api/read")
    assert "tier" not in identity


def test_suppress_wins_over_add() -> None:
    identity, _ = issue(
        details={"idTokenGeneration": {"claimsToAddOrOverride": {"name": "x", "new": 1}, "claimsToSuppress": ["name", "new"]}}
    )
    assert not {"name", "new"} & identity.keys()


PROTECTED = (
    "acr amr at_hash aud auth_time azp exp iat iss jti nbf nonce origin_jti sub token_use client_id cognito:username identities device_key"
    " event_id version sid cognito:groups cognito:roles cognito:preferred_role cognito:anything"
)


@pytest.mark.parametrize("name", PROTECTED.split())
def test_protected_claims_are_left_alone_silently(name: str) -> None:
    change = {"claimsToAddOrOverride": {name: "forged"}, "claimsToSuppress": []}
    away = {"claimsToSuppress": [name]}
    plain = issue(identities=(LINK,), resource="https://api.example/", device_key="d")
    hooked = issue(
        details={"idTokenGeneration": change, "accessTokenGeneration": change},
        identities=(LINK,),
        resource="https://api.example/",
        device_key="d",
    )
    suppressed = issue(
        details={"idTokenGeneration": away, "accessTokenGeneration": away},
        identities=(LINK,),
        resource="https://api.example/",
        device_key="d",
    )
    for before, added, taken in zip(plain, hooked, suppressed, strict=True):
        assert before.keys() == added.keys() == taken.keys()
        assert "forged" not in added.values()


def test_the_access_tokens_own_protected_claims() -> None:
    _, access = issue(
        details={"accessTokenGeneration": {"claimsToAddOrOverride": {"username": "root", "scope": "all"}, "claimsToSuppress": ["scope"]}}
    )
    assert (access["username"], access["scope"]) == ("MySAML_ada@example.com", "openid email profile")
    identity, _ = issue(details={"idTokenGeneration": {"claimsToAddOrOverride": {"username": "shown", "dev:x": "no"}}})
    assert (identity["username"], "dev:x" in identity) == ("shown", False)


@pytest.mark.parametrize(
    ("wanted", "resource", "aud"), [("app1", None, "app1"), ("other", None, None), ("app1", "https://r.example", "https://r.example")]
)
def test_an_access_token_may_name_its_client_as_audience(wanted: str, resource: str | None, aud: str | None) -> None:
    _, access = issue(details={"accessTokenGeneration": {"claimsToAddOrOverride": {"aud": wanted}}}, resource=resource)
    assert access.get("aud") == aud


@pytest.mark.parametrize("nothing", [None, {}, {"groupsToOverride": []}])
def test_an_empty_group_override_takes_all_groups_and_roles(nothing: object) -> None:
    identity, access = issue(details={"groupOverrideDetails": nothing})
    assert not {"cognito:groups", "cognito:roles", "cognito:preferred_role"} & (identity.keys() | access.keys())


def test_a_group_override_replaces_all_three() -> None:
    details = {"groupOverrideDetails": {"groupsToOverride": ["vip"], "iamRolesToOverride": ["arn:r"], "preferredRole": "arn:r"}}
    identity, access = issue(details=details)
    assert (identity["cognito:groups"], identity["cognito:roles"], identity["cognito:preferred_role"]) == (["vip"], ["arn:r"], "arn:r")
    assert access["cognito:groups"] == ["vip"]
    assert "cognito:roles" not in access


def test_types_of_the_id_token_stay_as_they_are() -> None:
    identity, _ = issue(
        details={"idTokenGeneration": {"claimsToAddOrOverride": {"email_verified": "false", "address": "Here", "updated_at": 5}}}
    )
    assert (identity["email_verified"], identity["address"], identity["updated_at"]) == (False, {"formatted": "Here"}, 5)


@pytest.mark.parametrize(
    "details",
    [
        "text",
        {"idTokenGeneration": []},
        {"idTokenGeneration": {"claimsToAddOrOverride": {"address": {"formatted": "x"}}}},
        {"idTokenGeneration": {"claimsToAddOrOverride": {"email_verified": [True]}}},
        {"idTokenGeneration": {"claimsToAddOrOverride": {"a": None}}},
        {"idTokenGeneration": {"claimsToAddOrOverride": {"a": float("nan")}}},
        {"idTokenGeneration": {"claimsToAddOrOverride": {"a": object()}}},
        {"idTokenGeneration": {"claimsToAddOrOverride": {1: "a"}}},
        {"idTokenGeneration": {"claimsToSuppress": "name"}},
        {"accessTokenGeneration": {"scopesToAdd": ["two words"]}},
        {"accessTokenGeneration": {"scopesToAdd": ['quote"']}},
        {"accessTokenGeneration": {"scopesToAdd": [""]}},
        {"accessTokenGeneration": {"scopesToAdd": [7]}},
        {"groupOverrideDetails": {"preferredRole": 7}},
        {"groupOverrideDetails": ["a"]},
        {"accessTokenGeneration": {"claimsToAddOrOverride": {f"c{number}": 1 for number in range(5000)}}},
        {"accessTokenGeneration": {"scopesToAdd": [f"s{number}" for number in range(5000)]}},
    ],
)
def test_a_malformed_answer_is_refused_in_cognitos_words(details: object) -> None:
    with pytest.raises(HookRefused) as caught:
        issue(details=details)
    assert (caught.value.public, caught.value.code) == ("Unrecognizable lambda output", "hook_response_invalid")


def test_what_is_suppressed_does_not_count() -> None:
    many = {f"c{number}": 1 for number in range(6000)}
    identity, _ = issue(details={"idTokenGeneration": {"claimsToAddOrOverride": many, "claimsToSuppress": list(many)}})
    assert "c1" not in identity


def test_a_token_that_we_would_not_take_back_is_not_issued() -> None:
    with pytest.raises(HookRefused, match="characters"):
        issue(details={"accessTokenGeneration": {"claimsToAddOrOverride": {"big": "x" * 300_000}}})


def test_a_hook_cannot_change_its_answer_afterwards() -> None:
    mine = {"seats": [1]}
    hook_functions.answer["claimsAndScopeOverrideDetails"] = {"idTokenGeneration": {"claimsToAddOrOverride": {"plan": mine}}}
    ask = pretoken.PreTokenAsk("TokenGeneration_HostedAuth", "eu_one", "app1", "ada", {}, pretoken.GroupOverride(), ("openid",))
    result = pretoken.run(f"{HERE}:record", ask)
    mine["seats"].append(2)
    assert result.id_token.add == {"plan": {"seats": [1]}}


def test_a_v1_hook_changes_the_id_token_and_the_groups_of_both() -> None:
    details = {
        "claimsToAddOrOverride": {"tier": "gold"},
        "claimsToSuppress": ["name"],
        "groupOverrideDetails": {"groupsToOverride": ["vip"]},
    }
    identity, access = issue("record@V1_0", details)
    event = hook_functions.seen[0]
    assert (event["version"], "scopes" in event["request"], event["response"]) == ("1", False, {"claimsOverrideDetails": None})
    assert (identity["tier"], "name" in identity, "tier" in access) == ("gold", False, False)
    assert identity["cognito:groups"] == access["cognito:groups"] == ["vip"]
    with pytest.raises(HookRefused):
        issue("record@V1_0", {"claimsToAddOrOverride": {"tier": 3}})


def machine(hook: str, scopes: tuple[str, ...] = ("api/read",)) -> Claims:
    room = KeyRoom()
    pool = replace(POOL, pre_token_hook=f"{HERE}:{hook}")
    client = replace(CLIENT, signing_alg="ES256")
    return payload(room.issuer.issue_client_credentials(MachineAsk(pool, client, f"{URL}/eu_one", scopes, NOW, {"k": "v"})).access_token)


def test_only_a_v3_hook_is_asked_about_machines() -> None:
    hook_functions.answer["claimsAndScopeOverrideDetails"] = {
        "accessTokenGeneration": {"claimsToAddOrOverride": {"tenant": "t1", "sub": "root"}, "scopesToAdd": ["api/extra"]}
    }
    assert "tenant" not in machine("record")
    assert hook_functions.seen == []
    claims = machine("record@V3_0")
    assert (claims["tenant"], claims["sub"], claims["scope"]) == ("t1", "app1", "api/read api/extra")
    event = hook_functions.seen[0]
    assert (event["version"], event["triggerSource"], event["userName"]) == ("3", "TokenGeneration_ClientCredentials", "ClientCredentials")
    assert event["request"] == {"userAttributes": {}, "groupConfiguration": None, "clientMetadata": {"k": "v"}, "scopes": ["api/read"]}


@pytest.mark.parametrize(
    ("hook", "public"),
    [
        ("refuse", "PreTokenGeneration failed with error contractors stay outside."),
        ("leave", "PreTokenGeneration failed with error 3."),
        ("forget", "Unrecognizable lambda output"),
    ],
)
def test_a_hook_that_raises_refuses_in_its_own_words(hook: str, public: str) -> None:
    with pytest.raises(HookRefused) as caught:
        issue(hook)
    assert caught.value.public == public


def test_a_hook_that_hangs_holds_up_one_sign_in_for_a_bounded_time() -> None:
    with pytest.raises(HookRefused) as caught:
        plugins.call("PreTokenGeneration", hook_functions.hang, {}, seconds=0.02)
    assert caught.value.public == "PreTokenGeneration failed with error timed out."


@pytest.mark.parametrize(
    "reference", ["nowhere.at.all:x", f"{HERE}:absent", f"{HERE}:NO_FUNCTION", "unheard-of", f"{HERE}:record@V9_0", ":", "x:"]
)
def test_a_reference_that_leads_nowhere_is_a_configuration_error(reference: str) -> None:
    with pytest.raises(ConfigError):
        pretoken.check(reference)
    pretoken.check(f"{HERE}:record@V2_0")


def test_groups_reach_the_hook_in_order_of_precedence() -> None:
    room = KeyRoom()
    pool = replace(POOL, pre_token_hook=f"{HERE}:record")
    room.issuer.issue(
        room.ask(pool=pool, groups=(Group("eu_one", "z"), Group("eu_one", "a", precedence=0)), client=replace(CLIENT, signing_alg="ES256"))
    )
    assert hook_functions.seen[0]["request"]["groupConfiguration"]["groupsToOverride"] == ["a", "z"]

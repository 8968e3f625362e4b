"""The inbound federation hook (spec B.9): it may replace what mapping will see, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.errors import HookRefused
from broker.hooks.inbound import inbound_federation
from tests.unit.hooks import hook_functions
from tests.unit.tokens.keyroom import POOL

HOOKED = replace(POOL, inbound_federation_hook="tests.unit.hooks.hook_functions:record")


def answering(answer: object) -> None:
    hook_functions.seen.clear()
    hook_functions.answer.clear()
    hook_functions.answer["userAttributesToMap"] = answer


def test_without_a_hook_nothing_happens() -> None:
    assert inbound_federation(POOL, "MySAML", "SAML", {"mail": "a"}) is None


@pytest.mark.parametrize("nothing", [None, {}])
def test_an_empty_answer_leaves_the_claims(nothing: object) -> None:
    answering(nothing)
    assert inbound_federation(HOOKED, "MySAML", "SAML", {"mail": "a"}) is None


def test_an_answer_replaces_the_whole_set() -> None:
    answering({"email": "a@b.example", "groups": ["x"]})
    assert inbound_federation(HOOKED, "MySAML", "SAML", {"mail": ("a",)}) == {"email": "a@b.example", "groups": ["x"]}
    event = hook_functions.seen[0]
    assert (event["triggerSource"], event["userPoolId"]) == ("InboundFederation_ExternalProvider", "eu_one")
    assert event["request"] == {"providerName": "MySAML", "providerType": "SAML", "attributes": {"samlResponse": {"mail": ["a"]}}}


def test_oidc_claims_stand_where_cognito_puts_them() -> None:
    answering({})
    inbound_federation(HOOKED, "Corp", "OIDC", {"email": "a"})
    told = hook_functions.seen[0]["request"]["attributes"]
    assert told == {"tokenResponse": {}, "idToken": {"email": "a"}, "userInfo": {"email": "a"}}


@pytest.mark.parametrize("bad", ["text", ["a"], {"a": object()}, {"a": float("inf")}, 7])
def test_a_malformed_answer_is_refused(bad: object) -> None:
    answering(bad)
    with pytest.raises(HookRefused):
        inbound_federation(HOOKED, "MySAML", "SAML", {"mail": "a"})


def test_the_hook_cannot_touch_what_was_verified() -> None:
    answering({})
    attributes = {"mail": ["a"]}
    inbound_federation(HOOKED, "Corp", "OIDC", attributes)
    hook_functions.seen[0]["request"]["attributes"]["userInfo"]["mail"].append("b")
    assert attributes == {"mail": ["a"]}

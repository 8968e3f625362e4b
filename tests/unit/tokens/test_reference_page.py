"""The page on tokens is held to the tokens: same claims, same types, and its code runs."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest

from broker.errors import HookRefused
from broker.hooks import overlay, plugins
from tests.unit.tokens.keyroom import CLIENT, URL, USER, KeyRoom
from tests.unit.tokens.test_claims_golden import GROUPS, LINK, payload

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "tokens.md").read_text(encoding="utf-8")


def fences(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


def run(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(code, names)
    return names


def test_the_example_tokens_have_the_claims_that_we_issue() -> None:
    room = KeyRoom()
    user = replace(USER, attributes={**USER.attributes, "custom:department": "engines"})
    client = replace(CLIENT, read_attributes=("email", "email_verified", "name", "custom:department"))
    tokens = room.issuer.issue(room.ask(user=user, client=client, groups=GROUPS, identities=(LINK,)))
    for shown, issued in zip(map(json.loads, fences("json")), map(payload, (tokens.id_token, tokens.access_token)), strict=True):
        assert {name: type(value) for name, value in shown.items()} == {name: type(value) for name, value in issued.items()}
    assert json.loads(fences("json")[0])["identities"][0].keys() == payload(tokens.id_token)["identities"][0].keys()  # type: ignore[index]


def test_the_verifier_of_the_page_works() -> None:
    verify = run(fences("python")[0])["verify_access_token"]
    room = KeyRoom()
    room.clock.time = datetime.now(UTC)  # PyJWT has no clock to turn
    tokens = room.issuer.issue(room.ask())
    keys = jwt.PyJWKSet.from_dict(room.ring.jwks("eu_one"))
    assert verify(tokens.access_token, keys, f"{URL}/eu_one", "app1")["sub"] == USER.sub
    for token, issuer, client in (
        (tokens.id_token, f"{URL}/eu_one", "app1"),
        (tokens.access_token, f"{URL}/eu_two", "app1"),
        (tokens.access_token, f"{URL}/eu_one", "app2"),
    ):
        with pytest.raises(jwt.InvalidTokenError):
            verify(token, keys, issuer, client)


def test_the_hook_of_the_page_works(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = run(fences("python")[1])["add_plan"]
    monkeypatch.setattr(plugins, "load", lambda reference: hook)
    room = KeyRoom()
    ask = room.ask(groups=GROUPS)
    tokens = room.issuer.issue(replace(ask, pool=replace(ask.pool, pre_token_hook="acme:add_plan")))
    assert payload(tokens.id_token)["plan"] == "gold"
    assert "api/admin" in str(payload(tokens.access_token)["scope"]).split()
    contractor = replace(USER, attributes={"email": "c@contractors.example"})
    with pytest.raises(HookRefused, match="elsewhere"):
        room.issuer.issue(replace(ask, user=contractor, pool=replace(ask.pool, pre_token_hook="acme:add_plan")))


def test_the_page_names_every_protected_claim() -> None:
    named = set(re.findall(r"`([a-z_]+)`", PAGE[PAGE.index("These claims cannot be changed") :]))
    assert named >= overlay._PROTECTED_ACCESS

"""`auth_time` tells when the user signed in where he signed in, as far as his provider says so, and what an app asked for holds."""

from __future__ import annotations

from typing import Any

import pytest
from lxml.etree import _Element as Element

from tests.attacks.op.rig import query_of
from tests.fakes.broker import POOL, Flow, claims_of
from tests.journeys.house import House

DAY = 86400


def by_op(house: House, age: int | None, **params: str) -> tuple[Flow, dict[str, str]]:
    """A sign-in through the OpenID provider, where the user signed in `age` seconds ago (None: it does not say)."""
    at = {} if age is None else {"auth_time": int(house.broker.clock.now().timestamp()) - age}
    house.op.forge.claims = lambda claims: {**{name: value for name, value in claims.items() if name != "auth_time"}, **at}
    browser = house.broker.browser()
    flow, sent = house.broker.begin(browser, "app", identity_provider="op", **params)
    back = browser.get(house.url("/oauth2/idpresponse", POOL, **dict(house.op.browse(sent.location))))
    return flow, query_of(back.headers.get("Location", "")) | {"status": str(back.status_code)}


def tokens(house: House, flow: Flow, answer: dict[str, str]) -> dict[str, Any]:
    return claims_of(house.grant(flow, answer["code"])["id_token"])


@pytest.mark.parametrize(
    ("age", "params", "told"),
    [
        (5000, {}, 5000),
        (None, {}, 0),
        (-20, {}, 0),
        (500, {"max_age": "1000"}, 500),
        (15, {"max_age": "0"}, 0),
        (15, {"max_age": "10"}, 10),
        (15, {"prompt": "login"}, 0),
        (None, {"prompt": "login"}, 0),
    ],
)
def test_the_time_of_a_sign_in_upstream(house: House, age: int | None, params: dict[str, str], told: int) -> None:
    identity = tokens(house, *by_op(house, age, **params))
    assert told <= identity["iat"] - identity["auth_time"] <= told + 5


@pytest.mark.parametrize(
    ("age", "params"), [(None, {"max_age": "1000"}), (1100, {"max_age": "1000"}), (60, {"max_age": "0"}), (60, {"prompt": "login"})]
)
def test_one_that_is_older_than_was_asked_for_is_refused(house: House, age: int | None, params: dict[str, str]) -> None:
    _, answer = by_op(house, age, **params)
    assert (answer["status"], "code" in answer) == ("400", False)
    assert "code" in by_op(house, 0, **params)[1]


@pytest.mark.parametrize("params", [{"max_age": "1000"}, {"prompt": "login"}])
def test_a_provider_that_is_set_not_to_be_asked_is_held_to_it_all_the_same(house: House, params: dict[str, str]) -> None:
    was = house.provider("op")
    house.provider("op", options={**was.options, "forward": []})
    try:
        assert by_op(house, 2000, **params)[1]["error"] == "login_required"
        assert "code" in by_op(house, 5, **params)[1]
    finally:
        house.provider("op", options=was.options)


def test_an_old_sign_in_upstream_shortens_neither_the_session_nor_the_refresh_token(house: House) -> None:
    flow, answer = by_op(house, 40 * DAY)
    granted = house.grant(flow, answer["code"])
    assert house.refresh(granted["refresh_token"]).status_code == 200
    refreshed = claims_of(house.refresh(granted["refresh_token"]).get_json()["id_token"])
    assert refreshed["auth_time"] == claims_of(granted["id_token"])["auth_time"]
    assert refreshed["iat"] - refreshed["auth_time"] >= 40 * DAY


def test_the_authn_instant_of_saml(house: House) -> None:
    def earlier(root: Element) -> None:
        statement = root.find(".//{*}AuthnStatement")
        assert statement is not None
        statement.set("AuthnInstant", "2026-01-02T03:04:05Z")

    browser = house.broker.browser()
    flow, sent = house.broker.begin(browser, identity_provider="corp")
    back = house.broker.post_acs(browser, house.broker.saml_answer(sent, edit=earlier))
    assert claims_of(house.grant(flow, house.broker.code_of(flow, back))["id_token"])["auth_time"] == 1767323045

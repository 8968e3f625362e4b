"""The rules of spec B.9 and the attacks on them (SAML-K9, OA-R4.2, R4.11, R4.15): what is written, what stays, what ends the sign-in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from broker.errors import AttributeInvalid
from broker.mapping import registry
from broker.mapping.chain import check_required
from broker.mapping.mapper import MISSING, MappingContext, Missing, Value
from broker.model.settings import AppClient, AttributeSchema
from tests.unit.mapping.identities import POOL, mapped, rule

EMAIL = rule("email", from_="mail")
FLAG = rule("email_verified", from_="verified")
NEEDS_EMAIL = replace(POOL, schema=(*POOL.schema, AttributeSchema("email", required=True)))


def test_what_is_not_mapped_is_dropped() -> None:
    hostile = {"mail": "a@b.example", "role": "admin", "custom:dept": "root", "email_verified": True, "sub": "x", "tenant_id": "other"}
    assert mapped([EMAIL], hostile).attributes == {"email": "a@b.example", "email_verified": "false"}


@pytest.mark.parametrize(
    "target", ["sub", "identities", "roles", "cognito:groups", "cognito:roles", "cognito:username", "dev:x", "tenant_id", "role"]
)
def test_what_no_mapping_may_write_stays_unwritten(target: str) -> None:
    result = mapped([rule(target, from_="a"), rule("name", from_="a")], {"a": "x"})
    assert result.attributes == {"name": "x"}
    assert (result.lines[0].did, result.lines[0].outcome) == ("failed", "note")


def test_the_username_follows_from_the_subject_and_a_rule_for_it_does_nothing() -> None:
    result = mapped([rule("username", from_="mail")], {"mail": "a@b.example"})
    assert (dict(result.attributes), result.lines[0].did) == ({}, "skipped")


def test_a_missing_claim_leaves_and_an_empty_one_clears() -> None:
    result = mapped([rule("name", from_="a"), rule("nickname", from_="b")], {"b": ""})
    assert result.attributes == {"nickname": ""}
    assert [line.did for line in result.lines] == ["absent", "cleared"]


@pytest.mark.parametrize(
    ("claim", "stored"),
    [
        (True, "true"), ("true", "true"), ("True", "true"), (["true"], "true"),
        (False, "false"), ("false", "false"), (1, "false"), ("1", "false"), ("yes", "false"), ("", "false"), (["true", "true"], "false"),
        ({"v": True}, "false"), (" true", "false"), ([], "false"), (1.0, "false"),
    ],
)  # fmt: skip
def test_verified_is_parsed_strictly(claim: object, stored: str) -> None:
    assert mapped([EMAIL, FLAG], {"mail": "a@b.example", "verified": claim}).attributes["email_verified"] == stored


def test_a_flag_speaks_of_the_address_that_came_with_it_only() -> None:
    assert mapped([EMAIL, FLAG], {"mail": "new@b.example"}).attributes["email_verified"] == "false"
    assert "email_verified" not in mapped([EMAIL, FLAG], {"verified": True}).attributes
    assert "email_verified" not in mapped([EMAIL, FLAG], {"mail": "no address", "verified": True}).attributes
    assert mapped([EMAIL, FLAG], {"mail": "", "verified": True}).attributes == {"email": "", "email_verified": ""}
    phone = mapped([rule("phone_number", from_="tel")], {"tel": "+4412345"})
    assert phone.attributes["phone_number_verified"] == "false"
    assert phone.lines[-1].rule == 0


def test_blanks_around_an_address_go_and_its_case_and_tags_stay() -> None:
    assert mapped([EMAIL], {"mail": " Ada.L+x@B.example "}).attributes["email"] == "Ada.L+x@B.example"


def test_a_value_over_2048_characters_ends_the_sign_in() -> None:
    assert mapped([rule("name", from_="a")], {"a": "x" * 2048}).attributes["name"] == "x" * 2048
    result = mapped([EMAIL, rule("name", from_="a")], {"mail": "a@b.example", "a": "x" * 2049})
    assert (dict(result.attributes), result.lines[1].did, result.lines[1].outcome) == ({}, "refused", "refused")
    with pytest.raises(AttributeInvalid) as caught:
        check_required(POOL, result, {})
    assert caught.value.public == "Invalid user attributes: name: String must not be longer than 2048 characters"


@pytest.mark.parametrize(
    ("target", "claim", "made"),
    [
        ("custom:level", 7, "7"), ("custom:level", " 7 ", "7"), ("custom:level", 7.5, "7.5"), ("custom:level", "seven", None),
        ("custom:level", 11, None), ("custom:level", "١", None), ("custom:boss", True, "true"), ("custom:boss", "FALSE", "false"),
        ("custom:boss", "1", None), ("custom:since", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"),
        ("custom:since", 1700000000, "1700000000"),
        ("custom:since", "yesterday", None), ("custom:short", "abc", "abc"), ("custom:short", "abcd", None), ("custom:none", "x", None),
        ("birthdate", "1815-12-10", "1815-12-10"), ("birthdate", "1815-13-10", None), ("picture", "javascript:alert(1)", None),
        ("picture", "https://x.example/a.png", "https://x.example/a.png"), ("name", float("nan"), None), ("name", b"x", None),
        ("name", "a\x00b", None), ("name", "a\u202eb", None), ("name", "a\ud800", None),
    ],
)  # fmt: skip
def test_values_take_the_form_of_their_attribute_or_are_left_out(target: str, claim: object, made: str | None) -> None:
    result = mapped([rule(target, from_="a")], {"a": claim})
    assert result.attributes.get(target) == made
    assert made is not None or (result.lines[0].did, result.refusals) == ("failed", ())


def test_a_required_attribute_must_arrive_or_be_stored_and_is_never_cleared() -> None:
    nothing = mapped([EMAIL], {}, pool=NEEDS_EMAIL)
    with pytest.raises(AttributeInvalid, match="email: The attribute is required"):
        check_required(NEEDS_EMAIL, nothing, {})
    check_required(NEEDS_EMAIL, nothing, {"email": "old@b.example"})
    with pytest.raises(AttributeInvalid, match="Required attribute cannot be deleted"):
        check_required(NEEDS_EMAIL, mapped([EMAIL], {"mail": ""}, pool=NEEDS_EMAIL), {"email": "old@b.example"})
    check_required(NEEDS_EMAIL, mapped([EMAIL], {"mail": "a@b.example"}, pool=NEEDS_EMAIL), {})


@pytest.mark.parametrize("arrived", [{}, {"mail": "no address"}, {"mail": ""}])
def test_a_required_rule_ends_the_sign_in(arrived: dict[str, str]) -> None:
    result = mapped([replace(EMAIL, required=True), rule("name", from_="cn")], {"cn": "Ada", **arrived})
    assert result.lines[1].did == "made"  # the others are told all the same
    assert result.attributes == {}
    with pytest.raises(AttributeInvalid, match="email"):
        check_required(POOL, result, {"email": "old@b.example"})


def test_an_immutable_attribute_is_given_once() -> None:
    result = mapped([rule("custom:fixed", from_="a")], {"a": "x"})
    check_required(POOL, result, {})
    check_required(POOL, result, {"custom:fixed": "x"})
    for stored in ({"custom:fixed": "y"}, {"name": "Ada"}):
        with pytest.raises(AttributeInvalid, match="custom:fixed: Attribute cannot be updated"):
            check_required(POOL, result, stored)


def test_a_client_with_a_list_writes_only_what_is_on_it() -> None:
    listed = AppClient("a", "eu_one", write_attributes=("email",))
    good = mapped([EMAIL, FLAG], {"mail": "a@b.example", "verified": True}, client=listed)
    assert good.attributes == {"email": "a@b.example", "email_verified": "true"}
    bad = mapped([EMAIL, rule("name", from_="mail")], {"mail": "a@b.example"}, client=listed)
    assert (dict(bad.attributes), bad.refusals) == ({}, ("name: A client attempted to write unauthorized attribute",))


class Breaks:
    """A plugin with a mistake in it."""

    def check(self, options: Mapping[str, Any]) -> None:
        return None

    def apply(self, context: MappingContext, options: Mapping[str, Any]) -> Value | Missing:
        raise KeyError("secret value")


class Initials:
    """A plugin as its author would write it."""

    def check(self, options: Mapping[str, Any]) -> None:
        return None

    def apply(self, context: MappingContext, options: Mapping[str, Any]) -> Value | Missing:
        found = context.texts("cn")
        return MISSING if found is MISSING else "".join(word[0] for word in found[0].split())


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    points = {
        name: EntryPoint(name, f"{__name__}:{kind}", registry.GROUP)
        for name, kind in {"breaks": "Breaks", "initials": "Initials", "gone": "Nowhere", "copy": "Breaks"}.items()
    }
    monkeypatch.setattr(registry, "_plugins", lambda: points)
    registry.find.cache_clear()
    monkeypatch.setattr(EntryPoint, "load", lambda self: globals()[self.attr])


@pytest.mark.usefixtures("plugins")
def test_plugins_join_the_chain_and_their_mistakes_stop_nobody() -> None:
    rules = [
        rule("name", "breaks"),
        rule("nickname", "initials"),
        rule("gender", "gone"),
        rule("zoneinfo", "unheard"),
        rule("locale", from_="l"),
    ]
    try:
        result = mapped(rules, {"cn": "Ada Love", "l": "en"})
        required = mapped([rule("name", "breaks", required=True)], {})
    finally:
        registry.find.cache_clear()
    assert result.attributes == {"nickname": "AL", "locale": "en"}
    assert [line.did for line in result.lines] == ["failed", "made", "failed", "failed", "made"]
    assert result.lines[0].why == "the mapper broke: KeyError"
    assert "secret" not in repr(result.lines)
    assert required.refusals == ("name: The attribute is required",)


def test_a_line_tells_what_arrived_and_what_came_of_it() -> None:
    line = mapped([rule("name", "template", template="{gn} {sn}")], {"gn": "Ada", "sn": ["Love"]}).lines[0]
    assert line.told() == {
        "provider": "MySAML",
        "attribute": "name",
        "rule": 1,
        "mapper": "template",
        "did": "made",
        "arrived": {"gn": "Ada", "sn": "Love"},
        "made": "Ada Love",
    }
    assert line.told(redact=True)["arrived"] == {"gn": "(3 characters)", "sn": "(4 characters)"}
    assert "Ada" not in repr(line)


def test_a_line_hides_the_upstreams_tokens_and_cuts_what_is_long() -> None:
    lines = mapped([rule("custom:dept", from_="access_token"), rule("name", from_="a")], {"access_token": "s3cret", "a": "x" * 500}).lines
    assert "s3cret" not in str(lines[0].told())
    assert len(str(lines[1].told()["made"])) == 201


def test_the_identity_is_left_as_it_was() -> None:
    arrived = {"a": ["x", "y"], "b": {"c": 1}}
    mapped([rule("name", from_="a"), rule("nickname", from_="b")], arrived)
    assert arrived == {"a": ["x", "y"], "b": {"c": 1}}

"""What an attribute may hold (spec C.1; attacks DIR-D6.9, D6.12, OA-R4.11)."""

from __future__ import annotations

import pytest

from broker.model import schema
from broker.model.settings import AttributeSchema, UserPool


@pytest.mark.parametrize(
    ("name", "value", "good"),
    [
        ("email", "ada@example.com", True), ("email", "ada+x.y@sub.example.co", True), ("email", "ada@localhost", True),
        ("email", "ada@münchen.example", True), ("email", "ada", False), ("email", "@example.com", False), ("email", "ada@", False),
        ("email", "a@b@c.example", False), ("email", "ada @example.com", False), ("email", "ada@example.com\n", False),
        ("email", "ada@-example.com", False), ("email", "ada@example..com", False), ("email", "<ada@example.com>", False),
        ("email", "x" * 65 + "@example.com", False), ("email", "ada@" + "a" * 256, False), ("email", "\u212aada@example.com", False),
        ("email", "ada@exa\uff4dple.com", False), ("phone_number", "+4412345", True), ("phone_number", "004412345", False),
        ("phone_number", "+44 123", False), ("phone_number", "+" + "1" * 16, False), ("phone_number", "+\u0661\u0662", False),
        ("birthdate", "1815-12-10", True), ("birthdate", "0000-02-29", True), ("birthdate", "1815-02-29", False),
        ("birthdate", "18151210xx", False), ("locale", "en-GB", True), ("locale", "zh_Hant_TW", True), ("locale", "javascript:1", False),
        ("zoneinfo", "America/Argentina/Buenos_Aires", True), ("zoneinfo", "<b>", False),
        ("picture", "https://x.example/a?b=c", True), ("picture", "/local.png", True), ("picture", "javascript:alert(1)", False),
        ("picture", " JaVaScRiPt :alert(1)", False), ("picture", "java\nscript:alert(1)", False), ("picture", "data:text/html,x", False),
        ("website", "vbscript:x", False), ("website", "HTTP://x.example", True), ("profile", "file:///etc/passwd", False),
        ("email_verified", "true", True), ("email_verified", "1", False), ("updated_at", "1700000000", True), ("updated_at", "now", False),
        ("name", "Ada \u202elove", False), ("name", "Ada\x00", False), ("name", "line\nline\ttab", True), ("name", "\u2067x", False),
        ("name", "x" * 2048, True), ("name", "x" * 2049, False), ("name", "", True), ("birthdate", "", True),
    ],
)  # fmt: skip
def test_standard_attributes(name: str, value: str, good: bool) -> None:
    assert (schema.problem(schema.STANDARD[name], value) is None) is good


def test_a_pool_may_tighten_but_never_lift_the_limit() -> None:
    assert schema.problem(AttributeSchema("name", max_length=None), "x" * 2049)
    assert schema.problem(AttributeSchema("name", max_length=9999), "x" * 2049)
    assert schema.problem(AttributeSchema("custom:a", min_length=2), "x") == "is shorter than 2 characters"
    assert schema.problem(AttributeSchema("custom:a", data_type="Number", min_value=1), "0") == "is less than 1"
    assert schema.problem(AttributeSchema("custom:a", data_type="Number"), "nan")


def test_the_pools_own_word_on_an_attribute_counts() -> None:
    own = AttributeSchema("name", required=True, mutable=False)
    pool = UserPool("p", "P", schema=(own, AttributeSchema("sub", required=True)))
    assert schema.find(pool, "name") is own
    assert schema.find(pool, "email") is schema.STANDARD["email"]
    assert schema.find(pool, "custom:none") is None
    assert schema.required(pool) == ("name",)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ada@Example.COM", "ada@example.com", True),
        ("a.da@example.com", "ada@example.com", False),
        ("ada+x@example.com", "ada@example.com", False),
        ("ada@xn--mnchen-3ya.example", "ada@münchen.example", False),
        ("ÄDA@example.com", "äda@example.com", False),
        ("\u212a@example.com", "k@example.com", False),
    ],
)
def test_addresses_compare_by_one_rule(one: str, other: str, same: bool) -> None:
    assert (schema.canonical_email(one) == schema.canonical_email(other)) is same
    assert schema.canonical_email(schema.canonical_email(one)) == schema.canonical_email(one)

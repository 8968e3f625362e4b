"""F.3: every operator, with missing keys, several values, IfExists and set operators."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.identitypool.policy.asking import ask, holds, statement

ROLE_A = "arn:aws:iam::1:role/a"


@pytest.mark.parametrize(
    ("operator", "wanted", "yes", "no"),
    [
        ("StringEquals", "a", ["a"], ["A", "b", "", "aa", "a "]),
        ("StringEquals", "a*", ["a*"], ["ab", "a"]),
        ("StringEquals", ["a", "b"], ["a", "b"], ["c"]),
        ("StringEquals", "", [""], ["a"]),
        ("StringEquals", 5, ["5"], ["5.0"]),
        ("StringEquals", 1.50, ["1.5"], ["1.50"]),
        ("StringEquals", True, ["true"], ["True"]),
        ("StringEqualsIgnoreCase", "aÉ", ["AÉ", "aé"], ["ae", "b"]),
        ("StringEqualsIgnoreCase", "k", ["K"], ["\u212a"]),
        ("StringEqualsIgnoreCase", "s", ["S"], ["\u017f"]),
        ("StringLike", "a*c?", ["acd", "abbbcd", "ac*"], ["ac", "acdd", "Acd"]),
        ("StringLike", "*", ["", "anything\nat all"], []),
        ("StringLike", "a?", ["ab", "a\U0001f600"], ["a", "abc"]),
        ("StringNotEquals", ["a", "b"], ["c", "A"], ["a", "b"]),
        ("StringNotEqualsIgnoreCase", "a", ["b"], ["A", "a"]),
        ("StringNotLike", ["a*", "b"], ["c", "bb"], ["a", "abc", "b"]),
        ("NumericEquals", "10", ["10", "10.0", "+10", "010"], ["10.01", "ten", "", "1e1", "0x0a", "\u0661\u0660", "NaN"]),
        ("NumericEquals", "0.1", ["0.10", ".1"], ["0.1000000000000000000001"]),
        ("NumericNotEquals", "10", ["11", "ten"], ["10.0"]),
        ("NumericLessThan", "10", ["9.9", "-11"], ["10", "11", "Infinity"]),
        ("NumericLessThanEquals", "10", ["10"], ["10.1"]),
        ("NumericGreaterThan", 2.5, ["2.6", "9" * 60], ["2.5"]),
        ("NumericGreaterThanEquals", "2.5", ["2.50"], ["2.4", "9" * 70]),
        ("DateEquals", "2030-01-01T00:00:00Z", ["1893456000", "2030-01-01", "2030-01-01T02:00+02:00"], ["2030-01-01T00:00:01Z", "now", ""]),
        ("DateEquals", "2030-01-01T00:00:00.25Z", ["1893456000.25"], ["1893456000"]),
        ("DateEquals", "1893456000", ["2029-12-31T23:00:00-01:00"], ["2030-01-01T00:00:00", "2030-13-01", "2030-01-01T24:00:00Z"]),
        ("DateNotEquals", "2030-01-01", ["2031-01-01"], ["2030-01-01T00:00:00Z"]),
        ("DateLessThan", "2030-01-01", ["2029-12-31T23:59:59Z"], ["2030-01-01", "not a date"]),
        ("DateLessThanEquals", "2030-01-01", ["2030-01-01"], ["2030-01-01T00:00:00.001Z"]),
        ("DateGreaterThan", "2030-01-01", ["2030-01-02", "9999-12-31T23:59:59-23:59"], ["2030-01-01", "0000-01-01"]),
        ("DateGreaterThanEquals", "2030-01-01", ["2030-01-01"], ["0001-01-01T00:00:00+23:59"]),
        ("Bool", "true", ["true", "TRUE"], ["false", "1", "", "yes"]),
        ("Bool", False, ["false"], ["true", "no"]),
        ("BinaryEquals", "YWI=", ["YWI="], ["YWI", "YQ==", "ab", "é"]),
        ("IpAddress", "10.1.0.0/16", ["10.1.2.3", "::ffff:10.1.2.3"], ["10.2.0.1", "10.1.2", "010.1.2.3", "10.1.2.3/32", "fe80::1%eth0"]),
        ("IpAddress", "10.1.2.3", ["10.1.2.3"], ["10.1.2.4", "167838211"]),
        ("IpAddress", "2001:db8::/32", ["2001:db8::1", "2001:0DB8:0:0::1"], ["2001:db9::1", "10.0.0.1"]),
        ("IpAddress", "2001:db8::1", ["2001:db8:0::1"], ["2001:db8::2"]),
        ("IpAddress", "::ffff:10.0.0.0/104", ["10.9.9.9"], ["11.0.0.1"]),
        ("IpAddress", "0.0.0.0/0", ["8.8.8.8"], ["::1"]),
        ("NotIpAddress", ["10.0.0.0/8", "::1"], ["11.0.0.1", "nonsense"], ["10.0.0.1", "::1", "::ffff:10.0.0.1"]),
        ("ArnLike", "arn:aws:iam::1:role/*", [ROLE_A, "arn:aws:iam::1:role/a:b/c"], ["arn:aws:iam::2:role/a", "arn:aws:iam::1:user/a"]),
        ("ArnLike", "arn:aws:iam::*:role/a", [ROLE_A], ["arn:aws:iam::1:x:role/a", "arn:aws:iam:r:1:role/a"]),
        ("ArnLike", "arn:aws:*:role/a:b:c", [], ["arn:aws:iam::1:role/a", "arn:aws:s3:x:role/a:b:c"]),
        ("ArnEquals", "arn:*:iam::?:role/a", [ROLE_A, "arn:aws-cn:iam::1:role/a"], ["ARN:aws:iam::1:role/a", "arn:aws:iam::12:role/a"]),
        ("ArnEquals", "*", [ROLE_A], ["role/a", ""]),
        ("ArnNotLike", "arn:aws:iam::1:role/*", ["arn:aws:iam::2:role/a", "no arn"], [ROLE_A]),
        ("ArnNotEquals", "arn:aws:iam::1:role/*", ["arn:aws:iam::2:role/a"], [ROLE_A]),
    ],
)  # fmt: skip
def test_an_operator(operator: str, wanted: Any, yes: list[str], no: list[str]) -> None:
    assert [value for value in yes if not holds(operator, wanted, value)] == []
    assert [value for value in no if holds(operator, wanted, value)] == []


POSITIVE = {
    "StringEquals": "a", "StringEqualsIgnoreCase": "a", "StringLike": "a", "NumericEquals": "1", "NumericLessThan": "1",
    "NumericLessThanEquals": "1", "NumericGreaterThan": "1", "NumericGreaterThanEquals": "1", "DateEquals": "1", "DateLessThan": "1",
    "DateLessThanEquals": "1", "DateGreaterThan": "1", "DateGreaterThanEquals": "1", "Bool": "true", "BinaryEquals": "YQ==",
    "IpAddress": "10.0.0.1", "ArnEquals": ROLE_A, "ArnLike": ROLE_A,
}  # fmt: skip
NEGATED = {
    "StringNotEquals": "a", "StringNotEqualsIgnoreCase": "a", "StringNotLike": "a", "NumericNotEquals": "1", "DateNotEquals": "1",
    "NotIpAddress": "10.0.0.1", "ArnNotEquals": ROLE_A, "ArnNotLike": ROLE_A,
}  # fmt: skip


@pytest.mark.parametrize(("operator", "wanted"), [*POSITIVE.items(), *NEGATED.items()])
def test_a_missing_key(operator: str, wanted: str) -> None:
    assert holds(operator, wanted, None) is (operator in NEGATED)
    assert holds(f"{operator}IfExists", wanted, None)
    assert holds(f"ForAllValues:{operator}", wanted, None)
    assert not holds(f"ForAnyValue:{operator}", wanted, None)
    assert holds(f"ForAnyValue:{operator}IfExists", wanted, None)
    assert holds(f"ForAllValues:{operator}", wanted, ())
    assert not holds(f"ForAnyValue:{operator}", wanted, ())


@pytest.mark.parametrize(("operator", "wanted"), [*POSITIVE.items(), *NEGATED.items()])
def test_if_exists_changes_nothing_where_the_key_is(operator: str, wanted: str) -> None:
    for value in ("a", "1", "2", "true", "YQ==", "10.0.0.1", ROLE_A, "zz"):
        assert holds(f"{operator}IfExists", wanted, value) is holds(operator, wanted, value)


@pytest.mark.parametrize(("operator", "wanted"), [*POSITIVE.items(), *NEGATED.items()])
def test_a_key_of_several_values_needs_a_set_operator(operator: str, wanted: str) -> None:
    assert not holds(operator, wanted, (wanted,))
    assert not holds(f"{operator}IfExists", wanted, ("zz", "a"))
    assert holds(f"ForAnyValue:{operator}", wanted, (wanted, "3")) is (operator not in {"NumericLessThan", "DateLessThan"})


@pytest.mark.parametrize(
    ("operator", "value", "holds_it"),
    [
        ("ForAllValues:StringEquals", ("a",), True),
        ("ForAllValues:StringEquals", ("a", "b"), True),
        ("ForAllValues:StringEquals", ("a", "c"), False),
        ("ForAllValues:StringEquals", "a", True),
        ("ForAllValues:StringEquals", "c", False),
        ("ForAnyValue:StringEquals", ("c", "a"), True),
        ("ForAnyValue:StringEquals", ("c", "d"), False),
        ("ForAnyValue:StringEquals", "a", True),
        ("ForAllValues:StringNotEquals", ("c", "d"), True),
        ("ForAllValues:StringNotEquals", ("c", "a"), False),
        ("ForAnyValue:StringNotEquals", ("a", "c"), True),
        ("ForAnyValue:StringNotEquals", ("a", "b"), False),
        ("ForAllValues:StringEquals", ("",), False),
    ],
)
def test_set_operators(operator: str, value: str | tuple[str, ...], holds_it: bool) -> None:
    assert holds(operator, ["a", "b"], value) is holds_it


@pytest.mark.parametrize(
    ("wanted", "absent", "present"),
    [("true", True, False), ("false", False, True), (True, True, False), (["true", "false"], True, True), ("FALSE", False, True)],
)
def test_null(wanted: Any, absent: bool, present: bool) -> None:
    assert holds("Null", wanted, None) is absent
    assert holds("Null", wanted, ()) is absent
    assert holds("Null", wanted, "") is present
    assert holds("Null", wanted, ("a", "b")) is present


def test_for_all_values_is_safe_beside_null() -> None:
    guarded = statement(Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}, "Null": {"aws:TagKeys": False}})
    assert ask(guarded, keys={"aws:TagKeys": ("a",)}).allowed
    assert not ask(guarded, keys={"aws:TagKeys": ()}).allowed
    assert not ask(guarded).allowed


def test_operators_and_keys_are_all_needed() -> None:
    both = statement(Condition={"StringEquals": {"t:a": "1", "t:b": "2"}, "Bool": {"t:c": "true"}})
    full = {"t:a": "1", "t:b": "2", "t:c": "true"}
    assert ask(both, keys=full).allowed
    for name in full:
        assert not ask(both, keys={**full, name: "x"}).allowed
        assert not ask(both, keys={key: value for key, value in full.items() if key != name}).allowed


def test_the_case_of_a_key_does_not_count_and_that_of_its_value_does() -> None:
    made = statement(Condition={"StringEquals": {"AWS:principaltag/Dept": "Red"}})
    assert ask(made, keys={"aws:PrincipalTag/dept": "Red"}).allowed
    assert not ask(made, keys={"aws:PrincipalTag/dept": "red"}).allowed


@pytest.mark.parametrize("value", ["blue\u200b", "bl\u03c5e", "blue ", " blue", "blu\u0435", "\uff42lue", "blue\x00", "blue,blue"])
def test_look_alikes_are_other_values(value: str) -> None:
    """Row IP-S2.9: compared as they are; nothing is normalised or trimmed."""
    assert holds("StringEquals", "blue", "blue")
    assert not holds("StringEquals", "blue", value)
    assert not holds("StringEqualsIgnoreCase", "blue", value)

"""F.2 and F.4: actions, resources, their negations, and variables."""

from __future__ import annotations

import time

import pytest

from broker.identitypool.policy.glob import ONE, STAR, Glob, fold
from tests.unit.identitypool.policy.asking import ask, holds, policy, statement
from tests.unit.identitypool.policy.asking import context as asked


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("*", ["s3:GetObject", "x:y"], []),
        ("s3:GetObject", ["s3:GetObject", "S3:GETOBJECT"], ["s3:GetObjectAcl", "as3:GetObject"]),
        ("S3:get*", ["s3:GetObject", "s3:Get"], ["s3:PutObject"]),
        ("s3:*Object", ["s3:GetObject", "s3:Object"], ["s3:GetObjectAcl"]),
        ("s3:?etObject", ["s3:GetObject", "s3:setobject"], ["s3:etObject", "s3:GGetObject"]),
        ("*:Get*", ["s3:GetObject", "sqs:Get"], ["s3:PutObject"]),
    ],
)
def test_actions(pattern: str, yes: list[str], no: list[str]) -> None:
    assert all(ask(statement(Action=pattern), action=action).allowed for action in yes)
    assert not any(ask(statement(Action=pattern), action=action).allowed for action in no)
    assert not any(ask(statement(Action=None, NotAction=pattern), action=action).allowed for action in yes)
    assert all(ask(statement(Action=None, NotAction=pattern), action=action).allowed for action in no)


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("*", ["arn:aws:s3:::b", "*", ""], []),
        ("arn:aws:s3:::b", ["arn:aws:s3:::b"], ["arn:aws:s3:::B", "arn:aws:s3:::b/", "arn:aws-cn:s3:::b"]),
        ("arn:aws:s3:::b/*", ["arn:aws:s3:::b/", "arn:aws:s3:::b/x/y:z"], ["arn:aws:s3:::b", "arn:aws:s3:::bb/x"]),
        ("arn:aws:s3:*:b", ["arn:aws:s3:::b", "arn:aws:s3:eu:111111111111:x:b"], ["arn:aws:s3:b"]),
        ("arn:aws:s3:::b/?/*.txt", ["arn:aws:s3:::b/a/x.txt"], ["arn:aws:s3:::b/aa/x.txt", "arn:aws:s3:::b/a/x.txt2"]),
        ("arn:aws:*", ["arn:aws:s3:::b"], ["arn:aws-cn:s3:::b"]),
    ],
)
def test_resources(pattern: str, yes: list[str], no: list[str]) -> None:
    assert all(ask(statement(Resource=pattern), resource=resource).allowed for resource in yes)
    assert not any(ask(statement(Resource=pattern), resource=resource).allowed for resource in no)
    assert not any(ask(statement(Resource=None, NotResource=pattern), resource=resource).allowed for resource in yes)
    assert all(ask(statement(Resource=None, NotResource=pattern), resource=resource).allowed for resource in no)


HOME = statement(Resource="arn:aws:s3:::bucket/${aws:PrincipalTag/team}/*")


def home(team: str) -> str:
    return f"arn:aws:s3:::bucket/{team}/file"


def test_a_variable_is_its_value() -> None:
    assert ask(HOME, resource=home("red"), keys={"AWS:principaltag/TEAM": "red"}).allowed
    assert not ask(HOME, resource=home("blue"), keys={"aws:PrincipalTag/team": "red"}).allowed


@pytest.mark.parametrize("value", ["*", "r*", "re?", "???", "${aws:PrincipalTag/other}", "*/../red"])
def test_a_value_is_literal(value: str) -> None:
    """A wildcard or a variable in a tag is only text (F.4)."""
    keys = {"aws:PrincipalTag/team": value, "aws:PrincipalTag/other": "red"}
    assert not ask(HOME, resource=home("red"), keys=keys).allowed
    assert ask(HOME, resource=home(value), keys=keys).allowed
    assert not holds("StringLike", "${t:v}", "red", v=value)
    assert holds("StringLike", "${t:v}", value, v=value)
    assert not holds("ArnLike", "arn:aws:iam::1:${t:v}", "arn:aws:iam::1:red", v=value)


def test_a_value_cannot_move_the_parts_of_an_arn() -> None:
    assert holds("ArnLike", "arn:aws:iam::${t:v}:role/a", "arn:aws:iam::1:role/a", v="1")
    assert not holds("ArnLike", "arn:aws:iam::${t:v}:role/a", "arn:aws:iam::1:role/x:role/a", v="1:role/x")
    assert holds("ArnLike", "arn:aws:iam::1:${t:v}", "arn:aws:iam::1:a:b", v="a:b")
    assert holds("ArnEquals", "${t:v}", "arn:aws:iam::1:a:b", v="arn:aws:iam::1:a:b")
    assert not holds("ArnEquals", "${t:v}", "arn:aws:iam::1:a:b", v="arn:aws:iam::1:*")


@pytest.mark.parametrize(
    "keys", [{}, {"aws:PrincipalTag/team": ("red",)}, {"aws:PrincipalTag/team": ()}, {"aws:PrincipalTag/teams": "red"}]
)
def test_a_variable_without_a_single_value_matches_no_resource(keys: dict[str, tuple[str, ...]]) -> None:
    for resource in (home("red"), home(""), "arn:aws:s3:::bucket//file", home("${aws:PrincipalTag/team}")):
        assert not ask(HOME, resource=resource, keys=keys).allowed
    also = statement(Resource=["arn:aws:s3:::bucket/${aws:PrincipalTag/team}/*", "arn:aws:s3:::open/*"])
    assert ask(also, resource="arn:aws:s3:::open/x", keys=keys).allowed


def test_an_unresolved_variable_never_widens_not_resource() -> None:
    """An Allow for all but a folder is dead without the folder's name; a Deny for all but that folder still denies."""
    pattern = "arn:aws:s3:::bucket/${aws:PrincipalTag/team}/*"
    wide = statement(Resource=None, NotResource=[pattern, "arn:aws:s3:::open"])
    assert ask(wide, resource=home("blue"), keys={"aws:PrincipalTag/team": "red"}).allowed
    assert not ask(wide, resource=home("blue")).allowed
    assert not ask(wide, resource="arn:aws:s3:::open").allowed
    guard = statement(Effect="Deny", Resource=None, NotResource=[pattern, "arn:aws:s3:::open"])
    assert ask(statement(), guard, resource=home("red"), keys={"aws:PrincipalTag/team": "red"}).allowed
    assert ask(statement(), guard, resource=home("red")).kind == "explicit_deny"
    assert ask(statement(), guard, resource="arn:aws:s3:::open").allowed


def test_an_empty_value_is_a_value_and_a_missing_one_is_not() -> None:
    """Row IP-S2.7."""
    equal = statement(Condition={"StringEquals": {"aws:ResourceTag/t": "${aws:PrincipalTag/t}"}})
    assert ask(equal, keys={"aws:ResourceTag/t": "", "aws:PrincipalTag/t": ""}).allowed
    assert not ask(equal, keys={"aws:ResourceTag/t": ""}).allowed
    assert not holds("StringEqualsIgnoreCase", "${t:none}", "")
    assert not holds("StringLike", "${t:none}*", "")
    assert not holds("Bool", "${t:none}", "")


@pytest.mark.parametrize("operator", ["StringNotEquals", "StringNotEqualsIgnoreCase", "StringNotLike"])
def test_deny_unless_equal_still_denies_without_the_tag(operator: str) -> None:
    assert holds(operator, "${t:none}", "red")
    assert not holds(operator, "${t:v}", "red", v="red")
    assert not holds(operator, ["red", "${t:none}"], "red")
    guard = statement(Effect="Deny", Condition={operator: {"aws:ResourceTag/t": "${aws:PrincipalTag/t}"}})
    assert ask(statement(), guard, keys={"aws:ResourceTag/t": "red"}).kind == "explicit_deny"
    assert ask(statement(), guard, keys={"aws:ResourceTag/t": "red", "aws:PrincipalTag/t": "red"}).allowed


def test_defaults() -> None:
    made = statement(Resource="arn:aws:s3:::bucket/${aws:PrincipalTag/team, 'company-wide'}/*")
    assert ask(made, resource=home("company-wide")).allowed
    assert ask(made, resource=home("company-wide"), keys={"aws:PrincipalTag/team": ("red",)}).allowed
    assert not ask(made, resource=home("company-wide"), keys={"aws:PrincipalTag/team": "red"}).allowed
    assert holds("StringEquals", "${t:none,'x'}", "x")
    assert not holds("StringLike", "${t:none, '*'}", "x")
    assert holds("StringEquals", "${t:none, ''}", "")


def test_literals() -> None:
    starred = statement(Resource="arn:aws:s3:::bucket/${*}${?}${$}{x}")
    assert ask(starred, resource="arn:aws:s3:::bucket/*?${x}").allowed
    assert not ask(starred, resource="arn:aws:s3:::bucket/ab${x}").allowed
    assert holds("StringLike", "a${*}", "a*")
    assert not holds("StringLike", "a${*}", "ab")
    assert holds("StringEquals", "${$}{t:v}", "${t:v}", v="red")


def test_variables_are_text_in_the_older_version() -> None:
    old = policy(statement(Resource="arn:aws:s3:::bucket/${aws:PrincipalTag/team}"), version="2008-10-17")
    lookup = asked().values.single
    resources = old.statements[0].resources
    assert resources is not None
    assert resources.applies("arn:aws:s3:::bucket/${aws:PrincipalTag/team}", lookup, allow=True)
    assert not resources.applies("arn:aws:s3:::bucket/red", lookup, allow=True)
    assert holds("StringEquals", "${t:v}", "${t:v}", version="2008-10-17", v="red")
    assert holds("StringLike", "${*}", "${anything}", version="2008-10-17")
    assert holds("StringEquals", "${broken", "${broken", version="2008-10-17")


def test_several_values_in_a_condition_with_a_variable() -> None:
    assert holds("ForAnyValue:StringEquals", ["x", "${t:v}"], ("a", "red"), v="red")
    assert not holds("ForAnyValue:StringEquals", "${t:v}", ("a", "red"), v=("red",))
    assert holds("Bool", "${t:v}", "TRUE", v="true")
    assert not holds("Bool", "${t:v}", "yes", v="yes")


def test_no_pattern_is_slow() -> None:
    """Stars that overlap make a backtracking matcher take years."""
    text = "arn:aws:s3:::" + "a" * 2_000
    patterns = [
        "arn:aws:s3:::" + "*a" * 500 + "b",
        "arn:aws:s3:::" + "a*" * 500 + "b",
        "arn:aws:s3:::*" + "a?" * 500 + "*b*",
        "arn:*" + "?" * 900 + "b*",
    ]
    began = time.monotonic()
    for pattern in patterns:
        assert not ask(statement(Resource=pattern), resource=text).allowed
    assert time.monotonic() - began < 5


def test_globs_take_their_pieces_as_they_are() -> None:
    assert Glob(["a*b"]).matches("a*b")
    assert not Glob(["a*b"]).matches("axb")
    assert Glob(["a", STAR, "b", ONE, "c", STAR, STAR]).matches("a--bbxbycz")
    assert not Glob(["a", STAR, "b", ONE, "c", STAR, "d"]).matches("abxc")
    assert not Glob(["ab", STAR, "bc"]).matches("abc")
    assert Glob([STAR]).everything
    assert not Glob([ONE, STAR]).everything
    assert Glob([]).matches("")


def test_folding_keeps_length_and_never_enters_ascii() -> None:
    for text in ("Straße", "\u0130stanbul", "\u212a", "\u017f", "ÀÉÎ", "ABC"):
        assert len(fold(text)) == len(text)
        assert sum(letter.isascii() for letter in fold(text)) == sum(letter.isascii() for letter in text)
    assert fold("ÀbC") == "àbc"

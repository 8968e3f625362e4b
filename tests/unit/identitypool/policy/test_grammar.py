"""F.1: what a document may hold, and the words with which the rest is refused."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest

from broker.errors import MalformedPolicy
from broker.identitypool.policy.document import LARGEST_TRUST, LIMITS, PolicyKind, compiled, parse_policy
from broker.identitypool.policy.trust import fit_for_classic_flow
from tests.unit.identitypool.policy.asking import ACCOUNT, ROLE, policy, statement, trust

GOOD = json.dumps({"Version": "2012-10-17", "Statement": [statement()]})


def refused(document: Any, kind: PolicyKind = "identity") -> MalformedPolicy:
    with pytest.raises(MalformedPolicy) as caught:
        parse_policy(document, kind)
    assert caught.value.code == "malformed_policy"
    assert caught.value.public.startswith("The policy document is malformed:")
    return caught.value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no JSON"),
        ("{", "line 1, column 2"),
        ("[]", "must be a JSON object"),
        ('"x"', "must be a JSON object"),
        ('{"Version":"2012-10-17","Version":"2012-10-17","Statement":[]}', '"Version" is there twice'),
        (GOOD.replace('"Effect": "Allow"', '"Effect": "Deny", "Effect": "Allow"'), '"Effect" is there twice'),
        (GOOD.replace('"*"', "NaN", 1), "NaN is no JSON"),
        ("\ufeff" + GOOD, "no JSON"),
        ('{"Statement":"\ud800"}', "no Unicode"),
        ("[" * 100_000, "characters"),
        ("[" * 9_000, "nested too deeply"),
        (GOOD.replace("Version", "version"), '"version" is no element'),
        (GOOD.replace("2012", "2013"), "Version"),
        ('{"Version":"2012-10-17"}', "Statement is missing"),
        ('{"Statement":[]}', "Statement is missing or empty"),
        ('{"Statement":["x"]}', "Statement 0: it must be an object"),
        ('{"Id":7,"Statement":{}}', "Id must be a string"),
    ],
    ids=lambda value: value[:24],
)
def test_what_is_no_policy_is_refused(text: str, words: str) -> None:
    assert words in refused(text).public


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"effect": "Allow"}, "effect: there is no such element"),
        ({"Effect": "allow"}, 'Effect: it must be "Allow" or "Deny"'),
        ({"Effect": None}, "Effect: it must be"),
        ({"Effect": ["Allow"]}, "Effect: it must be"),
        ({"Action": None}, "Action: it is missing; give Action or NotAction"),
        ({"NotAction": "s3:*"}, "Action and NotAction exclude each other"),
        ({"Resource": None}, "Resource: it is missing"),
        ({"NotResource": "*"}, "Resource and NotResource exclude each other"),
        ({"Principal": "*"}, "Principal: a policy of kind identity takes none"),
        ({"NotPrincipal": "*"}, "NotPrincipal: a policy of kind identity takes none"),
        ({"Sid": "with space"}, "Sid: only ASCII letters and digits"),
        ({"Sid": 5}, "Sid: only ASCII"),
        ({"Action": []}, "not empty"),
        ({"Action": [7]}, "string or a list of strings"),
        ({"Action": {"a": "b"}}, "string or a list of strings"),
        ({"Action": "s3"}, '"s3" is no action'),
        ({"Action": "s3:"}, "is no action"),
        ({"Action": "s3:Get Object"}, "is no action"),
        ({"Action": "s3:${aws:username}"}, "is no action"),
        ({"Action": "s\u212b:Get"}, "is no action"),
        ({"Resource": "bucket"}, '"bucket" is no ARN'),
        ({"Resource": "arn:aws:s3"}, "is no ARN"),
        ({"Resource": "**"}, "is no ARN"),
        ({"Resource": "arn:aws:s3:::a\nb"}, "is no ARN"),
        ({"Resource": []}, "not empty"),
        ({"Resource": "arn:aws:s3::${aws:PrincipalAccount}:b"}, "before the fifth colon"),
        ({"Resource": "arn:aws:${aws:x}*"}, "before the fifth colon"),
        ({"Resource": "arn:aws:s3:::${aws:username"}, "has a variable that is not one"),
        ({"Resource": "arn:aws:s3:::${}"}, "has a variable that is not one"),
        ({"Resource": "arn:aws:s3:::${ aws:username}"}, "has a variable that is not one"),
        ({"Resource": "arn:aws:s3:::${aws:username, unquoted}"}, "has a variable that is not one"),
        ({"Resource": "arn:aws:s3:::${a:${b:c}}"}, "has a variable that is not one"),
        ({"Condition": []}, "Condition: it must be an object of operators"),
        ({"Condition": {"StringEquals": {}}}, "Condition.StringEquals: it must be an object of condition keys"),
        ({"Condition": {"StringEquals": "x"}}, "Condition.StringEquals: it must be an object"),
        ({"Condition": {"stringEquals": {"a:b": "c"}}}, '"stringEquals" is no operator (case counts)'),
        ({"Condition": {"StringIs": {"a:b": "c"}}}, "is no operator"),
        ({"Condition": {"ForSome:StringEquals": {"a:b": "c"}}}, "is no operator"),
        ({"Condition": {"StringEqualsIfExistsIfExists": {"a:b": "c"}}}, "is no operator"),
        ({"Condition": {"NullIfExists": {"a:b": "true"}}}, "Null takes neither IfExists nor a set operator"),
        ({"Condition": {"ForAllValues:Null": {"a:b": "true"}}}, "Null takes neither IfExists nor a set operator"),
        ({"Condition": {"Null": {"a:b": "yes"}}}, "is no Boolean"),
        ({"Condition": {"Bool": {"a:b": "yes"}}}, "is no Boolean"),
        ({"Condition": {"StringEquals": {"a:b": []}}}, "the list of values is empty"),
        ({"Condition": {"StringEquals": {"a:b": None}}}, "a value must be a string"),
        ({"Condition": {"StringEquals": {"a:b": [["c"]]}}}, "a value must be a string"),
        ({"Condition": {"StringEquals": {"nocolon": "c"}}}, '"nocolon" is no condition key'),
        ({"Condition": {"StringEquals": {"aws:*": "c"}}}, "is no condition key"),
        ({"Condition": {"StringEquals": {"aws:${x:y}": "c"}}}, "is no condition key"),
        ({"Condition": {"StringEquals": {"a:b": "c", "A:B": "d"}}}, 'the key "A:B" is given twice'),
        ({"Condition": {"StringLike": {"a:b": "${x:y"}}}, "has a variable that is not one"),
        ({"Condition": {"NumericEquals": {"a:b": "1e3"}}}, "is not a decimal number"),
        ({"Condition": {"NumericEquals": {"a:b": "${x:y}"}}}, "is not a decimal number"),
        ({"Condition": {"DateEquals": {"a:b": "2030-01-01T00:00:00"}}}, "is not a date"),
        ({"Condition": {"DateEquals": {"a:b": "2030-02-30"}}}, "is not a date"),
        ({"Condition": {"DateEquals": {"a:b": "2030-*"}}}, "is not a date"),
        ({"Condition": {"BinaryEquals": {"a:b": "YQ"}}}, "is not Base64"),
        ({"Condition": {"IpAddress": {"a:b": "10.0.0.0/33"}}}, "is no address or network"),
        ({"Condition": {"IpAddress": {"a:b": "10.0.0.*"}}}, "is no address or network"),
        ({"Condition": {"ArnLike": {"a:b": "arn:aws:iam::1"}}}, "is no ARN"),
        ({"Condition": {"ArnLike": {"a:b": "a*"}}}, "is no ARN"),
    ],
    ids=str,
)
def test_a_bad_statement_is_refused_with_its_place(changed: dict[str, Any], words: str) -> None:
    error = refused({"Version": "2012-10-17", "Statement": [statement(Sid="Fine"), {**statement(Sid="Bad"), **statement(**changed)}]}
                    if "Sid" not in changed and None not in changed.values() else
                    {"Version": "2012-10-17", "Statement": [statement(Sid="Fine"), statement(**changed)]})  # fmt: skip
    assert words in error.public
    assert "Statement 1" in error.public
    assert error.statement == 1
    assert error.sid == ("Bad" if "(Bad)" in error.public else "")


@pytest.mark.parametrize(
    "changed",
    [
        {"Action": None, "NotAction": ["s3:*", "a-b:C?"]},
        {"Resource": None, "NotResource": ["arn:aws:s3:::b", "*"]},
        {"Resource": ["arn:*", "arn:aws:s3*", "arn:aws:s3:::b/${aws:username, 'no body'}/${*}"]},
        {"Sid": "A1"},
        {"Condition": {}},
        {"Condition": {"NumericLessThan": {"s3:max-keys": 10}, "Bool": {"aws:SecureTransport": True}}},
        {"Condition": {"ForAnyValue:StringLikeIfExists": {"auth.example:8443/a/b:amr": ["x", "y"]}}},
        {"Condition": {"StringEquals": {"aws:PrincipalTag/Abteilung Süd=1": "x"}, "Null": {"aws:TagKeys": [True, "FALSE"]}}},
    ],
    ids=str,
)
def test_what_the_grammar_allows_is_read(changed: dict[str, Any]) -> None:
    assert policy(statement(**changed)).statements[0].allow


def test_scalars_and_lists_are_one_and_text_and_mapping_too() -> None:
    one = parse_policy({"Statement": statement(Action="s3:Get", Condition={"StringEquals": {"a:b": "c"}})}, "identity")
    many = parse_policy(
        json.dumps({"Statement": [statement(Action=["s3:Get"], Resource=["*"], Condition={"StringEquals": {"a:b": ["c"]}})]}), "identity"
    )
    assert one.statements[0].actions.exact == many.statements[0].actions.exact
    assert one.statements[0].conditions[0].wanted == many.statements[0].conditions[0].wanted
    assert one.version == many.version == "2008-10-17"


@pytest.mark.parametrize("name", ["x" * 5_000, "a\nb", "\u2028", "a\x00"])
def test_a_name_of_the_author_fits_a_line_of_the_log(name: str) -> None:
    for tree in (
        statement(**{name: 1}),
        statement(Condition={name: {"a:b": "c"}}),
        statement(Condition={"StringEquals": {f"a:{name}": []}}),
    ):
        error = refused({"Statement": tree})
        assert error.public.isprintable()
        assert len(error.public) < 500


def test_a_sid_is_there_once() -> None:
    assert len(policy(statement(Sid="A"), statement(Sid="B"), statement(), statement()).statements) == 4
    assert '"A" is used twice' in refused({"Statement": [statement(Sid="A"), statement(Sid="A")]}).public


@pytest.mark.parametrize("kind", ["identity", "managed", "trust"])
def test_white_space_does_not_count(kind: PolicyKind) -> None:
    one = trust() if kind == "trust" else statement()
    text = json.dumps({"Version": "2012-10-17", "Statement": [one]}, indent=4)
    dense = sum(not letter.isspace() for letter in text)
    padded = text + " " * LIMITS[kind]
    assert parse_policy(padded, kind, limit=dense).kind == kind
    with pytest.raises(MalformedPolicy, match=f"{dense} characters, and {dense - 1} are allowed"):
        parse_policy(padded, kind, limit=dense - 1)


def test_white_space_counts_in_a_session_policy() -> None:
    assert parse_policy(GOOD + " " * (2048 - len(GOOD)), "session")
    with pytest.raises(MalformedPolicy, match="2,049 characters"):
        parse_policy(GOOD + " " * (2049 - len(GOOD)), "session")


def test_the_limit_of_a_trust_policy_may_be_raised() -> None:
    long = json.dumps({"Statement": [trust(Action=[f"sts:A{number:03}" for number in range(250)])]})
    assert 2048 < len(long.replace(" ", "")) < LARGEST_TRUST
    with pytest.raises(MalformedPolicy):
        parse_policy(long, "trust")
    assert parse_policy(long, "trust", limit=LARGEST_TRUST)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"Principal": None}, "Principal: it is missing"),
        ({"NotPrincipal": "*"}, "exclude each other"),
        ({"Principal": None, "NotPrincipal": {"AWS": ACCOUNT}}, "with Allow it would let in everybody else"),
        ({"Resource": "*"}, "Resource: a policy of kind trust takes none"),
        ({"NotResource": "*"}, "NotResource: a policy of kind trust takes none"),
        ({"Principal": "x"}, 'it must be "*" or an object'),
        ({"Principal": {}}, 'it must be "*" or an object'),
        ({"Principal": {"Federated": []}}, "not empty"),
        ({"Principal": {"Federated": [1]}}, "list of strings"),
        ({"Principal": {"CanonicalUser": "a"}}, "is no kind of principal"),
        ({"Principal": {"federated": "a"}}, "is no kind of principal"),
        ({"Principal": {"AWS": "arn:aws:iam::1:role/x"}}, "is no AWS principal"),
        ({"Principal": {"AWS": "arn:aws:iam::111111111111:role/*"}}, "has a wildcard"),
        ({"Principal": {"AWS": "someone"}}, "is no AWS principal"),
        ({"Principal": {"Federated": "cognito-*"}}, "has a wildcard"),
        ({"Principal": {"Federated": "arn:aws:iam::111111111111:role/x"}}, "is no federated principal"),
        ({"Principal": {"Federated": "https://op.example"}}, "is no federated principal"),
        ({"Principal": {"Service": "*"}}, "is no service"),
        ({"Principal": {"Service": "events"}}, "is no service"),
    ],
    ids=str,
)
def test_a_bad_principal_is_refused(changed: dict[str, Any], words: str) -> None:
    assert words in refused({"Statement": [trust(**changed)]}, "trust").public


@pytest.mark.parametrize(
    "principal",
    [
        "*",
        {"AWS": ["*", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ROLE, f"arn:aws:sts::{ACCOUNT}:assumed-role/R/me"]},
        {"AWS": f"arn:aws-cn:iam::{ACCOUNT}:user/path/ada"},
        {"Federated": ["*", "graph.facebook.com", "op.example:8443/realms/a", f"arn:aws:iam::{ACCOUNT}:oidc-provider/op.example/x"]},
        {"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/Acme"},
        {"Service": ["events.amazonaws.com"], "AWS": ACCOUNT},
    ],
    ids=str,
)
def test_principals_that_may_be_named(principal: Any) -> None:
    assert parse_policy({"Statement": trust(Principal=principal)}, "trust").statements[0].principals is not None
    assert parse_policy({"Statement": statement(Effect="Deny", NotPrincipal=principal)}, "resource").statements[0].principals is not None


def test_a_compiled_policy_is_remembered_by_text_and_kind() -> None:
    assert compiled(GOOD, "identity") is compiled(GOOD, "identity")
    assert compiled(GOOD, "session") is not compiled(GOOD, "identity")
    with pytest.raises(MalformedPolicy):
        compiled(GOOD, "trust")
    assert compiled.cache_info().maxsize is not None


def test_policies_are_compiled_in_many_threads_at_once() -> None:
    texts = [json.dumps({"Statement": statement(Action=f"s3:Thread{number}")}) for number in range(20)]
    found: list[frozenset[str]] = []

    def work() -> None:
        found.extend(compiled(text, "identity").statements[0].actions.exact for text in texts)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80
    assert set(found) == {frozenset({f"s3:thread{number}"}) for number in range(20)}


def test_a_mapping_that_is_no_json_is_refused() -> None:
    assert "JSON" in refused({"Statement": {"Effect": {1, 2}}}).public
    assert "JSON" in refused({"Statement": {"Effect": float("nan")}}).public


def test_the_policies_of_the_reference_page_are_read() -> None:
    page = (Path(__file__).parents[4] / "docs" / "reference" / "policies.md").read_text(encoding="utf-8")
    role, trusted = re.findall(r"```json\n(.*?)```", page, re.S)
    assert parse_policy(role, "identity").statements[0].sid == "OwnFolder"
    assert fit_for_classic_flow(parse_policy(trusted, "trust"))
    for kind, size in (
        ("inline", LIMITS["identity"]),
        ("managed", LIMITS["managed"]),
        ("trust", LARGEST_TRUST),
        ("session", LIMITS["session"]),
    ):
        assert re.search(rf"^\| {kind} polic[^|]*\| {size:,} ", page, re.M), kind

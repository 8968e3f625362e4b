"""What holds for all policies and requests: the engine never raises, a Deny only takes and an Allow only gives."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker.errors import MalformedPolicy
from broker.identitypool.policy.context import Principal, RequestContext
from broker.identitypool.policy.document import Policy, parse_policy
from broker.identitypool.policy.evaluate import decide
from broker.identitypool.policy.explain import explain
from broker.identitypool.policy.glob import ONE, STAR, Glob, fold
from tests.unit.identitypool.policy.agreement import engine_context, engine_policies
from tests.unit.identitypool.policy.asking import SESSION, ask, holds, statement
from tests.unit.identitypool.policy.cases import any_case
from tests.unit.identitypool.policy.oracle import Char, covers

WORDS = st.sampled_from(
    ["Version", "2012-10-17", "Statement", "Effect", "Allow", "Deny", "Action", "NotAction", "Resource", "NotResource", "Principal", "*",
     "Sid", "Condition", "StringLike", "ForAnyValue:StringEquals", "Null", "Bool", "aws:x", "s3:*", "arn:aws:s3:::a", "${aws:x}", "true"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=5),
    max_leaves=30,
)
TEXT = st.text(max_size=12)
SMALL = st.text("ab*?", max_size=8)
CONTEXT_KEYS = st.dictionaries(TEXT, TEXT | st.lists(TEXT, max_size=3).map(tuple), max_size=5)
SEEDS = st.integers(0, 2**40)


def read(document: Any) -> Policy | None:
    for kind in ("identity", "trust", "session", "resource"):
        try:
            return parse_policy(document, kind)
        except MalformedPolicy:
            continue
    return None


@given(JSON)
def test_any_json_is_read_or_refused(tree: Any) -> None:
    made = read(json.dumps(tree))
    assert made is None or made.statements


@given(st.text(max_size=200) | st.text('{}[]":,*$ \\u0aS', max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    made = read(text)
    assert made is None or made.statements


@given(st.dictionaries(st.sampled_from(["Effect", "Action", "Resource", "NotResource", "Sid", "Condition", "Principal"]), JSON, max_size=6))
def test_any_statement_is_read_or_refused(changed: dict[str, Any]) -> None:
    made = read({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", **changed}]})
    assert made is None or len(made.statements) == 1


@given(SEEDS, TEXT, TEXT, CONTEXT_KEYS)
def test_no_request_makes_it_raise(seed: int, action: str, resource: str, keys: dict[str, Any]) -> None:
    policies = engine_policies(any_case(seed))
    own = {fold(name): value for name, value in keys.items()}
    for principal in (SESSION, Principal("AWS"), Principal("Federated"), Principal("Anonymous", arn=action, account=resource)):
        context = RequestContext(action, resource, principal, own)
        explanation = explain(context, identity=policies.identity, session=policies.session, resource=policies.resource)
        assert explanation.decision == decide(context, identity=policies.identity, session=policies.session, resource=policies.resource)
        assert explanation.decision.reason


@given(st.lists(SMALL | st.sampled_from([STAR, ONE]), max_size=6), st.text("ab*?", max_size=12))
def test_a_glob_is_what_the_table_of_prefixes_says(parts: list[Any], text: str) -> None:
    chars: list[Char] = []
    for part in parts:
        chars += [Char(letter) for letter in part] if isinstance(part, str) else [Char(part.value, wild=True)]
    assert Glob(parts).matches(text) is covers(chars, text)


@given(SEEDS)
def test_a_deny_only_takes_and_an_allow_only_gives(seed: int) -> None:
    case = any_case(seed)
    policies, context = engine_policies(case), engine_context(case)
    sides = {"session": policies.session, "resource": policies.resource, "boundary": policies.boundary}
    before = decide(context, identity=policies.identity, **sides)  # type: ignore[arg-type]
    more = parse_policy({"Statement": statement()}, "identity")
    less = parse_policy({"Statement": statement(Effect="Deny", Action="s3:G*")}, "identity")
    with_more = decide(context, identity=[*policies.identity, ("more", more)], **sides)  # type: ignore[arg-type]
    with_less = decide(context, identity=[*policies.identity, ("less", less)], **sides)  # type: ignore[arg-type]
    assert with_more.allowed or not before.allowed
    assert before.allowed or not with_less.allowed
    bounded = decide(context, identity=policies.identity, **{**sides, "session": [*(policies.session or ()), ("less", less)]})  # type: ignore[arg-type]
    assert before.allowed or not bounded.allowed


@given(SEEDS)
def test_case_counts_in_neither_actions_nor_keys(seed: int) -> None:
    case = any_case(seed)
    policies = engine_policies(case)
    context = engine_context(case)
    other = RequestContext(
        context.action.swapcase(), context.resource, context.principal, {n.swapcase(): v for n, v in case.ask.keys.items()}
    )
    sides = {"session": policies.session, "resource": policies.resource, "boundary": policies.boundary}
    first, second = (decide(each, identity=policies.identity, **sides) for each in (context, other))  # type: ignore[arg-type]
    assert (first.kind, first.by, first.policy, first.statement) == (second.kind, second.by, second.policy, second.statement)


@given(TEXT, TEXT)
def test_a_value_matches_itself_and_nothing_else(value: str, other: str) -> None:
    for operator in ("StringLike", "StringEquals"):
        assert holds(operator, "${t:v}", value, v=value)
        assert holds(operator, "${t:v}", other, v=value) is (value == other)
    home = statement(Resource="arn:aws:s3:::b/${t:v}/x")
    assert ask(home, resource=f"arn:aws:s3:::b/{other}/x", keys={"t:v": value}).allowed is (value == other)


@given(st.text("ab*?$", max_size=6), TEXT)
def test_text_in_a_variable_is_spelled_with_literals(value: str, other: str) -> None:
    escaped = "".join(f"${{{letter}}}" if letter in "*?$" else letter for letter in value)
    assert holds("StringLike", escaped, value)
    assert holds("StringLike", escaped, other) is (value == other)


@given(st.sampled_from(["Numeric", "Date"]), st.decimals(-(10**6), 10**6, places=3), st.decimals(-(10**6), 10**6, places=3))
def test_orders_are_orders(family: str, wanted: Any, value: Any) -> None:
    results = [holds(f"{family}{name}", f"{wanted:f}", f"{value:f}") for name in ("LessThan", "Equals", "GreaterThan")]
    assert results == [value < wanted, value == wanted, value > wanted]
    assert holds(f"{family}LessThanEquals", f"{wanted:f}", f"{value:f}") is (value <= wanted)
    assert holds(f"{family}NotEquals", f"{wanted:f}", f"{value:f}") is (value != wanted)


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6), st.ip_addresses(v=4) | st.ip_addresses(v=6), st.integers(0, 32))
def test_a_network_holds_its_addresses(address: Any, other: Any, prefix: int) -> None:
    assert holds("IpAddress", f"{address}/{prefix}", str(address)) is not holds("NotIpAddress", f"{address}/{prefix}", str(address))
    assert holds("IpAddress", str(address), str(address))
    assert holds("IpAddress", str(address), str(other)) is (unmapped(address) == unmapped(other))


def unmapped(address: Any) -> Any:
    """An IPv4 address written as an IPv6 one is the same address."""
    return getattr(address, "ipv4_mapped", None) or address

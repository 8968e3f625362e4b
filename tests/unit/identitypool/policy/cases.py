"""Random policies and requests over small alphabets, so that they meet more often than they miss."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.unit.identitypool.policy.oracle import Ask, Who

ACCOUNT, OTHER = "111111111111", "222222222222"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/R"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/R/me"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/op.example/a"
COGNITO = "cognito-identity.amazonaws.com"
WEB, TAG, SOURCE = "sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"

ACTIONS = ("s3:Get", "s3:GetX", "S3:put", "sqs:Get")
ACTION_PATTERNS = (
    "*",
    "s3:*",
    "s3:*",
    "s*:*",
    "s3:G*",
    "S3:get",
    "s3:???",
    "*:Get",
    "s3:Get?",
    "s3:*t",
    "sqs:*",
    "*:*",
    "s3:*e?*",
    "*:?e?*",
    "s3:Put",
)
TRUST_ACTIONS = (WEB, TAG, SOURCE)
TRUST_PATTERNS = (WEB, WEB, TAG, TAG, SOURCE, "sts:*", "STS:tag*", "*", "sts:AssumeRole*", "sts:?etSourceIdentity")

HEADS = ("arn:aws:s3:::", "arn:aws:s3:::", "arn:aws:s3:*:*:", "arn:*:s3:::", f"arn:aws:s3::{ACCOUNT}:", "arn:aws:s?:::")
TAILS = (
    "a", "b", "/", "*", "?", "a*", ":", "*a?b*", "${aws:PrincipalTag/t}", "${AWS:principaltag/T}", "${t:s}", "${t:none}", "${t:none, 'a'}",
    "${t:m}", "${t:m, 'b'}", "${*}", "${?}", "${$}", "${t:n,''}",
)  # fmt: skip
RESOURCES = (
    "*", "arn:aws:s3:::a", "arn:aws:s3:::a/b", "arn:aws:s3:::b", "arn:aws:s3:::*", "arn:aws:s3:::a/*", "arn:aws:s3:::aa", "arn:aws:s3:::",
    "arn:aws:s3:::?", "arn:aws:s3:::$", "arn:aws:s3:::a:b", f"arn:aws:s3::{ACCOUNT}:a", f"arn:aws:s3::{OTHER}:a", "arn:aws:sqs:eu::a",
    "arn:aws:s3:::${t:s}",
)  # fmt: skip
KEYS = ("aws:PrincipalTag/t", "t:s", "t:m", "t:none", "t:n", "t:x")
REQUEST_TEXTS = ("a", "b", "aa", "A", "*", "a*", "?", "", "a:b", "a/b", "$", "${t:s}", "k", "\u212a", "é", "É")
REQUEST_OTHERS = (
    "1", "1.0", "2", "-1", "10", "1.5", "2030-01-01T00:00:00Z", "2030-01-01", "1893456000", "2030-01-01T01:00:00+01:00", "true", "TRUE",
    "false", "YQ==", "YWI=", "YQ", "10.0.0.1", "10.0.1.1", "::1", "::ffff:10.0.0.1", "2001:db8::5", "arn:aws:iam::1:role/a",
    "arn:aws:iam::1:role/a:b", "arn:aws:iam:::a", "arn:aws:iam::2:role/b", "arn:aws:iam::a:b",
)  # fmt: skip
TEXTS = (
    "a",
    "b",
    "A",
    "*",
    "a*",
    "?",
    "",
    "k",
    "É",
    "${t:s}",
    "${t:none}",
    "${aws:PrincipalTag/t}",
    "${t:m}",
    "${t:none, 'a'}",
    "${*}",
    "?*b",
    "?a*",
)
ARNS = (
    "arn:aws:iam::1:role/a", "arn:aws:iam::1:*", "arn:aws:iam::*:role/*", "arn:aws:*::1:role/?", "*", "arn:aws:iam::${t:s}:b", "${t:x}",
    "arn:aws:iam:::${t:s}", "arn:*:iam:*:*:*a*", "arn:aws:iam::${t:none}:role/a", "arn:a*:iam::1:role/${t:none, 'a'}",
)  # fmt: skip
FAMILIES: tuple[tuple[tuple[str, ...], tuple[Any, ...]], ...] = (
    (("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike"), TEXTS),
    (("StringEquals", "StringNotEquals", "StringLike", "StringNotLike"), TEXTS),
    (
        tuple(f"Numeric{each}" for each in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")),
        ("1", "1.50", "2", "-1", 10, "01"),
    ),
    (
        tuple(f"Date{each}" for each in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")),
        ("2030-01-01T00:00:00Z", "2030-01-01", "1893456000", "2029-12-31T23:59:59.5-00:30", 1893456000, "2031-06-01T12:00Z"),
    ),
    (("Bool",), ("true", "false", True, "False", "${t:s}", "${t:none}", "${t:none, 'TRUE'}", "${t:x}")),
    (("BinaryEquals",), ("YQ==", "YWI=", "")),
    (("IpAddress", "NotIpAddress"), ("10.0.0.0/24", "10.0.0.1", "::1", "2001:db8::/32", "0.0.0.0/0", "::/0", "10.0.1.9/16")),
    (("ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"), ARNS),
)


@dataclass(frozen=True)
class Case:
    """One question: policies by the set in which they stand, and the request."""

    sets: dict[str, list[dict[str, Any]]]
    ask: Ask


def pick(rng: random.Random, choices: Sequence[Any], most: int = 2) -> Any:
    """One of them, or a list of a few; a list of one too."""
    count = rng.choice((0, 0, 1, *range(2, most + 1)))
    return rng.choice(choices) if count == 0 else [rng.choice(choices) for _ in range(count)]


def odd_case(rng: random.Random, text: str) -> str:
    return rng.choice((text, text, text.upper(), text.lower()))


def resource_pattern(rng: random.Random) -> str:
    if rng.random() < 0.4:
        return rng.choice(("*", "*", "arn:aws:s3*", "arn:*", "arn:aws:s3:::a*"))
    tail = "".join(rng.choice(TAILS) for _ in range(rng.choice((1, 1, 2, 2, 3))))
    return rng.choice(HEADS) + tail


def condition(rng: random.Random, newer: bool) -> dict[str, dict[str, Any]]:
    made: dict[str, dict[str, Any]] = {}
    for _ in range(rng.choice((1, 1, 1, 2))):
        if rng.random() < 0.12:
            operator, values = "Null", ("true", "false", True, False)
        else:
            names, values = rng.choice(FAMILIES)
            if not newer and names[0] in ("Bool", "ArnEquals"):  # in the older version these are no variables, and no values either
                values = tuple(value for value in values if not str(value).startswith("${"))
            operator = rng.choice(("", "", "ForAllValues:", "ForAnyValue:")) + rng.choice(names) + rng.choice(("", "", "IfExists"))
        made[operator] = {odd_case(rng, key): pick(rng, values, 3) for key in rng.sample(KEYS, rng.choice((1, 1, 1, 2)))}
    return made


def principal(rng: random.Random, trust: bool) -> Any:
    if rng.random() < 0.1:
        return "*"
    if trust and rng.random() < 0.8:
        return {"Federated": pick(rng, (COGNITO, COGNITO, PROVIDER, "op.example/a", "accounts.google.com", "*"))}
    aws = (ROLE, ROLE, SESSION, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", OTHER, "*", f"{SESSION}2")
    return {"AWS": pick(rng, aws)} if rng.random() < 0.9 else {"Service": "events.amazonaws.com", "AWS": pick(rng, aws)}


def statement(rng: random.Random, kind: str, allow: float, newer: bool) -> dict[str, Any]:
    trust = kind == "trust"
    made: dict[str, Any] = {"Effect": "Allow" if rng.random() < allow else "Deny"}
    patterns = TRUST_PATTERNS if trust else ACTION_PATTERNS
    made["NotAction" if rng.random() < 0.15 else "Action"] = pick(rng, patterns)
    if not trust:
        count = rng.choice((1, 1, 2))
        listed = [resource_pattern(rng) for _ in range(count)]
        made["NotResource" if rng.random() < 0.2 else "Resource"] = listed if count > 1 or rng.random() < 0.5 else listed[0]
    if kind in ("trust", "resource"):
        deny_others = made["Effect"] == "Deny" and rng.random() < 0.3
        made["NotPrincipal" if deny_others else "Principal"] = principal(rng, trust)
    if rng.random() < 0.5:
        made["Condition"] = condition(rng, newer)
    return made


def policy(rng: random.Random, kind: str, allow: float = 0.75) -> dict[str, Any]:
    count = rng.choice((1, 1, 2, 3))
    version = rng.choice(("2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17", None))
    statements = [statement(rng, kind, allow, version == "2012-10-17") for _ in range(count)]
    made: dict[str, Any] = {"Version": version} if version else {}
    made["Statement"] = statements[0] if count == 1 and rng.random() < 0.5 else statements
    return made


def keys(rng: random.Random) -> dict[str, str | tuple[str, ...]]:
    made: dict[str, str | tuple[str, ...]] = {}
    for name in KEYS:
        if name == "t:none" or rng.random() < 0.25:
            continue
        pool = REQUEST_TEXTS if rng.random() < 0.5 else REQUEST_TEXTS + REQUEST_OTHERS + REQUEST_OTHERS
        if name == "t:m" or rng.random() < 0.1:
            made[odd_case(rng, name)] = tuple(rng.choice(pool) for _ in range(rng.choice((0, 1, 1, 2, 3))))
        else:
            made[odd_case(rng, name)] = rng.choice(pool)
    return made


def ordinary(rng: random.Random) -> Case:
    """A request of a session, with identity policies and any mix of the others."""
    sets: dict[str, list[dict[str, Any]]] = {"identity": [policy(rng, "identity") for _ in range(rng.choice((0, 1, 1, 2, 2)))]}
    if rng.random() < 0.4:
        sets["session"] = [policy(rng, "session", 0.85) for _ in range(rng.choice((0, 1, 2)))]
    if rng.random() < 0.4:
        sets["resource"] = [policy(rng, "resource")]
    if rng.random() < 0.3:
        sets["boundary"] = [policy(rng, "identity", 0.85)]
    if rng.random() < 0.2:
        sets["control"] = [policy(rng, "identity", 0.9)]
    who = rng.choice((Who("AWS", SESSION, ROLE, ACCOUNT),) * 6 + (Who("AWS", f"arn:aws:iam::{OTHER}:user/u", "", OTHER), Who("Anonymous")))
    return Case(sets, Ask(odd_case(rng, rng.choice(ACTIONS)), rng.choice(RESOURCES), who, keys(rng)))


def assumption(rng: random.Random) -> Case:
    """Somebody wants to become a role: most have a provider's token, some are sessions or services."""
    calls = rng.choice((frozenset({COGNITO}), frozenset({PROVIDER, "op.example/a"}), frozenset({"accounts.google.com"})))
    others = (
        Who("AWS", SESSION, ROLE, ACCOUNT),
        Who("AWS", f"{SESSION}3", f"{ROLE}3", OTHER),
        Who("Service", calls=frozenset({"events.amazonaws.com"})),
    )
    who = rng.choice((Who("Federated", calls=calls),) * 5 + others)
    sets: dict[str, list[dict[str, Any]]] = {"trust": [policy(rng, "trust", 0.85)], "identity": []}
    if who.kind == "AWS":
        sets["identity"] = [{"Statement": [{"Effect": "Allow", "Action": rng.choice(("sts:*", "s3:*")), "Resource": "*"}]}]
    return Case(sets, Ask(rng.choice(TRUST_ACTIONS), f"arn:aws:iam::{ACCOUNT}:role/target", who, keys(rng)))


def any_case(seed: int) -> Case:
    """The case of a seed: the same at any time on any machine."""
    rng = random.Random(seed)
    return assumption(rng) if rng.random() < 0.25 else ordinary(rng)

"""The spec's part F read slowly and literally, as a second opinion on the policy engine. It shares no code with the engine.

Policies are the trees that JSON makes; they are taken to be well formed. Nothing is compiled and nothing is fast: wildcards are a table
of every prefix against every prefix, and each statement is asked anew about everything.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

Tree = Mapping[str, Any]
Values = Mapping[str, "str | tuple[str, ...]"]


@dataclass(frozen=True)
class Who:
    """The principal: `kind` as in the engine; `calls` are the names of a federated or service principal."""

    kind: str
    session: str = ""
    role: str = ""
    account: str = ""
    calls: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Ask:
    """A request."""

    action: str
    resource: str
    who: Who
    keys: Values


@dataclass(frozen=True)
class Char:
    """A character of a pattern: itself, or a wildcard. `authored` if it stood in the policy, and was not put in by a variable."""

    text: str
    wild: bool = False
    authored: bool = True


def small(text: str) -> str:
    """Case goes, but only within ASCII or without it, and only where one letter stays one."""
    out = ""
    for letter in text:
        lower = letter.lower()
        changes_kind = (ord(letter) < 128) != (len(lower) == 1 and ord(lower) < 128)
        out += letter if len(lower) != 1 or changes_kind else lower
    return out


def look_up(keys: Values, name: str) -> str | tuple[str, ...] | None:
    """F.1: key names are without case. An empty set of values is a missing key (F.3)."""
    for other, value in keys.items():
        if small(other) == small(name):
            return None if value == () else value
    return None


def spell(text: str, version: str, keys: Values, wildcards: bool) -> list[Char] | None:
    """F.4: variables are replaced, by literal characters; None where one has no value and no default."""
    out: list[Char] = []
    at = 0
    while at < len(text):
        if version == "2012-10-17" and text[at : at + 2] == "${":
            end = text.index("}", at)
            inside = text[at + 2 : end]
            at = end + 1
            if inside in ("*", "?", "$"):
                out.append(Char(inside, authored=False))
                continue
            name, comma, default = inside.partition(",")
            value = look_up(keys, name)
            if not isinstance(value, str):
                if not comma:
                    return None
                value = default.strip()[1:-1]
            out += [Char(letter, authored=False) for letter in value]
        else:
            out.append(Char(text[at], wild=wildcards and text[at] in "*?"))
            at += 1
    return out


def covers(pattern: Sequence[Char], text: str) -> bool:
    """F.2: whole-string match. reach[j] says whether the pattern so far matches the first j characters."""
    reach = [True] + [False] * len(text)
    for char in pattern:
        if char.wild and char.text == "*":
            reach = [any(reach[: j + 1]) for j in range(len(text) + 1)]
        else:
            reach = [False] + [reach[j] and (char.wild or char.text == text[j]) for j in range(len(text))]
    return reach[-1]


def many(value: Any) -> list[Any]:
    """F.1: scalars and arrays are interchangeable."""
    return value if isinstance(value, list) else [value]


def said(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# F.3, family by family: whether one value of the request matches one value of the policy.


def same_text(mine: str, wanted: str, version: str, keys: Values) -> bool:
    chars = spell(wanted, version, keys, wildcards=False)
    return chars is not None and "".join(char.text for char in chars) == mine


def same_text_any_case(mine: str, wanted: str, version: str, keys: Values) -> bool:
    chars = spell(wanted, version, keys, wildcards=False)
    return chars is not None and small("".join(char.text for char in chars)) == small(mine)


def like_text(mine: str, wanted: str, version: str, keys: Values) -> bool:
    chars = spell(wanted, version, keys, wildcards=True)
    return chars is not None and covers(chars, mine)


def numeric(text: str) -> Fraction | None:
    try:
        return Fraction(text) if set(text) <= set("+-.0123456789") else None
    except ValueError:
        return None


def instant(text: str) -> Fraction | None:
    found = numeric(text)
    if found is not None:
        return found
    if len(text) < 10 or text[4] != "-" or text[7] != "-":
        return None
    if len(text) > 10 and not (text.endswith("Z") or text[-6:-5] in ("+", "-")):
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when
    span = when - datetime(1970, 1, 1, tzinfo=UTC)
    return Fraction(span.days * 86400 + span.seconds) + Fraction(span.microseconds, 10**6)


def compare(relation: str, mine: Fraction | None, wanted: Fraction | None) -> bool:
    if mine is None or wanted is None:
        return False
    return {
        "Equals": mine == wanted, "LessThan": mine < wanted, "LessThanEquals": mine <= wanted,
        "GreaterThan": mine > wanted, "GreaterThanEquals": mine >= wanted,
    }[relation]  # fmt: skip


def same_bool(mine: str, wanted: str, version: str, keys: Values) -> bool:
    chars = spell(wanted, version, keys, wildcards=False)
    if chars is None:
        return False
    text = "".join(char.text for char in chars).lower()
    return text in ("true", "false") and mine.lower() == text


def same_bytes(mine: str, wanted: str) -> bool:
    try:
        return base64.b64decode(mine, validate=True) == base64.b64decode(wanted)
    except ValueError:
        return False


def in_network(mine: str, wanted: str) -> bool:
    try:
        address = ipaddress.ip_address(mine)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address in ipaddress.ip_network(wanted, strict=False)


def like_arn(mine: str, wanted: str, version: str, keys: Values) -> bool:
    """Six parts, each by itself; the sixth may hold colons. A `*` alone is any ARN, a variable alone may be a whole one."""
    parts = mine.split(":")
    if len(parts) < 6 or parts[0] != "arn":
        return False
    parts = [*parts[:5], ":".join(parts[5:])]
    if wanted == "*":
        return True
    chars = spell(wanted, version, keys, wildcards=True)
    if chars is None:
        return False
    if version == "2012-10-17" and wanted.startswith("${") and wanted.index("}") == len(wanted) - 1:
        return "".join(char.text for char in chars) == mine
    patterns: list[list[Char]] = [[]]
    for char in chars:
        if char.text == ":" and char.authored and len(patterns) < 6:
            patterns.append([])
        else:
            patterns[-1].append(char)
    return len(patterns) == 6 and all(covers(pattern, part) for pattern, part in zip(patterns, parts, strict=True))


def value_matches(name: str, mine: str, wanted: str, version: str, keys: Values) -> bool:
    """`name` is the operator without Not, set operator and IfExists."""
    if name.startswith("Numeric"):
        return compare(name.removeprefix("Numeric"), numeric(mine), numeric(wanted))
    if name.startswith("Date"):
        return compare(name.removeprefix("Date"), instant(mine), instant(wanted))
    if name == "BinaryEquals":
        return same_bytes(mine, wanted)
    if name == "IpAddress":
        return in_network(mine, wanted)
    with_variables = {
        "StringEquals": same_text, "StringEqualsIgnoreCase": same_text_any_case, "StringLike": like_text,
        "Bool": same_bool, "ArnEquals": like_arn, "ArnLike": like_arn,
    }  # fmt: skip
    return with_variables[name](mine, wanted, version, keys)


def condition_holds(operator: str, key: str, wanted: Any, version: str, keys: Values) -> bool:
    """F.3, one key under one operator."""
    wishes = [said(value) for value in many(wanted)]
    value = look_up(keys, key)
    if operator == "Null":
        return any((value is None) == (wish.lower() == "true") for wish in wishes)
    quantifier, colon, rest = operator.partition(":")
    if not colon:
        quantifier, rest = "", operator
    if_exists = rest.endswith("IfExists")
    rest = rest.removesuffix("IfExists")
    negated = "Not" in rest
    positive = rest.replace("Not", "", 1)

    def good(mine: str) -> bool:
        hit = any(value_matches(positive, mine, wish, version, keys) for wish in wishes)
        return not hit if negated else hit

    if value is None:
        if if_exists or quantifier == "ForAllValues":
            return True
        return negated and quantifier != "ForAnyValue"
    if quantifier == "ForAllValues":
        return all(good(mine) for mine in ([value] if isinstance(value, str) else value))
    if quantifier == "ForAnyValue":
        return any(good(mine) for mine in ([value] if isinstance(value, str) else value))
    return isinstance(value, str) and good(value)


def closeness(statement: Tree, who: Who) -> str:
    """How the statement names the principal: `session`, `role`, `account`, or "" (F.5 step 3, F.6)."""
    if "NotPrincipal" in statement:
        return "" if naming(statement["NotPrincipal"], who) in ("session", "role") else "role"
    return naming(statement["Principal"], who)


def naming(element: Any, who: Who) -> str:
    if element == "*":
        return "role"
    if who.kind in ("Federated", "Service"):
        listed = many(element.get(who.kind, []))
        return "role" if any(name in who.calls or (name == "*" and who.kind == "Federated") for name in listed) else ""
    listed = many(element.get("AWS", []))
    if who.kind == "AWS" and who.session in listed:
        return "session"
    if "*" in listed or (who.role and who.role in listed):
        return "role"
    root = f"arn:aws:iam::{who.account}:root"
    return "account" if who.account and (who.account in listed or root in listed) else ""


def resource_covered(statement: Tree, version: str, ask: Ask) -> bool:
    """F.2 and F.4. An Allow by NotResource with a variable that has no value is dead; a Deny by it stays."""
    if "Resource" not in statement and "NotResource" not in statement:
        return True
    plain = "Resource" in statement
    spelled = [spell(text, version, ask.keys, wildcards=True) for text in many(statement["Resource" if plain else "NotResource"])]
    hit = any(chars is not None and covers(chars, ask.resource) for chars in spelled)
    if plain:
        return hit
    return not hit and not (statement["Effect"] == "Allow" and None in spelled)


def applies(policy: Tree, statement: Tree, ask: Ask) -> bool:
    """F.2: action, resource, principal and all conditions."""
    version = policy.get("Version", "2008-10-17")
    plain = "Action" in statement
    listed = [spell(small(text), "2008-10-17", {}, wildcards=True) for text in many(statement["Action" if plain else "NotAction"])]
    if any(covers(chars or [], small(ask.action)) for chars in listed) != plain:
        return False
    if not resource_covered(statement, version, ask):
        return False
    if ("Principal" in statement or "NotPrincipal" in statement) and not closeness(statement, ask.who):
        return False
    return all(
        condition_holds(operator, key, wanted, version, ask.keys)
        for operator, block in statement.get("Condition", {}).items()
        for key, wanted in block.items()
    )


def table(sets: Mapping[str, Sequence[Tree]], ask: Ask) -> dict[tuple[str, int, int], bool]:
    """Which statements apply, by set, policy and index."""
    return {
        (kind, number, index): applies(policy, statement, ask)
        for kind, policies in sets.items()
        for number, policy in enumerate(policies)
        for index, statement in enumerate(many(policy["Statement"]))
    }


def verdict(sets: Mapping[str, Sequence[Tree]], ask: Ask) -> tuple[str, str]:
    """F.5, step by step: (kind, the set that decides). For a Deny the set is left open: any of those that deny."""
    applied: dict[str, list[Tree]] = {kind: [] for kind in ("identity", "session", "resource", "boundary", "control", "trust")}
    for (kind, number, index), yes in table(sets, ask).items():
        if yes:
            applied[kind].append(many(sets[kind][number]["Statement"])[index])
    if any(statement["Effect"] == "Deny" for listed in applied.values() for statement in listed):
        return "explicit_deny", ""
    if sets.get("control") and not applied["control"]:
        return "implicit_deny", "control"
    side = "trust" if "trust" in sets else "resource"
    closest = {closeness(statement, ask.who) for statement in applied[side]}
    target = ask.resource.split(":")[4] if ask.resource.startswith("arn:") and ask.resource.count(":") >= 5 else ""
    if ask.who.account and target and target != ask.who.account:
        order = (side, "identity", "boundary", "session")
    elif "session" in closest:
        order = ()
    elif "role" in closest:
        order = ("boundary", "session")
    else:
        order = ("trust", "identity", "boundary", "session") if side == "trust" else ("identity", "boundary", "session")
    for kind in order:
        asked = kind in ("identity", side) or bool(sets.get(kind))
        if asked and not applied[kind]:
            return "implicit_deny", kind
    return "allow", "identity" if "identity" in order else side


def passes_trust(policy: Tree, ask: Ask, actions: Sequence[str]) -> bool:
    """F.6 for a federated principal: each action by itself, with the same context."""
    return all(verdict({"trust": [policy]}, Ask(action, ask.resource, ask.who, ask.keys))[0] == "allow" for action in actions)

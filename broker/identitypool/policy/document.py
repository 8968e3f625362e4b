"""Policy documents: read strictly, compiled once (spec F.1, F.2).

Whatever is not understood is refused when the policy is saved, so that nothing is left to guess when it decides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, NoReturn

from broker.errors import MalformedPolicy
from broker.identitypool.policy.conditions import Condition, read_conditions
from broker.identitypool.policy.faults import Fault, shown
from broker.identitypool.policy.matching import Actions, Resources, read_actions, read_resources
from broker.identitypool.policy.principals import Principals, read_principals

PolicyKind = Literal["identity", "managed", "trust", "session", "resource"]

LIMITS: Mapping[PolicyKind, int] = {"identity": 10_240, "managed": 6_144, "trust": 2_048, "session": 2_048, "resource": 10_240}
"""Characters. White space counts in session policies alone (spec F.1)."""
LARGEST_TRUST = 4_096
"""To what the limit of trust policies may be raised."""

_NEWER = "2012-10-17"
_VERSIONS = ("2008-10-17", _NEWER)
_LONGEST_TEXT = 131_072
_SPACES = str.maketrans("", "", " \t\r\n")
_SID = {False: re.compile(r"[A-Za-z0-9]*"), True: re.compile(r"[A-Za-z0-9 _.-]*")}
_PAIRS = (("Principal", "NotPrincipal"), ("Action", "NotAction"), ("Resource", "NotResource"))
_ELEMENTS = {"Sid", "Effect", "Condition", *(name for pair in _PAIRS for name in pair)}


class Number(str):
    """A number of the document, as it was written: its digits must not pass through a float."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. `resources` is None in a trust policy, `principals` None in an identity or session policy."""

    index: int
    sid: str
    allow: bool
    actions: Actions
    resources: Resources | None
    principals: Principals | None
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """A compiled document."""

    kind: PolicyKind
    text: str = field(repr=False)
    version: str
    id: str
    statements: tuple[Statement, ...]


def parse_policy(document: str | Mapping[str, Any], kind: PolicyKind, *, limit: int | None = None) -> Policy:
    """Read a document, as JSON text or as the mapping that the text would make.

    `limit` replaces the number of characters of LIMITS. Raises MalformedPolicy, whose words name statement, element, fault and remedy.
    """
    text = document if isinstance(document, str) else _dumped(document)
    size = len(text) if kind == "session" else len(text.translate(_SPACES))
    most = LIMITS[kind] if limit is None else limit
    if size > most or len(text) > _LONGEST_TEXT:
        _refuse(f"it has {size:,} characters, and {most:,} are allowed; split it or shorten it")
    tree = _loaded(text)
    if not isinstance(tree, dict):
        _refuse("it must be a JSON object with Version and Statement")
    for name in tree:
        if name not in {"Version", "Id", "Statement"}:
            _refuse(f"{shown(name)} is no element of a policy (case counts); use Version, Id and Statement")
    version = tree.get("Version", _VERSIONS[0])
    if version not in _VERSIONS or type(version) is not str:
        _refuse(f'Version {shown(version)} is unknown; write "{_NEWER}"')
    policy_id = tree.get("Id", "")
    if type(policy_id) is not str:
        _refuse("Id must be a string")
    listed = tree.get("Statement")
    given = listed if isinstance(listed, list) else [listed]
    if listed is None or not given:
        _refuse("Statement is missing or empty; give at least one")
    statements = tuple(_statement(index, each, kind, version == _NEWER) for index, each in enumerate(given))
    sids = [statement.sid for statement in statements if statement.sid]
    for index, sid in enumerate(sids):
        if sid in sids[:index]:
            _refuse(f"the Sid {shown(sid)} is used twice; give each statement its own")
    return Policy(kind, text, version, policy_id, statements)


@lru_cache(maxsize=1024)
def compiled(text: str, kind: PolicyKind, limit: int | None = None) -> Policy:
    """As parse_policy, remembered by text: the bounded memory of a worker, safe between threads. Raises MalformedPolicy."""
    return parse_policy(text, kind, limit=limit)


def _statement(index: int, tree: object, kind: PolicyKind, variables: bool) -> Statement:
    if not isinstance(tree, dict):
        _refuse("it must be an object", index)
    sid = tree.get("Sid", "")
    try:
        if type(sid) is not str or not _SID[kind == "resource"].fullmatch(sid):
            sid = ""
            raise Fault("Sid", "only ASCII letters and digits are allowed")
        _check_elements(tree, kind)
        return Statement(
            index,
            sid,
            tree["Effect"] == "Allow",
            read_actions(*_pair(tree, "Action")),
            None if kind == "trust" else read_resources(*_pair(tree, "Resource"), variables=variables),
            read_principals(*reversed(_pair(tree, "Principal"))) if _named(kind) else None,
            read_conditions(tree["Condition"], variables) if "Condition" in tree else (),
        )
    except Fault as fault:
        _refuse(f"{fault.element}: {fault.words}", index, sid)


def _named(kind: PolicyKind) -> bool:
    """Whether statements of such policies name principals."""
    return kind in {"trust", "resource"}


def _pair(tree: Mapping[str, Any], name: str) -> tuple[str, Any]:
    """The member of a pair that is there, by name."""
    return (name, tree[name]) if name in tree else (f"Not{name}", tree[f"Not{name}"])


def _check_elements(tree: Mapping[str, Any], kind: PolicyKind) -> None:
    for name in tree:
        if name not in _ELEMENTS:
            raise Fault(name, "there is no such element (case counts); look at its spelling")
    if tree.get("Effect") not in ("Allow", "Deny"):
        raise Fault("Effect", 'it must be "Allow" or "Deny" (case counts)')
    for plain, negated in _PAIRS:
        given = (plain in tree) + (negated in tree)
        wanted = 0 if (plain == "Resource" and kind == "trust") or (plain == "Principal" and not _named(kind)) else 1
        if given > wanted:
            words = f"{plain} and {negated} exclude each other; keep one" if wanted else f"a policy of kind {kind} takes none; remove it"
            raise Fault(plain if plain in tree else negated, words)
        if given < wanted:
            raise Fault(plain, f"it is missing; give {plain} or {negated}")
    if "NotPrincipal" in tree and tree["Effect"] == "Allow":
        raise Fault("NotPrincipal", "with Allow it would let in everybody else; name the principals, or use Deny")


def _loaded(text: str) -> Any:
    try:
        text.encode()
        tree = json.loads(
            text, object_pairs_hook=_object, parse_int=Number, parse_float=Number, parse_constant=lambda name: _refuse(f"{name} is no JSON")
        )
    except UnicodeError:
        _refuse("it is no Unicode text")
    except json.JSONDecodeError as error:
        _refuse(f"it is no JSON: {error.msg} at line {error.lineno}, column {error.colno}")
    except RecursionError:
        _refuse("it is nested too deeply")
    return tree


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, each of whose members is there once: which of two would count is for nobody to guess."""
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            _refuse(f"{shown(name)} is there twice in one object; keep one")
        made[name] = value
    return made


def _dumped(document: Mapping[str, Any]) -> str:
    try:
        return json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        _refuse(f"it holds what JSON cannot: {error}")


def _refuse(words: str, index: int | None = None, sid: str = "") -> NoReturn:
    place = "" if index is None else f" Statement {index}" + (f" ({sid})" if sid else "") + ":"
    public = f"The policy document is malformed:{place} {words}."
    raise MalformedPolicy(public, public=public, statement=index, sid=sid) from None

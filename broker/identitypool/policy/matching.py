"""The Action and Resource elements and their negations (spec F.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from broker.identitypool.policy.faults import Fault, shown
from broker.identitypool.policy.glob import Glob, Wild, fold
from broker.identitypool.policy.pattern import Lookup, Pattern, Piece, Variable, read, split_colons

_ACTION = re.compile(r"[A-Za-z0-9*?_.-]+:[A-Za-z0-9*?_./-]+")
_NAMED = re.compile(r"arn:[^\s\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Actions:
    """Action or NotAction. `texts` as written; exact names are looked up, the rest is matched."""

    texts: tuple[str, ...]
    exact: frozenset[str]
    globs: tuple[Glob, ...]
    negated: bool

    def applies(self, folded: str) -> bool:
        """Whether the statement is about an action whose name is folded."""
        if folded in self.exact:
            return not self.negated
        for glob in self.globs:
            if glob.matches(folded):
                return not self.negated
        return self.negated


@dataclass(frozen=True, slots=True)
class Resources:
    """Resource or NotResource. `exact` are those without wildcards and variables."""

    texts: tuple[str, ...]
    exact: frozenset[str]
    patterns: tuple[Pattern, ...]
    negated: bool

    def applies(self, resource: str, lookup: Lookup, allow: bool) -> bool:
        """Whether the statement is about a resource.

        A pattern with a variable that has no value matches no resource. Under NotResource that would turn an Allow into one for
        everything, so there it takes the statement out instead; a Deny stays, as one with an inverted condition does (spec F.4).
        """
        if not self.negated:
            return resource in self.exact or any(pattern.matches(resource, lookup) for pattern in self.patterns)
        listed = resource in self.exact
        for pattern in self.patterns:
            glob = pattern.compiled(lookup)
            if glob is None:
                if allow:
                    return False
            elif glob.matches(resource):
                listed = True
        return not listed


def read_actions(name: str, element: object) -> Actions:
    """Read Action or NotAction, whichever `name` says. Raises Fault."""
    texts = _texts(name, element)
    for text in texts:
        if text != "*" and not _ACTION.fullmatch(text):
            raise Fault(name, f"{shown(text)} is no action; write service:Name such as s3:GetObject, or *")
    folded = [fold(text) for text in texts]
    wild = [text for text in folded if "*" in text or "?" in text]
    globs = tuple(Glob(_wild_only(read(text, name, wildcards=True, variables=False))) for text in wild)
    return Actions(texts, frozenset(folded).difference(wild), globs, negated=name == "NotAction")


def read_resources(name: str, element: object, *, variables: bool) -> Resources:
    """Read Resource or NotResource, whichever `name` says. Raises Fault."""
    texts = _texts(name, element)
    exact: set[str] = set()
    patterns: list[Pattern] = []
    for text in texts:
        pieces = read(text, name, wildcards=True, variables=variables)
        _check_resource(name, text, pieces)
        if all(isinstance(piece, str) for piece in pieces):
            exact.add("".join(piece for piece in pieces if isinstance(piece, str)))
        else:
            patterns.append(Pattern(pieces, text))
    return Resources(texts, frozenset(exact), tuple(patterns), negated=name == "NotResource")


def _check_resource(name: str, text: str, pieces: tuple[Piece, ...]) -> None:
    if text == "*":
        return
    parts = split_colons(pieces, 5)
    whole = len(parts) == 6
    # A star may span colons, so an ARN with one may be short.
    if not _NAMED.match(text) or not text.isprintable() or not (whole or Wild.STAR in pieces):
        raise Fault(name, f"{shown(text)} is no ARN; write arn:partition:service:region:account:resource, or *")
    if any(isinstance(piece, Variable) for part in (parts[:5] if whole else parts) for piece in part):
        raise Fault(name, f"{shown(text)} has a variable before the fifth colon; variables are read in the resource part alone")


def _texts(name: str, element: object) -> tuple[str, ...]:
    texts = element if isinstance(element, list) else [element]
    if not texts or not all(type(text) is str for text in texts):
        raise Fault(name, "it must be a string or a list of strings, and not empty")
    return tuple(texts)


def _wild_only(pieces: tuple[Piece, ...]) -> list[str | Wild]:
    return [piece for piece in pieces if not isinstance(piece, Variable)]

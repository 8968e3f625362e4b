"""The rules of session tags and source identity, and the context keys that they become (spec E.4, D.10, rows IP-S2.1 to IP-S2.5)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from broker.errors import InvalidRequest
from broker.identitypool.policy.glob import fold
from broker.model.sts import ContextValue

MOST_TAGS = 50
LONGEST_KEY = 128
LONGEST_VALUE = 256

_SOURCE_IDENTITY = re.compile(r"[\w+=,.@-]{2,256}", re.ASCII)
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_MARKS = frozenset("_.:/=+-@")


@dataclass(frozen=True, slots=True)
class SessionTags:
    """Tags of a session by their keys as given, and those keys that follow into the sessions that it opens."""

    tags: Mapping[str, str] = field(default_factory=dict)
    transitive: tuple[str, ...] = ()


NO_TAGS = SessionTags()


def session_tags(tags: Mapping[str, str], transitive: Iterable[str] = (), inherited: SessionTags = NO_TAGS) -> SessionTags:
    """The tags of a new session, checked. `inherited` are those of the session that opens it: its transitive ones follow, unchanged.

    Raises InvalidRequest if a tag breaks a rule, sets an inherited transitive tag anew, or a transitive key has no tag. Nothing is ever
    cut or cleaned: a value that is not what was given is another value.
    """
    made = {key: value for key, value in inherited.tags.items() if fold(key) in {fold(each) for each in inherited.transitive}}
    taken = {fold(key) for key in made}
    seen: set[str] = set()
    for key, value in tags.items():
        _check(key, value)
        if fold(key) in taken:
            raise _refused(f"the tag {key!r} was passed on by the session before and cannot be set again")
        if fold(key) in seen:
            raise _refused(f"the tag {key!r} is given twice; the case of a key does not count")
        seen.add(fold(key))
    following = tuple(transitive)
    for key in following:
        if fold(key) not in seen | taken:
            raise _refused(f"the transitive key {key!r} has no tag")
    made.update(tags)
    if len(made) > MOST_TAGS:
        raise _refused(f"there are {len(made)} tags, and {MOST_TAGS} are allowed")
    chosen = {fold(key) for key in (*inherited.transitive, *following)}
    return SessionTags(made, tuple(key for key in made if fold(key) in chosen))


def check_source_identity(text: str, inherited: str | None = None) -> str:
    """Raises InvalidRequest if it is not 2 to 256 of `[A-Za-z0-9_+=,.@-]`, or changes the one of the session that opens this one."""
    if not _SOURCE_IDENTITY.fullmatch(text):
        raise _refused(f"the source identity {text[:80]!r} is not 2 to 256 letters, digits or _+=,.@-")
    if inherited is not None and text != inherited:
        raise _refused("the source identity was set by the session before and cannot be changed")
    return text


def check_session_name(text: str) -> str:
    """Raises InvalidRequest if it is not 2 to 64 of `[A-Za-z0-9_+=,.@-]`."""
    if not _SESSION_NAME.fullmatch(text):
        raise _refused(f"the session name {text[:80]!r} is not 2 to 64 letters, digits or _+=,.@-")
    return text


def request_keys(tags: Mapping[str, str], transitive: Iterable[str] = (), source_identity: str | None = None) -> dict[str, ContextValue]:
    """The context keys of a request that opens a session with these tags, for its trust policy (spec F.6)."""
    keys: dict[str, ContextValue] = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    keys["aws:TagKeys"] = tuple(tags)
    keys["sts:TransitiveTagKeys"] = tuple(transitive)
    if source_identity is not None:
        keys["sts:SourceIdentity"] = source_identity
    return keys


def principal_keys(session: Mapping[str, str], role: Mapping[str, str] | None = None) -> dict[str, ContextValue]:
    """The context keys `aws:PrincipalTag/*` of a session. A session's tag takes the place of its role's tag of that key (spec D.10)."""
    own = {fold(key) for key in session}
    merged = {key: value for key, value in (role or {}).items() if fold(key) not in own}
    return {f"aws:PrincipalTag/{key}": value for key, value in {**merged, **session}.items()}


def _check(key: str, value: str) -> None:
    if not 1 <= len(key) <= LONGEST_KEY or len(value) > LONGEST_VALUE:
        raise _refused(f"the tag {key[:80]!r} is too long or empty: a key has 1 to {LONGEST_KEY} characters, a value up to {LONGEST_VALUE}")
    if fold(key).startswith("aws:"):
        raise _refused(f"the tag {key!r} begins with aws:, which is reserved")
    for text in (key, value):
        if not all(character in _MARKS or unicodedata.category(character)[0] in "LZN" for character in text):
            raise _refused(f"the tag {key[:80]!r} has a character that is neither letter, digit, space nor one of _.:/=+-@")


def _refused(words: str) -> InvalidRequest:
    return InvalidRequest(words, public=f"The session cannot be opened: {words}.")

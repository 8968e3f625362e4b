"""What a request means to a service behind us: host, method and path to an action and a resource. What is not mapped is denied."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

_CAPTURE = re.compile(r"\{([a-z][a-z0-9_]*)(\*?)\}")
_REST = "*"
# RFC 3986 3.3 without the semicolon.
_SEGMENT = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,=:@]|%[0-9A-Fa-f]{2})*")
_ODD = re.compile(r"[\x00-\x1f\x7f/\\]")


@dataclass(frozen=True, slots=True)
class Route:
    """`methods` empty means all of them. `path` is a pattern as `PathPattern` reads it; `resource` an ARN with its captures in braces."""

    methods: frozenset[str]
    path: PathPattern
    action: str
    resource: str

    def asked(self, method: str, segments: Sequence[str]) -> tuple[str, str] | None:
        """Action and resource of a request, or None if it is not this route's."""
        if self.methods and method not in self.methods:
            return None
        captures = self.path.match(segments)
        if captures is None:
            return None
        return self.action, _CAPTURE.sub(lambda found: captures[found[1]], self.resource)


@dataclass(frozen=True, slots=True)
class ProtectedService:
    """A service behind a proxy, or the process that we are in. `signed_for` is the service name in the scope of its clients' signatures."""

    name: str
    hosts: frozenset[str]
    signed_for: str
    routes: tuple[Route, ...]
    allow_unsigned_payload: bool = False
    allow_streaming: bool = False
    allow_presigned: bool = True

    def asked(self, method: str, path: str) -> tuple[str, str] | None:
        """Action and resource by the first route that takes the request; None if none does, or the path has more than one reading."""
        segments = segments_of(path)
        if segments is None:
            return None
        for route in self.routes:
            found = route.asked(method, segments)
            if found is not None:
                return found
        return None


@dataclass(frozen=True, slots=True)
class PathPattern:
    """`/reports/{department}/{rest*}`: `{name}` takes one segment, `{name*}` at the end takes one or more, `*` is such a rest unnamed."""

    parts: tuple[str | tuple[str, bool], ...] = field(default=())

    @classmethod
    def parse(cls, text: str) -> PathPattern:
        """Raises ValueError, saying what is wrong."""
        if not text.startswith("/"):
            raise ValueError("does not begin with /")
        parts: list[str | tuple[str, bool]] = []
        names: set[str] = set()
        pieces = text[1:].split("/")
        for number, piece in enumerate(pieces):
            found = _CAPTURE.fullmatch(piece)
            rest = piece == _REST or (found is not None and bool(found[2]))
            name = "" if piece == _REST else found[1] if found else None
            if name is None and ("{" in piece or "}" in piece or "*" in piece):
                raise ValueError(f"has a capture that is not a whole segment: {piece}")
            if rest and number != len(pieces) - 1:
                raise ValueError("has a rest that is not at the end")
            if name and name in names:
                raise ValueError(f"captures {name} twice")
            if name:
                names.add(name)
            parts.append(piece if name is None else (name, rest))
        return cls(tuple(parts))

    @property
    def names(self) -> frozenset[str]:
        """What it captures."""
        return frozenset(part[0] for part in self.parts if not isinstance(part, str) and part[0])

    def match(self, segments: Sequence[str]) -> Mapping[str, str] | None:
        """The captures, or None."""
        captures: dict[str, str] = {}
        for number, part in enumerate(self.parts):
            if number >= len(segments):
                return None
            if isinstance(part, str):
                if part != segments[number]:
                    return None
                continue
            name, rest = part
            if rest:
                captures[name] = "/".join(segments[number:])
                return captures if captures[name] else None
            if not segments[number]:
                return None
            captures[name] = segments[number]
        return captures if len(segments) == len(self.parts) else None


def captured_in(resource: str) -> frozenset[str]:
    """The names in braces of a resource."""
    return frozenset(found[1] for found in _CAPTURE.finditer(resource))


def segments_of(path: str) -> tuple[str, ...] | None:
    """The decoded segments of a raw path. None if two readers could take it for different ones: `..`, an encoded slash, bad UTF-8, and
    what a client should have encoded: some servers end a path at `#`, and some cut `;` and what follows out of a segment."""
    if not path.startswith("/"):
        return None
    found = []
    pieces = path[1:].split("/")
    for number, piece in enumerate(pieces):
        if _SEGMENT.fullmatch(piece) is None:
            return None
        try:
            text = unquote_to_bytes(piece).decode("utf-8")
        except UnicodeDecodeError:
            return None
        if _ODD.search(text) is not None or text in {".", ".."} or (not text and number != len(pieces) - 1):
            return None
        found.append(text)
    return tuple(found)

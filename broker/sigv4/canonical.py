"""The one text that both sides derive from a request and sign (AWS "Create a signed AWS API request", steps 1 and 2).

Outside S3 the path is normalised and encoded once more; S3 takes it as it is, since its object names may hold anything.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from urllib.parse import quote, unquote_to_bytes

from broker.api_errors import IncompleteSignature
from broker.sigv4.request import ALGORITHM, HeaderIndex, Scope

S3_SERVICES = frozenset({"s3", "s3-object-lambda", "s3-outposts"})

# Headers of which a request has one, by RFC 9110 or because the APIs act on them. A second one is an attack, or a broken proxy.
_SINGLE = frozenset({"host", "date", "content-type", "content-length", "content-md5", "content-encoding", "range", "authorization"})
_METHOD = re.compile(r"[A-Z]{1,32}")
_SPACES = re.compile(r"[ \t]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PLAIN = re.compile(r"[A-Za-z0-9\-._~]*")

Pairs = Sequence[tuple[str, str]]


def canonical_path(raw: str, *, s3: bool, strict: bool) -> str:
    """Raises IncompleteSignature for a path that is no path, or (`strict`) one that others may read differently."""
    if raw == "/":
        return raw
    if not raw.startswith("/") or _CONTROL.search(raw):
        raise IncompleteSignature("the path does not start with a slash, or holds control characters")
    if s3:
        return _object_path(raw, strict)
    normal = _without_dots(raw)
    # The signature covers /b for /a/../b, //b and /b alike; a router does not have to agree.
    if strict and (normal != raw or not raw.isascii() or " " in raw):
        raise IncompleteSignature("the path is not in its normal form")
    return quote(normal, safe="/~", errors="surrogatepass")


def _object_path(raw: str, strict: bool) -> str:
    if _BAD_ESCAPE.search(raw):
        raise IncompleteSignature("the path holds a broken percent escape")
    encoded = quote(unquote_to_bytes(raw.encode("utf-8", "surrogatepass")), safe="/~")
    if strict and (encoded != raw or not {".", ".."}.isdisjoint(raw.split("/"))):
        raise IncompleteSignature("the path has dot segments, or is not encoded as S3 encodes it")
    return encoded


def _without_dots(path: str) -> str:
    """Dot segments resolved, empty ones left out."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in {"", "."}:
            kept.append(segment)
    # As the SDKs do, and not RFC 3986: /a/.. and /a/. keep no slash at their end.
    slash = "/" if kept and path.endswith("/") else ""
    return f"/{'/'.join(kept)}{slash}"


def query_pairs(raw: str, *, strict: bool) -> list[tuple[str, str]]:
    """Names and values in canonical encoding, in the order of the wire. `a` and `a=` are the same.

    Raises IncompleteSignature for `+` (space or plus?), `;` in `strict` (a separator to some), empty names, broken escapes and control
    characters, and in `strict` for any other spelling than the canonical one and for repeated names (first or last?).
    """
    if not raw:
        return []
    if "+" in raw or _BAD_ESCAPE.search(raw) or _CONTROL.search(raw):
        raise IncompleteSignature("the query holds a plus sign, a broken percent escape or a control character")
    pairs = []
    for part in raw.split("&"):
        name, _, value = part.partition("=")
        pair = (_respelled(name), _respelled(value))
        if not name or (strict and pair != (name, value)):
            raise IncompleteSignature("the query has an empty name, or is not percent-encoded as the canonical form is")
        pairs.append(pair)
    if strict and len({name for name, _ in pairs}) != len(pairs):
        raise IncompleteSignature("the query repeats a name")
    return pairs


def _respelled(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    return quote(unquote_to_bytes(text.encode("utf-8", "surrogatepass")), safe="-._~")


def canonical_query(pairs: Pairs, without: str = "") -> str:
    """Sorted by encoded name, then by encoded value; `without` names the parameter that carries the signature."""
    return "&".join([f"{name}={value}" for name, value in sorted(pairs) if name != without])


def trimmed(value: str) -> str:
    """Without outer spaces, with single inner ones. Raises IncompleteSignature for folded lines, controls and anything but ASCII."""
    value = value.strip(" \t")
    if "  " in value or not value.isprintable():  # a tab is not printable
        value = _SPACES.sub(" ", value)
    if not (value.isascii() and value.isprintable()):
        raise IncompleteSignature("a signed header is folded, or holds control or non-ASCII characters")
    return value


def canonical_headers(headers: HeaderIndex, names: Sequence[str]) -> str:
    """One line a name, repeated headers joined by commas (RFC 9110 5.3). Raises IncompleteSignature if one is absent or ambiguous."""
    lines = []
    for name in names:
        values = headers.get(name)
        if not values:
            raise IncompleteSignature(f"signed header {name} is not in the request")
        if len(values) == 1:
            value = trimmed(values[0])
        elif name in _SINGLE or name.startswith("x-amz-"):
            raise IncompleteSignature(f"signed header {name} came {len(values)} times")
        else:
            value = ",".join(map(trimmed, values))
        lines.append(f"{name}:{value}\n")
    return "".join(lines)


def canonical_request(method: str, path: str, query: str, headers: str, signed: str, payload: str) -> str:
    """The parts, each canonical already, in their order."""
    if not _METHOD.fullmatch(method):
        raise IncompleteSignature("the method is not a plain upper-case word")
    return f"{method}\n{path}\n{query}\n{headers}\n{signed}\n{payload}"


def string_to_sign(stamp: str, scope: Scope, canonical: str) -> bytes:
    """`stamp` is the time as YYYYMMDDTHHMMSSZ."""
    return f"{ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}".encode()

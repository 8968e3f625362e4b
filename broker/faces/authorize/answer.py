"""A verdict as headers, and requests as WSGI has them. No web framework: a proxy asks at every request it passes on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from broker.flows.protect import Verdict

STATUS = {200: "200 OK", 401: "401 Unauthorized", 403: "403 Forbidden", 503: "503 Service Unavailable"}
PREFIX = "X-Crossgate-"
Headers = list[tuple[str, str]]


def headers_of(verdict: Verdict) -> Headers:
    """What the service behind may know: principal, role, tags (`key=value&...`, percent-encoded), action, resource, and the body's state.

    Values are of our own making or percent-encoded, so nothing in a tag can end a header.
    """
    told = {
        "Decision": "allow" if verdict.allowed else "deny",
        "Principal": verdict.principal,
        "Role": verdict.role,
        "Tags": "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(verdict.tags.items())),
        "Action": verdict.action,
        "Resource": quote(verdict.resource, safe=":/-._~+=,@"),
        "Payload": verdict.payload,
        "Service": quote(verdict.service, safe=""),
    }
    return [(PREFIX + name, value) for name, value in told.items() if value]


def refusal(verdict: Verdict) -> tuple[Headers, bytes]:
    """Headers and body of a no: a code and public words, as an API's client can read them."""
    body = json.dumps({"code": verdict.code, "message": verdict.words}).encode()
    headers = [
        *headers_of(verdict),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    ]
    if verdict.status == 401:
        headers.append(("WWW-Authenticate", "AWS4-HMAC-SHA256"))
    return headers, body


def raw_target(environ: Mapping[str, Any]) -> tuple[str, str]:
    """Path and query as they came over the wire: what a client signed must not be decoded and encoded again.

    A target that is no path (the absolute form of RFC 9112 3.2.2) is left as it is, and so refused: taken apart, it could pass for a path
    other than the one that is served (`/private/x://y/public`).
    """
    target = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or "")
    if not target:
        return quote(str(environ.get("PATH_INFO", "/")).encode("latin-1")), str(environ.get("QUERY_STRING", ""))
    path, _, query = target.partition("?")
    return path, query


def told_alike(environ: Mapping[str, Any], path: str, query: str) -> bool:
    """Whether an application that reads the decoded path and the query sees the request that is judged: a layer in between may have
    rewritten one of the two."""
    served = str(environ.get("SCRIPT_NAME", "")) + str(environ.get("PATH_INFO", ""))
    return (unquote_to_bytes(path).decode("latin-1"), query) == (served, str(environ.get("QUERY_STRING", "")))


def headers_in(environ: Mapping[str, Any], without: Iterable[str] = ()) -> list[tuple[str, str]]:
    """The request's headers. WSGI joins repeated ones by a comma, which is what signing does, too."""
    found = [(name[5:].replace("_", "-").lower(), str(value)) for name, value in environ.items() if name.startswith("HTTP_")]
    for name, key in (("content-type", "CONTENT_TYPE"), ("content-length", "CONTENT_LENGTH")):
        if environ.get(key):
            found.append((name, str(environ[key])))
    dropped = frozenset(without)
    return [(name, value) for name, value in found if name not in dropped]

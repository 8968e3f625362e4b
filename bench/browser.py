"""A browser of few means: keeps connections and cookies, follows redirects, submits forms that need no choice."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable, Mapping
from html import unescape
from typing import TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

T = TypeVar("T")

TAG = re.compile(r"<(form|input)\b([^>]*)>", re.I | re.S)
ATTRIBUTE = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
GONE = re.compile(r"max-age\s*=\s*(0|-\d+)\s*(;|$)|expires\s*=[^;]*\b1970\b", re.I)
FORM_TYPE = "application/x-www-form-urlencoded"


class Browser:
    """Speaks plain HTTP to one address as a proxy that ended TLS would, whatever the URLs say: cookies and addresses are production's."""

    def __init__(self, connect: str, client: str = "192.0.2.1") -> None:
        self._connection = http.client.HTTPConnection(connect, timeout=60)
        self._cookies: dict[str, dict[str, str]] = {}
        self.client = client

    def forget(self, client: str) -> None:
        """A new visitor, from another address, on the old connection."""
        self._cookies = {}
        self.client = client

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def send(
        self, method: str, url: str, fields: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str, str]:
        """Status, Location (or "") and body."""
        parts = urlsplit(url)
        jar = self._cookies.setdefault(parts.netloc, {})
        about = {"Host": parts.netloc, "X-Forwarded-Proto": parts.scheme, "X-Forwarded-Host": parts.netloc, "X-Forwarded-For": self.client}
        if jar:
            about["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        body = None if fields is None else urlencode(fields)
        if body is not None:
            about["Content-Type"] = FORM_TYPE
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        reply = self._reply(method, target, body, {**about, **(headers or {})})
        text = reply.read().decode("utf-8", "replace")
        for cookie in reply.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].strip().partition("=")
            if GONE.search(cookie):
                jar.pop(name, None)
            else:
                jar[name] = value
        return reply.status, reply.headers.get("Location") or "", text

    def walk(
        self, method: str, url: str, fields: Mapping[str, str] | None, arrived: Callable[[str, Mapping[str, str] | None], T | None]
    ) -> T:
        """Follow redirects and forms until `arrived(url, fields)` is not None; return that. Raises ValueError at a dead end."""
        for _ in range(10):
            status, location, text = self.send(method, url, fields)
            if location:
                url, method, fields = urljoin(url, location), "GET", None
            elif status == 200 and "<form" in text:
                method, url, fields = _form(url, text)
            else:
                raise ValueError(f"{method} {url.partition('?')[0]}: {status} {text[:300]!r}")
            found = arrived(url, fields)
            if found is not None:
                return found
        raise ValueError(f"too many redirects, last {url.partition('?')[0]}")

    def _reply(self, method: str, target: str, body: str | None, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        for attempt in (1, 2):
            try:
                self._connection.request(method, target, body, headers)
                return self._connection.getresponse()
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self._connection.close()  # the server had closed an idle connection: once more
                if attempt == 2:
                    raise
        raise AssertionError


def _form(url: str, page: str) -> tuple[str, str, dict[str, str]]:
    """Method, action and preset fields of the first form of a page."""
    method, action, fields = "GET", "", {}
    for tag, text in TAG.findall(page):
        found = {name.lower(): unescape(a or b or c) for name, a, b, c in ATTRIBUTE.findall(text)}
        if tag.lower() == "form":
            if action:
                break
            method, action = found.get("method", "get").upper(), urljoin(url, found.get("action", ""))
        elif action and "name" in found:
            fields[found["name"]] = found.get("value", "")
    return method, action, fields

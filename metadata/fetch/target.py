"""A URL taken apart once, strictly, and its name resolved once, in bounded time."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from metadata.errors import FetchRefused
from metadata.fetch.transport import seconds_left

_PORTS = {"https": 443, "http": 80}
_MAX_URL = 4096
# getaddrinfo cannot be interrupted; no more threads than this may hang in it.
_resolving = threading.BoundedSemaphore(32)


def _refuse(private: str) -> FetchRefused:
    return FetchRefused("That URL is not allowed.", private)


@dataclass(frozen=True, slots=True)
class Target:
    """Scheme, host (ASCII, lower case, no brackets), port and the rest of a URL that may be asked."""

    url: str
    scheme: str
    host: str
    port: int
    request_target: str

    @classmethod
    def parse(cls, url: str) -> Target:
        """Raises FetchRefused: not http(s), user information, a fragment, control characters, no host, an odd port."""
        if len(url) > _MAX_URL or any(c <= " " or c == "\x7f" or c == "\\" for c in url):
            raise _refuse("URL too long, or with blanks, backslashes or control characters")
        try:
            parts = urlsplit(url)
            port = parts.port
            host = (parts.hostname or "").rstrip(".")
        except ValueError as e:
            raise _refuse(f"URL cannot be parsed: {e}") from None
        if parts.scheme not in _PORTS:
            raise _refuse(f"scheme {parts.scheme[:20]!r} is not http or https")
        if "@" in parts.netloc:
            raise _refuse("user information in a URL")
        if port == 0:
            raise _refuse("port 0")
        host = _ascii(host)
        path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
        query = "?" + quote(parts.query, safe="/?%:@!$&'()*+,;=~-._") if parts.query else ""
        return cls(url, parts.scheme, host, port or _PORTS[parts.scheme], path + query)

    @property
    def origin(self) -> tuple[str, str, int]:
        """What the same-origin rule compares (RFC 6454)."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def check_port(self, operator_declared: bool) -> None:
        """Only the operator may name a port other than 80 and 443: else a form could scan ports. Raises FetchRefused."""
        if not operator_declared and self.port not in (80, 443):
            raise _refuse(f"port {self.port} is only for URLs that the operator declared")


def _ascii(host: str) -> str:
    try:
        name = host.lower() if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise _refuse("host name cannot be encoded") from None
    if not name or len(name) > 253 or not all(c.isalnum() or c in "-._:" for c in name):
        raise _refuse("no host, or one with odd characters")
    return name


def resolve(host: str, port: int) -> list[str]:
    """Every address of a name, in the system's order. Raises OSError, or TimeoutError at the deadline.

    Odd spellings of addresses (127.1, 0x7f000001, 2130706433) are left to the system: what it makes of them is what is vetted.
    """
    try:
        return [str(ip_address(host))]
    except ValueError:
        pass
    found: list[list[str] | OSError] = []
    if not _resolving.acquire(timeout=seconds_left()):
        raise TimeoutError("too many names being resolved")

    def look_up() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.append(list(dict.fromkeys(str(a[4][0]) for a in answers)))
        except (OSError, UnicodeError) as e:
            found.append(e if isinstance(e, OSError) else OSError("not a host name"))
        finally:
            _resolving.release()

    thread = threading.Thread(target=look_up, daemon=True, name="resolve")
    thread.start()
    thread.join(seconds_left())
    if not found:
        raise TimeoutError("name resolution")
    if isinstance(found[0], OSError):
        raise found[0]
    return found[0]

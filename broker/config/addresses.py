"""Checks of addresses: origins, redirect URIs, host names and binds. Pure; each returns the value in the form that is kept."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from broker.config.problems import Wrong, shown

HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
# With a dot, so that no other app can claim it by chance (RFC 8252 7.1, row OA-P1.8).
APP_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+")
# Schemes that make a browser run or show something of its own instead of starting an app.
NEVER_AN_APP = frozenset({"javascript", "data", "vbscript", "file", "blob", "about", "filesystem", "ws", "wss", "ftp", "view-source"})


def is_loopback(host: str) -> bool:
    """True for this machine itself: the only place where plain http harms nobody."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def split(url: str) -> SplitResult:
    """Like urlsplit, but refuses what browsers and Python read differently: control characters, spaces, backslashes."""
    if any(ord(char) <= 0x20 or ord(char) == 0x7F or char == "\\" for char in url):
        raise Wrong("contains a space, a control character or a backslash", "remove it, or percent-encode it")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 -- reading it is what checks it
    except ValueError as error:
        raise Wrong(f"is not a URL: {error}", "write it like https://example.com/path") from None
    return parts


def _web(url: str, example: str) -> SplitResult:
    parts = split(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise Wrong(f"{shown(url)} is not an absolute http(s) URL", f"write it like {example}")
    if parts.username is not None or parts.password is not None:
        raise Wrong("carries a user name or password", f"write it like {example}")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise Wrong(f"{shown(url)} is plain http", "use https; http is for localhost and loopback addresses only")
    return parts


def origin(url: str) -> str:
    """An origin: scheme, host and port, nothing after. Kept without a trailing slash, in lower case.

    No path: the cookies are bound to the host as a whole (`__Host-`), and so is what they protect.
    """
    example = "https://login.example.com"
    parts = _web(url, example)
    if parts.path not in {"", "/"} or parts.query or parts.fragment or url.rstrip("/").endswith(("?", "#")):
        raise Wrong(f"{shown(url)} has a path, query or fragment", f"give scheme, host and port only, like {example}")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def issuer(url: str) -> str:
    """An issuer: compared character by character by every verifier, so it must be in its one obvious form."""
    parts = _web(url, "https://login.example.com/pool")
    if parts.query or parts.fragment or url.endswith(("/", "?", "#")):
        raise Wrong(f"{shown(url)} has a query, a fragment or a trailing slash", "remove it: an issuer is compared character by character")
    return url


def web_url(url: str) -> str:
    """Any page or endpoint: absolute, https or loopback http, no user name, no fragment."""
    if _web(url, "https://app.example.com/path").fragment or "#" in url:
        raise Wrong(f"{shown(url)} has a fragment", "remove the part from # on")
    return url


def fetched_url(url: str) -> str:
    """A document that we fetch. Plain http is the operator's own decision here (a rule warns of it)."""
    parts = split(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.username is not None or "#" in url:
        raise Wrong(f"{shown(url)} is not an address to fetch from", "write it like https://idp.example.com/metadata.xml")
    return url


def redirect_uri(url: str) -> str:
    """Where a browser may be sent with a code (spec B.1): https, http on this machine, or an app's own scheme."""
    if len(url) > 1024:
        raise Wrong("is longer than 1,024 characters", "shorten it")
    if "*" in url:
        raise Wrong(f"{shown(url)} contains a *", "list every address in full: they are compared character by character")
    parts = split(url)
    scheme = parts.scheme.lower()
    if scheme in {"http", "https"}:
        return web_url(url)
    if not scheme or ":" not in url:
        raise Wrong(f"{shown(url)} is not an absolute URI", "write it like https://app.example.com/callback or com.example.app:/callback")
    if scheme in NEVER_AN_APP or not APP_SCHEME.fullmatch(scheme):
        raise Wrong(f"the scheme {shown(scheme)} is not allowed", "use https, or your app's own scheme like com.example.app:/callback")
    if parts.username is not None or parts.password is not None:
        raise Wrong("carries a user name or password", "remove the part before @")
    if "#" in url:
        raise Wrong(f"{shown(url)} has a fragment", "remove the part from # on")
    return url


def logo(url: str) -> str:
    """An image for a page: https (or this machine), or an embedded raster or SVG image."""
    if re.match(r"data:image/(png|jpeg|gif|webp|svg\+xml)[;,]", url):
        return url
    return web_url(url)


def host(value: str) -> str:
    """A host name, with a port if it is not the scheme's own. Kept in lower case."""
    name, _, port = value.lower().rstrip(".").partition(":")
    if not HOST.fullmatch(name) or (":" in value and not _is_port(port)):
        raise Wrong(f"{shown(value)} is not a host name", "give the host alone, like login.example.com, without scheme or path")
    return f"{name}:{port}" if port else name


def bind(value: str) -> str:
    """`HOST:PORT`, `[IPv6]:PORT` or `unix:PATH`."""
    if value.startswith("unix:") and len(value) > 5:
        return value
    address, _, port = value.rpartition(":")
    bare = address.strip("[]")
    good = bool(HOST.fullmatch(address.lower()))
    if not good:
        try:
            good = (":" in bare) == address.startswith("[") and bool(ipaddress.ip_address(bare))
        except ValueError:
            good = False
    if not good or not _is_port(port, lowest=0):
        raise Wrong(f"{shown(value)} is not an address to listen on", "write HOST:PORT like 127.0.0.1:8080 or [::]:8080, or unix:PATH")
    return value


def network(value: str) -> str:
    """An address or a range of addresses in CIDR form."""
    try:
        return str(ipaddress.ip_network(value, strict=True))
    except ValueError as error:
        raise Wrong(f"{shown(value)} is not a network: {error}", "write it like 10.0.0.0/8 or 192.0.2.7") from None


def proxy(value: str) -> str:
    """A reverse proxy: its network, or the word `unix` for the peer of a Unix socket, which has no address."""
    return value if value == "unix" else network(value)


def _is_port(text: str, lowest: int = 1) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and lowest <= int(text) <= 65535

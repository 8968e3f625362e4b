"""Who really sent the request, when a proxy stands in front. Forwarded headers count only from a trusted proxy (row OA-B7)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Whoever sends made-up addresses fills no memory with them.
MOST_KNOWN = 4096
LONGEST_KNOWN = 64

# All of these are removed once they have been judged, so that nothing further in can trust one by mistake.
HEADERS = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_SERVER",
    "HTTP_X_REAL_IP",
    "HTTP_X_ORIGINAL_URL",
    "HTTP_X_REWRITE_URL",
)


@dataclass(frozen=True, slots=True)
class Hop:
    """The client's address and the host it asked for, as far as they can be trusted."""

    address: str
    host: str


class Proxies:
    """The networks whose forwarded headers count. The word `unix` trusts the peer of a Unix socket, which has no address."""

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        names = tuple(trusted)
        self._unix = "unix" in names
        self._networks: tuple[Network, ...] = tuple(ipaddress.ip_network(name, strict=False) for name in names if name != "unix")
        self._known: dict[str, tuple[str, bool]] = {}

    def trusts(self, address: Address | None) -> bool:
        """True if forwarded headers from this peer count; None is a peer without an address."""
        if address is None:
            return self._unix
        return any(address.version == network.version and address in network for network in self._networks)

    def trusts_peer(self, text: str) -> bool:
        """The same for an address as the server wrote it, as REMOTE_ADDR is; one that is none is that of a Unix socket."""
        known = self._known_hop(text)
        return self._unix if known is None else known[1]

    def strip(self, environ: MutableMapping[str, Any]) -> Hop:
        """Read the forwarded headers as far as their sender is trusted, remove them all, and say who asked for which host.

        Each proxy appends on the right, so the list is read from there: the first address that is not a proxy of ours is
        the client; what stands further left was written by the client itself and proves nothing.
        """
        address, trusted = self._known_hop(str(environ.get("REMOTE_ADDR", ""))) or ("", self._unix)
        host = str(environ.get("HTTP_HOST", ""))
        if trusted:
            hops = str(environ.get("HTTP_X_FORWARDED_FOR", "")).split(",")
            while trusted and hops:
                before = self._known_hop(hops.pop().strip())
                if before is None:
                    break
                address, trusted = before
            forwarded_host = str(environ.get("HTTP_X_FORWARDED_HOST", "")).split(",")[-1].strip()
            host = forwarded_host or host
        for name in HEADERS:
            environ.pop(name, None)
        return Hop(address, host)

    def _known_hop(self, text: str) -> tuple[str, bool] | None:
        """An address as it is written everywhere, and whether it is trusted. Reading one costs more than the rest of this file."""
        found = self._known.get(text)
        if found is None:
            parsed = parse(text)
            if parsed is None:
                return None
            found = (str(parsed), self.trusts(parsed))
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            if len(text) <= LONGEST_KNOWN:
                self._known[text] = found
        return found


def parse(text: str) -> Address | None:
    """An address out of a header or a socket, without port and brackets; IPv4-mapped IPv6 becomes IPv4. None if it is not one."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address

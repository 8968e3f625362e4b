"""Which network addresses we may speak to: the public ones, and what the operator allowed by name.

A table of our own, because `ipaddress.is_global` changed its mind between Python releases.
"""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# IANA special-purpose registries. Never reached, even if allowed: nothing there is a server of anybody's.
_NEVER = tuple(ip_network(n) for n in ("0.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32", "::/128", "ff00::/8"))
# Reached only if the operator declared the URL and allowed the address.
_PRIVATE_4 = tuple(
    ip_network(n)
    for n in (
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local: the metadata services of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "240.0.0.0/4",
    )
)
# IPv6 is the other way round: only 2000::/3 is public, less what embeds IPv4 or is for documents.
_PUBLIC_6 = ip_network("2000::/3")
_PRIVATE_6 = tuple(ip_network(n) for n in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
_LINK_LOCAL = (ip_network("169.254.0.0/16"), ip_network("fe80::/10"))
_NAT64 = ip_network("64:ff9b::/96")


def plain(address: Address) -> Address:
    """The IPv4 address that an IPv6 one merely wraps (v4-mapped, NAT64), else the address itself."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """True if anybody on the Internet may be meant by this address."""
    address = plain(address)
    if any(address in n for n in _NEVER):
        return False
    if isinstance(address, IPv4Address):
        return not any(address in n for n in _PRIVATE_4)
    return address in _PUBLIC_6 and not any(address in n for n in _PRIVATE_6)


class AllowList:
    """`[network] allow`: CIDRs, single addresses and host names whose private addresses may be reached.

    Raises ValueError for an entry that is neither. A host name never opens link-local addresses; only a CIDR can.
    """

    def __init__(self, entries: tuple[str, ...] = ()) -> None:
        networks: list[Network] = []
        hosts: set[str] = set()
        for entry in entries:
            try:
                networks.append(ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                if "/" in entry or not entry or any(c.isspace() for c in entry):
                    raise ValueError(f"not a network, an address or a host name: {entry!r}") from None
                hosts.add(entry.lower().rstrip("."))
        self._networks = tuple(networks)
        self._hosts = frozenset(hosts)

    def permits(self, host: str, address: str, *, operator_declared: bool) -> bool:
        """May `address`, to which `host` resolved, be connected to?"""
        try:
            ip = plain(ip_address(address.partition("%")[0]))
        except ValueError:
            return False
        if is_public(ip):
            return True
        if not operator_declared or any(ip in n for n in _NEVER):
            return False
        if any(ip in n for n in self._networks):
            return True
        return host.lower().rstrip(".") in self._hosts and not any(ip in n for n in _LINK_LOCAL)

"""Which addresses are anybody's, which are the operator's, which are nobody's."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from metadata.fetch.addresses import AllowList, is_public

PUBLIC = ("8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2001:4860:4860::8888", "2606:4700::1111", "::ffff:8.8.8.8")
PRIVATE = (
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "127.0.0.1", "127.255.255.254", "169.254.169.254",
    "100.64.0.1", "192.0.0.1", "198.18.0.1", "203.0.113.9", "240.0.0.1", "::1", "fe80::1", "fc00::1", "fd00:ec2::254",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1",
    "2001:db8::1", "100::1", "fec0::1",
)  # fmt: skip
NEVER = ("0.0.0.0", "0.1.2.3", "224.0.0.1", "239.1.1.1", "255.255.255.255", "::", "ff02::1", "::ffff:0.0.0.0")


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert is_public(ip_address(address))
    assert AllowList().permits("a.example", address, operator_declared=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_needs_both_the_declaration_and_the_allowance(address: str) -> None:
    everything = AllowList(("0.0.0.0/0", "::/0"))
    assert not is_public(ip_address(address))
    assert not AllowList().permits("a.example", address, operator_declared=True)
    assert not everything.permits("a.example", address, operator_declared=False)
    assert everything.permits("a.example", address, operator_declared=True)


@pytest.mark.parametrize("address", NEVER)
def test_never(address: str) -> None:
    everything = AllowList(("0.0.0.0/0", "::/0", "a.example"))
    assert not everything.permits("a.example", address, operator_declared=True)


def test_a_host_name_opens_its_private_addresses_but_not_link_local() -> None:
    allow = AllowList(("idp.corp",))
    assert allow.permits("IDP.corp.", "10.1.2.3", operator_declared=True)
    assert not allow.permits("other.corp", "10.1.2.3", operator_declared=True)
    assert not allow.permits("idp.corp", "169.254.169.254", operator_declared=True)
    assert not allow.permits("idp.corp", "fe80::1%eth0", operator_declared=True)


def test_one_address_is_one_address() -> None:
    allow = AllowList(("127.0.0.1", "[::1]"))
    assert allow.permits("x", "127.0.0.1", operator_declared=True)
    assert allow.permits("x", "::1", operator_declared=True)
    assert allow.permits("x", "::ffff:127.0.0.1", operator_declared=True)
    assert not allow.permits("x", "127.0.0.2", operator_declared=True)


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "", "a b", "http://x/"])
def test_a_bad_entry_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match="not a network"):
        AllowList((entry,))

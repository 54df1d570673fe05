"""Addresses of stackless requests, and the networks in which they must lie."""

from __future__ import annotations

import ipaddress

import pytest

from storperf.errors import UsageError
from storperf.web.compatible.hosts import HostAddress, read_addresses, refuse_outsiders


@pytest.mark.parametrize(
    ("word", "address", "port", "known_as"),
    [
        ("10.0.0.5", "10.0.0.5", 22, "10.0.0.5"),
        ("10.0.0.5:2222", "10.0.0.5", 2222, "[10.0.0.5]:2222"),
        ("fd00::5", "fd00::5", 22, "fd00::5"),
        ("[fd00::5]", "fd00::5", 22, "fd00::5"),
        ("[fd00:0::5]:2222", "fd00::5", 2222, "[fd00::5]:2222"),
    ],
)
def test_an_address_is_read(word, address, port, known_as):
    (found,) = read_addresses([word])
    assert (found.address, found.port, found.known_as) == (address, port, known_as)


@pytest.mark.parametrize(
    "word",
    [
        *("localhost", "evil.example", "10.0.0.5:", "10.0.0.5:0", "10.0.0.5:65536", "10.0.0.5:x"),
        *("[fd00::5", "[fd00::5]x", "fe80::1%eth0", "0x7f.1", "127.1", "10.0.0.5 -oProxyCommand=x"),
        *("", "user@10.0.0.5", "10.0.0.5/8", "\u0661\u0660.0.0.5", "10.0.0.5:99999999999999999999"),
    ],
)
def test_what_is_no_address_is_refused(word):
    with pytest.raises(UsageError, match="address"):
        read_addresses([word])


def test_a_host_twice_is_refused():
    with pytest.raises(UsageError, match="twice"):
        read_addresses(["10.0.0.5", "10.0.0.5:22"])


def test_hosts_outside_the_allowed_networks_are_refused_by_name():
    allowed = (ipaddress.ip_network("10.0.0.0/24"), ipaddress.ip_network("fd00::/64"))
    inside = [HostAddress(address="10.0.0.5"), HostAddress(address="fd00::5")]
    refuse_outsiders(inside, allowed)
    for address in ("10.0.1.5", "127.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.1.5"):
        with pytest.raises(UsageError, match="not in the networks"):
            refuse_outsiders([*inside, HostAddress(address=address)], allowed)
    with pytest.raises(UsageError, match=r"\(none\)"):
        refuse_outsiders(inside, ())

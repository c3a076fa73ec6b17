from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given, settings, strategies as st

from hatch_mlpackage.lock.remote.addresses import RefusedAddressError, connect, is_allowed, kind_of

METADATA = ("169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "fd00:ec2::254", "fd20:ce::254")
METADATA += ("168.63.129.16", "100.100.100.200", "192.0.0.192", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::")
PRIVATE = (
    "127.0.0.1",
    "127.255.0.1",
    "::1",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
)
PRIVATE += ("0.0.0.0", "::", "100.64.0.1", "fd00::1", "fec0::1", "224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1")
PRIVATE += ("64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::1")
PUBLIC = ("8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::808:808", "2606:4700::1111")


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        *((address, "metadata") for address in (*METADATA, "no address")),
        *((address, "private") for address in PRIVATE),
        *((address, "public") for address in PUBLIC),
    ],
)
def test_kinds(address, kind):
    """An address is public only if nothing in it leads to this machine, a private network or a cloud's credentials."""
    assert kind_of(address) == kind


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.ip_addresses(v=4))
def test_an_ipv4_address_written_as_ipv6(address):
    """An IPv4 address has the same kind in each of the ways in which IPv6 holds it on the way to it."""
    number = int(address)
    mapped = IPv6Address((0xFFFF << 32) | number)
    gateway = IPv6Address((0x64FF9B << 96) | number)
    tunnel = IPv6Address((0x2002 << 112) | (number << 80))

    assert {kind_of(str(mapped)), kind_of(str(gateway))} == {kind_of(str(address))}
    assert kind_of(str(address)) == "public" or kind_of(str(tunnel)) != "public"


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.ip_addresses(v=4, network="127.0.0.0/8") | st.ip_addresses(v=4, network="169.254.0.0/16"))
def test_other_spellings_of_an_address(address):
    """Decimal, hexadecimal and octal spellings are judged by the address that the system makes of them."""
    parts = [int(part) for part in str(address).split(".")]
    spellings = (str(int(address)), hex(int(address)), ".".join(f"0{part:o}" for part in parts))

    for spelling in spellings:
        found = socket.getaddrinfo(spelling, 80, type=socket.SOCK_STREAM)
        assert {IPv4Address(one[4][0]) for one in found} == {address}
        with pytest.raises(RefusedAddressError):
            connect(spelling, 80, ())


@pytest.mark.parametrize(
    ("host", "address", "listed", "allowed"),
    [
        ("models.example", "10.0.0.1", [], False),
        ("models.example", "10.0.0.1", ["Models.Example."], True),
        ("models.example", "10.0.0.1", ["example"], False),
        ("models.example", "10.0.0.1", ["10.0.0.1"], True),
        ("models.example", "10.0.0.2", ["10.0.0.1"], False),
        ("models.example", "169.254.169.254", ["models.example"], False),
        ("models.example", "169.254.169.254", ["169.254.169.254"], True),
        ("models.example", "fe80::1%eth0", ["models.example"], False),
        ("[::1]", "::ffff:127.0.0.1", ["127.0.0.1"], True),
        ("models.example", "8.8.8.8", [], True),
    ],
)
def test_what_a_listed_host_allows(host, address, listed, allowed):
    """A listed name stands for private addresses; credentials of a cloud have to be listed by their address."""
    assert is_allowed(host, address, listed) is allowed


@pytest.mark.parametrize(
    ("host", "fix"),
    [
        (
            "127.0.0.1",
            (
                "127.0.0.1 is this machine or on a private network. If the model is there, list the host: "
                'private-hosts = ["127.0.0.1"].'
            ),
        ),
        (
            "169.254.169.254",
            (
                "169.254.169.254 is an address at which the machines of clouds get their credentials. If the model is "
                'there all the same, list the address itself: private-hosts = ["169.254.169.254"].'
            ),
        ),
    ],
)
def test_the_refusal(host, fix):
    """A refusal names the address and the key that would allow it."""
    with pytest.raises(RefusedAddressError, match=f"^{re.escape(fix)}$"):
        connect(host, 80, ())


def answering(addresses):
    """Give a resolver that answers with the next addresses each time it is asked."""
    answers = iter(addresses)

    def resolve(_host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in next(answers)]

    return resolve


def test_the_checked_address_is_the_one_that_is_used(monkeypatch):
    """A name is resolved once, so that a second answer of its server cannot lead elsewhere."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(socket, "getaddrinfo", answering([["127.0.0.1"], ["169.254.169.254"]]))

        with connect("models.example", port, ["models.example"]) as connection:
            assert connection.getpeername() == ("127.0.0.1", port)


def test_only_allowed_addresses_are_tried(monkeypatch):
    """Of several addresses, those that are refused are never tried."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(socket, "getaddrinfo", answering([["169.254.169.254", "127.0.0.1"]]))

        with connect("models.example", port, ["models.example"]) as connection:
            assert connection.getpeername() == ("127.0.0.1", port)


def test_no_address_answers():
    """The system's reason is given where no address takes a connection."""
    with pytest.raises(ConnectionRefusedError):
        connect("127.0.0.1", 9, ["127.0.0.1"])

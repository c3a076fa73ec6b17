"""Connect to a host only at a public address, unless the project lists the host.

A name may lead anywhere, and to another place each time it is asked for: what is checked is the address to which the
connection is made, never the name.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal

from hatch_mlpackage.errors import LockError

Address = IPv4Address | IPv6Address
Kind = Literal["public", "private", "metadata"]

SECONDS = 30.0  # for each address to take a connection, and of silence
# Where the machines of clouds ask for their own credentials; all link-local addresses count, too.
_METADATA = frozenset(
    map(ip_address, ("168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"))
)
# The IPv6 addresses whose last 32 bits are the IPv4 address to which a gateway passes a connection on (RFC 6052).
_GATEWAY = ip_network("64:ff9b::/96")


class RefusedAddressError(LockError):
    """Refuse an address that a model must not come from."""


def connect(host: str, port: int, private_hosts: Collection[str]) -> socket.socket:
    """Return a connection to one of a host's addresses; raise RefusedAddressError where all are refused, or OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    allowed = [one for one in found if is_allowed(host, str(one[4][0]), private_hosts)]
    if not allowed:
        raise RefusedAddressError(_said(host, str(found[0][4][0])))
    failure: OSError = OSError("it has no address")
    for family, kind, protocol, _, place in allowed:
        connection = socket.socket(family, kind, protocol)
        connection.settimeout(SECONDS)
        try:
            connection.connect(place)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


def is_allowed(host: str, address: str, private_hosts: Collection[str]) -> bool:
    """Tell whether a model may come from an address of a host.

    A listed name stands for private addresses and for this machine; those where a cloud gives out credentials have to
    be listed themselves, because whoever answers for a name may point it there.
    """
    kind = kind_of(address)
    listed = {name.lower().rstrip(".") for name in private_hosts}
    if kind == "public" or _plain(address) in set(filter(None, map(_plain, listed))):
        return True
    return kind == "private" and host.lower().rstrip(".") in listed


def kind_of(address: str) -> Kind:
    """Tell what kind of place an address is, with the IPv4 addresses inside it where it holds some."""
    ip = _plain(address)
    faces = () if ip is None else (ip, *_held(ip))
    if not faces or any(face.is_link_local or face in _METADATA for face in faces):
        return "metadata"
    return "public" if all(_is_public(face) for face in faces) else "private"


def _is_public(ip: Address) -> bool:
    special = ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback
    return ip.is_global and not (special or (isinstance(ip, IPv6Address) and ip.is_site_local))


def _plain(address: str) -> Address | None:
    """Read an address without the zone of a link-local one; an IPv4 address that is written as IPv6 is IPv4."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if ip in _GATEWAY:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return (ip.ipv4_mapped or ip) if isinstance(ip, IPv6Address) else ip


def _held(ip: Address) -> tuple[IPv4Address, ...]:
    """Return the IPv4 addresses that an IPv6 address holds, to which a tunnel may lead."""
    return () if isinstance(ip, IPv4Address) else tuple(filter(None, (ip.sixtofour, *(ip.teredo or ()))))


def _said(host: str, address: str) -> str:
    at = address if host == address else f"{host} ({address})"
    if kind_of(address) == "metadata":
        return (
            f"{at} is an address at which the machines of clouds get their credentials. If the model is there all the "
            f'same, list the address itself: private-hosts = ["{address}"].'
        )
    return (
        f"{at} is this machine or on a private network. If the model is there, list the host: "
        f'private-hosts = ["{host}"].'
    )

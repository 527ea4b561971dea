"""Public addresses alone: so that nobody has us ask this machine, or a network that only we are in.

A name is resolved once, all of its addresses are looked at, and the one that is returned is to be connected
to: a name that changes its mind in between reaches nothing.
"""

import ipaddress
import socket

from veracity.feeds.errors import SourceUnavailable

_WITH_IPV4 = (ipaddress.IPv6Network("::/96"), ipaddress.IPv6Network("64:ff9b::/96"))  # in their last 32 bits
_OF_A_NETWORK = ipaddress.IPv6Network("64:ff9b:1::/48")  # translated as each network likes: RFC 8215


def public_address(host: str, port: int) -> str:
    """Resolve a host; raise unless all of its addresses are public ones."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    private = [a for a in addresses if not is_public(a)]
    if private or not addresses:
        raise SourceUnavailable(
            f"{host[:80]}: want public addresses alone, got {private[0] if private else 'none'}"
        )
    return addresses[0]


def is_public(address: str) -> bool:
    """Tell a public address of the internet from all others, written as IPv4, IPv6 or one in the other.

    >>> is_public("1.1.1.1"), is_public("10.0.0.1"), is_public("::ffff:127.0.0.1"), is_public("fe80::1%eth0")
    (True, False, False, False)
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found in _OF_A_NETWORK:
            return False
        found = _ipv4_in(found) or found
    return found.is_global and not found.is_multicast


def _ipv4_in(found: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that one of IPv6 leads to: mapped, by 6to4 or by NAT64; None if to none."""
    if any(found in network for network in _WITH_IPV4):
        return ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
    return found.ipv4_mapped or found.sixtofour

"""Public addresses alone: so that nobody has us ask this machine, or a network that only we are in.

A name is resolved once, all of its addresses are looked at, and the one that is returned is to be connected
to: a name that changes its mind in between reaches nothing.
"""

import ipaddress
import socket

from veracity.feeds.errors import SourceUnavailable


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
    inner = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    found = inner or found
    return found.is_global and not found.is_multicast

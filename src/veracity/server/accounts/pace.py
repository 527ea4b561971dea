"""How often one network and one account may ask: buckets that fill steadily, in bounded memory.

A network is an IPv4 address or the first half of one of IPv6. This machine's own addresses are not counted:
what asks from there is the front that counts for itself, or who has the home anyway.
"""

import ipaddress
import math
from dataclasses import dataclass
from threading import Lock

from starlette.requests import Request

from veracity.home.accounts.account import Account
from veracity.home.live.rates import Buckets, Rate
from veracity.server.running import network_of

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_NETWORK, _ACCOUNT = Rate(500.0, 5_000), Rate(200.0, 2_000)
_WRITES, _WRONG, _SIGN_INS = Rate(20.0, 200), Rate(0.1, 50), Rate(0.5, 60)


@dataclass(frozen=True)
class Limits:
    """Requests a second in the long run, and at once after silence.

    Attributes
    ----------
    network
        Of everything that one network asks.
    account
        Of everything that one account asks.
    writes
        Of what one account writes.
    wrong
        Of tokens and sessions that do not count, from one network.
    sign_ins
        Of browsers of one network that are sent to the provider.
    """

    network: Rate = _NETWORK
    account: Rate = _ACCOUNT
    writes: Rate = _WRITES
    wrong: Rate = _WRONG
    sign_ins: Rate = _SIGN_INS


class Pace:
    """The buckets of a server. Each take returns how long to wait, in seconds; 0 for not at all."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = Lock()
        self._networks, self._accounts = Buckets(limits.network), Buckets(limits.account)
        self._writes, self._wrong = Buckets(limits.writes), Buckets(limits.wrong)
        self._sign_ins = Buckets(limits.sign_ins)

    def of_network(self, request: Request, now_s: float) -> int:
        """Take one request of a network."""
        network = network_name(request)
        return 0 if network is None else self._take(self._networks, self._limits.network, network, now_s)

    def of_wrong(self, request: Request, now_s: float) -> int:
        """Take one request that proved nothing."""
        network = network_name(request)
        return 0 if network is None else self._take(self._wrong, self._limits.wrong, network, now_s)

    def of_sign_in(self, request: Request, now_s: float) -> int:
        """Take one sign-in that begins: each is remembered until it comes back or takes too long."""
        network = network_name(request)
        return 0 if network is None else self._take(self._sign_ins, self._limits.sign_ins, network, now_s)

    def of_account(self, account: Account, method: str, now_s: float) -> int:
        """Take one request of an account."""
        wait_s = self._take(self._accounts, self._limits.account, account.name, now_s)
        if wait_s == 0 and method not in SAFE:
            wait_s = self._take(self._writes, self._limits.writes, account.name, now_s)
        return wait_s

    def _take(self, buckets: Buckets, rate: Rate, name: str, now_s: float) -> int:
        with self._lock:
            return 0 if buckets.take(name, now_s) else max(1, math.ceil(1 / rate.per_s))


def network_name(request: Request) -> str | None:
    """Return whose network asks; None for this machine."""
    client = request.scope.get("client")
    if client is None:
        return None
    try:
        if ipaddress.ip_address(str(client[0]).partition("%")[0]).is_loopback:
            return None
    except ValueError:
        return str(client[0])
    network = network_of((str(client[0]), int(client[1])))
    return network.hex() if isinstance(network, bytes) else network

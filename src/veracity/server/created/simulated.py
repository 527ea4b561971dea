"""Whether what a feed shows is simulated: its contract says so, or clients made it in a city that is."""

from hashlib import sha256

from veracity.data.contract import Contract
from veracity.home.home import Home
from veracity.server.created.feeds import OBSERVATIONS, THINGS, built_in, is_built_in


def is_simulated(home: Home, contract: Contract, before: int | None = None) -> bool:
    """Tell whether what a feed shows under a contract is simulated, by all of the log or before an entry."""
    return contract.simulated or (is_built_in(contract) and is_made_up(home, before))


def is_made_up(home: Home, before: int | None = None) -> bool:
    """Tell whether what clients make in a city is simulated: all that its own contracts describe is.

    Where some feeds are simulated and others not, what a client says of its own counts. ``before`` is the
    entry of the log up to which contracts count; None for all.
    """
    ours = {sha256(built_in(feed)).hexdigest() for feed in (THINGS, OBSERVATIONS)}
    own = {
        str(p["feed"]): p["simulated"] is True
        for idx, p in home.index.predicates("contract")
        if p["sha256"] not in ours and (before is None or idx < before)
    }
    return bool(own) and all(own.values())

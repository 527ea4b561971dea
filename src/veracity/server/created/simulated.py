"""Whether what a feed shows is simulated: its contract says so, or clients made it in a city that is."""

from veracity.data.contract import Contract
from veracity.home.home import Home
from veracity.server.created.feeds import is_built_in, is_made_up


def is_simulated(home: Home, contract: Contract, before: int | None = None) -> bool:
    """Tell whether what a feed shows under a contract is simulated, by all of the log or before an entry.

    The contracts of what clients make say it themselves, as of the last write. One of an earlier release, or
    of before the city's own feeds were added, may not yet.
    """
    return contract.simulated or (is_built_in(contract) and is_made_up(home, before))

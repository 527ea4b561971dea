"""The two built-in feeds that hold what clients make: things, and observations of their datastreams.

Their contracts are ours to the byte, but for two lines: the version, and the mark of simulated data. Where
all that a city's own contracts describe is simulated, so is what clients make there, and their contracts say
so: then statements, receipts, tables and commands do, as of any other feed. Where that changes, the next
write puts a new version in force first.
"""

import tempfile
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

from veracity.data.contract import Contract
from veracity.data.contract_field import Field
from veracity.home.contracts import add_feed
from veracity.home.home import Home, Writer
from veracity.server.created.errors import NameTaken

THINGS, OBSERVATIONS = "created-things", "created-observations"
_FIRST = "1.0.0"
DATASTREAM = "datastream"  #: the column of observations that names theirs
#: the column that holds the values of a kind of datastream
VALUE_COLUMNS = {"number": "number", "integer": "number", "boolean": "truth", "string": "text"}


@lru_cache(maxsize=64)
def built_in(feed: str, version: str = _FIRST, *, simulated: bool = False) -> bytes:
    """Return the contract of one of the two, in a version."""
    text = (files("veracity.server.created") / f"{feed}.yaml").read_text("utf-8")
    mark = "tags: [simulated]\n" if simulated else ""
    return text.replace(f"\nversion: {_FIRST}\n", f"\nversion: {version}\n{mark}", 1).encode()


def is_built_in(contract: Contract) -> bool:
    """Tell whether a contract is one of the two, to the byte but for its version and whether it is marked."""
    if contract.feed not in (THINGS, OBSERVATIONS):
        return False
    return contract.text == built_in(contract.feed, contract.version, simulated=contract.simulated)


def is_observations(contract: Contract) -> bool:
    """Tell whether a contract is that of observations of what clients made."""
    return contract.feed == OBSERVATIONS and is_built_in(contract)


def value_columns(contract: Contract) -> tuple[Field, ...]:
    """Return the columns of observations that hold values."""
    return tuple(contract.field(name) for name in dict.fromkeys(VALUE_COLUMNS.values()))


def is_made_up(home: Home, before: int | None = None) -> bool:
    """Tell whether what clients make in a city is simulated: all that its own contracts describe is.

    Where some feeds are simulated and others not, what a client says of its own counts. ``before`` is the
    entry of the log up to which contracts count; None for all.
    """
    own = {
        str(p["feed"]): p["simulated"] is True
        for idx, p in home.index.predicates("contract")
        if (before is None or idx < before) and not _is_ours(p)
    }
    return bool(own) and all(own.values())


def ensure_feeds(home: Writer) -> None:
    """Put both contracts in force, as ``ensure_feed`` does."""
    for name in (THINGS, OBSERVATIONS):
        ensure_feed(home, name)


def ensure_feed(home: Writer, name: str) -> None:
    """Put a contract in force, if it is not, marked as simulated if what clients make now is.

    Raises
    ------
    NameTaken
        If the city has a feed of such a name that is none of ours.
    """
    known = home.feed(name) if name in home.feed_names() else None
    simulated = is_made_up(home)
    if known is not None and not is_built_in(known.contract):
        raise NameTaken(f"feed {name}: want the built-in contract, got another of that name")
    if known is not None and known.contract.simulated == simulated:
        return
    version = f"1.0.{len(home.index.predicates('contract', name))}"  # none that was replaced comes back
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.yaml"
        path.write_bytes(built_in(name, version, simulated=simulated))
        add_feed(home, path)


def _is_ours(said: Mapping[str, Any]) -> bool:
    """Tell whether the log speaks of one of the two contracts."""
    feed = str(said["feed"])
    if feed not in (THINGS, OBSERVATIONS):
        return False
    text = built_in(feed, str(said["version"]), simulated=said["simulated"] is True)
    return sha256(text).hexdigest() == str(said["sha256"])

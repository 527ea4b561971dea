"""The two built-in feeds that hold what clients make: things, and observations of their datastreams."""

from functools import cache
from importlib.resources import as_file, files

from veracity.data.contract import Contract
from veracity.data.contract_field import Field
from veracity.home.contracts import add_feed
from veracity.home.home import Writer
from veracity.server.created.errors import NameTaken

THINGS, OBSERVATIONS = "created-things", "created-observations"
DATASTREAM = "datastream"  #: the column of observations that names theirs
#: the column that holds the values of a kind of datastream
VALUE_COLUMNS = {"number": "number", "integer": "number", "boolean": "truth", "string": "text"}


@cache
def built_in(feed: str) -> bytes:
    """Return the contract of one of the two."""
    return (files("veracity.server.created") / f"{feed}.yaml").read_bytes()


def is_built_in(contract: Contract) -> bool:
    """Tell whether a contract is one of the two, to the byte."""
    return contract.feed in (THINGS, OBSERVATIONS) and contract.text == built_in(contract.feed)


def is_observations(contract: Contract) -> bool:
    """Tell whether a contract is that of observations of what clients made."""
    return contract.feed == OBSERVATIONS and is_built_in(contract)


def value_columns(contract: Contract) -> tuple[Field, ...]:
    """Return the columns of observations that hold values."""
    return tuple(contract.field(name) for name in dict.fromkeys(VALUE_COLUMNS.values()))


def ensure_feeds(home: Writer) -> None:
    """Put both contracts in force, if they are not.

    Raises
    ------
    NameTaken
        If the city has a feed of such a name that is none of ours.
    """
    known = home.feeds()
    for name in (THINGS, OBSERVATIONS):
        if name not in known:
            with as_file(files("veracity.server.created") / f"{name}.yaml") as path:
                add_feed(home, path)
        elif not is_built_in(known[name].contract):
            raise NameTaken(f"feed {name}: want the built-in contract, got another of that name")

"""The stores that a log under test lives in, named by plain values so that another process can open them."""

from collections.abc import Mapping
from pathlib import Path

from veracity.log.doors import Objects
from veracity.stores.database import Database
from veracity.stores.log_state import SqlLogState
from veracity.stores.opening import OpenState, open_objects, open_state


def stores_in(folder: Path) -> dict[str, object]:
    """Name a directory and an SQLite database in ``folder``."""
    return {"objects": str(folder / "store"), "state": str(folder / "log.db")}


def open_stores(given: Mapping[str, object]) -> tuple[Objects, OpenState]:
    """Open the object store and the state at the two locations that ``given`` has.

    ``busy_timeout_s`` says how long to wait for the lock of an SQLite database.
    """
    objects, state = open_objects(str(given["objects"])), str(given["state"])
    if "busy_timeout_s" in given:
        waits_s = float(str(given["busy_timeout_s"]))
        return objects, SqlLogState(Database(Path(state), busy_timeout_s=waits_s))
    return objects, open_state(state)

"""The stores that a log under test lives in, named by plain values so that another process can open them."""

from collections.abc import Mapping
from pathlib import Path

from veracity.log.doors import LogState, Objects
from veracity.stores.database import Database
from veracity.stores.log_state import SqlLogState
from veracity.stores.objects import LocalObjects


def stores_in(folder: Path) -> dict[str, object]:
    """Name a directory and an SQLite database in ``folder``."""
    return {"objects": str(folder / "store"), "state": str(folder / "log.db")}


def open_stores(given: Mapping[str, object]) -> tuple[Objects, LogState]:
    """Open the object store and the state that ``given`` names."""
    database = Database(Path(str(given["state"])), busy_timeout_s=float(str(given.get("busy_timeout_s", 30))))
    return LocalObjects(Path(str(given["objects"]))), SqlLogState(database)

"""Versions of feeds and panels as files, made in the spool when first asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from veracity.home.home import Home
from veracity.server.catalogue.formats import FORMATS, writer
from veracity.server.catalogue.panel_versions import PanelVersion, panel_rows
from veracity.server.catalogue.snapshots import Snapshot, snapshot_rows
from veracity.server.catalogue.spool import Key, Made, Spool
from veracity.server.positions import Positions, positions

_BYTES_A_CELL = {"parquet": 12, "csv": 20, "geojson": 40}


def file_key(snap: Snapshot, suffix: str, places: Positions | None = None) -> Key:
    """Return what a version's file is kept under. GeoJSON is one of rows and of where sensors stand."""
    known = "" if places is None else places.digest
    return "feed", snap.feed, str(snap.version), snap.sha256, known, f"rows.{suffix}"


def describe_file(home: Home, spool: Spool, snap: Snapshot, suffix: str) -> Made:
    """Return size and digest of a version's file; it is made if they are not known."""
    places = _places(home, snap, suffix)
    key = file_key(snap, suffix, places)
    return spool.made(key, _making(home, snap, suffix, places), _likely(snap, suffix))


def open_file(home: Home, spool: Spool, snap: Snapshot, suffix: str) -> tuple[BinaryIO, Made]:
    """Return a version's file opened; the caller closes it. See ``Spool.opened`` for what it raises."""
    places = _places(home, snap, suffix)
    key = file_key(snap, suffix, places)
    return spool.opened(key, _making(home, snap, suffix, places), _likely(snap, suffix))


def open_panel(home: Home, spool: Spool, panel: PanelVersion, suffix: str) -> tuple[BinaryIO, Made]:
    """Return a panel's file opened; the caller closes it.

    Raises
    ------
    TableMismatch
        If the panel made again is not what its statement says.
    """
    key = ("panel", panel.name, str(panel.entry), panel.said.output.sha256, f"rows.{suffix}")

    def make(path: Path) -> None:
        writer(suffix, panel_rows(home, panel).lazy(), Positions())(path)

    return spool.opened(key, make)


def _places(home: Home, snap: Snapshot, suffix: str) -> Positions | None:
    return positions(home, snap.contract) if suffix == "geojson" else None


def _making(home: Home, snap: Snapshot, suffix: str, places: Positions | None) -> Callable[[Path], None]:
    return lambda path: writer(suffix, snapshot_rows(home, snap), places or Positions())(path)


def _likely(snap: Snapshot, suffix: str) -> int:
    return snap.n_rows * (len(snap.contract.fields) + 3) * _BYTES_A_CELL[FORMATS[suffix].suffix]

"""Panels that the log speaks of: a version is one statement, made again from its inputs and compared."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from veracity.data.digest import frame_digest
from veracity.data.errors import TableMismatch
from veracity.data.panel_definition import Panel, parse_panel
from veracity.home.home import Home
from veracity.home.panels import panel_frame, panel_path
from veracity.provenance.dsse import open_envelope
from veracity.provenance.statements import Transform, parse_statement
from veracity.server.errors import NoSuchDataset, SpoolFull
from veracity.server.public_feeds import public_feeds

MAX_ROWS = 5_000_000  #: of a panel that is made again for a reader: it is in memory meanwhile


@dataclass(frozen=True)
class PanelVersion:
    """A panel as one statement says it was built; ``entry`` is the statement's place in the log."""

    panel: Panel
    said: Transform
    entry: int

    @property
    def name(self) -> str:
        """The panel's name."""
        return self.panel.name


def public_panels(home: Home, as_of: datetime | None = None) -> list[PanelVersion]:
    """Return the newest version, at a time or now, of each panel whose feeds may all be shown, by name."""
    newest: dict[str, tuple[int, str, list[str]]] = {}
    for idx, p in _said(home, as_of):
        newest[str(p["name"])] = idx, str(p["definition"]), [str(i["feed"]) for i in p["inputs"]]
    shown, found = public_feeds(home), []
    for _, (idx, definition, feeds) in sorted(newest.items()):
        if set(feeds) <= shown.keys() and home.objects.exists(panel_path(definition)):
            found.append(_at(home, idx))
    return found


def panel_version(
    home: Home, name: str, entry: int | None = None, as_of: datetime | None = None
) -> PanelVersion:
    """Return a panel at a log entry, or its newest version, at a time or now.

    Raises
    ------
    NoSuchDataset
        If there is none to show.
    """
    said = [(i, p) for i, p in _said(home, as_of) if p["name"] == name]
    wanted = [(i, p) for i, p in said if entry is None or i == entry]
    if not wanted:
        raise NoSuchDataset(f"panel: want one of this city, got {name[:64]!r} at entry {entry}")
    idx, predicate = wanted[-1]
    is_shown = {str(i["feed"]) for i in predicate["inputs"]} <= public_feeds(home).keys()
    if not is_shown or not home.objects.exists(panel_path(str(predicate["definition"]))):
        raise NoSuchDataset(f"panel {name[:64]}: want one of feeds that are shown to all, got another")
    return _at(home, idx)


def panel_rows(home: Home, version: PanelVersion) -> pl.DataFrame:
    """Make a panel again from the inputs that its statement names.

    Raises
    ------
    TableMismatch
        If it is not what the statement says.
    SpoolFull
        If it is too large to be made for a reader.
    """
    said = version.said
    if said.output.rows > MAX_ROWS:
        raise SpoolFull(f"panel {version.name}: want at most {MAX_ROWS} rows, got {said.output.rows}")
    up_to = dict.fromkeys(version.panel.feeds, -1) | {i.feed: i.up_to_batch for i in said.inputs}
    frame = panel_frame(home, version.panel, up_to)
    digest = frame_digest(frame)
    if digest != said.output.sha256:
        raise TableMismatch(f"panel {version.name}: want {said.output.sha256[:16]}, got {digest[:16]}")
    return frame.with_columns(_simulated=pl.lit(value=True)) if said.simulated else frame


def _said(home: Home, as_of: datetime | None) -> list[tuple[int, dict[str, Any]]]:
    """Return what the log said of panels up to a time: before the first batch that came later."""
    said = home.index.predicates("transform")
    return said if as_of is None else [one for one in said if one[0] < home.index.known_before(as_of)]


def _at(home: Home, idx: int) -> PanelVersion:
    said = Transform.from_statement(parse_statement(open_envelope(home.reader().entry(idx)).payload))
    return PanelVersion(parse_panel(home.objects.get(panel_path(said.definition_sha256))), said, idx)

"""Build a panel from the home's tables and say in the log what went in and what came out."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import polars as pl

from veracity.data.contract import Contract
from veracity.data.digest import frame_digest
from veracity.data.errors import MalformedPanel
from veracity.data.lake import collect_rows
from veracity.data.panel import build_panel
from veracity.data.panel_definition import PANEL_BYTES, Panel, parse_panel
from veracity.feeds.file_info import read_file
from veracity.home.clock import format_time
from veracity.home.home import Home, Writer
from veracity.home.trust import panel_trust
from veracity.provenance.statements import Input, RowsDigest, Transform


@dataclass(frozen=True)
class BuiltPanel:
    """A panel, its definition and its statement; ``entry`` is the statement's place in the log."""

    frame: pl.DataFrame
    panel: Panel
    statement: Transform
    entry: int | None

    @property
    def simulated(self) -> bool:
        """Whether any feed in it is simulated."""
        return self.statement.simulated


def read_panel(path: Path) -> Panel:
    """Read a panel's definition from a file."""
    text = read_file(path, PANEL_BYTES)
    try:
        return parse_panel(text)
    except MalformedPanel as exc:
        raise MalformedPanel(f"{path}: {exc}") from exc


def build(home: Home, path: Path, as_of: datetime | None = None) -> BuiltPanel:
    """Build a panel as known at ``as_of`` (or now), saying nothing in the log."""
    return build_defined(home, read_panel(path), as_of)


def build_defined(home: Home, panel: Panel, as_of: datetime | None = None) -> BuiltPanel:
    """Build a panel of a definition that was read, as known at ``as_of`` (or now)."""
    inputs = known_inputs(home, panel, as_of)
    up_to = dict.fromkeys(panel.feeds, -1) | {i.feed: i.up_to_batch for i in inputs}
    return described(home, panel, inputs, panel_frame(home, panel, up_to), as_of)


def described(
    home: Home, panel: Panel, inputs: tuple[Input, ...], frame: pl.DataFrame, as_of: datetime | None = None
) -> BuiltPanel:
    """Return a panel with the statement of what it was built from."""
    statement = Transform(
        name=panel.name,
        definition_sha256=panel.sha256,
        inputs=inputs,
        output=RowsDigest(frame.height, frame_digest(frame)),
        simulated=is_any_simulated(home, panel.feeds),
        as_of=None if as_of is None else format_time(as_of),
    )
    return BuiltPanel(frame, panel, statement, None)


def known_inputs(home: Home, panel: Panel, as_of: datetime | None = None) -> tuple[Input, ...]:
    """Return the snapshots that a panel is built from as known at ``as_of`` (or now), known from the log."""
    up_to = {feed: home.index.up_to(feed, as_of) for feed in panel.feeds if home.feed(feed)}
    return tuple(
        Input(feed, last, snapshot_digest(home, feed, last)) for feed, last in up_to.items() if last >= 0
    )


def build_and_say(home: Writer, path: Path, as_of: datetime | None = None) -> BuiltPanel:
    """Build a panel and say so."""
    return say(home, build(home, path, as_of))


def say(home: Writer, built: BuiltPanel) -> BuiltPanel:
    """Keep a panel's definition and append its statement (the same build says it once)."""
    home.objects.put(panel_path(built.panel.sha256), built.panel.text)
    return replace(built, entry=home.say(built.statement.to_statement()))


def is_any_simulated(home: Home, feeds: Sequence[str], before: int | None = None) -> bool:
    """Tell whether any feed was ever stated to be simulated, in the log or before its entry ``before``."""
    said = (item for feed in feeds for item in home.index.predicates("contract", feed))
    return any(p["simulated"] is True and (before is None or idx < before) for idx, p in said)


def panel_frame(home: Home, panel: Panel, up_to: Mapping[str, int]) -> pl.DataFrame:
    """Build a panel from each feed's rows up to a batch, and the trust of its sensors as known then."""
    rows: dict[str, pl.DataFrame] = {}
    times: dict[str, str] = {}
    for feed in panel.feeds:
        times[feed], columns = panel_columns(home.feed(feed).contract, panel)
        scan = home.table(feed).scan(up_to_batch=up_to[feed])
        rows[feed] = collect_rows(scan.select(columns))
    return build_panel(panel, rows, times, panel_trust(home, up_to, panel.trusted_feeds))


def panel_columns(contract: Contract, panel: Panel) -> tuple[str, list[str]]:
    """Return the name of a feed's event time, and the columns that a panel reads of those that it has.

    Raises
    ------
    MalformedPanel
        If the feed has no event time, or trust is wanted of one whose key has none.
    """
    feed = contract.feed
    if contract.time is None:
        raise MalformedPanel(f"panel {panel.name}: want feeds with a timestamp, got {feed} without")
    used = [c for c in panel.columns if c.feed == feed]
    wanted = {contract.time, *(c.value for c in used), *(c.key for c in used if c.key)}
    if feed in panel.trusted_feeds:
        if contract.time not in contract.key:
            raise MalformedPanel(
                f"panel {panel.name}: want trust of a feed whose key has its time, got {feed}"
            )
        wanted.update(contract.sensor)
    return contract.time, sorted(wanted & {f.name for f in contract.fields})


def snapshot_digest(home: Home, feed: str, up_to_batch: int) -> str:
    """Return the digest of a table as it stood after a batch.

    SHA-256 over one line a batch with rows, in order: ``<batch> <digest of its rows>``. Known
    from the log alone; two tables with the same digest hold the same rows in the same order.
    """
    known = (line for batch, line in snapshot_lines(home, feed) if batch <= up_to_batch)
    return hashlib.sha256(b"".join(known)).hexdigest()


def snapshot_lines(home: Home, feed: str) -> list[tuple[int, bytes]]:
    """Return (batch, line) of every batch with rows, in log order: what snapshots are digests of."""
    return [
        (p["batch"], f"{p['batch']} {p['table']['sha256']}\n".encode())
        for _, p in home.index.predicates("ingest", feed)
        if p["table"] is not None
    ]


def panel_path(sha256: str) -> str:
    """Return where a panel's definition is kept."""
    return f"panels/{sha256}.yaml"

"""Panels that the city follows: kept up to date as batches come, said in the log at a stated cadence.

Their definitions are the files ``panels/*.yaml`` of the home. A panel is in memory only: the first update
after a start builds it from the tables, each later one reads what is new. What is said is an ordinary
``transform`` statement, so an audit builds the panel from nothing and compares.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from veracity.data.contract import Contract
from veracity.data.lake import collect_rows
from veracity.data.panel_definition import Panel
from veracity.data.panel_readings import check_column
from veracity.data.panel_update import Changed, KeptPanel
from veracity.data.trust import trust_scores
from veracity.data.watermark import Watermark, heard, panel_watermark
from veracity.errors import VeracityError
from veracity.home.clock import parse_time
from veracity.home.directory import usable, write_whole
from veracity.home.home import Home, Writer
from veracity.home.panels import BuiltPanel, described, panel_columns, read_panel, say
from veracity.home.trust import read_health
from veracity.provenance.statements import Input

LATENESS_S = 600.0  #: where a contract gives no latency
IDLE_S = 3_600.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True)
class UpdatedPanel:
    """What an update did to a panel.

    Attributes
    ----------
    changed
        The cells that changed, and those of them that were closed.
    closed_us
        Times of the grid up to it (µs since 1970) are closed, later ones open; None where all are open.
    built
        The whole panel and its statement, where it was said in the log this time.
    error
        Why it could not be updated; it is built from nothing the next time.
    """

    name: str
    changed: Changed = field(default_factory=Changed)
    closed_us: int | None = None
    built: BuiltPanel | None = None
    error: VeracityError | None = None


class FollowedPanels:
    """The followed panels of a home, held by the process that writes in it; one thread at a time.

    Parameters
    ----------
    say_every_s
        How often a panel that changed is said in the log, at most. Saying costs a digest of the whole.
    """

    def __init__(self, say_every_s: float = 3_600.0) -> None:
        self._say_every = timedelta(seconds=say_every_s)
        self._kept: dict[str, _Followed] = {}

    def update(self, home: Writer) -> list[UpdatedPanel]:
        """Bring every panel of ``panels/*.yaml`` up to date; one that fails stops no other."""
        updates, names = [], set()
        for path in panel_files(home):
            name = path.stem
            try:
                panel = read_panel(path)
                names.add(path.name)
                updates.append(self._update(home, path.name, panel))
            except VeracityError as exc:
                self._kept.pop(path.name, None)
                updates.append(UpdatedPanel(name, error=exc))
        self._kept = {name: kept for name, kept in self._kept.items() if name in names}
        return updates

    def frame(self, name: str) -> pl.DataFrame:
        """Return a panel as of the last update, by the name of its file; KeyError if there is none."""
        return self._kept[name].panel.frame()

    def _update(self, home: Writer, file: str, panel: Panel) -> UpdatedPanel:
        contracts = {feed: home.feed(feed).contract for feed in panel.feeds}
        followed = self._kept.get(file)
        if followed is None or not followed.is_of(panel, contracts):
            followed = self._kept[file] = _Followed(home, panel, contracts)
        now = home.clock()
        changed = followed.update(home, now)
        built = None
        if followed.is_unsaid and (followed.said_at is None or now - followed.said_at >= self._say_every):
            built = say(home, described(home, panel, followed.inputs(), followed.panel.frame()))
            followed.said_at, followed.is_unsaid = now, False
        return UpdatedPanel(panel.name, changed, followed.panel.closed_us, built)


def panel_files(home: Home) -> list[Path]:
    """Return the definitions that a home follows, in order of their names."""
    return sorted(_folder(home).glob("*.yaml"))


def follow(home: Writer, definition: Path, *, stop: bool = False) -> tuple[str, Path]:
    """Put a definition among those that are followed, or take it away; return its name and where it is.

    Raises
    ------
    MalformedPanel, UnknownFeed
        If it is no definition, or of feeds that this city does not have, or cannot be built of.
    """
    panel = read_panel(definition)
    path = _folder(home) / f"{panel.name}.yaml"
    with usable(path):
        if stop:
            path.unlink(missing_ok=True)
            return panel.name, path
        for feed in panel.feeds:
            _, columns = panel_columns(home.feed(feed).contract, panel)
            rows = collect_rows(home.table(feed).scan().select(columns).head(0))
            for c in panel.columns:
                if c.feed == feed:
                    check_column(c, rows)
        path.parent.mkdir(exist_ok=True)
        write_whole(path, panel.text)
    return panel.name, path


def _folder(home: Home) -> Path:
    return home.directory.root / "panels"


class _Followed:
    """One followed panel and how far of each feed it has read."""

    def __init__(self, home: Home, panel: Panel, contracts: Mapping[str, Contract]) -> None:
        self._contracts = contracts
        self._feeds = {feed: _FeedRead(home, contract, panel) for feed, contract in contracts.items()}
        times = {feed: read.time for feed, read in self._feeds.items()}
        self._home = home  # as of the last update
        self.panel = KeptPanel(panel, times, lambda feed, after: self._feeds[feed].reread(self._home, after))
        self.is_unsaid = True
        self.said_at: datetime | None = None

    def is_of(self, panel: Panel, contracts: Mapping[str, Contract]) -> bool:
        """Whether it is of this definition, and of feeds under these contracts."""
        digests = {feed: c.sha256 for feed, c in contracts.items()}
        mine = {feed: c.sha256 for feed, c in self._contracts.items()}
        return self.panel.panel.sha256 == panel.sha256 and mine == digests

    def update(self, home: Home, now: datetime) -> Changed:
        """Take in what is new in the log."""
        self._home = home
        n_new = sum(read.look(home) for read in self._feeds.values())
        rows = {feed: read.new_rows(home, now) for feed, read in self._feeds.items()}
        trust = {feed: self._feeds[feed].trust() for feed in self.panel.panel.trusted_feeds}
        mark = panel_watermark(read.watermark.at_us for read in self._feeds.values())
        self.is_unsaid |= n_new > 0
        return self.panel.update(rows, trust, mark)

    def inputs(self) -> tuple[Input, ...]:
        """Return the snapshots that the panel is of."""
        return tuple(
            Input(feed, read.up_to, read.hasher.hexdigest())
            for feed, read in self._feeds.items()
            if read.up_to >= 0
        )


class _FeedRead:
    """What a panel has read of a feed: rows up to a batch, their snapshot's digest, health and watermark."""

    def __init__(self, home: Home, contract: Contract, panel: Panel) -> None:
        self._contract = contract
        self.time, self._columns = panel_columns(contract, panel)
        self._needs_health = contract.feed in panel.trusted_feeds
        self._next_idx = 0
        self._read_to = -1
        self._received: dict[int, datetime] = {}  # of batches whose rows are not read yet
        self._health = read_health(home.objects, contract.feed, contract.sensor, [])
        self.up_to = -1
        self.hasher = hashlib.sha256()
        lateness_s = LATENESS_S if contract.latency_s is None else contract.latency_s
        self.watermark = Watermark(int(lateness_s * 1e6), int(IDLE_S * 1e6))

    def look(self, home: Home) -> int:
        """Read the statements of new batches; return how many there are."""
        feed = self._contract.feed
        said: list[dict[str, Any]] = []
        for idx, predicate in home.index.predicates("ingest", feed, self._next_idx):
            said.append(predicate)
            self._next_idx = idx + 1
            self.up_to = max(self.up_to, int(predicate["batch"]))
            self._received[predicate["batch"]] = parse_time("received_at", predicate["received_at"])
            if predicate["table"] is not None:
                line = f"{predicate['batch']} {predicate['table']['sha256']}\n"  # as snapshot_lines
                self.hasher.update(line.encode())
        if self._needs_health and said:
            new = read_health(home.objects, feed, self._contract.sensor, said)
            self._health = pl.concat([self._health, new])
        return len(said)

    def new_rows(self, home: Home, now: datetime) -> pl.DataFrame:
        """Return the rows of new batches, and let the watermark go on."""
        wanted = sorted({*self._columns, *self._contract.sensor, "_batch"})
        table = home.table(self._contract.feed)
        scan = table.scan(up_to_batch=self.up_to, after_batch=self._read_to)
        rows = collect_rows(scan.select(wanted))
        self._read_to = self.up_to
        received = pl.DataFrame(
            {"_batch": list(self._received), "_received_at": list(self._received.values())},
            schema={"_batch": pl.Int64, "_received_at": pl.Datetime("us", "UTC")},
        )
        self._received = {}
        came = rows.join(received, on="_batch", how="left", maintain_order="left")
        devices = heard(came, self._contract.sensor, self.time, "_received_at")
        self.watermark = self.watermark.advanced(devices, (now - _EPOCH) // timedelta(microseconds=1))
        return rows.select(self._columns)

    def reread(self, home: Home, after_us: int) -> pl.DataFrame:
        """Return the rows so far of after an event time, in order of arrival."""
        earliest = max(after_us, -62_135_596_800_000_000)  # the year 1
        low = _EPOCH + timedelta(microseconds=earliest)
        table = home.table(self._contract.feed)
        scan = table.scan(up_to_batch=self.up_to, between=(self.time, low, _LAST))
        return collect_rows(scan.select(self._columns)).filter(pl.col(self.time).to_physical() > after_us)

    def trust(self) -> pl.DataFrame:
        """Return the scores of the feed's sensors, as of what was read."""
        return trust_scores(self._health, interval=False)

"""Which panel is asked for, and as known when: a definition, and how far of each feed it sees."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from veracity.data.panel_definition import Column, Panel, parse_panel
from veracity.home.home import Home
from veracity.home.panels import is_any_simulated, panel_path
from veracity.home.trust import panel_trust
from veracity.server.api.panel_part import Span, feed_keys, feeds_extent, whole_grid
from veracity.server.api.sharing import open_feed
from veracity.server.api.state import Memory
from veracity.server.errors import NotThere


@dataclass(frozen=True)
class KnownPanel:
    """A panel as known at some time.

    Attributes
    ----------
    entry
        The statement in the log whose definition it is.
    up_to
        By feed the last batch that it sees; -1 for none.
    is_stated
        Whether the statement is of just these batches.
    is_now
        Whether it is of all that is sealed so far, and so moves with the log.
    """

    panel: Panel
    entry: int
    up_to: Mapping[str, int]
    is_stated: bool
    is_now: bool
    simulated: bool

    def column(self, name: str) -> Column:
        """Return a column; ``NotThere`` if it has none of this name."""
        for column in self.panel.columns:
            if column.name == name:
                return column
        raise NotThere(f"column: want one of panel {self.panel.name}, got {name[:80]!r}")

    def span(self, home: Home, memory: Memory) -> Span:
        """Return its grid. Of a panel that moves it may be half a minute old."""
        if self.panel.start is not None and self.panel.end is not None:
            return whole_grid(self.panel, None)
        kept = self._kept("panel extent")
        return whole_grid(
            self.panel, memory.slowly.get(home, kept, lambda: feeds_extent(home, self.panel, self.up_to))
        )

    def keys(self, home: Home, memory: Memory) -> list[str]:
        """Return all keys, sorted. Of a panel that moves they may be half a minute old."""
        kept = self._kept("panel keys")
        return memory.slowly.get(home, kept, lambda: feed_keys(home, self.panel, self.up_to))

    def trust(self, home: Home, memory: Memory, column: Column) -> Mapping[str, pl.DataFrame]:
        """Return the scores of the sensors behind a column, where it asks for them."""
        if not (column.is_weighted or column.min_trust > 0):
            return {}
        kept = "panel trust", column.feed, self.up_to[column.feed]
        return memory.slowly.get(home, kept, lambda: panel_trust(home, self.up_to, [column.feed]))

    def _kept(self, what: str) -> tuple[object, ...]:
        seen = None if self.is_now else tuple(sorted(self.up_to.items()))
        return what, self.panel.sha256, seen


def known_panel(home: Home, name: str, as_of: datetime | None, entry: int | None) -> KnownPanel:
    """Return a panel as known at a time or now, or as the statement at a log entry says it was built.

    An entry says all: with one, the time does not count.

    Raises
    ------
    NotThere
        If no statement is of such a panel, or its definition is not kept.
    PersonalFeed
        If a feed in it has personal fields.
    """
    said = [(i, p) for i, p in home.index.predicates("transform") if p["name"] == name]
    of_entry = [(i, p) for i, p in said if entry is None or i == entry]
    if not of_entry:
        raise NotThere(f"panel: want one that was built, got {name[:64]!r} at entry {entry}")
    idx, p = of_entry[-1]
    path = panel_path(str(p["definition"]))
    if not home.objects.exists(path):
        raise NotThere(f"panel {name}: want one whose definition is kept, got none at entry {idx}")
    panel = parse_panel(home.objects.get(path))
    for feed in panel.feeds:
        open_feed(home, feed)
    stated = dict.fromkeys(panel.feeds, -1) | {str(i["feed"]): int(i["up_to_batch"]) for i in p["inputs"]}
    known = {feed: home.index.up_to(feed, as_of) for feed in panel.feeds}
    up_to = known if entry is None else stated
    return KnownPanel(
        panel=panel,
        entry=idx,
        up_to=up_to,
        is_stated=up_to == stated,
        is_now=as_of is None and entry is None,
        simulated=is_any_simulated(home, panel.feeds),
    )

"""Panels kept up to date: after every update, to the last bit what a build over all rows gives."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veracity.data.digest import frame_digest
from veracity.data.errors import MalformedPanel, PanelTooLarge
from veracity.data.panel import build_panel
from veracity.data.panel_definition import Panel, parse_panel
from veracity.data.panel_grid import microseconds, reach_of
from veracity.data.panel_update import Changed, KeptPanel
from veracity.data.trust import trust_scores

T0 = datetime(2026, 1, 1, tzinfo=UTC)
FEEDS = ("f", "g")
SCHEMA: dict[str, pl.DataType] = {
    "station": pl.String(),
    "at": pl.Datetime("us", "UTC"),
    "value": pl.Float64(),
}


def rows(*readings: tuple[str | None, float | None, float | None]) -> pl.DataFrame:
    """Readings as (station, minutes after T0, value), in order of arrival."""
    stamped = [(s, None if m is None else T0 + timedelta(minutes=m), v) for s, m, v in readings]
    return pl.DataFrame(stamped, schema=SCHEMA, orient="row")


def stamp(minutes: float) -> str:
    return f"{T0 + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


class Stream:
    """A panel kept from rows as they come, beside all rows so far."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self.all = {f: rows() for f in panel.feeds}
        self.kept = KeptPanel(panel, dict.fromkeys(panel.feeds, "at"), self.reread)
        self.n_reread = 0

    def reread(self, feed: str, after_us: int) -> pl.DataFrame:
        self.n_reread += 1
        return self.all[feed].filter(pl.col("at").to_physical() > after_us)

    def update(
        self,
        new: Mapping[str, pl.DataFrame],
        trust: Mapping[str, pl.DataFrame] | None = None,
        watermark_us: int | None = None,
    ) -> Changed:
        whole = {f: new.get(f, rows()) for f in self.panel.feeds}
        self.all = {f: pl.concat([self.all[f], whole[f]]) for f in self.panel.feeds}
        return self.kept.update(whole, trust, watermark_us)

    def built(self, trust: Mapping[str, pl.DataFrame] | None = None) -> pl.DataFrame:
        return build_panel(self.panel, self.all, dict.fromkeys(self.panel.feeds, "at"), trust)

    def check(self, trust: Mapping[str, pl.DataFrame] | None = None) -> None:
        got, want = self.kept.frame(), self.built(trust)
        assert got.schema == want.schema
        assert frame_digest(got) == frame_digest(want), (got, want)


def durations(most: int) -> st.SearchStrategy[str]:
    return st.integers(1, most).map(lambda m: f"{m}m")


@st.composite
def definitions(draw: st.DrawFn, *, trust: bool = False) -> Panel:
    """Any definition that the language has: grids, keys, aggregates, windows, fills, ages, weights."""
    every = draw(st.sampled_from([1, 5, 7]))
    grid = f"every: {every}m"
    start = draw(st.none() | st.integers(-40, 100))
    end = draw(st.none() | st.integers(-20, 160))
    if start is not None:
        grid += f", start: {stamp(start)}"
    if end is not None and (start is None or start < end):
        grid += f", end: {stamp(end)}"
    lines = ["name: p", f"grid: {{{grid}}}"]
    if draw(st.booleans()):
        lines.append("key: station")
    lines.append("columns:")
    for i in range(draw(st.integers(1, 3))):
        aggregate = draw(st.sampled_from(["mean", "sum", "min", "max", "count", "first", "last"]))
        fill = draw(st.sampled_from(["none", "previous", "linear"]))
        column = f"name: c{i}, feed: {draw(st.sampled_from(FEEDS))}, value: value, aggregate: {aggregate}"
        column += f", window: {every * draw(st.integers(1, 4))}m, fill: {fill}"
        if fill != "none":
            column += f", longest_age: {draw(durations(90))}"
        if trust:
            column += f", trust_column: {str(draw(st.booleans())).lower()}"
            column += f", min_trust: {draw(st.sampled_from([0, 0.3, 0.5]))}"
            column += ", weight: trust" if aggregate == "mean" and draw(st.booleans()) else ""
        lines.append(f"  - {{{column}}}")
    return parse_panel("\n".join(lines).encode())


def some_rows(rng: np.random.Generator, now: float) -> pl.DataFrame:
    """New readings around ``now`` minutes, some late, of one time, or without value, time or key."""
    out: list[tuple[str | None, float | None, float | None]] = []
    for _ in range(rng.integers(0, 6)):
        late = rng.choice([0, 0, rng.exponential(60)])
        minute = float(np.round(now - late + rng.uniform(-3, 3), rng.integers(0, 3)))
        value = float(rng.choice([rng.normal(), 0.1, 1e16, -0.0]))
        out.append(
            (
                None if rng.random() < 0.05 else f"s{rng.integers(3)}",
                None if rng.random() < 0.05 else minute,
                None if rng.random() < 0.1 else value,
            )
        )
    return rows(*out)


@settings(max_examples=60, deadline=None)
@given(definitions(), st.integers(0, 2**32), st.integers(1, 8))
def test_an_updated_panel_is_the_built_one(panel: Panel, seed: int, n_updates: int) -> None:
    """Whatever the definition, and however late or mixed the rows come: the same digest at every step."""
    rng = np.random.default_rng(seed)
    stream = Stream(panel)
    now = 0.0
    for _ in range(n_updates):
        now += float(rng.choice([0.0, 3.0, 20.0, 150.0]))
        stream.update({f: some_rows(rng, now) for f in panel.feeds})
        stream.check()


@settings(max_examples=25, deadline=None)
@given(definitions(trust=True), st.integers(0, 2**32), st.integers(1, 6))
def test_trust_that_changes_is_followed(panel: Panel, seed: int, n_updates: int) -> None:
    """Scores of past days change with late evidence: what they weighed is weighed again."""
    rng = np.random.default_rng(seed)
    stream = Stream(panel)
    health: dict[str, list[pl.DataFrame]] = {f: [] for f in FEEDS}
    now = 0.0
    for _ in range(n_updates):
        now += float(rng.choice([3.0, 200.0, 1440.0]))
        for f in panel.feeds:
            day = (T0 + timedelta(minutes=now, days=int(rng.integers(-1, 1)))).date()
            health[f].append(health_of(day, f"s{rng.integers(3)}", int(rng.integers(0, 20))))
        trust = {f: trust_scores(pl.concat(health[f]), interval=False) for f in panel.feeds}
        stream.update({f: some_rows(rng, now) for f in panel.feeds}, trust)
        stream.check(trust)


def health_of(day: object, station: str, n_broken: int) -> pl.DataFrame:
    """A batch's health of one sensor: 20 readings of a day, some of them broken."""
    return pl.DataFrame(
        {
            "station": [station],
            "_property": ["value"],
            "_day": [day],
            "_readings": [20],
            "_broken": [n_broken],
            "_disagreed": [0],
            "_compared": [0],
            "_received_at": [T0 + timedelta(days=400)],
        },
        schema_overrides={"_received_at": pl.Datetime("us", "UTC")},
    )


def one(column: str, grid: str = "every: 5m") -> Panel:
    return parse_panel(
        f"name: p\ngrid: {{{grid}}}\nkey: station\n"
        f"columns:\n  - {{name: v, feed: f, value: value, {column}}}\n".encode()
    )


@pytest.mark.parametrize(
    ("column", "before", "after"),
    [
        ("aggregate: mean", 0, 0),
        ("aggregate: mean, window: 15m", 0, 2),
        ("aggregate: last, fill: previous, longest_age: 32m", 0, 6),
        ("aggregate: last, window: 10m, fill: linear, longest_age: 20m", 4, 5),
    ],
)
def test_a_row_reaches_no_further_than_its_reach(column: str, before: int, after: int) -> None:
    """One late row between others changes no cell outside of the interval that the rules give."""
    panel = one(column, f"every: 5m, start: {stamp(0)}, end: {stamp(300)}")
    assert (
        reach_of(panel.columns[0], panel.every_us).before,
        reach_of(panel.columns[0], 300_000_000).after,
    ) == (
        before,
        after,
    )
    stream = Stream(panel)
    stream.update({"f": rows(*(("a", 20.0 * i, float(i)) for i in range(15)))})
    changed = stream.update({"f": rows(("a", 150.0, 99.0))})
    stream.check()
    assert changed.first_us is not None
    assert changed.last_us is not None
    at = microseconds(T0) + 150 * 60_000_000
    assert -before <= (changed.first_us - at) // 300_000_000
    assert (changed.last_us - at) // 300_000_000 <= after


def test_a_late_row_in_a_closed_window_is_counted() -> None:
    """What is open changes as it fills; a closed cell that changes is revised, and never hidden."""
    stream = Stream(one("aggregate: sum"))
    watermark = microseconds(T0) + 10 * 60_000_000
    first = stream.update({"f": rows(("a", 4, 1.0), ("a", 9, 2.0), ("a", 14, 4.0))}, None, watermark)
    assert (first.n_cells, first.n_revised) == (3, 0)
    assert stream.kept.closed_us == watermark
    still_open = stream.update({"f": rows(("a", 14.5, 1.0))}, None, watermark - 1)
    assert (still_open.n_cells, still_open.n_revised) == (1, 0)
    assert stream.kept.closed_us == watermark
    late = stream.update({"f": rows(("a", 9.5, 1.0), ("a", 13, 1.0), ("a", 3, 0.0))})
    assert (late.n_cells, late.n_revised) == (2, 1)
    stream.check()


def test_nothing_new_changes_nothing() -> None:
    """An update without rows gives the same panel and counts no cell."""
    stream = Stream(one("aggregate: last, fill: previous, longest_age: 1h"))
    stream.update({"f": rows(("a", 4, 1.0), ("b", 40, 2.0))})
    before = stream.kept.frame()
    assert stream.update({}) == Changed()
    assert stream.kept.frame().equals(before)


def test_an_update_that_is_refused_changes_nothing() -> None:
    """A row of the year 9000, or a feed without the column, leaves the panel as it was."""
    stream = Stream(one("aggregate: sum"))
    stream.update({"f": rows(("a", 4, 1.0))})
    before = stream.kept.frame()
    far = rows(("b", 0.0, 2.0)).with_columns(at=datetime(9000, 1, 1, tzinfo=UTC))
    with pytest.raises(PanelTooLarge):
        stream.kept.update({"f": far.select(pl.col(n).cast(t) for n, t in SCHEMA.items())})
    with pytest.raises(MalformedPanel):
        stream.kept.update({"f": far.drop("value")})
    assert stream.kept.frame().equals(before)
    stream.update({"f": rows(("a", 6, 1.0))})
    stream.check()


def test_unchanged_trust_reads_nothing_again() -> None:
    """Rows are read again only where scores of days that are past changed."""
    panel = one("aggregate: mean, weight: trust")
    stream = Stream(panel)
    trust = {"f": trust_scores(health_of(T0.date(), "s0", 3), interval=False)}
    stream.update({"f": rows(("s0", 4, 1.0))}, trust)
    stream.update({"f": rows(("s0", 6, 1.0))}, trust)
    assert stream.n_reread == 0
    worse = {"f": trust["f"].with_columns(pl.col("_score") - 0.1)}
    stream.update({"f": rows(("s0", 2000, 1.0))}, worse)
    assert stream.n_reread == 1
    stream.check(worse)


def test_the_same_panel_object_is_never_changed() -> None:
    """A frame that was handed out stays what it was."""
    stream = Stream(one("aggregate: sum"))
    stream.update({"f": rows(("a", 4, 1.0))})
    before = stream.kept.frame()
    digest = frame_digest(before)
    stream.update({"f": rows(("a", 3, 5.0), ("a", 400, 5.0), ("0", -40, 5.0))})
    assert frame_digest(before) == digest
    assert replace(Changed(), n_cells=1) != Changed()
    stream.check()

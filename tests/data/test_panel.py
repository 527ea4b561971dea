"""Panels: what a cell says, how it came to be, and that it is the same every time."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veracity.data.digest import frame_digest
from veracity.data.errors import MalformedPanel, PanelTooLarge
from veracity.data.panel import build_panel
from veracity.data.panel_definition import parse_panel

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def definition(column: str, grid: str = "every: 5m") -> bytes:
    return f"""
name: p
grid: {{{grid}}}
key: station
columns:
  - {{name: v, feed: f, value: value, {column}}}
""".encode()


def rows(*readings: tuple[str, float, float | None]) -> pl.DataFrame:
    """Readings as (station, minutes after T0, value), in order of arrival."""
    return pl.DataFrame(
        {
            "station": [s for s, _, _ in readings],
            "at": pl.Series([T0 + timedelta(minutes=m) for _, m, _ in readings]).dt.cast_time_unit("us"),
            "value": pl.Series([v for _, _, v in readings], dtype=pl.Float64),
        }
    )


def cells(text: bytes, frame: pl.DataFrame) -> list[tuple[str, float, float | None, str | None]]:
    panel = build_panel(parse_panel(text), {"f": frame}, {"f": "at"})
    minutes = ((panel["time"] - T0).dt.total_microseconds() / 60e6).to_list()
    return list(zip(panel["station"], minutes, panel["v"], panel["v_state"], strict=True))


def test_a_row_uses_nothing_observed_after_it() -> None:
    """The window is (t - window, t]: a reading at t counts at t, one just after at the next."""
    got = cells(
        definition("aggregate: last"), rows(("a", 0, 1.0), ("a", 0.1, 2.0), ("a", 5, 3.0), ("a", 5.5, 9.0))
    )
    assert got == [("a", 0, 1.0, "measured"), ("a", 5, 3.0, "measured"), ("a", 10, 9.0, "measured")]


@pytest.mark.parametrize(
    ("aggregate", "want"),
    [("mean", 3.0), ("sum", 9.0), ("min", 1.0), ("max", 6.0), ("count", 3.0), ("first", 2.0), ("last", 1.0)],
)
def test_aggregates_of_a_window(aggregate: str, want: float) -> None:
    """First and last go by event time, not by arrival."""
    frame = rows(("a", 4, 6.0), ("a", 5, 1.0), ("a", 1, 2.0), ("a", 2, None))
    assert cells(definition(f"aggregate: {aggregate}"), frame) == [("a", 5, want, "measured")]


def test_a_window_may_span_steps() -> None:
    """A 15-minute window on a 5-minute grid sees three steps back."""
    got = cells(
        definition("aggregate: sum, window: 15m"), rows(("a", 5, 1.0), ("a", 10, 2.0), ("a", 20, 4.0))
    )
    assert [(m, v) for _, m, v, _ in got] == [(5, 1.0), (10, 3.0), (15, 3.0), (20, 6.0)]


def test_previous_carries_until_the_reading_is_too_old() -> None:
    """Age counts from the reading itself; a filled cell says so."""
    frame = rows(("a", 1, 7.0), ("a", 30, 8.0))
    got = cells(definition("aggregate: last, fill: previous, longest_age: 12m"), frame)
    assert [(m, v, s) for _, m, v, s in got] == [
        (5, 7.0, "measured"),
        (10, 7.0, "previous"),
        (15, None, None),
        (20, None, None),
        (25, None, None),
        (30, 8.0, "measured"),
    ]


def test_linear_joins_near_neighbours_only() -> None:
    """A gap wider than longest_age stays empty."""
    frame = rows(("a", 5, 0.0), ("a", 20, 3.0), ("a", 60, 9.0))
    got = cells(definition("aggregate: last, fill: linear, longest_age: 15m"), frame)
    filled = [(m, v) for _, m, v, s in got if s == "linear"]
    assert [m for m, _ in filled] == [10, 15]
    assert [v for _, v in filled] == pytest.approx([1.0, 2.0])


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(0, 30),
    st.integers(0, 30),
    st.sampled_from(["mean", "first", "last", "max", "count"]),
    st.sampled_from(["none", "previous", "linear"]),
    st.sampled_from(["5m", "15m"]),
    st.sampled_from(["1m", "5m", "12m", "1h", "3d"]),
)
def test_a_cell_does_not_depend_on_the_grid_around_it(
    seed: int, first: int, last: int, aggregate: str, fill: str, window: str, age: str
) -> None:
    """A grid that starts later or ends earlier has the same cells, filled ones included, to the last bit."""
    rng = np.random.default_rng(seed)
    frame = rows(
        *((f"s{rng.integers(2)}", float(rng.uniform(-30, 180)), float(rng.normal())) for _ in range(12))
    )
    column = f"aggregate: {aggregate}, fill: {fill}, window: {window}, longest_age: {age}"

    def over(start: int, end: int) -> list[tuple[str, float, float | None, str | None]]:
        a, b = (f"{T0 + timedelta(minutes=5 * i):%Y-%m-%dT%H:%M:%SZ}" for i in (start, end))
        return cells(definition(column, f"every: 5m, start: {a}, end: {b}"), frame)

    low, high = sorted((first, last + 31))
    wide = [c for c in over(-200, 200) if 5 * low <= c[1] <= 5 * high]
    assert over(low, high) == wide


@pytest.mark.parametrize("start", ["08:00", "09:00", "10:00"])
def test_a_fill_reaches_back_before_the_grid(start: str) -> None:
    """A reading at 08:00 fills 10:00 wherever the grid starts: its age decides, not the grid."""
    frame = rows(("a", 8 * 60, 1.0), ("a", 14 * 60, 7.0))
    for fill, want in (("previous", 1.0), ("linear", 3.0)):
        grid = f"every: 1h, start: 2026-01-01T{start}:00Z, end: 2026-01-01T11:00:00Z"
        column = f"aggregate: last, window: 1h, fill: {fill}, longest_age: 6h"
        got = {m: (v, s) for _, m, v, s in cells(definition(column, grid), frame)}
        assert got[600] == (want, fill)


def test_keys_and_feeds_come_together() -> None:
    """Every key has every time; a feed without a key leaves it empty."""
    text = b"""
name: p
grid: {every: 1h, start: 2026-01-01T00:00:00Z, end: 2026-01-01T01:00:00Z}
key: place
columns:
  - {name: v, feed: f, value: value, key: station}
  - {name: w, feed: g, value: value, key: station, aggregate: count}
"""
    feeds = {"f": rows(("a", 0, 1.0)), "g": rows(("b", 60, 2.0))}
    panel = build_panel(parse_panel(text), feeds, {"f": "at", "g": "at"})
    assert panel.columns == ["place", "time", "v", "v_state", "w", "w_state"]
    assert panel.select("place", "v", "w").rows() == [
        ("a", 1.0, None),
        ("a", None, None),
        ("b", None, None),
        ("b", None, 1.0),
    ]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(1, 200),
    st.sampled_from(["mean", "sum", "min", "max", "first", "last"]),
)
def test_equals_the_plain_definition(seed: int, n: int, aggregate: str) -> None:
    """The vectorised panel is what a loop over cells gives."""
    rng = np.random.default_rng(seed)
    readings = [(f"s{rng.integers(3)}", float(rng.integers(0, 90)), float(rng.normal())) for _ in range(n)]
    got = cells(definition(f"aggregate: {aggregate}, window: 10m"), rows(*readings))
    for station, minute, value, _ in got:
        inside = [
            (m, i, v) for i, (s, m, v) in enumerate(readings) if s == station and minute - 10 < m <= minute
        ]
        if not inside:
            assert value is None
            continue
        values = [v for _, _, v in inside]
        want = {
            "mean": float(np.mean(values)),
            "sum": float(np.sum(values)),
            "min": min(values),
            "max": max(values),
            "first": min(inside, key=lambda x: (x[0], -x[1]))[2] if aggregate == "first" else 0.0,
            "last": max(inside)[2],
        }[aggregate]
        if aggregate == "first":  # of equal times the first to arrive
            want = min(inside, key=lambda x: (x[0], x[1]))[2]
        assert value == pytest.approx(want)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (definition("aggregate: median"), "aggregate"),
        (definition("window: 7m"), "multiple"),
        (definition("fill: previous"), "longest_age"),
        (definition("colour: red"), "colour"),
        (definition("aggregate: mean", grid="every: fast"), "duration"),
        (
            definition("aggregate: mean", grid="every: 5m, start: 2026-01-02, end: 2026-01-01"),
            "start before end",
        ),
        (b"a: &x [*x]", "alias"),
        (b"name: a\nname: b\n", "'name' given twice"),
        (b"{[a]: 1}", "plain names"),
        (b"\xff", "YAML"),
        (definition("aggregate: mean").replace(b"key: station", b"key: time"), "key"),
        (definition("aggregate: mean").replace(b"key: station", b"key: v_state"), "key"),
        (definition("aggregate: mean").replace(b"key: station", b"key: ''"), "key"),
        (definition("aggregate: mean").replace(b"name: v,", b"name: simulated,"), "simulated"),
        (definition("aggregate: mean", grid="every: 5m, start: 2024-13-45"), "month"),
        (definition("aggregate: mean", grid="every: 5m, start: '2024-13-45'"), "grid.start"),
        (
            definition("aggregate: mean", grid="every: 5m, start: 0001-01-01T00:00:00+07:00"),
            "grid.start",
        ),
        (definition("aggregate: mean", grid="every: 5m, start: '0001-01-01T00:00:00+07:00'"), "grid.start"),
        (b"[1]", "mapping"),
    ],
)
def test_a_bad_definition_is_refused(text: bytes, message: str) -> None:
    """The part at fault is named."""
    with pytest.raises(MalformedPanel, match=message):
        parse_panel(text)


def test_a_column_that_is_not_there_is_refused() -> None:
    """The feed's own columns are listed."""
    with pytest.raises(MalformedPanel, match="station, at, value"):
        build_panel(parse_panel(definition("key: nowhere")), {"f": rows(("a", 0, 1.0))}, {"f": "at"})


def test_a_grid_without_bounds_is_bounded() -> None:
    """A panel that no machine holds is refused before it is tried."""
    text = definition("aggregate: mean", grid="every: 1s, start: 1900-01-01, end: 2026-01-01")
    with pytest.raises(PanelTooLarge, match="cells"):
        build_panel(parse_panel(text), {"f": rows(("a", 0, 1.0))}, {"f": "at"})


@pytest.mark.parametrize(
    "column",
    [
        "aggregate: mean, window: 10000s",
        "aggregate: mean, fill: previous, longest_age: 2d",
        "aggregate: mean, fill: linear, longest_age: 2d",
    ],
)
def test_what_lies_around_the_grid_counts_too(monkeypatch: pytest.MonkeyPatch, column: str) -> None:
    """The bound is on the cells that are computed, those before and after the grid included."""
    monkeypatch.setattr("veracity.data.panel.CELLS", 1_000)
    grid = "every: 1s, start: 2026-01-01T12:00:00Z, end: 2026-01-01T12:01:00Z"
    frame = rows(("a", 0, 1.0), ("a", 1_440, 2.0))
    with pytest.raises(PanelTooLarge, match="cells"):
        cells(definition(column, grid), frame)
    assert len(cells(definition("aggregate: mean, window: 900s", grid), frame)) == 61


def test_a_long_grid_without_readings_is_bounded() -> None:
    """With no key to be had there are no rows, and still no grid of a hundred thousand million times."""
    text = definition("aggregate: mean", grid="every: 1s, start: 0002-01-01, end: 9999-01-01")
    with pytest.raises(PanelTooLarge, match="cells"):
        build_panel(parse_panel(text), {"f": rows(("a", 0, 1.0)).clear()}, {"f": "at"})


def scored(*scores: tuple[str, int, float]) -> pl.DataFrame:
    """Simulated trust of ``value``: (station, days after T0, score)."""
    return pl.DataFrame(
        {
            "station": [s for s, _, _ in scores],
            "_property": ["value"] * len(scores),
            "_day": [(T0 + timedelta(days=d)).date() for _, d, _ in scores],
            "_score": [x for _, _, x in scores],
        }
    )


def of_area(column: str, frame: pl.DataFrame, trust: pl.DataFrame | None) -> pl.DataFrame:
    text = definition(column).replace(b"key: station", b"key: area")
    rows_of = frame.with_columns(area=pl.lit("north"))
    return build_panel(
        parse_panel(text), {"f": rows_of}, {"f": "at"}, None if trust is None else {"f": trust}
    )


TWO = [("a", 1.0, 10.0), ("b", 2.0, 20.0), ("a", 6.0, 12.0), ("b", 11.0, 30.0)]


def test_a_weighted_mean_leans_on_the_trusted() -> None:
    """A reading of score s weighs 1 / (1 + 25 (1 - s)); a strange sensor counts as one half."""
    trust = scored(("a", 0, 1.0), ("b", 0, 0.8))
    got = of_area("aggregate: mean, weight: trust, trust_column: true", rows(*TWO, ("z", 3.0, 40.0)), trust)
    assert got.columns == ["area", "time", "v", "v_state", "v_trust"]
    a, b, z = 1.0, 1 / 6, 1 / 13.5
    assert got["v"][0] == pytest.approx((10 * a + 20 * b + 40 * z) / (a + b + z))
    assert got["v"].to_list()[1:] == [12.0, pytest.approx(30.0)]
    assert got["v_trust"].to_list() == pytest.approx([2.3 / 3, 1.0, 0.8])


def test_equal_trust_is_no_trust() -> None:
    """Where all sensors are trusted alike the weighted mean is the mean."""
    trust = scored(("a", 0, 0.7), ("b", 0, 0.7))
    weighted = of_area("aggregate: mean, weight: trust, window: 15m", rows(*TWO), trust)
    plain = of_area("aggregate: mean, window: 15m", rows(*TWO), None)
    assert weighted["v"].to_list() == pytest.approx(plain["v"].to_list())
    assert weighted["v_state"].equals(plain["v_state"])


@pytest.mark.parametrize(
    ("aggregate", "want"), [("max", [10.0, 12.0, 12.0]), ("last", [10.0, 12.0, 12.0]), ("count", [1, 1, 1])]
)
def test_too_little_trust_is_missing(aggregate: str, want: list[float]) -> None:
    """Readings below min_trust are as if they had not come, whatever the aggregate; fills see the gap."""
    trust = scored(("a", 0, 0.9), ("b", 0, 0.5))
    column = f"aggregate: {aggregate}, min_trust: 0.6, fill: previous, longest_age: 1h, trust_column: true"
    frame = rows(*TWO, ("b", 11.0, 30.0))
    got = of_area(column, frame, trust)
    assert got["v"].to_list() == want
    assert got["v_state"].to_list() == ["measured", "measured", "previous"]
    assert got["v_trust"].to_list() == pytest.approx([0.9, 0.9, 0.9])


def test_trust_is_of_the_reading_s_own_day() -> None:
    """A window over midnight weighs each reading by its day's score."""
    trust = scored(("a", 0, 1.0), ("a", 1, 0.8))
    frame = rows(("a", 1_439, 0.0), ("a", 1_441, 7.0))
    got = of_area("aggregate: mean, window: 10m, weight: trust", frame, trust)
    assert got["v"].to_list() == pytest.approx([0.0, 1.0, 7.0][: got.height])


def test_a_definition_without_trust_is_as_before() -> None:
    """A panel that asks for no trust does not look at any, and its digest does not move."""
    frame = rows(*((f"s{i % 3}", i * 1.7, i * 0.1) for i in range(200)))
    text = definition("aggregate: mean, window: 15m, fill: linear, longest_age: 1h")
    panel = build_panel(parse_panel(text), {"f": frame}, {"f": "at"}, {"f": scored(("s0", 0, 0.1))})
    assert panel.equals(build_panel(parse_panel(text), {"f": frame}, {"f": "at"}))
    assert frame_digest(panel) == "d0b3a72d19071207775402522f36f2315c0345c48a8ab78fa6a0ba82557f24ac"
    assert parse_panel(text).trusted_feeds == ()


def test_trust_that_is_asked_for_has_to_be_given() -> None:
    """A build without the scores that a definition needs is refused, never made without them."""
    panel = parse_panel(definition("weight: trust"))
    assert panel.trusted_feeds == ("f",)
    with pytest.raises(MalformedPanel, match="trust of the sensors of f"):
        build_panel(panel, {"f": rows(*TWO)}, {"f": "at"})


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("weight: distance", "weight: want trust"),
        ("weight: trust, aggregate: max", "want aggregate mean"),
        ("min_trust: 1.5", "from 0 to 1"),
        ("min_trust: yes", "from 0 to 1"),
        ("min_trust: .nan", "from 0 to 1"),
        ("trust_column: 1", "true or false"),
    ],
)
def test_bad_trust_settings_are_refused(column: str, message: str) -> None:
    """The setting at fault is named."""
    with pytest.raises(MalformedPanel, match=message):
        parse_panel(definition(column))


def test_a_trust_column_takes_its_name() -> None:
    """No other column may have the name of a trust column; without one the name is free."""
    text = definition("trust_column: true") + b"  - {name: v_trust, feed: f, value: value}\n"
    with pytest.raises(MalformedPanel, match="_trust"):
        parse_panel(text)
    parse_panel(text.replace(b"true", b"false"))

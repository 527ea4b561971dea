"""The newest rows: brought up to date batch by batch they are what reading all gives."""

from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from open_city import air_rows, lines, new_open_city
from small_city import clock
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.server.ngsi_ld.latest import Newest, latest, newest, views


def test_step_by_step_is_all_at_once(tmp_path: Path) -> None:
    """Late rows, rows of a station not heard before, a batch without rows: after each the same."""
    root = new_open_city(tmp_path / "city")
    late = [r for r in air_rows(-40, 5) if r["station"] == "A 1"]
    new = [{**r, "station": "New"} for r in air_rows(2, 1)[:1]]
    batches = [air_rows(30, 3), late, new, [{"station": None, "observed_at": "never"}], air_rows(34, 1)]
    before: Newest | None = None
    for number, rows in enumerate([None, *batches]):
        if rows is not None:
            with open_writer(root, clock) as home:
                ingest(home, "air", [lines(tmp_path / f"{number}.ndjson", rows)])
        reader = Home.open(root, clock)
        try:
            (view,) = [v for v in views(reader) if v.feed == "air"]
            whole, step = newest(reader, view), newest(reader, view, None, before)
            assert_frame_equal(whole.rows.sort("station"), step.rows.sort("station"))
            assert_frame_equal(latest(reader, view, whole), latest(reader, view, step))
            before = step
        finally:
            reader.close()
    assert before is not None
    assert before.version == 6
    assert before.rows["station"].to_list().count("New") == 1
    assert before.rows.filter(pl.col("station") == "A 1")["_first"].to_list() == [0]

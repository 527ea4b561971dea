"""Verdicts out of the home: every row once, one bit map a rule, the same that the statements count."""

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from judged_city import FEED, FIRST, judged_city, opened, take_in
from small_city import clock, new_city
from veracity.data.errors import TableMismatch
from veracity.home.contracts import add_feed
from veracity.home.errors import UnknownFeed
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.releases import release
from veracity.home.selection import Selection
from veracity.home.verdicts import broken_rules


def stated(root: Path, feed: str = FEED) -> tuple[Counter[str], Counter[str]]:
    """What all statements say: counts, and rows by reason."""
    home = Home.open(root, clock)
    counts, reasons = Counter[str](), Counter[str]()
    for _, p in home.index.predicates("ingest", feed):
        counts.update({k: v for k, v in p["counts"].items() if k != "blank"})
        counts.update(unread=sum(n for code, n in p["refusals"].items() if code not in p["reasons"]))
        counts.update(flagged=p["checks"]["flagged"])
        reasons.update(p["reasons"])
    home.close()
    return counts, reasons


def check(root: Path, feed: str = FEED) -> pl.DataFrame:
    """Compare all verdicts with the statements and the table; return them."""
    city = opened(root)
    rows = city.verdicts(feed).collect()
    counts, reasons = stated(root, feed)
    of = dict(rows["outcome"].value_counts().iter_rows())
    assert rows.height == counts["received"] - counts["unread"]
    assert of.get("accepted", 0) == counts["accepted"]
    assert of.get("quarantined", 0) == counts["quarantined"]
    assert of.get("refused", 0) == counts["refused"] - counts["unread"]
    keys = rows.columns[: rows.columns.index("outcome")]
    rules = rows.columns[len(keys) + 1 :]
    assert {rule: rows[rule].sum() for rule in rules if rows[rule].sum()} == +reasons
    assert rows.select(rules).null_count().sum_horizontal().sum() == 0
    place = rows.filter(outcome="accepted").select("_batch", "_record").sort("_batch", "_record")
    table = city.table(feed).select("_batch", "_record").collect().sort("_batch", "_record")
    assert place.equals(table)
    flagged = city.flagged(feed).collect()
    assert flagged.height == counts["flagged"]
    assert all(flagged["reasons"].list.len() > 0) if flagged.height else True
    return rows


def test_every_row_has_its_verdict(tmp_path: Path) -> None:
    """Each row that could be read is there once, with the outcome and the rules that were counted."""
    root = judged_city(tmp_path)
    rows = check(root)
    assert rows.columns[3:] == [
        *("type:stage", "required:stage", "range:stage", "rate:stage", "stuck:stage", "duplicate-key")
    ]
    home = Home.open(root, clock)
    assert broken_rules(home, FEED) == rows.columns[3:]
    with pytest.raises(UnknownFeed):
        opened(root).verdicts("sea")
    home.close()


def test_flagged_rows_are_rows_of_the_table(tmp_path: Path) -> None:
    """A flagged row stands in the table with its value, and says which rules it broke."""
    city = opened(judged_city(tmp_path))
    flagged = city.flagged(FEED).collect()
    assert flagged.columns == [*city.table(FEED).collect_schema().names(), "reasons"]
    assert set(flagged["reasons"].explode()) == {"rate:stage"}
    rows = city.table(FEED).collect()
    assert rows.join(flagged, on=rows.columns, how="semi").height == flagged.height


def test_as_known_before(tmp_path: Path) -> None:
    """As of the first day there are that day's verdicts alone."""
    city = opened(judged_city(tmp_path))
    whole = city.verdicts(FEED).collect()
    first = city.verdicts(FEED, FIRST + timedelta(days=1, hours=2)).collect()
    assert first.equals(whole.filter(pl.col("_batch") < 4).select(first.columns))
    assert city.verdicts(FEED, FIRST).collect().height == 0
    assert city.flagged(FEED, FIRST).collect().height == 0


def test_batches_without_a_broken_rule(tmp_path: Path) -> None:
    """Where no rule was broken nothing was kept, and the rows are accepted all the same."""
    root = judged_city(tmp_path, 1, certified=False)
    good = [
        {"gauge": "G7", "observed_at": (FIRST + timedelta(days=3, hours=h)).isoformat(), "stage": h / 100}
        for h in range(3)
    ]
    (tmp_path / "good.ndjson").write_text("".join(json.dumps(g) + "\n" for g in good))
    with open_writer(root, lambda: FIRST + timedelta(days=4)) as home:
        ingest(home, FEED, [tmp_path / "good.ndjson"])
    assert check(root).filter(_batch=4)["outcome"].to_list() == ["accepted"] * 3
    take_in(root, 4)
    check(root)
    empty = new_city(tmp_path / "empty")
    assert opened(empty).verdicts("rain").collect().shape == (0, 3)
    assert opened(empty).flagged("rain").collect().height == 0


def test_released_rows_have_two_verdicts(tmp_path: Path) -> None:
    """What a person let in was set aside once and is accepted once, flagged by the rule that was waived."""
    root = judged_city(tmp_path, 1, certified=False)
    with open_writer(root, lambda: FIRST + timedelta(days=4)) as home:
        done = release(home, FEED, Selection(reason="range"), "An", "seen", ["range:stage"])
    rows = check(root)
    assert rows.filter(_batch=done.batch)["range:stage"].all()
    again = opened(root).flagged(FEED).collect().filter(_batch=done.batch)
    assert again.height == done.accepted > 0


WIDE = """\
apiVersion: v3.1.0
kind: DataContract
id: wide
version: {version}
status: active
schema:
  - name: wide
    properties:
      - {{name: at, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 2}}
      - {{name: station, logicalType: string, primaryKey: true, primaryKeyPosition: 1}}
      - name: level
        physicalName: "{physical}"
        logicalType: number
        logicalTypeOptions: {{maximum: 5}}
        customProperties: [{{property: actions, value: {{range: flag}}}}]
"""


def test_wide_files(tmp_path: Path) -> None:
    """A record of a wide file has a verdict for each of its sensors; a contract that is wide no more too."""
    root = new_city(tmp_path / "city")
    for version, physical in (("1.0.0", "wl_{station}"), ("2.0.0", "level")):
        path = tmp_path / f"{version}.yaml"
        path.write_text(WIDE.format(version=version, physical=physical), encoding="utf-8")
        with open_writer(root, clock) as home:
            add_feed(home, path)
        csv = "at,wl_A,wl_B,wl_C\n2026-09-01T00:00Z,1,9,\n2026-09-01T01:00Z,high,2,8\n"
        if version == "2.0.0":
            csv = "at,station,level\n2026-09-01T02:00Z,A,9\n2026-09-01T02:00Z,B,1\n"
        (tmp_path / "w.csv").write_text(csv)
        with open_writer(root, clock) as home:
            ingest(home, "wide", [tmp_path / "w.csv"])
    rows = opened(root).verdicts("wide").collect()
    assert rows.select("_batch", "_record", "station", "outcome").rows() == [
        (0, 1, "A", "accepted"),
        (0, 1, "B", "accepted"),
        (0, 2, "A", "quarantined"),
        (0, 2, "B", "accepted"),
        (0, 2, "C", "accepted"),
        (1, 1, None, "accepted"),
        (1, 2, None, "accepted"),
    ]
    flagged = opened(root).flagged("wide").collect()
    assert flagged.select("_batch", "_record", "station", "level").rows() == [
        (0, 1, "B", 9.0),
        (0, 2, "C", 8.0),
        (1, 1, "A", 9.0),
    ]
    check(root, "wide")


def test_lost_verdicts_are_an_error(tmp_path: Path) -> None:
    """A batch whose verdicts are gone is never taken for one that broke no rule."""
    root = judged_city(tmp_path, 1, certified=False)
    next((root / "store" / "verdicts" / FEED).iterdir()).unlink()
    with pytest.raises(TableMismatch, match="verdicts/river"):
        opened(root).verdicts(FEED)

"""Rows let in from quarantine are written as lines that read back as what was received."""

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarantined_city import AN, WHY, findings, in_city, reading
from small_city import CONTRACT, clock, new_city
from veracity.data.contract import parse_contract
from veracity.data.released import read_lines, read_values, released_contract, render_lines
from veracity.home import releases
from veracity.home.contracts import add_feed
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.home.receipts import find_record, make_receipt
from veracity.home.releases import reject, release
from veracity.home.selection import Selection
from veracity.home.tables import table_rows
from veracity.verifying import verify

WIDE = """\
apiVersion: v3.1.0
kind: DataContract
id: levels
version: 1.0.0
status: active
servers: [{server: file, type: local, format: csv, delimiter: ";", encoding: windows-1252}]
schema:
  - name: levels
    properties:
      - {name: at, logicalType: timestamp, required: true, primaryKey: true, primaryKeyPosition: 1,
         transformSourceObjects: [Date, Time],
         logicalTypeOptions: {format: "dd/MM/yyyy HH.mm", defaultTimezone: Asia/Ho_Chi_Minh}}
      - {name: station, logicalType: string, required: true, primaryKey: true, primaryKeyPosition: 2}
      - {name: place, logicalType: string, physicalName: Ort}
      - name: level
        logicalType: number
        physicalName: "wl_{station}"
        logicalTypeOptions: {minimum: -1, maximum: 5}
        customProperties:
          - {property: unit, value: m}
          - {property: sourceUnit, value: cm}
          - {property: decimal, value: ","}
"""


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    """A wide feed of three sensors in another encoding, with decimal commas, centimetres and joined times."""
    root = new_city(tmp_path / "city")
    (tmp_path / "levels.yaml").write_text(WIDE)
    text = 'Date;Time;Ort;wl_A;wl_B;wl_C\n01/09/2026;08.00;"Brücke ""1""";120,5;900,25;x\n'
    (tmp_path / "l.csv").write_bytes(text.encode("windows-1252"))
    with open_writer(root, clock) as home:
        add_feed(home, tmp_path / "levels.yaml")
        ingest(home, "levels", [tmp_path / "l.csv"])
    return root


def test_rows_of_a_wide_record_are_decided_one_by_one(wide: Path) -> None:
    """Each row of a wide record is decided on its own, and reads as it would have in its file."""
    chosen = Selection(where="station = 'B'")
    in_city(wide, lambda home: release(home, "levels", chosen, AN, WHY, ["range:level"]))
    rows = reading(wide, lambda home: table_rows(home, "levels").collect())
    assert rows.filter(pl.col("_batch") == 1).to_dicts() == [
        {
            "at": datetime.fromisoformat("2026-09-01T01:00:00+00:00"),
            "station": "B",
            "place": 'Brücke "1"',
            "level": 9.0025,
            "_record": 0,
            "_batch": 1,
        }
    ]
    done = in_city(wide, lambda home: reject(home, "levels", Selection(every=True), AN, WHY))
    assert (done.rows, done.n_decided) == (1, 1)
    assert findings(wide) == []
    receipt = reading(wide, lambda home: make_receipt(home, "levels", find_record(home, "levels", 1, 0)))
    assert verify(receipt, wide / "trust.policy").is_row_checked


SMALL = parse_contract(
    CONTRACT.format(feed="rain", version="1.0.0", maximum=100, agency="x", signature="optional").encode()
)
TEXT = st.none() | st.text(max_size=12) | st.sampled_from(["1e5", " 7 ", "NaN", "-999", "null", '"', "\x00"])


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=20))
def test_lines_keep_every_text(rows: list[tuple[str | None, ...]]) -> None:
    """Whatever was received, control characters and all, the line of a released row reads back the same."""
    names = [f.name for f in SMALL.fields]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    frame = frame.with_columns(_batch=pl.lit(2, pl.Int64), _record=pl.int_range(frame.height, dtype=pl.Int64))
    data, ends = render_lines(frame, SMALL)
    assert read_lines(data, names).equals(frame.select("_batch", "_record", *names))
    _, part = releases.as_file(frame, released_contract(SMALL, []), "x.ndjson")
    assert (part.n_records, part.raw.height, part.refusals, len(ends)) == (
        frame.height,
        frame.height,
        [],
        frame.height,
    )
    assert part.raw.select(names).cast(pl.String).equals(frame.select(names))
    assert read_values(frame, SMALL).height == frame.height


def test_the_view_of_a_contract(tmp_path: Path) -> None:
    """The released view reads own names, flags what is waived, refuses nothing, and keeps types and units."""
    text = WIDE.replace(
        "sourceUnit, value: cm}",
        "sourceUnit, value: cm}\n          - {property: actions, value: {type: refuse}}",
    )
    whole = parse_contract(text.encode())
    view = released_contract(whole, ["range:level"])
    assert [f.sources for f in view.fields] == [("at",), ("station",), ("place",), ("level",)]
    assert (view.carried, view.encoding, view.kind) == (None, "utf-8", "ndjson")
    assert (view.action("range:level"), view.action("type:level")) == ("flag", "quarantine")
    assert (view.field("level").scale, view.field("at").zone) == (0.01, "Asia/Ho_Chi_Minh")
    assert view.sha256 == whole.sha256
    assert view.rules_sha256 != whole.rules_sha256

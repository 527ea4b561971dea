"""People let quarantined rows in, or keep them out, by name; each row keeps both histories."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from small_city import AGENCY, CONTRACT, NOW, clock, contract, key, ndjson, new_city
from veracity.data.contract import parse_contract
from veracity.data.released import NotWaivable, read_lines, read_values, released_contract, render_lines
from veracity.home import releases, selection
from veracity.home.audit import audit
from veracity.home.contracts import add_feed
from veracity.home.decisions import decided_rows, read_decisions
from veracity.home.errors import NoRowsWaiting, TooManyRows, UnknownAgency
from veracity.home.home import Home, Writer, open_writer
from veracity.home.ingest import ingest
from veracity.home.receipts import find_record, make_receipt
from veracity.home.releases import Outcome, reject, release, try_reject, try_release
from veracity.home.selection import Selection, waiting
from veracity.home.state import read_memory, state_after
from veracity.home.tables import quarantine_rows, table_rows
from veracity.provenance.dsse import open_envelope
from veracity.provenance.errors import MalformedStatement, UnknownKey
from veracity.provenance.lineage import Lineage
from veracity.provenance.statements import parse_statement
from veracity.verifying import verify

AN, WHY = "Nguyễn Thị An", "the gauge was checked on site: the storm was real"
RANGE = Selection(reason="range")


def line(gauge: str, minute: int, rain: object) -> dict[str, Any]:
    return {"gauge": gauge, "observed_at": f"2026-09-01T00:{minute:02}:00Z", "rain": rain}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    pl.DataFrame(rows, infer_schema_length=None).write_ndjson(path)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Batch 0: an accepted row, two out of range, one unreadable and one that comes twice."""
    root = new_city(tmp_path / "city")
    rows = [
        line("G01", 0, "1.5"),
        line("G01", 10, "900"),
        line("G02", 10, "500"),
        line("G02", 20, "n/a"),
        line("G01", 0, "7"),
    ]
    with open_writer(root, clock) as home:
        ingest(home, "rain", [write(tmp_path / "a.ndjson", rows)])
    return root


def in_city(root: Path, task: Callable[[Writer], Any]) -> Any:
    with open_writer(root, clock) as home:
        return task(home)


def reading(root: Path, task: Callable[[Home], Any]) -> Any:
    home = Home.open(root, clock)
    try:
        return task(home)
    finally:
        home.close()


def let_in(root: Path, chosen: Selection = RANGE, *waive: str) -> Outcome:
    done = in_city(root, lambda home: release(home, "rain", chosen, AN, WHY, waive))
    assert isinstance(done, Outcome)
    return done


def findings(root: Path) -> list[str]:
    return [f"{f.where}: {f.what}: {f.detail}" for f in reading(root, audit).findings]


def predicate(root: Path, batch: int, feed: str = "rain") -> dict[str, Any]:
    def read(home: Home) -> Any:
        row = home.index.batch(feed, batch)
        assert row is not None
        return home.index.predicate(row.idx)

    return dict(reading(root, read))


def test_released_rows_are_a_batch_of_their_own(root: Path) -> None:
    """Rows let in under a waiver are in the table, flagged, with the person and the reason in the log."""
    before = reading(root, lambda home: quarantine_rows(home, "rain").collect())
    done = let_in(root, RANGE, "range:rain")
    assert (done.rows, done.accepted, done.flagged, done.quarantined, done.batch) == (2, 2, 2, 0, 1)
    rows = reading(root, lambda home: table_rows(home, "rain").collect())
    assert rows.filter(pl.col("_batch") == 1).select("gauge", "rain", "_record").rows() == [
        ("G01", 900.0, 0),
        ("G02", 500.0, 1),
    ]
    said = predicate(root, 1)
    assert said["released"] == {"by": AN, "why": WHY, "waived": ["range:rain"], "batches": [0]}
    assert said["counts"] == {"received": 2, "accepted": 2, "quarantined": 0, "refused": 0, "blank": 0}
    assert said["reasons"] == {"range:rain": 2}
    assert said["checks"]["flagged"] == 2
    assert said["file"]["name"] == "released-from-quarantine-1.ndjson"
    assert reading(root, lambda home: quarantine_rows(home, "rain").collect()).equals(before)
    assert findings(root) == []


def test_as_of_knows_when_a_row_was_let_in(root: Path) -> None:
    """A table as of a time before the release has not its rows."""

    def later() -> datetime:
        return NOW + timedelta(hours=2)

    with open_writer(root, later) as home:
        release(home, "rain", RANGE, AN, WHY, ["range:rain"])

    def height(at: datetime) -> int:
        return int(reading(root, lambda home: table_rows(home, "rain", at).collect().height))

    assert [height(at) for at in (NOW, NOW + timedelta(hours=1), later())] == [1, 1, 3]


def test_a_corrected_contract_judges_again(root: Path, tmp_path: Path) -> None:
    """Without a waiver the contract in force decides: what it allows comes in, the rest is aside again."""
    in_city(root, lambda home: add_feed(home, contract(tmp_path, version="2.0.0", maximum=600)))
    done = let_in(root)
    assert (done.accepted, done.flagged, done.quarantined) == (1, 0, 1)
    assert dict(done.reasons) == {"range:rain": 1}
    again = let_in(root, Selection(batch=1), "range:rain")
    assert (again.rows, again.accepted) == (1, 1)
    assert predicate(root, 2)["released"]["batches"] == [1]
    assert findings(root) == []


def test_what_is_unreadable_comes_in_as_absent(root: Path) -> None:
    """A value that cannot be read is absent in a row let in under a waiver of its type."""
    done = let_in(root, Selection(batch=0, records=(3,)), "type:rain")
    assert (done.rows, done.accepted) == (1, 1)
    rows = reading(root, lambda home: table_rows(home, "rain").collect())
    assert rows.filter(pl.col("_batch") == 1)["rain"].to_list() == [None]
    assert findings(root) == []


def test_a_key_is_never_waived(root: Path) -> None:
    """The key's own rules, and rules that there are not, are no waivers; nothing is written."""
    for code in ("duplicate-key", "type:gauge", "required:observed_at"):
        with pytest.raises(NotWaivable, match="the key"):
            let_in(root, Selection(every=True), code)
    for code in ("range:snow", "spike:rain", "", "range", "enum:rain"):
        with pytest.raises(NotWaivable, match="want rules of rain"):
            let_in(root, Selection(every=True), code)
    assert reading(root, lambda home: home.index.next_batch("rain")[0]) == 1


def test_a_repeated_key_stays_out(root: Path) -> None:
    """A row whose key the table has is set aside again, however it is named."""
    done = let_in(root, Selection(reason="duplicate-key"))
    assert (done.accepted, done.quarantined, dict(done.reasons)) == (0, 1, {"duplicate-key": 1})
    with pytest.raises(NoRowsWaiting):  # what it set aside again is named by its batch alone
        let_in(root, Selection(reason="duplicate-key"))
    assert let_in(root, Selection(batch=1)).quarantined == 1
    assert findings(root) == []


def test_a_row_is_decided_once(root: Path) -> None:
    """What was released or rejected is not decided on again, and the error tells who did."""
    one, two = Selection(batch=0, records=(1,)), Selection(batch=0, records=(2,))
    let_in(root, one, "range:rain")
    in_city(root, lambda home: reject(home, "rain", two, "Lê Văn Bình", "a broken sensor"))

    def keep_out(chosen: Selection) -> None:
        in_city(root, lambda home: reject(home, "rain", chosen, AN, "no"))

    for chosen, who in ((one, AN), (two, "Lê Văn Bình"), (Selection(batch=0, records=(1, 3)), AN)):
        with pytest.raises(NoRowsWaiting, match=f"by {who}"):
            let_in(root, chosen, "range:rain")
        with pytest.raises(NoRowsWaiting, match=f"by {who}"):
            keep_out(chosen)
    with pytest.raises(NoRowsWaiting, match="got 2 rejected by"):
        let_in(root, RANGE, "range:rain")
    done = let_in(root, Selection(every=True))
    assert (done.rows, done.n_decided) == (2, 2)
    assert findings(root) == []


def test_a_rejection_is_a_statement(root: Path) -> None:
    """A rejection names the rows by digest, the person and the reason; lineage leads to their batch."""
    done = in_city(root, lambda home: reject(home, "rain", RANGE, AN, WHY))
    assert (done.rows, done.batch) == (2, None)

    def read(home: Home) -> Any:
        statements = [parse_statement(open_envelope(e).payload) for e in home.reader().entries()]
        return home.index.predicates("reject", "rain"), Lineage.of(enumerate(statements))

    ((idx, said),), graph = reading(root, read)
    assert (idx, said["by"], said["why"], said["batches"]) == (done.entry, AN, WHY, [0])
    assert said["rows"]["rows"] == 2
    assert 3 in graph.ancestors(idx)
    assert idx in graph.descendants(3)
    assert findings(root) == []


def test_lineage_leads_from_a_release_to_where_its_rows_were(root: Path) -> None:
    """A release rests on the batches its rows were set aside from, and is used by what uses them."""
    done = let_in(root, RANGE, "range:rain")

    def read(home: Home) -> Lineage:
        return Lineage.of(
            (i, parse_statement(open_envelope(e).payload)) for i, e in enumerate(home.reader().entries())
        )

    graph = reading(root, read)
    assert 3 in graph.ancestors(done.entry or 0)
    assert done.entry in graph.descendants(3)


@pytest.mark.parametrize(
    ("chosen", "records"),
    [
        (Selection(every=True), [1, 2, 3, 4]),
        (Selection(batch=0), [1, 2, 3, 4]),
        (Selection(batch=0, records=(2, 4)), [2, 4]),
        (Selection(reason="range:rain"), [1, 2]),
        (Selection(reason="type"), [3]),
        (Selection(where="gauge = 'G02'"), [2, 3]),
        (Selection(where="rain > 600"), [1]),
        (Selection(where="observed_at >= '2026-09-01T00:10:00Z'", reason="range"), [1, 2]),
    ],
)
def test_which_rows(root: Path, chosen: Selection, records: list[int]) -> None:
    """Rows are named by batch, record, reason and value; conditions given together must all hold."""
    rows = reading(root, lambda home: selection.choose(home, "rain", chosen, []).rows)
    assert rows["_record"].to_list() == records


def test_nothing_to_decide(root: Path) -> None:
    """Where nothing is named, or nothing like it is in quarantine, the error says so."""
    wrong: list[dict[str, Any]] = [{}, {"every": True, "batch": 0}, {"records": (1,), "reason": "range"}]
    for kwargs in wrong:
        with pytest.raises(NoRowsWaiting):
            Selection(**kwargs)
    for chosen in (Selection(batch=9), Selection(batch=0, records=(0,)), Selection(reason="pattern")):
        with pytest.raises(NoRowsWaiting, match="got none"):
            let_in(root, chosen)


def test_a_dry_run_writes_nothing_and_tells_the_same(root: Path) -> None:
    """A dry run counts what the release then does, and leaves every file as it was."""

    def files() -> dict[str, int]:
        return {str(p): p.stat().st_mtime_ns for p in sorted((root / "store").rglob("*"))}

    before = files()
    tried = reading(
        root, lambda home: try_release(home, "rain", Selection(every=True), AN, WHY, ["range:rain"])
    )
    kept_out = reading(root, lambda home: try_reject(home, "rain", RANGE, AN, WHY))
    assert (files(), kept_out.rows, kept_out.entry) == (before, 2, None)
    done = let_in(root, Selection(every=True), "range:rain")
    same = ("rows", "accepted", "quarantined", "flagged", "reasons", "waived")
    assert {n: getattr(tried, n) for n in same} == {n: getattr(done, n) for n in same}
    assert (tried.batch, done.batch) == (None, 1)


def test_receipts_of_released_rows_verify(root: Path) -> None:
    """A released row has a receipt that verifies; it tells by whom, why and what was waived."""
    let_in(root, RANGE, "range:rain")
    receipt = reading(root, lambda home: make_receipt(home, "rain", find_record(home, "rain", 1, 1)))
    done = verify(receipt, root / "trust.policy")
    assert done.row == {"gauge": "G02", "observed_at": "2026-09-01T00:10:00Z", "rain": 500.0}
    assert done.is_row_checked
    assert any(s.name == "released" and AN in s.detail and "range:rain" in s.detail for s in done.steps)
    assert any(told.startswith("quarantine:") for told in done.not_checked)
    assert done.evidence is not None
    assert read_lines(done.evidence.data).rows() == [(0, 2)]
    first = reading(root, lambda home: make_receipt(home, "rain", find_record(home, "rain", 0, 2)))
    assert verify(first, root / "trust.policy").evidence is not None


def test_a_feed_that_wants_signatures(tmp_path: Path) -> None:
    """Rows of a feed whose agency must sign are let in under the city's signature, and verify."""
    root = new_city(tmp_path / "city", signature="required")
    with open_writer(root, clock) as home:
        ingest(home, "rain", [ndjson(tmp_path / "a.ndjson", 0, 100)], sign=key(AGENCY))
    assert let_in(root, RANGE, "range:rain").accepted > 0
    receipt = reading(root, lambda home: make_receipt(home, "rain", find_record(home, "rain", 1, 0)))
    assert verify(receipt, root / "trust.policy").agency is None
    assert findings(root) == []


def test_a_person_may_sign_beside_the_city(root: Path) -> None:
    """A key of the person's own signs the statement too; one that nobody enrolled cannot."""
    in_city(root, lambda home: release(home, "rain", RANGE, AN, WHY, ["range:rain"], key(AGENCY)))
    in_city(root, lambda home: reject(home, "rain", Selection(every=True), AN, WHY, key(AGENCY)))
    entries = reading(root, lambda home: list(home.reader().entries()))[-2:]
    for entry in entries:
        signers = [s.keyid for s in open_envelope(entry).signatures]
        assert signers == [key("operator").public.keyid, key(AGENCY).public.keyid]
    assert findings(root) == []
    receipt = reading(root, lambda home: make_receipt(home, "rain", find_record(home, "rain", 1, 1)))
    assert verify(receipt, root / "trust.policy").is_row_checked
    with pytest.raises(UnknownKey):
        in_city(root, lambda home: release(home, "rain", RANGE, AN, WHY, [], key("stranger")))
    with pytest.raises(UnknownAgency, match="a person's own"):
        in_city(root, lambda home: release(home, "rain", RANGE, AN, WHY, [], key("operator")))


@pytest.mark.parametrize(("by", "why"), [("", WHY), (AN, " "), ("An\nBinh", WHY), (AN, "a\x1b[2Jb")])
def test_a_decision_needs_a_person_and_a_reason(root: Path, by: str, why: str) -> None:
    """Without a name or a reason that can be read on one line there is no decision; nothing is written."""
    with pytest.raises(MalformedStatement, match=r"by|why"):
        reading(root, lambda home: try_release(home, "rain", RANGE, by, why))
    with pytest.raises(MalformedStatement, match=r"by|why"):
        reading(root, lambda home: try_reject(home, "rain", RANGE, by, why))
    with pytest.raises(MalformedStatement):
        in_city(root, lambda home: release(home, "rain", RANGE, by, why, ["range:rain"]))
    assert reading(root, lambda home: home.index.next_batch("rain")[0]) == 1


def test_quarantine_shows_what_was_decided(root: Path) -> None:
    """Each row in quarantine is told with its decision: the new place, the person, the reason; or none."""
    let_in(root, Selection(batch=0, records=(1,)), "range:rain")
    in_city(root, lambda home: reject(home, "rain", Selection(batch=0, records=(3,)), "Bình", "broken"))

    def read(home: Home) -> pl.DataFrame:
        rows = decided_rows(quarantine_rows(home, "rain"), read_decisions(home, "rain"))
        return rows.select("_record", "_decision", "_by", "_why", "_released_as").collect()

    assert reading(root, read).rows() == [
        (1, "released", AN, WHY, "1:0"),
        (2, None, None, None, None),
        (3, "rejected", "Bình", "broken", None),
        (4, None, None, None, None),
    ]
    assert reading(root, lambda home: read_decisions(home, "rain").counts) == {"rejected": 1, "released": 1}


def test_rules_that_ask_wait_for_a_person(tmp_path: Path) -> None:
    """Rows that broke a rule which asks wait; released or rejected they wait no more."""
    root = new_city(tmp_path / "city")
    path = contract(tmp_path, version="2.0.0")
    asking = "customProperties: [{property: unit, value: mm}, {property: actions, value: {range: ask}}]"
    path.write_text(path.read_text().replace("customProperties: [{property: unit, value: mm}]", asking))
    rows = [line("G01", 0, 900), line("G01", 10, 800), line("G01", 20, 700), line("G01", 30, None)]
    with open_writer(root, clock) as home:
        add_feed(home, path)
        ingest(home, "rain", [write(tmp_path / "a.ndjson", rows)])

    def wait() -> list[tuple[int, int]]:
        return list(reading(root, lambda home: waiting(home, "rain").select("_batch", "_record").rows()))

    assert wait() == [(0, 0), (0, 1), (0, 2)]
    let_in(root, Selection(batch=0, records=(0,)), "range:rain")
    in_city(root, lambda home: reject(home, "rain", Selection(batch=0, records=(1,)), AN, WHY))
    assert wait() == [(0, 2)]
    let_in(root, Selection(batch=0, records=(2,)))  # the rule is not waived, and asks again
    assert wait() == [(2, 0)]
    assert findings(root) == []


def with_rule(folder: Path, version: str, rule: str) -> Path:
    """The small city's contract with one custom rule under ``rain``."""
    path = contract(folder, version=version)
    unit = "        customProperties: [{property: unit, value: mm}]\n"
    quality = f"        quality:\n          - {{type: custom, engine: veracity, implementation: {rule}}}\n"
    path.write_text(path.read_text().replace(unit, unit + quality))
    return path


def test_what_rules_that_look_back_found_stands_until_waived(tmp_path: Path) -> None:
    """What a rule on earlier readings set aside comes in under a waiver alone; and is forgotten."""
    root = new_city(tmp_path / "city")
    rule = "{rule: rate, action: quarantine, maximum: 1, per: 1 h}"
    rows = [line("G01", 0, 1.0), line("G01", 10, 90.0), line("G01", 20, 1.0), line("G01", 30, 1.0)]
    with open_writer(root, clock) as home:
        add_feed(home, with_rule(tmp_path, "2.0.0", rule))
        ingest(home, "rain", [write(tmp_path / "a.ndjson", rows)])
    aside = reading(root, lambda home: quarantine_rows(home, "rain", "rate").collect())
    assert aside.height > 0
    with pytest.raises(NoRowsWaiting, match="rate:rain: waive"):
        let_in(root, Selection(every=True))
    before = predicate(root, 0)["checks"]["state"]["after"]
    done = let_in(root, Selection(every=True), "rate:rain")
    assert done.accepted == aside.height

    def memory(home: Home, sha256: str | None) -> pl.DataFrame:
        rows = read_memory(home, home.feed("rain").contract, sha256).rows
        return rows.filter(pl.col("_series") != "@keys")

    after = reading(root, lambda home: memory(home, state_after(home, "rain", 1)))
    assert after.equals(reading(root, lambda home: memory(home, before)))
    with open_writer(root, clock) as home:
        ingest(home, "rain", [write(tmp_path / "b.ndjson", [line("G01", 50, 1.0)])])
    assert findings(root) == []


def test_a_held_row_does_not_hold_the_others(tmp_path: Path) -> None:
    """Of all rows those that a rule on earlier readings holds are passed over, and counted."""
    root = new_city(tmp_path / "city")
    rule = "{rule: rate, action: quarantine, maximum: 1, per: 1 h}"
    rows = [line("G01", 0, 1.0), line("G01", 10, 90.0), line("G02", 10, 900.0)]
    with open_writer(root, clock) as home:
        add_feed(home, with_rule(tmp_path, "2.0.0", rule))
        ingest(home, "rain", [write(tmp_path / "a.ndjson", rows)])
    done = let_in(root, Selection(every=True), "range:rain")
    assert (done.rows, done.n_held, done.held_by) == (1, 1, ("rate:rain",))
    assert findings(root) == []


REGISTRY = """\
apiVersion: v3.1.0
kind: DataContract
id: gauges
version: 1.0.0
status: active
servers: [{server: file, type: local, format: ndjson}]
schema:
  - name: gauges
    properties: [{name: id, logicalType: string, required: true, primaryKey: true}]
"""


def test_a_completed_registry_is_asked_again(tmp_path: Path) -> None:
    """A row of an unknown sensor comes in without a waiver once the registry knows it; another does not."""
    root = new_city(tmp_path / "city")
    (tmp_path / "gauges.yaml").write_text(REGISTRY)
    path = contract(tmp_path, version="2.0.0")
    rule = "{rule: registry, feed: gauges, match: {gauge: id}}"
    entry = f"{{type: custom, engine: veracity, name: known, implementation: {rule}}}"
    quality = f"    quality: [{entry}]\n    properties:\n"
    path.write_text(path.read_text().replace("    properties:\n", quality, 1))
    with open_writer(root, clock) as home:
        add_feed(home, tmp_path / "gauges.yaml")
        add_feed(home, path)
        ingest(home, "gauges", [write(tmp_path / "g.ndjson", [{"id": "G09"}])])
        ingest(home, "rain", [write(tmp_path / "a.ndjson", [line("G01", 0, 1.0), line("G02", 0, 1.0)])])
        ingest(home, "gauges", [write(tmp_path / "h.ndjson", [{"id": "G01"}])])
    done = let_in(root, Selection(every=True))
    assert (done.accepted, done.quarantined, dict(done.reasons)) == (1, 1, {"registry:known": 1})
    assert predicate(root, 1)["checks"]["registries"] == [{"feed": "gauges", "up_to_batch": 1}]
    assert let_in(root, Selection(batch=1), "registry:known").accepted == 1
    assert findings(root) == []


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


def test_too_much_at_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows, batches or bytes than one decision carries is an error before anything is written."""
    monkeypatch.setattr(selection, "ROWS_AT_ONCE", 3)
    with pytest.raises(TooManyRows, match="at most 3 at once"):
        let_in(root, Selection(every=True))
    monkeypatch.setattr(selection, "MAX_BATCHES", 0)
    with pytest.raises(TooManyRows, match="batches"):
        let_in(root, RANGE)
    monkeypatch.undo()
    monkeypatch.setattr(releases, "RECORD_BYTES", 50)
    with pytest.raises(TooManyRows, match=r"row 0:1: want at most 50 bytes"):
        let_in(root, RANGE)
    monkeypatch.undo()
    monkeypatch.setattr(releases, "PART_BYTES", 50)
    with pytest.raises(TooManyRows, match="bytes as JSON"):
        let_in(root, RANGE)
    assert reading(root, lambda home: home.index.next_batch("rain")[0]) == 1


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

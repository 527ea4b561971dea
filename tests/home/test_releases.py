"""People let quarantined rows in, or keep them out, by name; each row keeps both histories."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from quarantined_city import AN, RANGE, WHY, findings, in_city, let_in, predicate, reading, root
from small_city import AGENCY, NOW, clock, key, ndjson, new_city
from veracity.data.released import read_lines
from veracity.home import releases, selection
from veracity.home.decisions import decided_rows, read_decisions
from veracity.home.errors import NoRowsWaiting, TooManyRows, UnknownAgency
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.receipts import find_record, make_receipt
from veracity.home.releases import reject, release, try_reject, try_release
from veracity.home.selection import Selection
from veracity.home.tables import quarantine_rows, table_rows
from veracity.provenance.dsse import open_envelope
from veracity.provenance.errors import MalformedStatement, UnknownKey
from veracity.provenance.lineage import Lineage
from veracity.provenance.statements import parse_statement
from veracity.verifying import verify

__all__ = ["root"]


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


def test_what_is_unreadable_comes_in_as_absent(root: Path) -> None:
    """A value that cannot be read is absent in a row let in under a waiver of its type."""
    done = let_in(root, Selection(batch=0, records=(3,)), "type:rain")
    assert (done.rows, done.accepted) == (1, 1)
    rows = reading(root, lambda home: table_rows(home, "rain").collect())
    assert rows.filter(pl.col("_batch") == 1)["rain"].to_list() == [None]
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

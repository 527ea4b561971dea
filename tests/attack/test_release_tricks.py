"""Tricks with releases: rows that were never set aside, were decided before, or say other than they did."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from small_city import clock, contract, key, ndjson, new_city
from veracity.data.digest import frame_digest
from veracity.data.errors import EvidenceMismatch, TableMismatch
from veracity.data.released import NotWaivable, read_lines, released_contract, render_lines
from veracity.home.audit import audit
from veracity.home.batch import BatchWriter, Sealed
from veracity.home.contracts import add_feed
from veracity.home.decisions import read_decisions, rejected_path
from veracity.home.errors import NoRowsWaiting
from veracity.home.home import Feed, Home, Writer, open_writer
from veracity.home.ingest import ingest
from veracity.home.receipts import find_record, make_receipt
from veracity.home.releases import as_file, reject, release
from veracity.home.selection import Selection, choose
from veracity.provenance.dsse import open_envelope, sign_envelope
from veracity.provenance.errors import MalformedStatement, ReceiptRejected
from veracity.provenance.statements import (
    Ingest,
    Reject,
    Released,
    RowsDigest,
    format_statement,
    parse_statement,
)
from veracity.verifying import verify

RANGE = Selection(reason="range")
AN, WHY = "An", "checked"
LONG = "x" * 10_000_000


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two feeds of one batch each, with rows out of range and repeated."""
    folder = tmp_path_factory.mktemp("sealed")
    root = new_city(folder / "city", feeds=("rain", "snow"))
    with open_writer(root, clock) as home:
        ingest(home, "rain", [ndjson(folder / "a.ndjson", 0, 100)])
        ingest(home, "snow", [ndjson(folder / "b.ndjson", 100, 100)])
    return root


@pytest.fixture
def city(sealed: Path, tmp_path: Path) -> Path:
    """A copy to attack."""
    return Path(shutil.copytree(sealed, tmp_path / "city"))


def said(root: Path) -> str:
    home = Home.open(root, clock)
    try:
        return "\n".join(f"{f.where}: {f.what}: {f.detail}" for f in audit(home).findings)
    finally:
        home.close()


def forge(
    home: Writer,
    rows: pl.DataFrame,
    change: Callable[[Released], Released] = lambda r: r,
    waived: tuple[str, ...] = ("range:rain",),
) -> Sealed:
    """Let an operator seal any rows as released, all else being as it should."""
    found = home.feed("rain")
    view = released_contract(found.contract, waived)
    session = BatchWriter(home, Feed(view, found.idx))
    info, part = as_file(rows, view, f"released-from-quarantine-{session.batch}.ndjson")
    batches = tuple(rows["_batch"].unique().sort().to_list())
    return session.seal(info, part, None, change(Released(AN, WHY, waived, batches)))


def aside(home: Home, feed: str = "rain") -> pl.DataFrame:
    return choose(home, feed, RANGE, ["range:rain"]).rows


def test_an_honest_release_audits_clean(city: Path) -> None:
    """What the attacks change is sound to begin with."""
    with open_writer(city, clock) as home:
        forge(home, aside(home))
    assert said(city) == ""


@pytest.mark.parametrize("name", ["gauge", "observed_at", "rain"])
def test_an_edited_line(city: Path, name: str) -> None:
    """A released row that is not as it was received is a finding, though all else fits it."""
    new = {"gauge": "G77", "observed_at": "2026-09-02T05:55:00Z", "rain": "12.5"}[name]
    with open_writer(city, clock) as home:
        rows = aside(home)
        forge(
            home,
            rows.with_columns(
                pl.when(pl.col("_record") == rows["_record"][1])
                .then(pl.lit(new))
                .otherwise(pl.col(name))
                .alias(name)
            ),
        )
    assert "rain batch 1: released: line 1: want b'{" in said(city)


def test_a_row_that_was_never_set_aside(city: Path) -> None:
    """A record that was accepted, one that is not there, and one of a batch to come are findings."""
    for batch, record in ((0, 0), (0, 9_999), (7, 0), (1, 0), (-1, 0)):
        with open_writer(city, clock) as home:
            next_batch = home.index.next_batch("rain")[0]
            rows = (
                aside(home)
                .head(1)
                .with_columns(
                    _batch=pl.lit(batch if batch != 1 else next_batch, pl.Int64),
                    _record=pl.lit(record, pl.Int64),
                    gauge=pl.lit(f"G8{record % 10}"),
                )
            )
            if batch < 0:
                with pytest.raises(MalformedStatement, match="batches"):
                    forge(home, rows)
                continue
            forge(home, rows)
        assert f"rain batch {next_batch}: released: row" in said(city)
        assert "got none such" in said(city)


def test_a_row_of_another_feed(city: Path) -> None:
    """A row from the quarantine of another feed is not one of this feed's."""
    with open_writer(city, clock) as home:
        forge(home, aside(home, "snow"))
    assert "rain batch 1: released: " in said(city)


def test_a_row_released_twice(city: Path) -> None:
    """A row let in twice is a finding at the second time, whatever the lines around it."""
    with open_writer(city, clock) as home:
        rows = aside(home)
        forge(home, rows.head(3))
        forge(home, rows.slice(2, 3))
    found = said(city)
    assert "rain batch 2: decided before: row" in found
    assert "rain batch 1" not in found


def test_a_row_twice_in_one_release(city: Path) -> None:
    """A row on two lines of one release is a finding."""
    with open_writer(city, clock) as home:
        rows = aside(home)
        forge(home, pl.concat([rows.head(2), rows.head(2)]))
    assert "rain batch 1: released: line 2: want b'none'" in said(city)


def test_a_row_released_after_it_was_rejected(city: Path) -> None:
    """A decision is not turned over by another."""
    with open_writer(city, clock) as home:
        rows = aside(home)
        reject(home, "rain", RANGE, AN, WHY)
        forge(home, rows)
    assert "rain batch 1: decided before" in said(city)


def test_a_row_rejected_after_it_was_released(city: Path) -> None:
    """Nor the other way round."""
    with open_writer(city, clock) as home:
        rows = aside(home)
        forge(home, rows)
        lie(home, rows, {})
    assert "rain rejection (log entry 7): decided before" in said(city)


def lie(home: Writer, rows: pl.DataFrame, told: dict[str, Any]) -> int:
    """Let an operator say that any rows are rejected."""
    digest = frame_digest(rows)
    path = home.directory.store / rejected_path("rain", digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.write_parquet(path)
    true = Reject("rain", "2026-09-03T12:00:00Z", AN, WHY, (0,), RowsDigest(rows.height, digest), True)
    return home.append(
        sign_envelope(format_statement(replace(true, **told).to_statement()), [key("operator")])
    )


@pytest.mark.parametrize(
    ("change", "told", "want"),
    [
        ({"rain": pl.lit("1")}, {}, "rejected: rows: want those in quarantine"),
        ({"_record": pl.lit(0, pl.Int64)}, {}, "rejected: row 0:0: want one of the batch's quarantine"),
        ({"_batch": pl.lit(5, pl.Int64)}, {"batches": (5,)}, "rejected: row 5:"),
        ({}, {"batches": (0, 1)}, "statement: batches: want [0]"),
        ({}, {"simulated": False}, "statement: simulated: want True"),
        ({}, {"rows": "more"}, "rejected: rows: want"),
    ],
)
def test_a_rejection_told_otherwise(
    city: Path, change: dict[str, pl.Expr], told: dict[str, Any], want: str
) -> None:
    """A rejection of rows that are not in quarantine as it says is a finding."""
    with open_writer(city, clock) as home:
        rows = aside(home).with_columns(**change)
        if told.get("rows") == "more":
            told = {"rows": RowsDigest(rows.height + 1, frame_digest(rows))}
        lie(home, rows, told)
    assert f"rain rejection (log entry 6): {want}" in said(city)


def test_the_rows_of_a_rejection_swapped(city: Path) -> None:
    """Another file in the place of the rejected rows is found, and nothing is decided on it."""
    with open_writer(city, clock) as home:
        reject(home, "rain", RANGE, AN, WHY)
    (path,) = (city / "store" / "rejected" / "rain").iterdir()
    pl.read_parquet(path).head(1).write_parquet(path)
    assert "rain rejection (log entry 6): rejected: rejected/rain/" in said(city)
    with open_writer(city, clock) as home, pytest.raises(TableMismatch, match="want digest"):
        release(home, "rain", Selection(every=True), AN, WHY)
    path.unlink()
    assert "want a Parquet file, got none" in said(city)


def test_a_waiver_of_the_key(city: Path) -> None:
    """A statement that waives the key is a finding, and no receipt of its rows holds."""
    with open_writer(city, clock) as home:
        forge(home, aside(home), lambda r: replace(r, waived=("duplicate-key", "range:rain")))
        receipt = make_receipt(home, "rain", find_record(home, "rain", 1, 0))
    assert "rain batch 1: " in said(city)
    assert "want no rule about the key" in said(city)
    with pytest.raises(ReceiptRejected, match="want no rule about the key"):
        verify(receipt, city / "trust.policy")
    with open_writer(city, clock) as home, pytest.raises(NotWaivable):
        release(home, "rain", Selection(every=True), AN, WHY, ["duplicate-key"])


def test_waivers_other_than_those_used(city: Path) -> None:
    """Waivers added to or taken from a statement change the verdicts, and are findings."""
    with open_writer(city, clock) as home:
        forge(home, aside(home), lambda r: replace(r, waived=()))
    found = said(city)
    assert "rain batch 1: cleaned again" in found
    assert "rain batch 1: judged again: rules" in found


def test_batches_told_otherwise(city: Path) -> None:
    """The batches that a release names must be those of its lines."""
    with open_writer(city, clock) as home:
        forge(home, aside(home), lambda r: replace(r, batches=(0, 4)))
    assert "rain batch 1: statement: batches: want [0], as the rows say, got [0, 4]" in said(city)


def test_a_release_that_does_not_say_so(city: Path) -> None:
    """Released rows under a statement without ``released`` are judged as any file's, and differ."""
    with open_writer(city, clock) as home:
        done = forge(home, aside(home))
        told = replace(done.statement, batch=2, released=None)
        home.append(sign_envelope(format_statement(told.to_statement()), [key("operator")]))
    assert "rain batch 2: cleaned again" in said(city)


def test_rules_that_look_back_not_waived(city: Path, tmp_path: Path) -> None:
    """A row that a rule on earlier readings set aside, let in without its waiver, is a finding."""
    path = contract(tmp_path, version="2.0.0")
    unit = "        customProperties: [{property: unit, value: mm}]\n"
    rule = "{rule: rate, action: quarantine, maximum: 1, per: 1 h}"
    quality = f"        quality: [{{type: custom, engine: veracity, implementation: {rule}}}]\n"
    path.write_text(path.read_text().replace(unit, unit + quality))
    with open_writer(city, clock) as home:
        add_feed(home, path)
        ingest(home, "rain", [ndjson(tmp_path / "c.ndjson", 200, 60)])
        rows = choose(home, "rain", Selection(reason="rate"), ["rate:rain"]).rows
        forge(home, rows, waived=())
    assert "rain batch 2: released: row" in said(city)
    assert "want its rules waived that look back" in said(city)


def test_a_file_made_by_hand_is_no_release(city: Path, tmp_path: Path) -> None:
    """Lines with ``_batch`` and ``_record``, sent as a file of that name, are a file like any other."""
    path = tmp_path / "released-from-quarantine-1.ndjson"
    with open_writer(city, clock) as home:
        rows = aside(home)
        path.write_bytes(render_lines(rows, home.feed("rain").contract)[0])
        (report,) = ingest(home, "rain", [path])
        assert (report.accepted, report.quarantined) == (0, rows.height)
        assert read_decisions(home, "rain").said == {}
        with pytest.raises(NoRowsWaiting, match="which did"):
            release(home, "rain", Selection(batch=0, reason="range"), AN, WHY, ["range:rain"])
        done = release(
            home, "rain", Selection(batch=0, records=(rows["_record"][0],)), AN, WHY, ["range:rain"]
        )
        assert done.accepted == 1
    assert said(city) == ""


def test_the_lines_of_a_release_sent_as_a_file(city: Path, tmp_path: Path) -> None:
    """The very bytes of a release, sent by somebody later, came before: nothing goes in twice."""
    with open_writer(city, clock) as home:
        rows = aside(home)
        release(home, "rain", RANGE, AN, WHY, ["range:rain"])
        path = tmp_path / "again.ndjson"
        path.write_bytes(render_lines(rows, home.feed("rain").contract)[0])
        (report,) = ingest(home, "rain", [path])
        assert report.outcome == "replay"
    assert said(city) == ""


def test_quarantine_changed_on_disk(city: Path) -> None:
    """Nothing is signed over rows of a quarantine file that is not the one in the log."""
    (path,) = (city / "store" / "quarantine" / "rain").iterdir()
    pl.read_parquet(path).with_columns(rain=pl.lit("1")).write_parquet(path)
    with open_writer(city, clock) as home:
        for decide in (release, reject):
            with pytest.raises(TableMismatch, match="want digest"):
                decide(home, "rain", Selection(every=True), AN, WHY)
        assert home.index.next_batch("rain")[0] == 1


def test_evidence_of_a_release_changed_on_disk(city: Path) -> None:
    """Where the lines of a release are damaged nobody decides on, and an audit says where."""
    with open_writer(city, clock) as home:
        done = forge(home, aside(home))
    folder = city / "store" / "evidence" / "rain" / done.statement.file.digest.sha256
    pages = folder / "0.pages"
    pages.write_bytes(pages.read_bytes()[:-1] + b"\x00")
    assert "rain batch 1: released: " in said(city)
    with open_writer(city, clock) as home, pytest.raises(EvidenceMismatch):
        release(home, "rain", Selection(every=True), AN, WHY)


@pytest.mark.parametrize(
    "hostile",
    ["", "  ", "a\nb", "a\x1b[2J", "a\x00", "a\x85b", "\u202eevil", "a\u2028b", "\ud800", "x" * 1_001, LONG],
)
def test_hostile_names_and_reasons(city: Path, hostile: str) -> None:
    """Control characters, text turned around, half characters and megabytes are refused, in one line."""
    with open_writer(city, clock) as home:
        for by, why in ((hostile, WHY), (AN, hostile)):
            for decide in (release, reject):
                with pytest.raises(MalformedStatement) as caught:
                    decide(home, "rain", RANGE, by, why)
                assert len(str(caught.value)) < 300
        assert home.index.next_batch("rain")[0] == 1
        assert home.index.size == 6


def test_hostile_names_in_a_statement(city: Path) -> None:
    """Nor is a statement read that has them, whoever signed it."""
    with open_writer(city, clock) as home:
        done = forge(home, aside(home))
        entry = home.log.entry(done.entry)
    statement = parse_statement(open_envelope(entry).payload)
    hostile: list[tuple[str, Any]] = [
        ("by", "a\nb"),
        ("why", "\u202ex"),
        ("batches", []),
        ("batches", [3, 1]),
        ("waived", ["b", "a"]),
    ]
    for name, value in hostile:
        told = dict(statement.predicate) | {"released": dict(statement.predicate["released"]) | {name: value}}
        with pytest.raises(MalformedStatement):
            Ingest.from_statement(replace(statement, predicate=told))
    another: list[tuple[str, dict[str, Any]]] = [
        ("part", {"index": 1}),
        ("evidence", {"form": "rendered"}),
        ("file", {"kind": "csv"}),
    ]
    for name, value in another:
        told = dict(statement.predicate) | {name: dict(statement.predicate[name]) | value}
        with pytest.raises(MalformedStatement, match="released: want one whole file"):
            Ingest.from_statement(replace(statement, predicate=told))


def test_a_second_signature_by_nobody(city: Path) -> None:
    """A signature beside the operator's, of a key that nobody enrolled, is a finding."""
    with open_writer(city, clock) as home:
        found = home.feed("rain")
        view = released_contract(found.contract, ["range:rain"])
        session = BatchWriter(home, Feed(view, found.idx))
        info, part = as_file(aside(home), view, "released-from-quarantine-1.ndjson")
        session.seal(info, part, None, Released(AN, WHY, ("range:rain",), (0,)), [key("stranger")])
    assert "rain batch 1: statement: signature: " in said(city)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"[]\n",
        b'{"_batch":1}\n',
        b'{"_batch":"x","_record":1}\n',
        b'{"_batch":1.5,"_record":1}\n',
        b'{"_batch":99999999999999999999,"_record":1}\n',
        b"\xff\n",
    ],
)
def test_lines_that_are_none(data: bytes) -> None:
    """Bytes that are no lines of a release are our own error, or no rows."""
    try:
        rows = read_lines(data, ["gauge"])
    except EvidenceMismatch:
        return
    assert rows.height == 0 or rows["_batch"].null_count() == 0

"""An audit of whole files: what was kept is the file that was signed, and nothing of it is believed."""

import gzip
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from small_city import AGENCY, clock, csv, key, ndjson, new_city, parquet
from veracity.data.lake import Table
from veracity.home.audit import AuditReport, audit
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.roll import StatedParts
from veracity.provenance.dsse import open_envelope, sign_envelope
from veracity.provenance.statements import Ingest, format_statement, parse_statement


def take(root: Path, *files: Path, batch: int = 64, signed: bool = False) -> None:
    with open_writer(root, clock) as home:
        ingest(home, "rain", files, sign=key(AGENCY) if signed else None, records_per_part=batch)


def audited(root: Path, sample: int | None = None, seed: int = 0) -> AuditReport:
    home = Home.open(root, clock)
    try:
        return audit(home, sample=sample, seed=seed)
    finally:
        home.close()


def said(root: Path) -> str:
    return "\n".join(f"{f.where}: {f.what}: {f.detail}" for f in audited(root).findings)


def gzipped(path: Path) -> Path:
    out = path.with_name(path.name + ".gz")
    out.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    return out


def kept(root: Path) -> Path:
    (path,) = (root / "store" / "evidence").rglob("received")
    return path


def lie(root: Path, change: Callable[[Ingest], Ingest | None]) -> None:
    """Write the whole log and index anew, as who has every key can, each ingest statement changed."""
    home = Home.open(root, clock)
    entries = list(home.reader().entries())
    home.close()
    told = []
    for entry in entries:
        statement = parse_statement(open_envelope(entry).payload)
        if statement.kind == "ingest":
            changed = change(Ingest.from_statement(statement))
            if changed is None:
                continue
            told.append(sign_envelope(format_statement(changed.to_statement()), [key("operator")]))
        else:
            told.append(entry)
    shutil.rmtree(root / "store" / "log")
    for path in root.glob("veracity.db*"):
        path.unlink()
    (root / "veracity.db").touch()
    with open_writer(root, clock) as writer:
        for entry in told:
            writer.append(entry)


def test_an_untouched_city_of_every_kind_of_file(tmp_path: Path) -> None:
    """Text, compressed text, columns, in several parts: nothing is found, in full or in part."""
    root = new_city(tmp_path / "city")
    files = [
        ndjson(tmp_path / "a.ndjson", 0, 200),
        gzipped(csv(tmp_path / "b.csv", 200, 200)),
        csv(tmp_path / "c.csv", 400, 200),
        parquet(tmp_path / "d.parquet", 600, 200),
    ]
    cut_off = gzipped(ndjson(tmp_path / "e.ndjson", 800, 200))
    cut_off.write_bytes(cut_off.read_bytes()[:-400])
    take(root, *files, cut_off)
    assert said(root) == ""
    for seed in range(4):
        assert audited(root, sample=3, seed=seed).findings == []


@pytest.mark.parametrize("how", ["bit", "delete", "other"])
def test_the_kept_compressed_file_is_the_one_signed(tmp_path: Path, how: str) -> None:
    """One byte changed in it, or it deleted, or the same text compressed otherwise: found."""
    root = new_city(tmp_path / "city")
    take(root, gzipped(csv(tmp_path / "a.csv", 0, 200)), signed=True)
    path = kept(root)
    body = path.read_bytes()
    if how == "bit":
        path.write_bytes(body[:5] + bytes([body[5] ^ 1]) + body[6:])
    elif how == "delete":
        path.unlink()
    else:
        path.write_bytes(gzip.compress(gzip.decompress(body), 1, mtime=9))
    assert "rain batch 0: file: " in said(root)


def test_a_kept_parquet_file_of_the_same_rows_is_another_file(tmp_path: Path) -> None:
    """The same rows written by another writer are not the bytes that were signed."""
    root = new_city(tmp_path / "city")
    take(root, parquet(tmp_path / "a.parquet", 0, 200), signed=True)
    rows = pl.read_parquet(kept(root))
    rows.write_parquet(kept(root), compression="lz4")
    assert "rain batch 0: file: received: want sha256" in said(root)


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
def test_an_operator_who_keeps_the_first_part_only(tmp_path: Path, kind: str) -> None:
    """Only the first of four parts in the log, called the last: the file has another digest."""
    root = new_city(tmp_path / "city")
    file = parquet(tmp_path / "a.parquet", 0, 200) if kind == "parquet" else csv(tmp_path / "a.csv", 0, 200)
    take(root, gzipped(file) if kind == "csv.gz" else file)
    lie(root, lambda i: replace(i, part=replace(i.part, last=True)) if i.part.index == 0 else None)
    assert "rain batch 0: file: want" in said(root)


def test_a_file_of_which_parts_are_missing(tmp_path: Path) -> None:
    """A file that was broken off is named; so is one whose parts do not follow one another."""
    root = new_city(tmp_path / "city")
    take(root, csv(tmp_path / "a.csv", 0, 200))
    backup = Path(shutil.copytree(root, tmp_path / "backup"))
    lie(root, lambda i: i if i.part.index < 2 else None)
    assert "rain file a.csv: incomplete file: want all its parts, got the first 2" in said(root)
    lie(backup, lambda i: None if i.part.index == 1 else i)
    found = said(backup)
    assert "rain batch 2: part: want part 1 from record 64, got 2 from 128" in found


def test_columns_are_made_again(tmp_path: Path) -> None:
    """Swapped columns, in all parts alike, are not believed: the header says otherwise."""
    root = new_city(tmp_path / "city")
    take(root, csv(tmp_path / "a.csv", 0, 200))

    def swap(ingest: Ingest) -> Ingest:
        gauge, at, rain = ingest.layouts[0][1]
        return replace(ingest, layouts=((0, (gauge, rain, at)),))

    lie(root, swap)
    found = said(root)
    for batch in range(4):
        assert (
            f"rain batch {batch}: parsed again: columns: want [[0, ('gauge', 'rain', 'observed_at')]]"
            in found
        )
    assert audited(root, sample=1, seed=3).findings


def test_counts_and_times_are_made_again(tmp_path: Path) -> None:
    """Blank records, refusals by code and event times that are not so are found."""
    root = new_city(tmp_path / "city")
    take(root, ndjson(tmp_path / "a.ndjson", 0, 60), batch=64)

    def change(ingest: Ingest) -> Ingest:
        counts = replace(ingest.counts, blank=7)
        times = ("2026-08-01T00:00:00.000000Z", "2026-08-01T00:00:00.000000Z")
        return replace(ingest, counts=counts, refusals={"fields": ingest.counts.refused}, event_time=times)

    lie(root, change)
    found = said(root)
    assert "blank records: want 7, got 0" in found
    assert "refusals: want {'fields': 2}, got {'json': 2}" in found
    assert "want event times ('2026-08-01" in found


def test_a_header_that_comes_again_in_a_later_part(tmp_path: Path) -> None:
    """Columns change in part 1 and hold in part 2: each part knows those before it, sampled or not."""
    root = new_city(tmp_path / "city")
    file = csv(tmp_path / "a.csv", 0, 200)
    lines = file.read_text().splitlines()
    turned = [",".join(line.split(",")[i] for i in (2, 0, 1)) for line in lines]
    file.write_text("\n".join([*lines[:100], turned[0], *turned[100:]]) + "\n")
    take(root, file)
    assert said(root) == ""
    for seed in range(4):
        assert audited(root, sample=1, seed=seed).findings == []


def test_a_header_that_begins_a_part(tmp_path: Path) -> None:
    """Other columns from the first record of a part on: one layout there, made again as it was."""
    root = new_city(tmp_path / "city")
    file = csv(tmp_path / "a.csv", 0, 200)
    lines = file.read_text().splitlines()
    turned = [",".join(line.split(",")[i] for i in (2, 0, 1)) for line in lines]
    file.write_text("\n".join([*lines[:64], turned[0], *turned[64:]]) + "\n")
    take(root, file)
    home = Home.open(root, clock)
    layouts = [home.index.predicate(row.idx)["layouts"] for row in home.index.batches("rain")]
    home.close()
    assert [[first for first, _ in of] for of in layouts] == [[0]] * 4
    assert layouts[0] != layouts[1] == layouts[2]
    assert said(root) == ""


def test_a_column_lost_on_the_way_is_no_wrong_file(tmp_path: Path) -> None:
    """A required column gone in mid-file: its rows are quarantined, wherever the parts end."""
    outcomes = []
    for batch in (64, 1024):
        folder = tmp_path / str(batch)
        folder.mkdir()
        root = new_city(folder / "city")
        file = csv(folder / "a.csv", 0, 64)
        short = [",".join(line.split(",")[::2]) for line in file.read_text().splitlines()]
        file.write_text(file.read_text() + "\n".join(short) + "\n")
        take(root, file, batch=batch)
        home = Home.open(root, clock)
        outcomes.append(
            [
                sum(getattr(row, n) for row in home.index.batches("rain"))
                for n in ("received", "accepted", "quarantined", "refused")
            ]
        )
        home.close()
        assert said(root) == ""
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][2] >= 64


def test_an_audit_reads_each_row_of_the_table_a_few_times_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys before a batch are carried on: rows that come in order are not looked up again."""
    root = new_city(tmp_path / "city")
    take(root, ndjson(tmp_path / "a.ndjson", 0, 640, broken=False))
    asked: list[str] = []
    files: list[str] = []
    scan = Table.scan

    def counted(
        self: Table,
        up_to_batch: int | None = None,
        batch: int | None = None,
        between: tuple[str, object, object] | None = None,
    ) -> pl.LazyFrame:
        if batch is None:
            asked.append("all before" if between is None else "some before")
        return scan(self, up_to_batch, batch, between)

    monkeypatch.setattr(Table, "scan", counted)
    parts = StatedParts.of

    def noted(home: Home, feed: str, file_sha256: str) -> StatedParts:
        files.append(file_sha256)
        return parts(home, feed, file_sha256)

    monkeypatch.setattr(StatedParts, "of", noted)
    assert said(root) == ""
    assert len(files) == 1
    assert asked.count("all before") == 1  # the keys before batch 0


def test_a_second_refusal_of_the_same_file_says_where_the_first_is(tmp_path: Path) -> None:
    """A file refused, offered again and again: the log says it once for each reason."""
    root = new_city(tmp_path / "city", signature="required")
    file = csv(tmp_path / "a.csv", 0, 64)
    with open_writer(root, clock) as home:
        (first,) = ingest(home, "rain", [file])
        size = home.log.size
        (again,) = ingest(home, "rain", [file])
        assert (again.outcome, again.batches) == ("refused", [])
        assert f"refused before as batch {first.batches[0]}, log entry {first.entries[0]}" in again.detail
        assert home.log.size == size
        ingest(home, "rain", [file], sign=key("somebody"))
        assert home.log.size == size + 1
        (sealed,) = ingest(home, "rain", [file], sign=key(AGENCY))
        assert sealed.outcome == "sealed"
    assert said(root) == ""

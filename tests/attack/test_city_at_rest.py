"""Attacks on a city at rest: for each, who notices and what they say.

The attacker can write any file of the home. What cannot be noticed from inside is said so in the
last test: it takes a witness, or a receipt that somebody kept.
"""

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from attacked_city import TABLE, change_page, city, evidence, rewrite_log, sealed, table_file
from small_city import AGENCY, ORIGIN, clock, key, ndjson
from veracity.data.errors import EvidenceMismatch, TableMismatch
from veracity.errors import VeracityError
from veracity.home.audit import AuditReport, audit
from veracity.home.errors import StateBehind
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.receipts import find_record, find_row, make_receipt
from veracity.home.roll import check_published
from veracity.log.errors import SignatureRejected, StoreBehind
from veracity.log.fsck import fsck
from veracity.log.notes import Signer
from veracity.log.policy import format_policy, policy_for
from veracity.provenance.dsse import open_envelope, sign_envelope
from veracity.provenance.statements import Ingest, format_statement, parse_statement
from veracity.verifying import verify

__all__ = ["city", "sealed"]


def audited(root: Path, sample: int | None = None) -> AuditReport:
    home = Home.open(root, clock)
    try:
        return audit(home, sample=sample)
    finally:
        home.close()


def said(root: Path) -> str:
    """What an audit finds, one line a finding."""
    report = audited(root)
    for finding in report.findings:
        assert "\n" not in finding.detail
    return "\n".join(f"{f.where}: {f.what}: {f.detail}" for f in report.findings)


def test_nothing_is_found_where_nothing_was_done(city: Path) -> None:
    """An untouched city audits clean, in full."""
    report = audited(city)
    assert (report.findings, report.batches, report.panels) == ([], 5, 1)
    assert audited(city, sample=2).batches == 2


def test_a_changed_table_value(city: Path) -> None:
    """One value changed in a table's file is found, and no receipt verifies for it."""
    path = table_file(city, 1)
    rows = pl.read_parquet(path)
    shown = rows.row(5, named=True)
    rows.with_columns(
        pl.when(pl.col("_record") == shown["_record"]).then(0.123).otherwise("rain").alias("rain")
    ).write_parquet(path)
    assert "rain batch 1: table: " in said(city)
    home = Home.open(city, clock)
    receipt = make_receipt(home, "rain", find_record(home, "rain", 1, shown["_record"]))
    home.close()
    with pytest.raises(VeracityError, match="row"):
        verify(receipt, city / "trust.policy")


def test_a_changed_table_value_under_its_right_name(city: Path) -> None:
    """The same with the file renamed to its digest and Delta's log rewritten to fit: found by its rows."""
    path = table_file(city, 1)
    rows = pl.read_parquet(path)
    rows.with_columns(rain=pl.col("rain") + 0.5).write_parquet(path)
    renamed = path.with_name(f"00000001-{hashlib.sha256(path.read_bytes()).hexdigest()}.parquet")
    size = path.stat().st_size
    path.rename(renamed)
    for commit in (city / TABLE / "_delta_log").glob("*.json"):
        lines = [json.loads(line) for line in commit.read_text().splitlines()]
        for line in lines:
            if line.get("add", {}).get("path") == path.name:
                line["add"].update(path=renamed.name, size=size)
        commit.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert "rain batch 1: table: want digest" in said(city)


def test_a_dropped_batch(city: Path) -> None:
    """A batch deleted through Delta itself is missed, in the table and in the panel."""
    DeltaTable(str(city / TABLE)).delete("_batch = 1")
    found = said(city)
    assert "table rain batch 1: rows missing" in found
    assert "panel rain-hourly" in found


def test_a_missing_table_file(city: Path) -> None:
    """A table file removed is a finding, and an answer of ours to whoever asks for its rows."""
    table_file(city, 2).unlink()
    assert "table rain: unreadable table" in said(city)
    home = Home.open(city, clock)
    with pytest.raises(TableMismatch, match="as they were written"):
        find_row(home, "rain", "gauge = 'G00' and rain < 0")
    home.close()


@pytest.mark.parametrize("batch", [99, 1, -5])
def test_rows_put_in_behind_the_log(city: Path, batch: int) -> None:
    """Rows appended to the table without a statement are found, under a new batch or an old one."""
    rows = pl.read_parquet(table_file(city, 0)).head(3)
    extra = rows.with_columns(_batch=pl.lit(batch, pl.Int64), rain=pl.lit(55.5))
    write_deltalake(str(city / TABLE), extra, mode="append")
    assert f"rain batch {batch}" in said(city)


def test_a_compaction_is_no_attack(city: Path) -> None:
    """Another Delta writer may compact the files: the rows are the same, the audit stays clean."""
    DeltaTable(str(city / TABLE)).optimize.compact()
    assert said(city) == ""


def test_a_changed_page(city: Path) -> None:
    """One digit of the evidence changed: the audit names the page, and no receipt is made from it."""
    change_page(evidence(city, 1, "zst"))
    assert "rain batch 1: evidence: " in said(city)
    home = Home.open(city, clock)
    with pytest.raises(EvidenceMismatch, match="page 0"):
        make_receipt(home, "rain", find_record(home, "rain", 1, 3))
    verify(make_receipt(home, "rain", find_record(home, "rain", 0, 3)), city / "trust.policy")
    home.close()


@pytest.mark.parametrize("suffix", ["zst", "pages"])
@pytest.mark.parametrize("how", ["bit", "truncate", "empty", "delete", "zeros"])
def test_damaged_evidence(city: Path, suffix: str, how: str) -> None:
    """Evidence damaged in any way is a finding, never a crash of ours."""
    path = evidence(city, 1, suffix)
    body = path.read_bytes()
    damage: dict[str, Callable[[], object]] = {
        "bit": lambda: path.write_bytes(body[:-20] + bytes([body[-20] ^ 4]) + body[-19:]),
        "truncate": lambda: path.write_bytes(body[: len(body) // 2]),
        "empty": lambda: path.write_bytes(b""),
        "delete": path.unlink,
        "zeros": lambda: path.write_bytes(bytes(len(body))),
    }
    damage[how]()
    assert "rain batch 1: evidence: " in said(city)
    home = Home.open(city, clock)
    refused = 0
    for record in (0, 64, 127):
        try:
            make_receipt(home, "rain", find_record(home, "rain", 1, record))
        except VeracityError:
            refused += 1
    assert refused > 0
    home.close()


def test_a_changed_parquet_file(city: Path) -> None:
    """The kept Parquet file changed: its rows, rendered again, have other hashes."""
    (path,) = (city / "store" / "evidence").rglob("received")
    rows = pl.read_parquet(path)
    rows.with_columns(rain=pl.col("rain") + 1).write_parquet(path)
    assert "rain batch 4: evidence: page 0" in said(city)
    path.write_bytes(b"PAR1 no more")
    assert "rain batch 4: evidence: " in said(city)
    home = Home.open(city, clock)
    with pytest.raises(VeracityError):
        make_receipt(home, "rain", find_record(home, "rain", 4, 3))
    home.close()


@pytest.mark.parametrize("how", ["change", "damage", "delete"])
def test_a_changed_quarantine(city: Path, how: str) -> None:
    """Rows set aside cannot be changed, damaged or made to vanish either."""
    path = next((city / "store" / "quarantine" / "rain").glob("00000001-*"))
    if how == "change":
        pl.read_parquet(path).with_columns(rain=pl.lit("1.0")).write_parquet(path)
    elif how == "damage":
        path.write_bytes(path.read_bytes()[:100])
    else:
        path.unlink()
    assert "rain batch 1: quarantine: " in said(city)


def test_a_changed_contract(city: Path) -> None:
    """A contract's file changed: audit says so, nothing is taken in under it, no receipt is made."""
    (path,) = (city / "store" / "contracts").glob("*.yaml")
    path.write_text(path.read_text().replace("maximum: 100", "maximum: 999"))
    assert "want a file of that digest" in said(city)
    with open_writer(city, clock) as home:
        with pytest.raises(StateBehind, match="want a file of that digest"):
            ingest(home, "rain", [ndjson(city.parent / "z.ndjson", 0, 10)])
        with pytest.raises(StateBehind):
            make_receipt(home, "rain", find_record(home, "rain", 1, 3))
    path.write_text("no: contract")
    assert "want a file of that digest" in said(city)
    path.unlink()
    assert "rain" in said(city)


def test_a_batch_hidden_from_the_index(city: Path) -> None:
    """A batch dropped from the table and from the index too: the log still has it."""
    DeltaTable(str(city / TABLE)).delete("_batch = 1")
    with sqlite3.connect(city / "veracity.db") as database:
        database.execute("DELETE FROM batches WHERE batch = 1")
        database.execute("DELETE FROM statements WHERE kind = 'ingest' AND idx = 4")
    database.close()
    assert "log entry 4: index and log differ" in said(city)


def test_an_index_that_tells_other_numbers(city: Path) -> None:
    """Counts changed in the index are found, and ``reindex`` puts them right."""
    with sqlite3.connect(city / "veracity.db") as database:
        database.execute("UPDATE batches SET quarantined = 0 WHERE batch = 2")
    database.close()
    assert "log entry 5: index and log differ" in said(city)
    with open_writer(city, clock, reindex=True):
        pass
    assert said(city) == ""


def test_a_changed_log_entry(city: Path) -> None:
    """One byte of a stored entry: ``log fsck``, audit and ingest each notice."""
    path = max(
        (p for p in (city / "store" / "log" / "tile" / "entries").rglob("*") if p.is_file()),
        key=lambda p: int(p.name),
    )
    body = path.read_bytes()
    path.write_bytes(body[:5000] + bytes([body[5000] ^ 1]) + body[5001:])
    home = Home.open(city, clock)
    found = fsck(home.log_objects, home.log_verifier).findings
    home.close()
    assert any("tile/entries" in f.path for f in found)
    assert said(city)
    with pytest.raises(StoreBehind), open_writer(city, clock):
        pass


def test_a_log_rewritten_by_who_has_its_key(city: Path) -> None:
    """A log rewritten and signed with its key is sound in itself; the database and old receipts tell."""
    home = Home.open(city, clock)
    kept = make_receipt(home, "rain", find_record(home, "rain", 1, 3))
    home.close()
    rewrite_log(city, Signer(ORIGIN, key("log").seed))
    home = Home.open(city, clock)
    assert fsck(home.log_objects, home.log_verifier).is_sound
    behind = check_published(home, home.reader().checkpoint)
    home.close()
    assert behind is not None
    assert "want the last signed" in behind.detail
    found = said(city)
    assert "log entry 4: index and log differ" in found
    with pytest.raises(StoreBehind), open_writer(city, clock):
        pass
    verify(kept, city / "trust.policy")  # holds: who has it can show that the log was rewritten


def test_a_log_of_another_key(city: Path) -> None:
    """A log signed by another key is not this city's, nor is a policy that names that key its policy."""
    other = Signer(ORIGIN, key("somebody").seed)
    home = Home.open(city, clock)
    kept = make_receipt(home, "rain", find_record(home, "rain", 1, 3))
    home.close()
    rewrite_log(city, other)
    home = Home.open(city, clock)
    with pytest.raises(SignatureRejected):
        home.reader()
    home.close()
    (city / "trust.policy").write_text(format_policy(policy_for(other.verifier)))
    assert said(city)
    with pytest.raises(VeracityError, match="want a signature of"):
        verify(kept, city / "trust.policy")


def test_log_rolled_back_to_a_backup(city: Path, tmp_path: Path) -> None:
    """The log's files put back to an older state: fsck of the home, audit and ingest notice."""
    backup = Path(shutil.copytree(city / "store" / "log", tmp_path / "backup"))
    with open_writer(city, clock) as home:
        for i in range(2):
            ingest(home, "rain", [ndjson(tmp_path / f"{i}.ndjson", 500 + i, 40)], sign=key(AGENCY))
    shutil.rmtree(city / "store" / "log")
    shutil.copytree(backup, city / "store" / "log")
    reading = Home.open(city, clock)
    assert fsck(reading.log_objects, reading.log_verifier).is_sound
    assert check_published(reading, reading.reader().checkpoint) is not None
    reading.close()
    found = said(city)
    assert "log: not the last signed" in found
    assert "rain batch 5: log entry" in found
    with open_writer(city, clock):
        pass  # the database still has the end of the log: whoever writes next publishes it again
    assert said(city) == ""


def test_database_rolled_back_to_a_backup(city: Path, tmp_path: Path) -> None:
    """The database put back to an older state: nothing more is signed, so that no fork can be."""
    shutil.copy(city / "veracity.db", tmp_path / "backup.db")
    with open_writer(city, clock) as home:
        ingest(home, "rain", [ndjson(tmp_path / "1.ndjson", 500, 40)], sign=key(AGENCY))
    for name in ("veracity.db-wal", "veracity.db-shm"):
        (city / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup.db", city / "veracity.db")
    with pytest.raises(StoreBehind, match="want the published checkpoint"), open_writer(city, clock):
        pass
    assert "index: index and log differ" in said(city)


def lying(root: Path, entry: bytes) -> str:
    """Append an entry with the log's own key and let the city be audited."""
    with open_writer(root, clock) as home:
        home.append(entry)
    return said(root)


def test_a_statement_by_who_is_no_operator(city: Path) -> None:
    """With the log's key but not the operator's, statements can be appended; the audit names each."""
    home = Home.open(city, clock)
    contract_entry, entry = home.reader().entry(2), home.reader().entry(4)
    home.close()
    payload = open_envelope(contract_entry).payload
    assert "log entry 9: contract statement" in lying(city, sign_envelope(payload, [key(AGENCY)]))
    stated = Ingest.from_statement(parse_statement(open_envelope(entry).payload))
    forged = format_statement(replace(stated, batch=5).to_statement())
    found = lying(city, sign_envelope(forged, [key(AGENCY)]))
    assert "rain batch 5: statement: signer: want operator, got agency rain-office" in found


def test_an_operator_who_leaves_the_signature_out(city: Path) -> None:
    """An ingest statement without the delivery that its contract requires is found."""
    home = Home.open(city, clock)
    stated = Ingest.from_statement(parse_statement(open_envelope(home.reader().entry(4)).payload))
    home.close()
    lie = format_statement(replace(stated, batch=5, delivery=None).to_statement())
    found = lying(city, sign_envelope(lie, [key("operator")]))
    assert "rain batch 5: statement: delivery: want one signed by rain-office, got none" in found


def test_what_no_one_inside_can_notice(city: Path, tmp_path: Path) -> None:
    """A whole home put back to a backup audits clean: only a witness or a kept receipt can tell.

    This is why witnesses are part of the design; this test says what a home alone cannot do.
    """
    backup = Path(shutil.copytree(city, tmp_path / "backup"))
    with open_writer(city, clock) as home:
        ingest(home, "rain", [ndjson(tmp_path / "1.ndjson", 500, 40)], sign=key(AGENCY))
        kept = make_receipt(home, "rain", find_record(home, "rain", 5, 3))
    shutil.rmtree(city)
    shutil.copytree(backup, city)
    assert said(city) == ""
    assert verify(kept, city / "trust.policy").size > audited_size(city)


def audited_size(root: Path) -> int:
    home = Home.open(root, clock)
    try:
        return home.reader().checkpoint.size
    finally:
        home.close()

"""An insider changes what was received, kept or handed out: a real command says so.

The insider can write every file, holds the log's key where that is said, and knows Veracity. What each
command prints here is what ``docs/attacks.md`` says it does.
"""

import json
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import polars as pl
from deltalake import DeltaTable, write_deltalake

from attacked_city import (
    AUDITOR,
    LOG,
    READER,
    TABLE,
    appended,
    change_page,
    city,
    evidence,
    receipt_of,
    sealed,
    stated,
    table_file,
)
from run_cli import Here
from small_city import key, key_file, ndjson
from threats import Attack, attack
from veracity.provenance.dsse import sign_envelope
from veracity.provenance.statements import format_statement

__all__ = ["city", "sealed"]


@attack(
    "tampered record",
    act="changes one digit of a received record in the evidence, compressed anew, its index made to fit",
    notices=AUDITOR,
    command="veracity audit",
    sees="page 0: want leaf hash",
)
def test_a_digit_of_the_evidence(this: Attack, city: Path, here: Here) -> None:
    """A digit of a received record changed is found by its page's hash."""
    change_page(evidence(city, 1, "zst"))
    this.notice(here, "audit", "--home", city)


@attack(
    "tampered record",
    act="changes a file between the agency that signed it and the city",
    notices="the city, as it takes the file in; nothing of it is used",
    command="veracity ingest rain",
    sees="refused as a whole: ",
)
def test_a_file_changed_on_its_way(this: Attack, city: Path, here: Here) -> None:
    """A file that is not the one its agency signed is refused."""
    file = ndjson(city.parent / "new.ndjson", 900, 40)
    signed = here("sign", "rain", file, "--key", key_file(city.parent), "--home", city)
    assert signed.code == 0, signed
    file.write_text(file.read_text().replace('"rain": 1', '"rain": 2', 1))
    this.notice(here, "ingest", "rain", file, "--home", city)


@attack(
    "tampered record",
    act="swaps the evidence of a batch for that of another",
    notices=AUDITOR,
    command="veracity audit",
    sees="rain batch 1: evidence",
)
def test_swapped_evidence(this: Attack, city: Path, here: Here) -> None:
    """Evidence of another batch is not this one's."""
    for suffix in ("zst", "pages"):
        shutil.copy(evidence(city, 0, suffix), evidence(city, 1, suffix))
    this.notice(here, "audit", "--home", city)


@attack(
    "tampered table or file",
    act="changes a value in the table",
    notices=AUDITOR,
    command="veracity audit",
    sees="rain batch 1: table: ",
)
def test_a_table_value(this: Attack, city: Path, here: Here) -> None:
    """A value of a table that the record does not give is found."""
    path = table_file(city, 1)
    rows = pl.read_parquet(path)
    rows.with_columns(rain=pl.col("rain") + 0.5).write_parquet(path)
    this.notice(here, "audit", "--home", city)


@attack(
    "tampered table or file",
    act="changes a value in the table and hands out a receipt for it",
    notices=READER,
    command="veracity verify",
    sees="row: ",
)
def test_a_receipt_for_a_changed_table_value(this: Attack, city: Path, here: Here) -> None:
    """The record of the receipt, cleaned again, does not give the changed value."""
    path = table_file(city, 1)
    rows = pl.read_parquet(path)
    rows.with_columns(rain=pl.col("rain") + 0.5).write_parquet(path)
    this.notice(here, "verify", receipt_of(here, city), "--policy", city / "trust.policy")


@attack(
    "tampered table or file",
    act="adds rows to the table that no record gave",
    notices=AUDITOR,
    command="veracity audit",
    sees="rain batch 99",
)
def test_rows_from_nowhere(this: Attack, city: Path, here: Here) -> None:
    """Rows that no statement speaks of are found."""
    rows = pl.read_parquet(table_file(city, 0)).head(3)
    write_deltalake(str(city / TABLE), rows.with_columns(_batch=pl.lit(99, pl.Int64)), mode="append")
    this.notice(here, "audit", "--home", city)


@attack(
    "tampered table or file",
    act="changes the contract, so that other values pass",
    notices=AUDITOR,
    command="veracity audit",
    sees="want a file of that digest",
)
def test_a_changed_contract(this: Attack, city: Path, here: Here) -> None:
    """A contract is named by its digest in the log."""
    (path,) = (city / "store" / "contracts").glob("*.yaml")
    path.write_text(path.read_text().replace("maximum: 100", "maximum: 999"))
    this.notice(here, "audit", "--home", city)


@attack(
    "tampered table or file",
    act="changes counts in the index database",
    notices=AUDITOR,
    command="veracity audit",
    sees="index and log differ",
)
def test_a_tampered_index(this: Attack, city: Path, here: Here) -> None:
    """The index is a cache; the log tells what it should hold."""
    with sqlite3.connect(city / "veracity.db") as database:
        database.execute("UPDATE batches SET quarantined = 0 WHERE batch = 2")
    database.close()
    this.notice(here, "audit", "--home", city)


@attack(
    "dropped or reordered records",
    act="deletes a batch from the table",
    notices=AUDITOR,
    command="veracity audit",
    sees="table rain batch 1: rows missing",
)
def test_a_dropped_batch(this: Attack, city: Path, here: Here) -> None:
    """A batch that the log speaks of is missed in the table."""
    DeltaTable(str(city / TABLE)).delete("_batch = 1")
    this.notice(here, "audit", "--home", city)


@attack(
    "dropped or reordered records",
    act="deletes a batch from the table and every trace of it from the index",
    notices=AUDITOR,
    command="veracity audit",
    sees="log entry 4: index and log differ",
)
def test_a_batch_hidden_everywhere(this: Attack, city: Path, here: Here) -> None:
    """The log still has its statement."""
    DeltaTable(str(city / TABLE)).delete("_batch = 1")
    with sqlite3.connect(city / "veracity.db") as database:
        database.execute("DELETE FROM batches WHERE batch = 1")
        database.execute("DELETE FROM statements WHERE kind = 'ingest' AND idx = 4")
    database.close()
    this.notice(here, "audit", "--home", city)


@attack(
    "dropped or reordered records",
    act="puts two received records in another order",
    notices=AUDITOR,
    command="veracity audit",
    sees="page 0: want leaf hash",
)
def test_reordered_records(this: Attack, city: Path, here: Here) -> None:
    """A page's hash covers the order of its records."""

    def swapped(page: bytes) -> bytes:
        lines = page.splitlines(keepends=True)
        return b"".join([lines[1], lines[0], *lines[2:]])

    change_page(evidence(city, 1, "zst"), swapped)
    this.notice(here, "audit", "--home", city)


@attack(
    "dropped or reordered records",
    act="removes an entry's bytes from the log's files",
    notices="whoever has a copy of the log's files",
    command="veracity log fsck",
    sees="tile/entries/",
)
def test_an_entry_removed(this: Attack, city: Path, here: Here) -> None:
    """A bundle with an entry less is not the tree that was signed."""
    (path,) = (p for p in (city / "store" / "log" / "tile" / "entries").rglob("9") if p.is_file())
    body = path.read_bytes()
    path.write_bytes(body[2 + int.from_bytes(body[:2], "big") :])
    this.notice(here, "log", "fsck", "--log", city / "store" / "log", "--key", LOG.verifier.format())


@attack(
    "replayed or backdated message",
    act="sends a file again that its agency signed once",
    notices="the city, as it is given the file; nothing is counted twice",
    command="veracity ingest rain",
    sees="replay: came before as batch 0 to 2",
)
def test_a_replayed_file(this: Attack, city: Path, here: Here, sealed: Path) -> None:
    """The same bytes are known by their digest."""
    file = shutil.copy(sealed.parent / "a.ndjson", city.parent / "again.ndjson")
    this.notice(here, "ingest", "rain", file, "--sign", key_file(city.parent), "--home", city)


@attack(
    "replayed or backdated message",
    act="with the operator's key, states a batch as received before others that stand earlier in the log",
    notices="a monitor, from the log alone",
    command="veracity monitor",
    sees="received-backwards  log entry 9",
)
def test_a_backdated_statement(this: Attack, city: Path, here: Here) -> None:
    """Times of receipt that run backwards contradict the order of the log."""
    lie = replace(stated(city), batch=5, received_at="2020-01-01T00:00:00.000000Z")
    appended(city, sign_envelope(format_statement(lie.to_statement()), [key("operator")]))
    policy = city / "trust.policy"
    this.notice(here, "monitor", city / "store" / "log", "--policy", policy, "--once")


@attack(
    "receipt edited",
    act="edits the number in a receipt",
    notices=READER,
    command="veracity verify",
    sees="row: 'rain': want '1.7', got '99.0'",
)
def test_an_edited_number(this: Attack, city: Path, here: Here) -> None:
    """The record is cleaned again and gives another number."""
    path = receipt_of(here, city)
    document = json.loads(path.read_bytes())
    document["row"]["rain"] = 99.0
    path.write_text(json.dumps(document))
    this.notice(here, "verify", path, "--policy", city / "trust.policy")


@attack(
    "receipt edited",
    act="edits the number and the record it stands in",
    notices=READER,
    command="veracity verify",
    sees="pages: ",
)
def test_an_edited_record(this: Attack, city: Path, here: Here) -> None:
    """The page's hash leads to the root that was signed."""
    path = receipt_of(here, city)
    document = json.loads(path.read_bytes())
    page = document["record"]["pages"][0]
    page["text"] = page["text"].replace('"rain": 1', '"rain": 9', 1)
    path.write_text(json.dumps(document))
    this.notice(here, "verify", path, "--policy", city / "trust.policy")

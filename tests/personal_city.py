"""A city whose feed has personal fields, at work: rows taken in, persons found, shown and erased."""

import sqlite3
from pathlib import Path

import pytest

from persons import FEED, new_city
from small_city import clock
from veracity.home.audit import audit
from veracity.home.directory import open_directory
from veracity.home.erasures import Erasure, erase_value
from veracity.home.home import Home, Writer, open_writer
from veracity.home.ingest import FileReport, ingest
from veracity.home.lock import writing
from veracity.home.persons import PersonalRecord, find, show
from veracity.home.receipts import find_record, make_receipt
from veracity.log.fsck import fsck
from veracity.verifying import verify

BY, WHY = "Nguyen Van Dung", "letter of 3 September"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A city with the feed."""
    return new_city(tmp_path / "city")


def take(root: Path, *files: Path, records_per_part: int = 4_096) -> list[FileReport]:
    """Take files in, or go on with them."""
    with open_writer(root, clock) as home:
        return ingest(home, FEED, files, resume=True, records_per_part=records_per_part)


def found(root: Path, field: str, value: str) -> list[PersonalRecord]:
    """Return the records with a value, whoever they are of."""
    home = Home.open(root, clock)
    try:
        return list(find(home, FEED, field, value, BY, WHY).records)
    finally:
        home.close()


def shown(root: Path, batch: int, record: int) -> dict[str, str]:
    """Return the values of a record in clear, by field."""
    home = Home.open(root, clock)
    try:
        return {s.field: s.value for s in show(home, FEED, batch, record, BY, WHY)}
    finally:
        home.close()


def findings(root: Path) -> list[str]:
    """Return what an audit finds; the log is sound."""
    home = Home.open(root, clock)
    try:
        assert fsck(home.log_objects, home.log_verifier).findings == ()
        return [f"{f.where}: {f.what}: {f.detail}" for f in audit(home).findings]
    finally:
        home.close()


def verified(root: Path, batch: int, record: int) -> dict[str, object]:
    """Make a receipt of a record, verify it, and return its row."""
    home = Home.open(root, clock)
    try:
        receipt = make_receipt(home, FEED, find_record(home, FEED, batch, record))
        return dict(verify(receipt, home.policy).row or {})
    finally:
        home.close()


class Gone(Exception):
    """The program ends here."""


class CutOff(Writer):
    """A home whose program ends before anything goes into the log."""

    def append(self, entry: bytes) -> int:
        raise Gone(len(entry))


def erase_cut_short(root: Path, phone: str) -> None:
    """Erase by number, and end when the keys are destroyed."""
    directory = open_directory(root)
    with writing(directory):
        home = CutOff(directory, clock)
        with pytest.raises(Gone):
            erase_value(home, FEED, "phone", phone, BY, WHY)
        home.close()


def erase_one(root: Path, field: str, value: str) -> Erasure:
    """Erase whoever has a value."""
    with open_writer(root, clock) as home:
        return erase_value(home, FEED, field, value, BY, WHY)


def count_in_vault(root: Path, table: str) -> int:
    """Count the rows of one of the vault's tables."""
    database = sqlite3.connect(root / "vault.db")
    try:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608
    finally:
        database.close()

"""Taking files in: every record is counted once, every file is taken once, whatever comes between."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from small_city import AGENCY, NOW, clock, contract, csv, key, ndjson, new_city, parquet, readings
from veracity.data.errors import WrongFile
from veracity.feeds.errors import UnreadableFile
from veracity.feeds.file_info import inspect
from veracity.home.audit import audit
from veracity.home.contracts import add_feed
from veracity.home.deliveries import sidecar, sign_file, write_sidecar
from veracity.home.enrolments import add_agency, revoke_key, rotate_key
from veracity.home.errors import ClockBehind, DeliveryInterrupted, StateBehind, UnknownFeed
from veracity.home.home import Home, open_writer
from veracity.home.index import Pending
from veracity.home.ingest import FileReport, ingest
from veracity.home.receipts import find_record, make_receipt
from veracity.home.tables import table_rows
from veracity.provenance.errors import UnknownKey
from veracity.provenance.keys import SigningKey, write_signing_key
from veracity.verifying import verify


def take(
    root: Path, *files: Path, batch: int = 128, resume: bool = False, by: str | None = None
) -> list[FileReport]:
    with open_writer(root, clock) as home:
        signer = key(by) if by else None
        return ingest(home, "rain", files, sign=signer, resume=resume, records_per_part=batch)


def rows(root: Path) -> pl.DataFrame:
    home = Home.open(root, clock)
    try:
        return home.table("rain").scan().collect()
    finally:
        home.close()


def is_clean(root: Path) -> bool:
    home = Home.open(root, clock)
    try:
        return audit(home).is_clean
    finally:
        home.close()


def test_every_record_goes_somewhere(tmp_path: Path) -> None:
    """Received is accepted plus quarantined plus refused, and each number is what was planted."""
    root = new_city(tmp_path / "city")
    (report,) = take(root, ndjson(tmp_path / "a.ndjson", 0, 500))
    assert report.outcome == "sealed"
    assert (report.received, report.refused) == (500, 500 // 29)
    assert report.received == report.accepted + report.quarantined + report.refused
    whole = [i for i in range(500) if i % 29 != 28]
    assert report.reasons["range:rain"] == sum(readings(i, 1)[0]["rain"] == 900.0 for i in whole)
    assert report.batches == [0, 1, 2, 3]
    assert rows(root).height == report.accepted
    assert is_clean(root)


@pytest.mark.parametrize("batch", [64, 128, 524_288])
def test_the_size_of_a_batch_changes_no_row(tmp_path: Path, batch: int) -> None:
    """The same file in small batches or one gives the same rows: duplicates are found across batches."""
    root = new_city(tmp_path / "city")
    (report,) = take(root, ndjson(tmp_path / "a.ndjson", 0, 400), batch=batch)
    sound = [r for i, r in enumerate(readings(0, 400)) if i % 29 != 28 and r["rain"] <= 100]
    keys = {(r["gauge"], datetime.fromisoformat(r["observed_at"])) for r in sound}
    held = rows(root)
    assert held.height == report.accepted == len(keys)
    assert set(held.select("gauge", "observed_at").iter_rows()) == keys
    assert report.reasons["duplicate-key"] == len(sound) - len(keys) > 0


def test_three_kinds_of_file_one_table(tmp_path: Path) -> None:
    """NDJSON, CSV and Parquet of the same readings give the same rows, the second time as duplicates."""
    root = new_city(tmp_path / "city")
    made = [
        ndjson(tmp_path / "a.ndjson", 0, 100, broken=False),
        csv(tmp_path / "a.csv", 0, 100),
        parquet(tmp_path / "a.parquet", 0, 100),
    ]
    first, *others = take(root, *made)
    assert first.accepted == rows(root).height
    for other in others:
        assert other.accepted == 0
        assert other.reasons["duplicate-key"] == first.accepted + first.reasons["duplicate-key"]
    assert is_clean(root)


def test_a_file_comes_once(tmp_path: Path) -> None:
    """The same bytes again, under any name, change nothing and are called a replay."""
    root = new_city(tmp_path / "city")
    file = ndjson(tmp_path / "a.ndjson", 0, 100)
    (first,) = take(root, file)
    before = rows(root)
    file.rename(tmp_path / "b.ndjson")
    (again,) = take(root, tmp_path / "b.ndjson")
    assert (again.outcome, again.received) == ("replay", 0)
    assert "batch 0" in again.detail
    (passed,) = take(root, tmp_path / "b.ndjson", resume=True)
    assert passed.outcome == "already sealed"
    assert rows(root).equals(before)
    assert first.entries == [3]


def test_names_are_tried_before_anything_is_stored(tmp_path: Path) -> None:
    """If the second file is missing, the first is not taken in either."""
    root = new_city(tmp_path / "city")
    with pytest.raises(UnreadableFile):
        take(root, ndjson(tmp_path / "a.ndjson", 0, 100), tmp_path / "missing.csv")
    assert rows(root).is_empty()
    with (
        open_writer(root, clock) as home,
        pytest.raises(UnknownFeed, match=r"want one of the feeds added \(rain\), got 'snow'"),
    ):
        ingest(home, "snow", [tmp_path / "a.ndjson"])


def test_an_empty_file_seals_nothing(tmp_path: Path) -> None:
    """An empty file leaves no batch behind, and one of blank lines leaves one without rows."""
    root = new_city(tmp_path / "city")
    empty, blank = tmp_path / "a.ndjson", tmp_path / "b.ndjson"
    empty.write_bytes(b"")
    blank.write_bytes(b"\n\n\n")
    first, second = take(root, empty, blank)
    assert (first.batches, first.received) == ([], 0)
    assert (second.batches, second.received, second.blank) == ([0], 0, 3)
    assert is_clean(root)


class Stop(Exception):
    """Raised from the progress callback: a stop between two batches."""


def stop_after(root: Path, file: Path, n_batches: int, batch: int = 128) -> None:
    """Take a file in and stop after some batches, as Ctrl-C does."""

    def progress(report: FileReport, share: float | None) -> None:
        if len(report.batches) == n_batches:
            raise Stop

    with open_writer(root, clock) as home, pytest.raises(Stop):
        ingest(home, "rain", [file], records_per_part=batch, progress=progress)


def test_a_stopped_file_wants_resume(tmp_path: Path) -> None:
    """A file that went in half-way is refused without resume, and finished with it: same table as one go."""
    file = ndjson(tmp_path / "a.ndjson", 0, 500)
    whole = new_city(tmp_path / "whole")
    take(whole, file)
    root = new_city(tmp_path / "city")
    stop_after(root, file, 2)
    with pytest.raises(DeliveryInterrupted, match="want --resume"):
        take(root, file)
    (report,) = take(root, file, resume=True)
    assert report.batches == [2, 3]
    assert rows(root).equals(rows(whole))
    assert is_clean(root)


@pytest.mark.parametrize("batch", [64, 192, 524_288])
def test_resume_with_another_batch_size_loses_nothing(tmp_path: Path, batch: int) -> None:
    """Going on with another batch size than the file began with is refused: records would be lost."""
    file = ndjson(tmp_path / "a.ndjson", 0, 500)
    root = new_city(tmp_path / "city")
    stop_after(root, file, 2)
    before = rows(root)
    with pytest.raises(DeliveryInterrupted, match="want"):
        take(root, file, resume=True, batch=batch)
    assert rows(root).equals(before)
    (report,) = take(root, file, resume=True)
    assert report.batches == [2, 3]


def test_unsigned_where_a_signature_is_required(tmp_path: Path) -> None:
    """Without a signature the file is refused as a whole, and the log says so."""
    root = new_city(tmp_path / "city", signature="required")
    (report,) = take(root, ndjson(tmp_path / "a.ndjson", 0, 100))
    assert (report.outcome, report.refused, report.accepted) == ("refused", 100, 0)
    assert report.refusals == {"unsigned": 100}
    assert report.entries == [3]
    assert rows(root).is_empty()
    assert is_clean(root)


def test_a_refused_file_can_still_come_properly(tmp_path: Path) -> None:
    """Refusing a forged copy does not bar the true delivery of the same bytes: nobody can block a sender."""
    root = new_city(tmp_path / "city", signature="required")
    file = ndjson(tmp_path / "a.ndjson", 0, 300)
    (forged,) = take(root, file, by="somebody else")
    assert (forged.outcome, set(forged.refusals)) == ("refused", {"unknown-key"})
    (unsigned,) = take(root, file)
    assert unsigned.outcome == "refused"
    (true,) = take(root, file, by=AGENCY)
    assert true.outcome == "sealed"
    assert true.accepted == rows(root).height > 0
    home = Home.open(root, clock)
    receipt = make_receipt(home, "rain", find_record(home, "rain", true.batches[0], 5))
    assert audit(home).is_clean
    home.close()
    verify(receipt, root / "trust.policy")
    (replay,) = take(root, file, by=AGENCY)
    assert replay.outcome == "replay"


def test_an_empty_file_unsigned(tmp_path: Path) -> None:
    """An empty file without its signature is refused and leaves a home that audits clean."""
    root = new_city(tmp_path / "city", signature="required")
    (tmp_path / "a.ndjson").write_bytes(b"")
    (report,) = take(root, tmp_path / "a.ndjson")
    assert report.outcome == "refused"
    assert is_clean(root)


def test_signatures_that_do_not_count(tmp_path: Path) -> None:
    """A broken envelope, one of another file, one of another agency: each refused under its own code."""
    root = new_city(tmp_path / "city", signature="required")
    with open_writer(root, clock) as home:
        add_agency(home, "other", key("other").public)
        rain = home.feed("rain").contract
    names = [ndjson(tmp_path / f"{i}.ndjson", i * 10, 10) for i in range(4)]
    sidecar(names[0]).write_bytes(b"{not json")
    write_sidecar(sign_file(inspect(names[0]), rain, key(AGENCY)), names[1])
    write_sidecar(sign_file(inspect(names[2]), rain, key("other")), names[2])
    sidecar(names[3]).write_bytes(bytes(70_000))
    reports = take(root, *names)
    assert [(r.outcome, *r.refusals) for r in reports] == [
        ("refused", "signature"),
        ("refused", "wrong-delivery"),
        ("refused", "unknown-key"),
        ("refused", "signature"),
    ]
    assert all("want" in r.detail and "\n" not in r.detail for r in reports[1:3])
    assert is_clean(root)


def test_revoked_and_rotated_keys(tmp_path: Path) -> None:
    """A revoked or replaced key is refused from then on; what it signed before stays valid."""
    root = new_city(tmp_path / "city", signature="required")
    files = [ndjson(tmp_path / f"{i}.ndjson", i * 10, 10, broken=False) for i in range(4)]
    assert take(root, files[0], by=AGENCY)[0].outcome == "sealed"
    with open_writer(root, clock) as home:
        rotate_key(home, AGENCY, key("new").public)
    (old,) = take(root, files[1], by=AGENCY)
    assert (old.outcome, set(old.refusals)) == ("refused", {"revoked-key"})
    assert "replaced" in old.detail
    assert take(root, files[1], by="new")[0].outcome == "sealed"
    with open_writer(root, clock) as home:
        revoke_key(home, AGENCY, "lost")
    (gone,) = take(root, files[2], by="new")
    assert (gone.outcome, set(gone.refusals)) == ("refused", {"revoked-key"})
    assert is_clean(root)
    reading = Home.open(root, clock)
    for batch in (0, 2):
        verify(make_receipt(reading, "rain", find_record(reading, "rain", batch, 3)), root / "trust.policy")
    reading.close()


def test_a_new_version_of_a_contract_counts_from_then_on(tmp_path: Path) -> None:
    """Rules may change with a version; each batch is held, and audited, by the contract of its time."""
    root = new_city(tmp_path / "city")
    take(root, ndjson(tmp_path / "a.ndjson", 0, 50, broken=False))
    with open_writer(root, clock) as home:
        add_feed(home, contract(tmp_path, version="2.0.0", maximum=1000))
    (report,) = take(root, ndjson(tmp_path / "b.ndjson", 50, 50, broken=False))
    assert "range:rain" not in report.reasons
    assert is_clean(root)


def test_a_table_ahead_of_the_log_is_not_written_to(tmp_path: Path) -> None:
    """Where table rows were kept and log and database came back from a backup, ingest refuses to go on."""
    root = new_city(tmp_path / "city")
    take(root, ndjson(tmp_path / "a.ndjson", 0, 50))
    shutil.copytree(root, tmp_path / "backup")
    take(root, ndjson(tmp_path / "b.ndjson", 50, 50))
    shutil.rmtree(root / "store" / "log")
    shutil.copytree(tmp_path / "backup" / "store" / "log", root / "store" / "log")
    for name in ("veracity.db", "veracity.db-wal", "veracity.db-shm"):
        (root / name).unlink(missing_ok=True)
        if (tmp_path / "backup" / name).exists():
            shutil.copy(tmp_path / "backup" / name, root / name)
    with pytest.raises(StateBehind, match="want no rows of batch 1"):
        take(root, ndjson(tmp_path / "c.ndjson", 100, 50))
    assert not is_clean(root)


def test_times_of_receipt_never_go_back(tmp_path: Path) -> None:
    """If the clock is set back a little between two batches, the second is received no earlier."""
    root = new_city(tmp_path / "city")
    take(root, ndjson(tmp_path / "a.ndjson", 0, 50))
    with open_writer(root, lambda: NOW - timedelta(minutes=5)) as home:
        ingest(home, "rain", [ndjson(tmp_path / "b.ndjson", 50, 50)])
        stamps = [p["received_at"] for _, p in home.index.predicates("ingest", "rain")]
    assert stamps[0] == stamps[1]
    assert is_clean(root)


def test_a_clock_that_is_far_behind_stops_ingest(tmp_path: Path) -> None:
    """One wrong clock must not fix the time of receipt, and with it the `future` rule, for ever."""
    root = new_city(tmp_path / "city")
    take(root, ndjson(tmp_path / "a.ndjson", 0, 50))
    early = NOW - timedelta(minutes=6)
    with open_writer(root, lambda: early) as home, pytest.raises(ClockBehind, match="clock"):
        ingest(home, "rain", [ndjson(tmp_path / "b.ndjson", 50, 50)])
    assert is_clean(root)


def test_a_lost_last_commit_of_the_table_is_noticed(tmp_path: Path) -> None:
    """If the table has lost the last batch that the log knows, nobody reads or writes on over it."""
    root = new_city(tmp_path / "city")
    take(root, ndjson(tmp_path / "a.ndjson", 0, 50))
    take(root, ndjson(tmp_path / "b.ndjson", 50, 50))
    log = root / "store" / "tables" / "rain" / "_delta_log"
    sorted(log.glob("*.json"))[-1].unlink()
    with open_writer(root, clock) as home:
        with pytest.raises(StateBehind, match="batch 1"):
            ingest(home, "rain", [ndjson(tmp_path / "c.ndjson", 100, 50)])
        with pytest.raises(StateBehind, match="batch 1"):
            table_rows(home, "rain")


def test_a_statement_put_aside_is_read_before_it_is_logged(tmp_path: Path) -> None:
    """Garbage in the database's `pending` table never reaches the log."""
    root = new_city(tmp_path / "city")
    take(root, ndjson(tmp_path / "a.ndjson", 0, 50))
    with open_writer(root, clock) as home:
        home.index.pend(Pending("rain", 1, False, b"garbage"))
        size = home.log.size
    with pytest.raises(StateBehind, match="put aside"), open_writer(root, clock):
        pass
    reader = Home.open(root)
    assert reader.reader().size == size
    reader.close()


def test_a_key_that_the_log_does_not_know_signs_nothing(tmp_path: Path) -> None:
    """Another operator.pem is refused before anything is signed with it."""
    root = new_city(tmp_path / "city")
    path = root / "keys" / "operator.pem"
    path.unlink()
    write_signing_key(SigningKey(bytes(32)), path)
    with pytest.raises(UnknownKey), open_writer(root, clock):
        pass


def test_lines_that_end_in_cr_alone_are_the_wrong_file(tmp_path: Path) -> None:
    """They would be one long header and no record."""
    root = new_city(tmp_path / "city")
    path = tmp_path / "mac.csv"
    path.write_bytes(csv(tmp_path / "unix.csv", 0, 5).read_bytes().replace(b"\n", b"\r"))
    with open_writer(root, clock) as home, pytest.raises(WrongFile, match="CR"):
        ingest(home, "rain", [path])
    assert is_clean(root)

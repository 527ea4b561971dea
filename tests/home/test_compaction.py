"""A compacted table is the same table: rows, order, batches, digests and receipts; only faster."""

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from small_city import NOW, contract, ndjson, new_city
from veracity.data.compaction import MIN_FILES
from veracity.data.errors import TableMismatch
from veracity.data.lake import collect_rows
from veracity.data.rewriting import GRACE, rewrite, sweep
from veracity.home import compaction
from veracity.home.audit import audit
from veracity.home.batch import BatchWriter
from veracity.home.compaction import compact, plan_compaction, wall_clock
from veracity.home.contracts import add_feed
from veracity.home.errors import UnknownFeed
from veracity.home.home import Home, Writer, open_writer
from veracity.home.ingest import ingest
from veracity.home.receipts import find_record, make_receipt
from veracity.log.doors import StoreUnavailable
from veracity.provenance.receipts import Receipt, verify_receipt

HOUR = timedelta(hours=1)


def later() -> datetime:
    """A time at which what is replaced now may go."""
    return wall_clock() + GRACE + timedelta(minutes=5)


def almost() -> datetime:
    """A time at which it may not yet."""
    return wall_clock() + GRACE - timedelta(minutes=5)


class Clock:
    """A clock that is moved by hand."""

    def __init__(self, now: datetime = NOW + timedelta(days=30)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def take(home: Writer, folder: Path, first: int, n: int, records: int = 64) -> None:
    """Take in readings, a batch for each page of them."""
    file = ndjson(folder / f"r{first}-{n}.ndjson", first, n)
    ingest(home, "rain", [file], records_per_part=records)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def city(tmp_path: Path, clock: Clock) -> Path:
    """A city with twelve batches of rain, two hours old."""
    root = new_city(tmp_path / "city")
    with open_writer(root, clock) as home:
        take(home, tmp_path, 0, 12 * 64)
    clock.now += 2 * HOUR
    return root


def files(root: Path) -> set[str]:
    return {path.name for path in (root / "store/tables/rain").glob("*.parquet")}


def test_many_files_become_one_and_nothing_else_changes(city: Path, clock: Clock) -> None:
    """Rows, order, types, every batch, every as-of and every range of times: the same as before."""
    before = Home.open(city, clock).table("rain")
    n = before.files().height
    want = before.scan().collect()
    low, high = want["observed_at"][100], want["observed_at"][300]
    with open_writer(city, clock) as home:
        said, size = compact(home, "rain"), home.log.size
    assert (said.n_files, said.n_replaced, said.n_made, said.n_rows) == (n, n, 1, want.height)
    assert said.is_done
    assert size == Home.open(city, clock).reader().size  # nothing is said of it: nothing changed
    after = Home.open(city, clock).table("rain")
    assert after.files().height == 1
    assert after.scan().collect().equals(want)
    for batch in range(-1, n + 1):
        assert after.scan(batch=batch).collect().equals(want.filter(pl.col("_batch") == batch))
        assert after.scan(up_to_batch=batch).collect().equals(want.filter(pl.col("_batch") <= batch))
        assert after.changed_files(batch) == []
        assert after.holds(batch) == (batch < n)
    between = after.scan(between=("observed_at", low, high)).collect()
    assert between.equals(want.filter(pl.col("observed_at").is_between(low, high)))


def test_an_audit_is_clean_and_receipts_stand(city: Path, clock: Clock) -> None:
    """Compacted rows have the digests that were signed; a receipt made before is made again alike."""

    def receipts() -> list[Receipt]:
        home = Home.open(city, clock)
        return [make_receipt(home, "rain", find_record(home, "rain", batch, 5)) for batch in range(0, 12, 4)]

    before = receipts()
    with open_writer(city, clock) as writer:
        assert compact(writer, "rain").n_made == 1
    assert audit(Home.open(city, clock)).findings == []
    after = receipts()
    assert after == before
    policy = Home.open(city, clock).policy
    for receipt in after:
        verify_receipt(receipt, policy)


def test_an_audit_finds_what_is_changed_in_a_compacted_file(city: Path, clock: Clock) -> None:
    """One value changed in the large file is found, in its bytes and in the batch that it is of."""
    with open_writer(city, clock) as home:
        compact(home, "rain")
    table = Home.open(city, clock).table("rain")
    (name,) = table.files()["path"]
    path = city / "store/tables/rain" / name
    is_it = (pl.col("_batch") == 7) & (pl.col("_record") == 3)
    pl.read_parquet(path).with_columns(
        rain=pl.when(is_it).then(99.0).otherwise(pl.col("rain"))
    ).write_parquet(path)
    found = [f for f in audit(Home.open(city, clock)).findings if "batch 7" in f.where]
    assert any("digest" in f.detail for f in found)


def test_damage_is_not_sealed_over(city: Path, clock: Clock) -> None:
    """A small file that is not the bytes in its name stops the compaction, and the table stays as it is."""
    path = sorted((city / "store/tables/rain").glob("*.parquet"))[3]
    pl.read_parquet(path).with_columns(rain=pl.lit(1.0)).write_parquet(path)
    before = Home.open(city, clock).table("rain").files()
    with open_writer(city, clock) as home, pytest.raises(TableMismatch, match="digest in its name"):
        compact(home, "rain")
    assert Home.open(city, clock).table("rain").files().equals(before)
    path.unlink()
    with open_writer(city, clock) as home, pytest.raises(TableMismatch, match="got none"):
        compact(home, "rain")


def test_replaced_files_stay_for_who_reads_them(city: Path, clock: Clock) -> None:
    """A reader that opened before reads on; after the grace time the files go, once, and are not missed."""
    small = files(city)
    reader = Home.open(city, clock).table("rain")
    want = reader.scan().collect()
    with open_writer(city, clock) as home:
        assert compact(home, "rain").n_deleted == 0
    assert reader.scan().collect().equals(want)
    with open_writer(city, clock) as home:
        assert compact(home, "rain", wall=almost).n_deleted == 0
        assert files(city) > small
        assert plan_compaction(home, "rain", wall=later).n_deleted == len(small)
        assert compact(home, "rain", wall=later).n_deleted == len(small)
        assert compact(home, "rain", wall=later).n_deleted == 0
    assert files(city).isdisjoint(small)
    with pytest.raises(TableMismatch):
        collect_rows(reader.scan())
    reader.reopen()
    assert collect_rows(reader.scan()).equals(want)
    assert Home.open(city, clock).table("rain").scan().collect().equals(want)
    assert audit(Home.open(city, clock)).findings == []


def test_young_batches_wait_unless_they_are_many(
    tmp_path: Path, city: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch of the last hour is not touched; with too many files age does not count."""
    with open_writer(city, clock) as home:
        take(home, tmp_path, 12 * 64, 12 * 64)
        said = compact(home, "rain")
        assert (said.n_files, said.n_replaced) == (24, 12)
        assert compact(home, "rain").n_replaced == 0
        assert compact(home, "rain", timedelta(0)).n_replaced == 12  # not the larger one again
        take(home, tmp_path, 24 * 64, 12 * 64)
        monkeypatch.setattr(compaction, "MORE_THAN", MIN_FILES)
        assert compact(home, "rain").n_made == 1


def test_a_plan_changes_nothing(city: Path, clock: Clock) -> None:
    """What would be done is said, by who may only read; and it is what is done then."""
    before = files(city)
    said = plan_compaction(Home.open(city, clock), "rain")
    assert files(city) == before
    with open_writer(city, clock) as home:
        done = compact(home, "rain")
    assert (said.n_files, said.n_replaced, said.n_made, said.n_rows) == (
        *(done.n_files, done.n_replaced, done.n_made, done.n_rows),
    )
    assert said.bytes_made is None
    assert done.bytes_made is not None
    with pytest.raises(UnknownFeed):
        plan_compaction(Home.open(city, clock), "snow")


def test_it_lets_others_in(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process waits, one file is made and the rest is left for later: ``is_done`` says so."""
    monkeypatch.setattr("veracity.data.compaction.MAX_FILES", 10)
    root = new_city(tmp_path / "city")
    with open_writer(root, clock) as home:
        take(home, tmp_path, 0, 30 * 64)
        clock.now += 2 * HOUR
        want = home.table("rain").scan().collect()
        monkeypatch.setattr(home, "is_wanted", lambda: True)
        said = compact(home, "rain")
        assert (said.n_made, said.is_done) == (1, False)
        monkeypatch.setattr(home, "is_wanted", lambda: False)
        assert compact(home, "rain").is_done
        assert home.table("rain").scan().collect().equals(want)


def test_new_batches_go_on_as_before(tmp_path: Path, city: Path, clock: Clock) -> None:
    """After a compaction a repeated key is still known, and the next batch has the next number."""
    with open_writer(city, clock) as home:
        compact(home, "rain")
        compact(home, "rain", wall=later)
        rows = home.table("rain").scan().collect().height
        take(home, tmp_path, 100, 64)  # all of them are there already
        writer = BatchWriter(home, home.feed("rain"))
        assert writer.batch == 13
        assert home.table("rain").scan().collect().height == rows
        take(home, tmp_path, 12 * 64, 64)
    assert audit(Home.open(city, clock)).findings == []


def test_files_left_by_a_crash_go_but_not_those_of_a_batch_to_come(city: Path, clock: Clock) -> None:
    """A file that no commit named is swept; one of a batch not committed yet may be about to be."""
    folder = city / "store/tables/rain"
    left, coming, other = (f"00000003-{'0' * 64}.parquet", f"00000012-{'0' * 64}.parquet", "notes.parquet")
    for name in (left, coming, other):
        (folder / name).write_bytes(b"")
    with open_writer(city, clock) as home:
        assert compact(home, "rain").n_deleted == 1
    assert not (folder / left).exists()
    assert (folder / coming).exists()
    assert (folder / other).exists()


def test_a_writer_that_was_overtaken_takes_nothing_out(city: Path, clock: Clock) -> None:
    """Whoever looked at the table before another committed or swept is refused: no row is lost."""
    with open_writer(city, clock) as home:
        want = home.table("rain").scan().collect()
    late = Home.open(city, clock).table("rain")
    group = late.table_files()
    with open_writer(city, clock) as home:
        compact(home, "rain")
        compact(home, "rain", wall=later)
        want_files = files(city)
    with pytest.raises((TableMismatch, StoreUnavailable)):
        rewrite(late, group, ["observed_at"], wall_clock())
    stale = Home.open(city, clock).table("rain")
    stale.table_files()
    with open_writer(city, clock) as home:
        home.table("rain").bar(12)
    with pytest.raises(StoreUnavailable):
        stale.bar(12)
    assert sweep(stale, later(), 10) == 0
    assert Home.open(city, clock).table("rain").scan().collect().equals(want)
    assert files(city) == want_files


def test_tables_of_before_forget_what_was_replaced_too(city: Path, clock: Clock) -> None:
    """A table made without a retention gets one with its first compaction; its columns stay."""
    name = "delta.deletedFileRetentionDuration"
    log = city / "store/tables/rain/_delta_log"
    first = log / f"{0:020d}.json"
    lines = [json.loads(line) for line in first.read_text().splitlines()]
    for line in lines:
        if "metaData" in line:
            assert line["metaData"]["configuration"].pop(name) == "interval 2 hours"
    first.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert name not in Home.open(city, clock).table("rain").delta.metadata().configuration
    with open_writer(city, clock) as home:
        assert compact(home, "rain").n_made == 1
    opened = Home.open(city, clock).table("rain").delta.metadata()
    assert opened.configuration[name] == "interval 2 hours"
    assert audit(Home.open(city, clock)).findings == []


@pytest.mark.parametrize("seed", range(3))
def test_whatever_comes_and_whenever_it_is_compacted(tmp_path: Path, clock: Clock, seed: int) -> None:
    """Batches of any size, compacted at any moments, are the same table as if it never had been."""
    rng = np.random.default_rng(seed)
    plain, other = new_city(tmp_path / "plain"), tmp_path / "other"
    shutil.copytree(plain, other)
    first = 0
    for _ in range(5):
        n, records = int(rng.integers(64, 900)), 64 * int(rng.integers(1, 3))
        for root in (plain, other):
            with open_writer(root, clock) as home:
                take(home, tmp_path, first, n, records)
                if root == other:
                    compact(home, "rain", HOUR * float(rng.integers(0, 3)))
        first += n - int(rng.integers(0, 30))  # some come again
        clock.now += HOUR
    one, two = (Home.open(root, clock).table("rain") for root in (plain, other))
    assert two.scan().collect().equals(one.scan().collect())
    for batch in range(two.last_batch + 1):
        assert two.scan(batch=batch).collect().equals(one.scan(batch=batch).collect())
    assert audit(Home.open(other, clock)).findings == []


def test_batches_of_two_contracts_are_joined(tmp_path: Path, city: Path, clock: Clock) -> None:
    """A new version of the contract between two batches parts no files: columns stay, rules may change."""
    with open_writer(city, clock) as home:
        add_feed(home, contract(tmp_path, version="2.0.0", maximum=4))
        take(home, tmp_path, 12 * 64, 4 * 64)
        clock.now += 2 * HOUR
        want = home.table("rain").scan().collect()
        said = compact(home, "rain")
    assert said.n_replaced == said.n_files == 16
    reader = Home.open(city, clock)
    assert reader.table("rain").scan().collect().equals(want)
    assert reader.feed("rain").contract.version == "2.0.0"
    assert audit(reader).findings == []

"""Records of new batches made again: from receipts that a server gives, and in a copy of the city."""

import shutil
from pathlib import Path

import pytest

from small_city import AGENCY, clock, csv, key, ndjson, new_city
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.receipts import find_record, make_receipt
from veracity.monitor.home_audit import HomeSampler
from veracity.monitor.report import Round
from veracity.monitor.samples import ReceiptSampler
from veracity.monitor.view import open_view
from veracity.provenance.receipts import format_receipt
from watched import files, http, kinds, policy, watch

N = {0: 128, 1: 72}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two batches, signed; and beside the log all their receipts, as files of a static server."""
    folder = tmp_path_factory.mktemp("city")
    root = new_city(folder / "city")
    with open_writer(root, clock) as writer:
        ingest(writer, "rain", [ndjson(folder / "a.ndjson", 0, 200)], sign=key(AGENCY), records_per_part=128)
    home = Home.open(root, clock)
    for batch, n_records in N.items():
        place = root / f"store/log/receipts/rain/{batch}"
        place.mkdir(parents=True)
        for record in range(n_records):
            receipt = make_receipt(home, "rain", find_record(home, "rain", batch, record))
            (place / str(record)).write_bytes(format_receipt(receipt))
    home.close()
    return root


@pytest.fixture
def root(city: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(city, tmp_path / "city"))


def sampled(root: Path, folder: Path, n: int = 20, seed: int = 0) -> Round:
    told: list[str] = []
    with http(files(root / "store/log")) as url:
        sampler = ReceiptSampler(open_view(url, other_bytes=2**20), policy(), n, seed, told.append)
        made = watch(url, folder, samplers=[sampler]).round()
    made.told += told
    return made


def receipts(root: Path) -> list[Path]:
    return [p for p in (root / "store/log/receipts").rglob("*") if p.is_file()]


def test_records_are_made_again(root: Path, tmp_path: Path) -> None:
    """Twenty records, each chosen from all batches, verify by cleaning them again; then none is new."""
    made = sampled(root, tmp_path)
    assert made.is_well
    assert made.samples.n_good > 15
    assert (made.samples.n_bad, made.samples.n_not_had) == (0, 0)
    again = sampled(root, tmp_path)
    assert again.samples.n_good == 0


def test_every_record_is_as_likely(root: Path) -> None:
    """The share of a batch among the chosen is its share of the records, whatever the order."""
    from small_city import log_entries
    from veracity.monitor.entries import check_entry
    from veracity.monitor.state import State

    counts = {0: 0, 1: 0}
    sampler = ReceiptSampler(open_view(str(root / "store/log")), policy(), 4_000, 1, print)
    state = State()
    for index, entry in enumerate(log_entries(root)):
        sampler.see(index, entry, check_entry(state, index, entry).said)
    for pick in sampler._picks:
        assert pick is not None
        counts[pick.batch] += 1
    assert abs(counts[0] / 4_000 - 128 / 200) < 0.03


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"rain": 2.', b'"rain": 3.'), (b'"index": 0', b'"index": 1')],
)
def test_edited_receipts_are_found(root: Path, tmp_path: Path, old: bytes, new: bytes) -> None:
    """A server that shows other values than were sealed is found by whoever makes them again."""
    n_edited = 0
    for path in receipts(root):
        data = path.read_bytes()
        n_edited += old in data
        path.write_bytes(data.replace(old, new))
    assert n_edited
    made = sampled(root, tmp_path, 60)
    assert set(kinds(made)) == {"receipt-rejected"}


def test_a_receipt_of_another_record_is_found(root: Path, tmp_path: Path) -> None:
    """A true receipt, but not the one that was asked for."""
    paths = receipts(root)
    data = (root / "store/log/receipts/rain/0/5").read_bytes()
    for path in paths:
        path.write_bytes(data)
    made = sampled(root, tmp_path)
    assert set(kinds(made)) == {"receipt-rejected"}
    assert "asked for" in made.findings[0].finding.detail


def test_receipts_that_are_not_to_be_had_are_told(root: Path, tmp_path: Path) -> None:
    """A server without receipts is no proof of anything: counted and told, not found."""
    shutil.rmtree(root / "store/log/receipts")
    made = sampled(root, tmp_path)
    assert made.is_well
    assert made.samples.n_not_had > 15
    assert sum("no receipt" in line for line in made.told) == 3


def test_a_copy_of_the_city_is_audited(root: Path, tmp_path: Path) -> None:
    """New batches: some are made again in the copy; a table changed there is found."""
    log = root / "store/log"
    made = watch(log, tmp_path, samplers=[HomeSampler(root, 2, 0)]).round()
    assert made.is_well
    assert made.samples.n_batches == 2
    assert watch(log, tmp_path, samplers=[HomeSampler(root, 2, 0)]).round().samples.n_batches == 0
    with open_writer(root, clock) as home:
        ingest(home, "rain", [csv(tmp_path / "b.csv", 300, 50)], sign=key(AGENCY))
    page = min((root / "store/evidence/rain").rglob("1.zst"))
    data = page.read_bytes()
    page.write_bytes(data[:50] + bytes([data[50] ^ 1]) + data[51:])
    made = watch(log, tmp_path, samplers=[HomeSampler(root, 5, 0)]).round()
    assert set(kinds(made)) == {"audit"}


def test_a_copy_of_another_log_is_found(root: Path, tmp_path: Path) -> None:
    """The copy holds another history than the one shown."""
    (tmp_path / "other").mkdir()
    other = new_city(tmp_path / "other/city")
    with open_writer(other, clock) as home:
        ingest(home, "rain", [ndjson(tmp_path / "x.ndjson", 9, 20)], sign=key(AGENCY))
    made = watch(root / "store/log", tmp_path, samplers=[HomeSampler(other, 1, 0)]).round()
    assert set(kinds(made)) == {"split-view"}
    made = watch(
        root / "store/log", tmp_path / "other", samplers=[HomeSampler(tmp_path / "none", 1, 0)]
    ).round()
    assert set(kinds(made)) == {"audit"}

"""Making a receipt: every record of every kind of batch has one, and it verifies with the policy alone."""

from pathlib import Path

import pytest

from small_city import AGENCY, clock, csv, key, ndjson, new_city, parquet
from veracity.home.errors import RecordNotFound
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.receipts import find_record, find_row, make_receipt
from veracity.provenance.receipts import format_receipt, parse_receipt
from veracity.verifying import verify


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two parts of text, one of CSV, one of columns, all signed; and a file refused as a whole."""
    folder = tmp_path_factory.mktemp("receipts")
    root = new_city(folder / "city", signature="required")
    files = [
        ndjson(folder / "a.ndjson", 0, 200),
        csv(folder / "b.csv", 200, 90),
        parquet(folder / "c.parquet", 290, 90),
    ]
    with open_writer(root, clock) as home:
        ingest(home, "rain", files, sign=key(AGENCY), records_per_part=128)
        ingest(home, "rain", [ndjson(folder / "d.ndjson", 400, 10)])
    return root


def test_every_record_has_a_receipt(root: Path) -> None:
    """Accepted, set aside, refused or a header: each record's receipt verifies and shows its bytes."""
    home = Home.open(root, clock)
    n = 0
    for row in home.index.batches("rain")[:4]:
        n_records = home.index.predicate(row.idx)["part"]["n_records"]
        for record in range(0, n_records, 3):
            found = find_record(home, "rain", row.batch, record)
            receipt = parse_receipt(format_receipt(make_receipt(home, "rain", found)))
            checked = verify(receipt, root / "trust.policy")
            assert checked.evidence is not None
            assert checked.evidence.data.endswith(b"\n")
            assert checked.is_row_checked == bool(found.row)
            assert checked.agency == AGENCY
            assert checked.simulated
            n += 1
    assert n > 120
    home.close()


def test_a_row_by_its_key(root: Path) -> None:
    """A condition that selects one row leads to its record; one that selects none or more is refused."""
    home = Home.open(root, clock)
    found = find_row(home, "rain", "gauge = 'G01' and observed_at = '2026-09-01T01:00:00Z'")
    assert found.row["gauge"] == "G01"
    verify(make_receipt(home, "rain", found), root / "trust.policy")
    with pytest.raises(RecordNotFound, match="got none"):
        find_row(home, "rain", "gauge = 'G99'")
    with pytest.raises(RecordNotFound, match="got at least 3"):
        find_row(home, "rain", "gauge = 'G01'")
    home.close()


@pytest.mark.parametrize(("batch", "record"), [(99, 0), (0, 128), (0, 10**11), (4, 0)])
def test_records_that_are_not(root: Path, batch: int, record: int) -> None:
    """No such batch, no such record, or a file refused as a whole: an answer of ours."""
    home = Home.open(root, clock)
    with pytest.raises(RecordNotFound, match="receipt: want"):
        make_receipt(home, "rain", find_record(home, "rain", batch, record))
    home.close()

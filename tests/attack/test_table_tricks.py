"""Tricks with what stands around the rows: Delta's log, the index, contracts, panels. Each is a finding."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from small_city import AGENCY, PANEL, clock, contract, key, ndjson, new_city
from veracity.data.contract import parse_contract
from veracity.data.errors import EvidenceMismatch
from veracity.data.reexecution import reexecute
from veracity.errors import VeracityError
from veracity.home.audit import audit
from veracity.home.contracts import add_feed
from veracity.home.home import Home, contract_path, open_writer, sealed_contract
from veracity.home.ingest import ingest
from veracity.home.panels import build_and_say, is_any_simulated, panel_path
from veracity.home.receipts import find_record, make_receipt
from veracity.home.tables import table_rows
from veracity.provenance.dsse import open_envelope, sign_envelope
from veracity.provenance.receipts import RecordEvidence
from veracity.provenance.statements import (
    Counts,
    Ingest,
    Statement,
    Transform,
    format_statement,
    parse_statement,
)
from veracity.verifying import verify

TABLE = "store/tables/rain"
Action = dict[str, Any]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city of three batches (entries 3 to 5), a panel (entry 6)."""
    folder = tmp_path_factory.mktemp("sealed")
    root = new_city(folder / "city")
    (folder / "panel.yaml").write_text(PANEL, encoding="utf-8")
    with open_writer(root, clock) as home:
        ingest(home, "rain", [ndjson(folder / "a.ndjson", 0, 300)], records_per_part=128)
        build_and_say(home, folder / "panel.yaml")
    return root


@pytest.fixture
def city(sealed: Path, tmp_path: Path) -> Path:
    """A copy to attack."""
    return Path(shutil.copytree(sealed, tmp_path / "city"))


def said(root: Path) -> str:
    """What an audit finds, one line a finding."""
    home = Home.open(root, clock)
    try:
        return "\n".join(f"{f.where}: {f.what}: {f.detail}" for f in audit(home).findings)
    finally:
        home.close()


def n_exported(root: Path) -> int:
    """How many rows an export would have."""
    home = Home.open(root, clock)
    try:
        return table_rows(home, "rain").collect().height
    finally:
        home.close()


def last_commit(root: Path) -> Path:
    return max((root / TABLE / "_delta_log").glob("*.json"))


def commit_actions(root: Path, *actions: Action) -> None:
    """Write one more commit to the table's Delta log."""
    path = last_commit(root)
    following = path.with_name(f"{int(path.stem) + 1:020d}.json")
    following.write_text("".join(json.dumps(a) + "\n" for a in actions))


def change_commits(root: Path, change: Callable[[Action], None]) -> None:
    """Change every action in the table's Delta log."""
    for path in (root / TABLE / "_delta_log").glob("*.json"):
        actions = [json.loads(line) for line in path.read_text().splitlines()]
        for action in actions:
            change(action)
        path.write_text("".join(json.dumps(a) + "\n" for a in actions))


def added(root: Path) -> Action:
    """The last ``add`` of the table."""
    lines = [json.loads(line) for line in last_commit(root).read_text().splitlines()]
    (add,) = [line["add"] for line in lines if "add" in line]
    return dict(add)


@pytest.mark.parametrize("claimed", [-1, 1, 2, None])
@pytest.mark.parametrize("name", ["00000009-" + 64 * "a" + ".parquet", "part-1.parquet"])
def test_a_file_whose_statistics_tell_another_batch(city: Path, name: str, claimed: int | None) -> None:
    """False rows of batch 1 in a file that Delta's statistics put elsewhere are counted where they are."""
    path = next((city / TABLE).glob("00000001-*"))
    pl.read_parquet(path).head(5).with_columns(rain=pl.lit(77.0)).write_parquet(city / TABLE / name)
    before = n_exported(city)
    stats: Action = {"numRecords": 5}
    if claimed is not None:
        stats |= {"minValues": {"_batch": claimed}, "maxValues": {"_batch": claimed}}
    add = added(city) | {"path": name, "stats": json.dumps(stats)}
    commit_actions(city, {"add": add})
    assert n_exported(city) == before + 5
    found = said(city)
    assert "table rain batch 1: other rows: want 107 rows, got 112" in found
    if claimed in (-1, 2):
        assert f"{name}: m" in found


@pytest.mark.parametrize(
    ("group", "name", "value"),
    [
        ("minValues", "_batch", -3),
        ("maxValues", "_batch", 1),
        ("maxValues", "_batch", 99),
        ("minValues", "gauge", "G01"),
        ("maxValues", "observed_at", "2026-09-01T14:30:00.000000Z"),
        ("nullCount", "gauge", 12),
        (None, "numRecords", 1),
        (None, "minValues", {}),
    ],
)
def test_statistics_that_are_not_the_rows(city: Path, group: str | None, name: str, value: object) -> None:
    """Statistics that would make a reader pass over a file, or count it otherwise, are a finding."""
    path = added(city)["path"]

    def change(action: Action) -> None:
        if action.get("add", {}).get("path") == path:
            stats = json.loads(action["add"]["stats"])
            (stats[group] if group else stats)[name] = value
            action["add"]["stats"] = json.dumps(stats)

    change_commits(city, change)
    assert f"table rain: statistics: {path}: " in said(city)


@pytest.mark.parametrize("written", ["./{}", "../rain/{}", "x/../{}"])
def test_a_file_added_twice(city: Path, written: str) -> None:
    """A second way to write a file's name doubles its rows: found by its name and by its rows."""
    (city / TABLE / "x").mkdir()
    before = n_exported(city)
    add = added(city)
    commit_actions(city, {"add": add | {"path": written.format(add["path"])}})
    assert n_exported(city) > before
    found = said(city)
    assert "table rain: Delta log: path: want a plain name" in found
    assert "table rain batch 2: other rows: want 37 rows, got 74" in found


def lying(root: Path, statement: Statement) -> str:
    """Let the operator append a statement, and the city be audited."""
    with open_writer(root, clock) as home:
        home.append(sign_envelope(format_statement(statement), [key("operator")]))
    return said(root)


def stated(root: Path, idx: int) -> Statement:
    home = Home.open(root, clock)
    try:
        return parse_statement(open_envelope(home.reader().entry(idx)).payload)
    finally:
        home.close()


def test_a_batch_called_a_refusal(city: Path) -> None:
    """A batch with rows is not exempt from the audit because its refusals are called a whole file's."""
    true = Ingest.from_statement(stated(city, 4))
    n = true.counts.refused
    lie = replace(
        true,
        batch=3,
        counts=Counts(true.counts.accepted + n, true.counts.accepted, 0, n, 0),
        refusals={"signature": n},
        reasons={},
        quarantine=None,
    )
    found = lying(city, lie.to_statement())
    assert "rain batch 3: parsed again" in found
    assert "table rain batch 3: rows missing" in found


def test_a_file_refused_as_a_whole_audits_clean(city: Path, tmp_path: Path) -> None:
    """What is really refused as a whole has no evidence, and none is asked for."""
    with open_writer(city, clock) as home:
        add_feed(home, contract(tmp_path, version="2.0.0", signature="required"))
        (report,) = ingest(home, "rain", [ndjson(tmp_path / "b.ndjson", 300, 20)])
        assert report.outcome == "refused"
    assert said(city) == ""


@pytest.mark.parametrize(
    "change",
    [
        {"simulated": False},
        {"signature": "required"},
        {"agency": None},
        {"agency": "other-office"},
        {"version": "9.9.9"},
    ],
)
def test_a_contract_told_otherwise(city: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    """A contract's statement that is not what its YAML says is a finding."""
    text = contract(tmp_path, version="2.0.0").read_bytes()
    (city / "store" / contract_path(parse_contract(text).sha256)).write_bytes(text)
    told = replace(sealed_contract(parse_contract(text)), **change)
    found = lying(city, told.to_statement())
    assert f"log entry 7: contract statement: {next(iter(change))}: want" in found


def evidence_of(root: Path, *, signed: bool) -> RecordEvidence:
    home = Home.open(root, clock)
    try:
        receipt = make_receipt(home, "rain", find_record(home, "rain", 1, 3))
    finally:
        home.close()
    evidence = verify(receipt, root / "trust.policy").evidence
    assert evidence is not None
    assert (evidence.agency is not None) == signed
    return evidence


def test_a_verifier_reads_the_contract_itself(city: Path, tmp_path: Path) -> None:
    """Re-execution refuses a batch that its contract's YAML contradicts, whatever the summary says."""
    evidence = evidence_of(city, signed=False)
    assert reexecute(evidence)
    for want, changed in (
        ("simulated", replace(evidence, ingest=replace(evidence.ingest, simulated=False))),
        ("feed", replace(evidence, ingest=replace(evidence.ingest, feed="other"))),
        ("delivery", replace(evidence, contract=contract(tmp_path, signature="required").read_bytes())),
    ):
        with pytest.raises(EvidenceMismatch, match=want):
            reexecute(changed)


def test_a_verifier_wants_the_contract_s_agency(tmp_path: Path) -> None:
    """A delivery signed by another agency than the contract's is refused by re-execution too."""
    root = new_city(tmp_path / "city", signature="required")
    with open_writer(root, clock) as home:
        path = ndjson(tmp_path / "a.ndjson", 0, 300)
        ingest(home, "rain", [path], sign=key(AGENCY), records_per_part=128)
    evidence = evidence_of(root, signed=True)
    assert reexecute(evidence)
    with pytest.raises(EvidenceMismatch, match="agency"):
        reexecute(replace(evidence, agency="other-office"))


@pytest.mark.parametrize("idx", [-1, 4, 400])
def test_a_phantom_batch_in_the_index(city: Path, idx: int) -> None:
    """A batch in the index that is of no entry of the log, or a second one of an entry, is a finding."""
    with sqlite3.connect(city / "veracity.db") as database:
        database.execute(
            "INSERT INTO batches SELECT feed, batch - 100, ?, file_sha256, part, is_last, received_at,"
            " received, accepted, quarantined, refused FROM batches WHERE batch = 1",
            (idx,),
        )
    database.close()
    assert "index and log differ" in said(city)


@pytest.mark.parametrize("kind", ["ingest", "contract", "transform", "enrol"])
def test_a_phantom_statement_in_the_index(city: Path, kind: str) -> None:
    """A statement in the index before the log's first is a finding, and no crash."""
    with sqlite3.connect(city / "veracity.db") as database:
        database.execute(
            "INSERT INTO statements SELECT -1, kind, feed, predicate FROM statements WHERE idx ="
            " (SELECT min(idx) FROM statements WHERE kind = ?)",
            (kind,),
        )
    database.close()
    assert "index: index and log differ: statements: want entries 0 to 6, got one at -1" in said(city)


def test_a_panel_s_definition_swapped(city: Path) -> None:
    """Another definition in the place of a panel's is found even where it gives the same rows."""
    sha256 = Transform.from_statement(stated(city, 6)).definition_sha256
    path = city / "store" / panel_path(sha256)
    path.write_text(path.read_text() + "# harmless\n")
    assert "panel made again: definition: want sha256" in said(city)


@pytest.mark.parametrize(
    ("change", "want"),
    [
        ({"name": "other"}, "name: want 'rain-hourly'"),
        ({"simulated": False}, "simulated: want True"),
        ({"as_of": "2026-09-01T00:00:00.000000Z"}, "input rain: want batches up to -1"),
        ({"inputs": ()}, "input rain: want batches up to 2"),
    ],
)
def test_a_panel_told_otherwise(city: Path, change: dict[str, Any], want: str) -> None:
    """A panel's statement with another name, time, source or no mark of simulation is a finding."""
    told = replace(Transform.from_statement(stated(city, 6)), **change)
    assert f"(log entry 7): statement: {want}" in lying(city, told.to_statement())


def test_once_simulated_stays_so(city: Path, tmp_path: Path) -> None:
    """A panel of a feed that was simulated is, under a later contract that is not: it has those rows."""
    path = contract(tmp_path, version="2.0.0")
    path.write_text(path.read_text().replace("tags: [simulated]", "tags: [real]"))
    with open_writer(city, clock) as home:
        add_feed(home, path)
        assert is_any_simulated(home, ["rain"])
        (tmp_path / "panel.yaml").write_text(PANEL + "description: again\n", encoding="utf-8")
        assert build_and_say(home, tmp_path / "panel.yaml").simulated
    assert said(city) == ""


def test_a_batch_held_to_a_contract_of_the_past(city: Path, tmp_path: Path) -> None:
    """A batch is held to the last contract stated before it; one held to an older is a finding."""
    with open_writer(city, clock) as home:
        add_feed(home, contract(tmp_path, version="2.0.0", maximum=50))
    assert said(city) == ""
    told = replace(Ingest.from_statement(stated(city, 4)), batch=3)
    assert "rain batch 3: statement: contract: want" in lying(city, told.to_statement())


def test_a_deletion_vector(city: Path) -> None:
    """A deletion vector hides rows from other readers of the table: a finding."""

    def change(action: Action) -> None:
        if "add" in action:
            action["add"]["deletionVector"] = {
                "storageType": "i",
                "pathOrInlineDv": "wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L",
                "sizeInBytes": 40,
                "cardinality": 6,
            }

    change_commits(city, change)
    assert "table rain: Delta log: 00000000000000000003.json: want no deletion vectors, got 1" in said(city)


def test_a_deletion_vector_in_a_checkpoint(city: Path) -> None:
    """The same where Delta's log is summed up."""
    home = Home.open(city, clock)
    home.table("rain").delta.create_checkpoint()
    home.close()
    assert said(city) == ""
    (path,) = (city / TABLE / "_delta_log").glob("*.parquet")
    rows = pl.read_parquet(path)
    vector = pl.struct(
        storageType=pl.lit("i"),
        pathOrInlineDv=pl.lit("wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L"),
        offset=pl.lit(None, pl.Int32),
        sizeInBytes=pl.lit(40, pl.Int32),
        cardinality=pl.lit(6, pl.Int64),
    )
    vector = pl.when(pl.col("add").struct.field("path").is_not_null()).then(vector)
    rows.with_columns(pl.col("add").struct.with_fields(deletionVector=vector)).write_parquet(path)
    assert ".checkpoint.parquet: want no deletion vectors, got 3" in said(city)


@pytest.mark.parametrize("how", ["version", "feature", "mapping", "partition", "column"])
def test_delta_features_that_change_what_is_read(city: Path, how: str) -> None:
    """Reader features, column mapping, partitions and other columns: another reader would see other rows."""

    def change(action: Action) -> None:
        if how == "version" and "protocol" in action:
            action["protocol"]["minReaderVersion"] = 2
        if how == "feature" and "protocol" in action:
            action["protocol"] = {
                "minReaderVersion": 3,
                "minWriterVersion": 7,
                "readerFeatures": ["deletionVectors"],
                "writerFeatures": ["deletionVectors"],
            }
        if "metaData" not in action:
            return
        if how == "mapping":
            action["metaData"]["configuration"] = {"delta.columnMapping.mode": "name"}
        if how == "partition":
            action["metaData"]["partitionColumns"] = ["gauge"]
        if how == "column":
            action["metaData"]["schemaString"] = action["metaData"]["schemaString"].replace("rain", "sun")

    change_commits(city, change)
    found = said(city)
    assert "table rain: Delta log: " in found or "table rain: unreadable table: " in found


def test_a_table_that_cannot_be_opened_is_a_finding(city: Path) -> None:
    """A Delta log that no reader opens ends the look at the table, not the audit."""
    last_commit(city).write_text("{no json\n")
    try:
        found = said(city)
    except VeracityError as exc:  # pragma: no cover - the promise is that there is none
        pytest.fail(str(exc))
    assert "table rain: unreadable table" in found

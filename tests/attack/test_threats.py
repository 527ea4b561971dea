"""The threats of the design, one by one: an insider acts on the files, and a real command says so.

The insider can write every file, holds the log's key where that is said, and knows Veracity. What each
command prints here is what ``docs/attacks.md`` says it does.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from attacked_city import TABLE, change_page, evidence, rewrite_log, sealed_city, table_file
from run_cli import Here, start
from small_city import AGENCY, ORIGIN, clock, key, key_file, ndjson
from threats import Attack, attack, declared
from veracity.home.enrolments import revoke_key
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.log.append import Log
from veracity.log.notes import Signer
from veracity.log.policy import format_policy, policy_for
from veracity.provenance.dsse import open_envelope, sign_envelope
from veracity.provenance.statements import Ingest, format_statement, parse_statement
from veracity.stores.database import Database
from veracity.stores.log_state import SqlLogState
from veracity.stores.objects import LocalObjects

LOG = Signer(ORIGIN, key("log").seed)
AUDITOR = "whoever audits the city"
READER = "whoever was given the receipt"
MONITOR = "a monitor that has looked before"


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sealed_city(tmp_path_factory.mktemp("sealed"))


@pytest.fixture
def city(sealed: Path, tmp_path: Path) -> Path:
    """A copy to attack."""
    return Path(shutil.copytree(sealed, tmp_path / "city"))


@pytest.fixture
def this(request: pytest.FixtureRequest) -> Attack:
    """What the test declares."""
    return declared(request.function)


def receipt_of(here: Here, city: Path, record: str = "1:3") -> Path:
    path = city.parent / "receipt.json"
    done = here("receipt", "rain", "--record", record, "-o", path, "--home", city)
    assert done.code == 0, done
    return path


def more(city: Path, first: int = 500) -> None:
    """Take one more batch in."""
    file = ndjson(city.parent / f"{first}.ndjson", first, 40)
    with open_writer(city, clock) as home:
        ingest(home, "rain", [file], sign=key(AGENCY))


def monitored(here: Here, city: Path) -> list[str | Path]:
    """Let a monitor look at the log once; return the command with which it looks again."""
    policy = shutil.copy(city / "trust.policy", city.parent / "their.policy")
    command: list[str | Path] = ["monitor", "follow", city / "store" / "log", "--policy", policy]
    command += ["--state", city.parent / "monitor.json", "--once"]
    done = here(*command)
    assert done.code == 0, done
    return command


def appended(city: Path, entry: bytes) -> None:
    """Append an entry with the log's own key."""
    with open_writer(city, clock) as home:
        home.append(entry)


def stated(city: Path, index: int = 4) -> Ingest:
    home = Home.open(city, clock)
    entry = home.reader().entry(index)
    home.close()
    return Ingest.from_statement(parse_statement(open_envelope(entry).payload))


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
    "forged or revoked key",
    act="with the log's key but not the operator's, appends a statement of his own",
    notices="a monitor, from the log alone",
    command="veracity monitor",
    sees="wrong-signer  log entry 9",
)
def test_a_statement_by_no_operator(this: Attack, city: Path, here: Here) -> None:
    """Who may say what is in the log; a signature by another does not count."""
    forged = format_statement(replace(stated(city), batch=5).to_statement())
    appended(city, sign_envelope(forged, [key(AGENCY)]))
    policy = city / "trust.policy"
    this.notice(here, "monitor", city / "store" / "log", "--policy", policy, "--once")


@attack(
    "forged or revoked key",
    act="the same, and waits for an auditor",
    notices=AUDITOR,
    command="veracity audit",
    sees="rain batch 5: statement: signer: want operator, got agency rain-office",
)
def test_a_statement_by_no_operator_audited(this: Attack, city: Path, here: Here) -> None:
    """An audit checks every signature against the enrolments before it."""
    forged = format_statement(replace(stated(city), batch=5).to_statement())
    appended(city, sign_envelope(forged, [key(AGENCY)]))
    this.notice(here, "audit", "--home", city)


@attack(
    "forged or revoked key",
    act="signs a file with a stolen key that was revoked",
    notices="the city, as it is given the file; nothing of it is used",
    command="veracity ingest rain",
    sees="revoked",
)
def test_a_revoked_key(this: Attack, city: Path, here: Here) -> None:
    """A key that was revoked signs nothing any more; what it signed before stays valid."""
    kept = receipt_of(here, city)
    stolen = key_file(city.parent)
    file = ndjson(city.parent / "new.ndjson", 900, 40)
    assert here("sign", "rain", file, "--key", stolen, "--home", city).code == 0
    with open_writer(city, clock) as home:
        revoke_key(home, AGENCY, "stolen")
    this.notice(here, "ingest", "rain", file, "--home", city)
    assert here("verify", kept, "--policy", city / "trust.policy").code == 0


@attack(
    "forged or revoked key",
    act="signs the whole log anew with a key of his own, and puts that key into the city's policy file",
    notices="whoever verifies with the policy of before; a receipt of before does not hold under the new one",
    command="veracity verify",
    sees="want a signature of",
)
def test_a_tampered_policy(this: Attack, city: Path, here: Here) -> None:
    """A policy says whom to believe, so it is taken from its owner, not from the one who is checked."""
    kept = receipt_of(here, city)
    other = Signer(ORIGIN, key("somebody").seed)
    rewrite_log(city, other)
    (city / "trust.policy").write_text(format_policy(policy_for(other.verifier)))
    this.notice(here, "verify", kept, "--policy", city / "trust.policy")


@attack(
    "log rewritten",
    act="with every key, tells one statement otherwise and signs a log of the same length again",
    notices=MONITOR,
    command="veracity monitor",
    sees="split-view",
)
def test_a_rewritten_log(this: Attack, city: Path, here: Here) -> None:
    """Two signed trees of one size cannot both be true; the monitor keeps the proof."""
    again = monitored(here, city)
    rewrite_log(city, LOG)
    this.notice(here, *again)


@attack(
    "log rewritten",
    act="the same, and leaves the rest of the city as it was",
    notices=AUDITOR,
    command="veracity audit",
    sees="index and log differ",
)
def test_a_rewritten_log_audited(this: Attack, city: Path, here: Here) -> None:
    """What the city remembers is not what the log says now."""
    rewrite_log(city, LOG)
    this.notice(here, "audit", "--home", city)


@attack(
    "log rewritten",
    act="changes a byte of an entry in the log's files",
    notices="whoever has a copy of the log's files",
    command="veracity log fsck",
    sees="tile/entries/",
)
def test_a_changed_entry(this: Attack, city: Path, here: Here) -> None:
    """Every byte is under the signed root."""
    (path,) = (p for p in (city / "store" / "log" / "tile" / "entries").rglob("9") if p.is_file())
    body = path.read_bytes()
    path.write_bytes(body[:5000] + bytes([body[5000] ^ 1]) + body[5001:])
    this.notice(here, "log", "fsck", "--log", city / "store" / "log", "--key", LOG.verifier.format())


def fork(city: Path, n_kept: int, n_new: int) -> Path:
    """Sign another continuation of the city's log, with its key; return where its files are."""
    home = Home.open(city, clock)
    entries = list(home.reader().entries())[:n_kept]
    home.close()
    lies = [replace(stated(city), batch=7 + i).to_statement() for i in range(n_new)]
    entries += [sign_envelope(format_statement(lie), [key("operator")]) for lie in lies]
    folder = city.parent / "other"
    with Database(folder.with_suffix(".db")) as database:
        Log.open(LocalObjects(folder), SqlLogState(database), LOG).append(entries)
    return folder


@attack(
    "log forked",
    act="with the log's key, goes on from a copy of the log, past what others have seen",
    notices=MONITOR,
    command="veracity monitor",
    sees="split-view",
)
def test_a_forked_log(this: Attack, city: Path, here: Here) -> None:
    """A longer tree that does not begin with the one seen before is found."""
    more(city)
    again = monitored(here, city)
    again[2] = fork(city, 9, 3)
    this.notice(here, *again)


@attack(
    "log rolled back to an old backup",
    act="puts the log's files back to an old backup",
    notices=MONITOR,
    command="veracity monitor",
    sees="rollback",
)
def test_a_log_rolled_back(this: Attack, city: Path, here: Here) -> None:
    """A log never gets shorter."""
    backup = shutil.copytree(city / "store" / "log", city.parent / "backup")
    more(city)
    again = monitored(here, city)
    shutil.rmtree(city / "store" / "log")
    shutil.copytree(backup, city / "store" / "log")
    this.notice(here, *again)


@attack(
    "log rolled back to an old backup",
    act="the same, and waits for an auditor",
    notices=AUDITOR,
    command="veracity audit",
    sees="log: not the last signed",
)
def test_a_log_rolled_back_audited(this: Attack, city: Path, here: Here) -> None:
    """The database knows what was signed last."""
    backup = shutil.copytree(city / "store" / "log", city.parent / "backup")
    more(city)
    more(city, 600)
    shutil.rmtree(city / "store" / "log")
    shutil.copytree(backup, city / "store" / "log")
    this.notice(here, "audit", "--home", city)


@attack(
    "log rolled back to an old backup",
    act="puts the database back to an old backup, so that a size would be signed twice",
    notices="the city, which refuses to sign",
    command="veracity ingest rain",
    sees="want the published checkpoint",
)
def test_a_database_rolled_back(this: Attack, city: Path, here: Here) -> None:
    """Nothing is signed on a state that is older than what is published."""
    shutil.copy(city / "veracity.db", city.parent / "backup.db")
    more(city)
    for name in ("veracity.db-wal", "veracity.db-shm"):
        (city / name).unlink(missing_ok=True)
    shutil.copy(city.parent / "backup.db", city / "veracity.db")
    file = ndjson(city.parent / "new.ndjson", 900, 40)
    this.notice(here, "ingest", "rain", file, "--sign", key_file(city.parent), "--home", city)


@attack(
    "log rolled back to an old backup",
    act="puts the whole home back to an old backup, where nothing inside can tell",
    notices=MONITOR,
    command="veracity monitor",
    sees="rollback",
)
def test_a_home_rolled_back(this: Attack, city: Path, here: Here) -> None:
    """Only who looks from outside, or holds a receipt, knows that there was more."""
    backup = shutil.copytree(city, city.parent / "backup")
    more(city)
    again = monitored(here, city)
    shutil.rmtree(city)
    shutil.copytree(backup, city)
    assert here("audit", "--home", city).code == 0
    this.notice(here, *again)


@attack(
    "log shown differently to two people",
    act="with the log's key, shows one log to most and another of the same size to one",
    notices="a monitor that is shown both; its proof convinces anybody who has the log's key",
    command="veracity monitor",
    sees="split-view",
)
def test_a_split_view(this: Attack, city: Path, here: Here) -> None:
    """Two signed checkpoints of one size are proof, which another command checks alone."""
    more(city)
    again = monitored(here, city)
    again[2] = fork(city, 9, 1)
    this.notice(here, *again)
    (proof,) = (p for p in city.parent.rglob("*.json") if "misbehaviour" in p.read_text()[:400])
    judged = here("monitor", "evidence", proof, "--policy", city.parent / "their.policy")
    assert (judged.code, judged.out.startswith("PROVEN")) == (0, True), judged


@pytest.fixture
def witness(city: Path) -> Iterator[Path]:
    """A witness, as a process of its own, that the city's policy asks for; what it had cosigned is there."""
    folder = city.parent / "witness"
    policy = city / "trust.policy"
    process = start("witness", "serve", policy, "--name", "uni.example/w", "--dir", folder, "--port", "0")
    assert process.stdout is not None
    line = process.stdout.readline().rstrip("\n")
    assert line.startswith("witness uni.example/w "), line
    logs = policy.read_text().replace("quorum none\n", "")
    policy.write_text(f"{logs}{line}\nquorum uni.example/w\n")
    more(city)
    yield folder
    process.terminate()
    with process, process.stdout, process.stderr or process.stdout:
        assert process.wait(timeout=60) == 0


@attack(
    "log rolled back to an old backup",
    act="the same, where a witness has cosigned more",
    notices="the city, as it asks its witness, before anything is signed: if one of its witnesses answers",
    command="veracity log publish",
    sees="11 entries, got 10: this home is an older backup",
)
def test_a_home_rolled_back_under_a_witness(this: Attack, city: Path, here: Here, witness: Path) -> None:
    """The witness shows a checkpoint with more entries, signed by the log's own key."""
    backup = shutil.copytree(city, city.parent / "backup")
    more(city, 600)
    shutil.rmtree(city)
    shutil.copytree(backup, city)
    this.notice(here, "log", "publish", "--home", city)


@attack(
    "log forked",
    act="with the log's key, goes on from an old backup of the city, where a witness has cosigned more",
    notices="the city, as it asks its witness: nothing of the fork is published; the witness keeps the proof",
    command="veracity log publish",
    sees="got another: cosigned another tree of size 11, which our key signed too",
)
def test_a_fork_under_a_witness(this: Attack, city: Path, here: Here, witness: Path) -> None:
    """The witness cosigned another tree of that size; without it the fork meets no policy."""
    backup = shutil.copytree(city, city.parent / "backup")
    more(city, 600)
    shutil.rmtree(city)
    shutil.copytree(backup, city)
    witnessed = (city / "trust.policy").read_text()
    (city / "trust.policy").write_text(format_policy(policy_for(LOG.verifier)))
    more(city, 700)
    (city / "trust.policy").write_text(witnessed)
    this.notice(here, "log", "publish", "--home", city)
    shown = here("witness", "show", "--dir", witness)
    assert (shown.code, "FORKS    1, with both signed notes" in shown.out) == (1, True), shown


@attack(
    "log shown differently to two people",
    act="with the log's key, makes a receipt from a log that its witness never saw",
    notices="whoever verifies it with a policy that asks for the witness",
    command="veracity verify",
    sees="quorum uni.example/w: want its cosignatures, got none",
)
def test_a_receipt_without_a_witness(this: Attack, city: Path, here: Here, witness: Path) -> None:
    """The log's own signature is not enough where the reader's policy asks for others."""
    theirs = shutil.copy(city / "trust.policy", city.parent / "their.policy")
    (city / "trust.policy").write_text(format_policy(policy_for(LOG.verifier)))
    more(city, 600)
    this.notice(here, "verify", receipt_of(here, city), "--policy", theirs)


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

"""An insider rewrites, forks, rolls back or splits the log: a real command says so.

The insider can write every file, holds the log's key where that is said, and knows Veracity. What each
command prints here is what ``docs/attacks.md`` says it does.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from attacked_city import (
    AUDITOR,
    LOG,
    MONITOR,
    city,
    monitored,
    more,
    receipt_of,
    rewrite_log,
    sealed,
    stated,
)
from run_cli import Here, start
from small_city import clock, key, key_file, ndjson
from threats import Attack, attack
from veracity.home.home import Home
from veracity.log.append import Log
from veracity.log.policy import format_policy, policy_for
from veracity.provenance.dsse import sign_envelope
from veracity.provenance.statements import format_statement
from veracity.stores.database import Database
from veracity.stores.log_state import SqlLogState
from veracity.stores.objects import LocalObjects

__all__ = ["city", "sealed"]


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

"""``veracity cose``: a city's receipts for other software, through the command line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from run_cli import Here
from small_city import ORIGIN, clock, key, ndjson, new_city
from veracity.home.founding import CityKeys, init
from veracity.log.cosignatures import Cosigner
from veracity.provenance.receipts import parse_receipt

TOOL = Path(sys.executable).with_name("scitt-cose")


@pytest.fixture
def receipt(tmp_path: Path, here: Here) -> Path:
    """A receipt of a new city in ``home``."""
    home, path = tmp_path / "home", tmp_path / "receipt.json"
    new_city(home)
    assert here("ingest", "rain", ndjson(tmp_path / "a.ndjson", 0, 30), "--home", home).code == 0
    assert here("receipt", "rain", "--record", "0:3", "-o", path, "--home", home).code == 0
    return path


def test_export_and_verify(receipt: Path, tmp_path: Path, here: Here) -> None:
    """What is exported verifies with our command and the public one, as receipt and as statement."""
    home, log = tmp_path / "home", tmp_path / "log.pem"
    policy = home / "trust.policy"
    assert here("cose", "key", "--policy", policy, "-o", log).code == 0
    bare, statement = tmp_path / "entry.receipt", tmp_path / "entry.scitt"
    assert here("cose", "export", receipt, "-o", bare, "--home", home).code == 0
    assert here("cose", "export", receipt, "-o", statement, "--statement", "--home", home).code == 0
    entry = parse_receipt(receipt.read_bytes()).stated.entry
    options = ("--receipt-log-pubkey", log, "--leaf-entry-hex", entry.hex())
    done = subprocess.run([TOOL, "--receipt", bare, *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = [
        json.loads(here("cose", "verify", bare, "--policy", policy, "--receipt", receipt, "--json").out),
        json.loads(here("cose", "verify", statement, "--policy", policy, "--json").out),
    ]
    for told in shown:
        assert (told["verified"], told["simulated"], told["kind"]) == (True, True, "ingest")
        assert any(line.startswith("witnesses: ") for line in told["not_checked"])


def test_no(receipt: Path, tmp_path: Path, here: Here) -> None:
    """A receipt for another entry, or under a policy that asks for witnesses, is a no."""
    home, bare = tmp_path / "home", tmp_path / "entry.receipt"
    policy, other = home / "trust.policy", tmp_path / "other.json"
    assert here("cose", "export", receipt, "-o", bare, "--home", home).code == 0
    assert here("ingest", "rain", ndjson(tmp_path / "b.ndjson", 30, 30), "--home", home).code == 0
    assert here("receipt", "rain", "--record", "1:3", "-o", other, "--home", home).code == 0
    done = here("cose", "verify", bare, "--policy", policy, "--receipt", other)
    assert (done.code, done.out) == (1, "")
    assert "NOT VERIFIED" in done.err
    witness = Cosigner("w.example", bytes(32)).verifier.format()
    strict = tmp_path / "strict.policy"
    strict.write_text(policy.read_text().replace("quorum none", f"witness w {witness}\nquorum w"))
    done = here("cose", "verify", bare, "--policy", strict, "--receipt", receipt)
    assert (done.code, "quorum w" in done.err) == (1, True)


def test_only_its_own_roots_are_signed(receipt: Path, tmp_path: Path, here: Here) -> None:
    """Another city's receipt is not signed, whatever its name."""
    other = tmp_path / "other"
    init(other, ORIGIN, clock, CityKeys(key("another log").seed, key("operator")))
    done = here("cose", "export", receipt, "-o", tmp_path / "x", "--home", other)
    assert (done.code, (tmp_path / "x").exists()) == (1, False)


def test_consistency(receipt: Path, tmp_path: Path, here: Here) -> None:
    """The log's growth is signed; from nothing, from all or from beyond it is refused."""
    home, output = tmp_path / "home", tmp_path / "log.receipt"
    told = json.loads(here("cose", "consistency", "2", "-o", output, "--home", home, "--json").out)
    size = told["new"]["size"]
    assert told["old"]["size"] == 2
    for old in (0, size, size + 1):
        assert here("cose", "consistency", str(old), "-o", output, "--home", home).code == 3


def test_growth_is_verified(receipt: Path, tmp_path: Path, here: Here) -> None:
    """Who knows the old tree verifies that the log grew from it; another tree, or another log, is a no."""
    home, output = tmp_path / "home", tmp_path / "log.receipt"
    policy = home / "trust.policy"
    told = json.loads(here("cose", "consistency", "2", "-o", output, "--home", home, "--json").out)
    root = told["old"]["root"]
    done = here("cose", "verify", output, "--policy", policy, "--old", f"2:{root}", "--json")
    assert done.code == 0, done
    shown = json.loads(done.out)
    assert (shown["old"], shown["new"]) == (told["old"], told["new"])
    for wrong in (f"3:{root}", f"2:{64 * '0'}"):
        done = here("cose", "verify", output, "--policy", policy, "--old", wrong)
        assert (done.code, "NOT VERIFIED" in done.err) == (1, True), done
    other = tmp_path / "other"
    init(other, ORIGIN, clock, CityKeys(key("another log").seed, key("operator")))
    done = here("cose", "verify", output, "--policy", other / "trust.policy", "--old", f"2:{root}")
    assert (done.code, "NOT VERIFIED" in done.err) == (1, True), done
    for bad in ("2", "0:" + root, f"2:{root[:-1]}", f"2:{root.upper()}x", f"{10**30}:{root}"):
        assert here("cose", "verify", output, "--policy", policy, "--old", bad).code == 2


def test_what_else_to_give_is_said(receipt: Path, tmp_path: Path, here: Here) -> None:
    """A receipt given without what it is about is told as what it is, with the option that is missing."""
    home, policy = tmp_path / "home", tmp_path / "home" / "trust.policy"
    bare, growth, statement = tmp_path / "entry", tmp_path / "growth", tmp_path / "statement"
    assert here("cose", "export", receipt, "-o", bare, "--home", home).code == 0
    assert here("cose", "export", receipt, "-o", statement, "--statement", "--home", home).code == 0
    assert here("cose", "consistency", "2", "-o", growth, "--home", home).code == 0
    old = ("--old", f"2:{64 * '0'}")
    for file, given, says in [
        (bare, (), "without the entry it is of: give that with --receipt"),
        (growth, (), "a receipt that the log grew: give the tree"),
        (growth, ("--receipt", receipt), "--old SIZE:ROOT"),
        (bare, (*old, "--receipt", receipt), "--old goes with"),
        (statement, old, "--old goes with"),
        (statement, ("--receipt", receipt), "--receipt goes with"),
        (growth, (*old, "--receipt", receipt), "--receipt goes with"),
    ]:
        done = here("cose", "verify", file, "--policy", policy, *given)
        assert done.code == 2, done
        assert says in " ".join(done.err.split()), done

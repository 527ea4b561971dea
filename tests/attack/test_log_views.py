"""Attacks on a log by whoever runs it, disk and keys in hand: who notices, and by which command.

A log that is rewritten with its own key is sound in itself. Only somebody outside, who remembers
what was shown or asks others what they were shown, can tell: a monitor, or a witness.
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from run_cli import Done, Here
from small_city import AGENCY, EPOCH, clock, csv, key, log_entries, ndjson, new_city
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.log.policy import format_policy
from veracity.provenance.dsse import open_envelope
from veracity.provenance.statements import Ingest, SealedContract, parse_statement
from watched import HANOI, SIGNER, files, forge, http, policy, say, show


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city with three batches."""
    folder = tmp_path_factory.mktemp("city")
    root = new_city(folder / "city")
    with open_writer(root, clock) as home:
        ingest(home, "rain", [ndjson(folder / "a.ndjson", 0, 300)], sign=key(AGENCY), records_per_part=128)
    return root


KEY = SIGNER.verifier.format()


def other(n: int = 0) -> bytes:
    """What the city would rather have said."""
    return say(SealedContract(f"feed-{n}", "1", f"{n:064x}", None, "optional", True).to_statement())


class Citizen:
    """Somebody with a policy and a memory of their own, who asks the log now and then."""

    def __init__(self, here: Here, folder: Path, name: str, trusted: str) -> None:
        self._here, self._state = here, folder / f"{name}.json"
        self._policy = folder / f"{name}.policy"
        self._policy.write_text(trusted)

    def looks(self, location: str | Path) -> Done:
        """``veracity monitor``."""
        return self._here("monitor", location, "--policy", self._policy, "--state", self._state, "--json")

    def judges(self, path: str) -> Done:
        """``veracity monitor evidence``, with nothing but the file and the policy."""
        return self._here("monitor", "evidence", path, "--policy", self._policy, "--json")


def found(done: Done) -> dict[str, str | None]:
    """The kinds of a monitor's findings, and the files that prove them."""
    return {f["kind"]: f["evidence"] for f in json.loads(done.out)["findings"]}


def test_a_log_shown_differently_to_two_people(city: Path, here: Here, tmp_path: Path) -> None:
    """Neither of the two notices alone. With a witness in the policy the second does, and can prove it."""
    entries = log_entries(city)
    for_an = forge(tmp_path / "for-an", entries)
    for_binh = forge(tmp_path / "for-binh", [*entries[:-1], other()])
    alone = format_policy(policy())
    assert Citizen(here, tmp_path, "an", alone).looks(for_an).code == 0
    assert Citizen(here, tmp_path, "binh", alone).looks(for_binh).code == 0
    assert here("log", "fsck", "--log", for_binh, "--key", KEY).code == 0
    show(tmp_path / "hanoi", HANOI, (for_an / "checkpoint").read_bytes(), int(EPOCH))
    with http(files(tmp_path / "hanoi")) as url:
        watched = Citizen(here, tmp_path, "with-a-witness", format_policy(policy(hanoi=url)))
        done = watched.looks(for_binh)
    assert (done.code, set(found(done))) == (1, {"split-view"})
    evidence = found(done)["split-view"]
    assert evidence is not None
    assert Citizen(here, tmp_path, "a-judge", alone).judges(evidence).code == 0, "PROVEN by the file alone"


def test_a_log_rolled_back_to_an_old_backup(city: Path, here: Here, tmp_path: Path) -> None:
    """Log, tables and database of last week, put back together: fsck and audit pass, a monitor does not."""
    root = Path(shutil.copytree(city, tmp_path / "city"))
    backup = Path(shutil.copytree(root, tmp_path / "backup"))
    citizen = Citizen(here, tmp_path, "an", format_policy(policy()))
    with open_writer(root, clock) as home:
        ingest(home, "rain", [csv(tmp_path / "b.csv", 300, 30)], sign=key(AGENCY))
    assert citizen.looks(root / "store/log").code == 0
    shutil.rmtree(root)
    shutil.copytree(backup, root)
    assert here("log", "fsck", "--home", root).code == 0
    assert here("audit", "--home", root).code == 0
    done = citizen.looks(root / "store/log")
    assert (done.code, set(found(done))) == (1, {"rollback"})
    # Going on from the backup makes another history of the same length: that is proof.
    with open_writer(root, clock) as home:
        ingest(home, "rain", [csv(tmp_path / "c.csv", 400, 30)], sign=key(AGENCY))
    done = citizen.looks(root / "store/log")
    assert set(found(done)) == {"rollback", "split-view"}
    evidence = found(done)["split-view"]
    assert evidence is not None
    assert citizen.judges(evidence).code == 0


@pytest.mark.parametrize("n_more", [0, 1, 300])
def test_a_log_rewritten(city: Path, here: Here, tmp_path: Path, n_more: int) -> None:
    """An old entry exchanged and all signed anew, then grown: fsck passes, a monitor proves it."""
    entries = log_entries(city)
    citizen = Citizen(here, tmp_path, "an", format_policy(policy()))
    assert citizen.looks(forge(tmp_path / "before", entries)).code == 0
    after = forge(
        tmp_path / "after", [*entries[:3], other(), *entries[4:], *(other(n + 1) for n in range(n_more))]
    )
    assert here("log", "fsck", "--log", after, "--key", KEY).code == 0
    done = citizen.looks(after)
    assert (done.code, set(found(done))) == (1, {"split-view"})
    evidence = found(done)["split-view"]
    assert evidence is not None
    assert citizen.judges(evidence).code == 0


def test_a_log_that_is_held_back(city: Path, here: Here, tmp_path: Path) -> None:
    """New entries kept from one reader: with a witness that has seen them, told at once."""
    entries = log_entries(city)
    show(tmp_path / "hanoi", HANOI, (forge(tmp_path / "whole", entries) / "checkpoint").read_bytes())
    with http(files(tmp_path / "hanoi")) as url:
        citizen = Citizen(here, tmp_path, "an", format_policy(policy(hanoi=url)))
        done = citizen.looks(forge(tmp_path / "held", entries[:-1]))
    assert any(f"has seen {len(entries)} entries" in line for line in json.loads(done.out)["told"])


def test_a_statement_by_a_stolen_agency_key(city: Path, here: Here, tmp_path: Path) -> None:
    """Who has an agency's key and the log's cannot speak as the operator: a monitor names the entry."""
    forged = say(SealedContract("snow", "1", "ab" * 32, None, "optional", True).to_statement(), AGENCY)
    entries = log_entries(city)
    done = Citizen(here, tmp_path, "an", format_policy(policy())).looks(
        forge(tmp_path / "log", [*entries, forged])
    )
    (finding,) = json.loads(done.out)["findings"]
    assert (done.code, finding["kind"], finding["where"]) == (1, "wrong-signer", f"log entry {len(entries)}")


def test_a_batch_told_twice_by_the_operator(city: Path, here: Here, tmp_path: Path) -> None:
    """The operator signs a second account of a batch: both hold by their signatures, not together."""
    entries = log_entries(city)
    said = Ingest.from_statement(parse_statement(open_envelope(entries[-1]).payload))
    again = say(replace(said, received_at="2026-09-03T13:00:00Z").to_statement())
    done = Citizen(here, tmp_path, "an", format_policy(policy())).looks(
        forge(tmp_path / "log", [*entries, again])
    )
    assert done.code == 1
    assert "batch-repeated" in found(done)


@pytest.mark.parametrize("damage", ["byte", "gone", "extra", "link"])
def test_files_of_the_log_changed_on_disk(city: Path, here: Here, tmp_path: Path, damage: str) -> None:
    """One byte, one file gone, one too many, one replaced by a link: fsck names the file."""
    log = Path(shutil.copytree(city / "store/log", tmp_path / "log"))
    bundle = log / f"tile/entries/000.p/{len(log_entries(city))}"
    path = bundle
    if damage == "byte":
        data = bundle.read_bytes()
        bundle.write_bytes(data[:100] + bytes([data[100] ^ 1]) + data[101:])
    elif damage == "gone":
        bundle.unlink()
    elif damage == "extra":
        path = log / "tile/0/000#12"
        path.write_bytes(b"")
    else:
        bundle.unlink()
        bundle.symlink_to(city / "store/log" / bundle.relative_to(log))
    done = here("log", "fsck", "--log", log, "--key", KEY, "--json")
    assert done.code == 1
    assert path.relative_to(log).as_posix() in {item["path"] for item in json.loads(done.out)["items"]}

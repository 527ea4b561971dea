"""Attacks on a receipt on its way: edited, cut, swapped, of another city, or huge. ``verify`` notices."""

import json
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from run_cli import Here, environment, is_one_line, run
from small_city import AGENCY, ORIGIN, clock, key, ndjson, new_city
from veracity.errors import Malformed, Rejected, VeracityError
from veracity.home.founding import CityKeys, init
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.home.receipts import find_record, make_receipt
from veracity.log.notes import Signer
from veracity.log.policy import format_policy, policy_for
from veracity.provenance.errors import ReceiptRejected
from veracity.provenance.receipts import format_receipt
from veracity.verifying import verify


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Receipts of an accepted record, of one in quarantine and of another batch; and the policy."""
    folder = tmp_path_factory.mktemp("receipts")
    root = new_city(folder / "city", signature="required")
    with open_writer(root, clock) as home:
        file = ndjson(folder / "a.ndjson", 0, 300)
        ingest(home, "rain", [file], sign=key(AGENCY), records_per_part=128)
        for name, batch, record in (("r", 1, 3), ("other", 2, 3), ("aside", 0, 12)):
            found = find_record(home, "rain", batch, record)
            (folder / f"{name}.json").write_bytes(format_receipt(make_receipt(home, "rain", found)))
    (folder / "trust.policy").write_bytes((root / "trust.policy").read_bytes())
    return folder


def test_untouched_receipts_hold(folder: Path, here: Here) -> None:
    """What is attacked below verifies before, and the record set aside says that it has no row."""
    for name in ("r", "other", "aside"):
        assert here("verify", folder / f"{name}.json", "--policy", folder / "trust.policy").code == 0


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in a JSON document."""
    if isinstance(document, dict):
        return [p for k, v in document.items() for p in places(v, (*path, k))]
    if isinstance(document, list):
        return [p for i, v in enumerate(document) for p in places(v, (*path, i))]
    return [path]


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


def changed(value: Any, rng: random.Random) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if value is None:
        return 0
    if not value:
        return "x"
    i = rng.randrange(len(value))
    return value[:i] + chr((ord(value[i]) ^ 1) or 33) + value[i + 1 :]


# A help to find the record in its file: the receipt's format says that nothing proves it.
UNPROVEN = {("record", "first_line")}


def test_every_value_edited(folder: Path) -> None:
    """Any one value of a receipt changed, by a bit or by one: refused, always with an error of ours."""
    body = (folder / "r.json").read_bytes()
    rng = random.Random(3)  # noqa: S311
    policy = folder / "trust.policy"
    for path in places(json.loads(body)):
        if path in UNPROVEN:
            continue
        for _ in range(3):
            document = json.loads(body)
            holder, last = at(document, path[:-1]), path[-1]
            holder[last] = changed(holder[last], rng)
            edited = folder / "edited.json"
            edited.write_text(json.dumps(document))
            with pytest.raises((Malformed, Rejected)):
                verify(edited, policy)


def test_every_part_swapped_or_left_out(folder: Path) -> None:
    """Parts of another receipt of the same city put in, or left out, do not make one that holds."""
    mine = json.loads((folder / "r.json").read_bytes())
    policy = folder / "trust.policy"
    for other in ("other", "aside"):
        theirs = json.loads((folder / f"{other}.json").read_bytes())
        for name in mine:
            if theirs.get(name) in (mine[name], None):
                continue  # no row at all claims less, and holds
            (folder / "edited.json").write_text(json.dumps(mine | {name: theirs.get(name)}))
            with pytest.raises((Malformed, Rejected)):
                verify(folder / "edited.json", policy)
    for name in mine:
        rest = {k: v for k, v in mine.items() if k != name}
        (folder / "edited.json").write_text(json.dumps(rest))
        with pytest.raises(VeracityError):
            verify(folder / "edited.json", policy)


def test_a_row_that_the_record_does_not_give(folder: Path, here: Here) -> None:
    """The number people look at, edited: the record is cleaned again and says another. Exit 1, one line."""
    document = json.loads((folder / "r.json").read_bytes())
    document["row"]["rain"] = 99.0
    (folder / "edited.json").write_text(json.dumps(document))
    done = here("verify", folder / "edited.json", "--policy", folder / "trust.policy")
    assert (done.code, is_one_line(done)) == (1, True)
    assert "row" in done.err


@pytest.mark.parametrize(
    "make",
    [
        lambda b: b"",
        lambda b: b[: len(b) // 2],
        lambda b: b[:-3],
        lambda b: b + b"{}",
        lambda b: b"\xff\xfe" + b,
        lambda b: b.replace(b'"schema"', b'"schema": "x", "schema"', 1),
        lambda b: b"[" * 100_000,
        lambda b: b'{"schema": "veracity.receipt/v1"}',
        lambda b: b.replace(b"v1", b"v2", 1),
        lambda b: b"null",
        lambda b: bytes(4096),
    ],
    ids=["empty", "half", "tail", "trailing", "bytes", "twice", "deep", "bare", "v2", "null", "zeros"],
)
def test_what_is_no_receipt(folder: Path, here: Here, make: Callable[[bytes], bytes]) -> None:
    """Cut, padded, nested, of another version: exit 3 and one line."""
    (folder / "edited.json").write_bytes(make((folder / "r.json").read_bytes()))
    done = here("verify", folder / "edited.json", "--policy", folder / "trust.policy")
    assert (done.code, is_one_line(done)) == (3, True), done


MEASURED = """
import sys
from pathlib import Path
from veracity.cli.main import main
try:
    main(sys.argv[1:])
finally:
    print(Path("/proc/self/status").read_text())
"""


def test_a_gigabyte_of_zeros(folder: Path) -> None:
    """A receipt, or a policy, of 1 GB is refused without reading it: exit 3, little memory."""
    with (folder / "zeros.json").open("wb") as file:
        file.truncate(1 << 30)
    for receipt, policy in (("zeros.json", "trust.policy"), ("r.json", "zeros.json")):
        arguments = ["verify", str(folder / receipt), "--policy", str(folder / policy)]
        command = [sys.executable, "-c", MEASURED, *arguments]
        done = subprocess.run(command, capture_output=True, env=environment(), text=True)
        assert (done.returncode, done.stderr.count("\n")) == (3, 1)
        peak = re.search(r"VmHWM:\s+([0-9]+) kB", done.stdout)
        assert peak is not None
        assert int(peak.group(1)) < 400 * 1024  # what the libraries take


def test_files_that_are_missing(folder: Path, here: Here) -> None:
    """No receipt, no policy, or folders in their place: exit 4."""
    for receipt, policy in (("none", "trust.policy"), ("r.json", "none"), ("city", "trust.policy")):
        done = here("verify", folder / receipt, "--policy", folder / policy)
        assert (done.code, is_one_line(done)) == (4, True), done


def test_of_another_log(folder: Path, tmp_path: Path, here: Here) -> None:
    """A receipt of another city, even one that calls itself the same, is not this one's."""
    keys = CityKeys(key("another log").seed, key("another operator"))
    init(tmp_path / "same-name", ORIGIN, clock, keys)
    init(tmp_path / "other-name", "other.example/city", clock, CityKeys(key("log").seed, key("operator")))
    for name in ("same-name", "other-name"):
        done = here("verify", folder / "r.json", "--policy", tmp_path / name / "trust.policy")
        assert (done.code, is_one_line(done)) == (1, True), done


def test_a_policy_of_the_attacker(folder: Path, here: Here) -> None:
    """A policy that is none is refused; whom to believe is the reader's to say."""
    for body, code in ((b"", 1), (b"log nonsense", 3), (b"\x00" * 100, 3), (b"log " * 100_000, 3)):
        (folder / "bad.policy").write_bytes(body)
        done = here("verify", folder / "r.json", "--policy", folder / "bad.policy")
        assert done.code in (code, 3), done
        assert is_one_line(done)
    other = policy_for(Signer(ORIGIN, key("somebody").seed).verifier)
    (folder / "bad.policy").write_text(format_policy(other))
    done = here("verify", folder / "r.json", "--policy", folder / "bad.policy")
    assert (done.code, is_one_line(done)) == (1, True)


def test_verify_needs_no_home(folder: Path, tmp_path: Path) -> None:
    """Two files on another machine are enough: no home, no store, no database is opened."""
    for name in ("r.json", "trust.policy"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    before = sorted(tmp_path.iterdir())
    done = run("verify", tmp_path / "r.json", "--policy", tmp_path / "trust.policy")
    assert done.code == 0
    assert "SIMULATED" in done.out
    assert sorted(tmp_path.iterdir()) == before


def test_rejections_name_their_step(folder: Path) -> None:
    """A rejection says which link of the chain does not hold."""
    document = json.loads((folder / "r.json").read_bytes())
    document["row"]["rain"] = 99.0
    (folder / "edited.json").write_text(json.dumps(document))
    with pytest.raises(ReceiptRejected) as caught:
        verify(folder / "edited.json", folder / "trust.policy")
    assert caught.value.step in str(caught.value)

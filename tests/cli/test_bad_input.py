"""Bad input through the real command: one line, the right exit code, and nothing half-stored."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from run_cli import COMMAND, Here, environment, is_one_line, run
from small_city import AGENCY, PANEL, clock, contract, key, key_file, log_entries, ndjson, new_city
from veracity.home.directory import open_directory
from veracity.home.enrolments import revoke_key
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.home.lock import writing
from warm_command import warm_command

PEM = f"{AGENCY}.pem"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    root = new_city(folder / "city", signature="required")
    key_file(folder)
    with open_writer(root, clock) as home:
        ingest(home, "rain", [ndjson(folder / "a.ndjson", 0, 100)], sign=key(AGENCY))
    ndjson(folder / "b.ndjson", 100, 50)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "made"))


def stored(root: Path) -> dict[str, str]:
    """Every file of a home that holds something, with its digest."""
    files = (p for p in root.rglob("*") if p.is_file() and not p.name.startswith(("lock", "veracity.db-")))
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def bad(folder: Path, *arguments: str | Path, code: int, says: str, home: str = "city") -> None:
    """Run the command; it must fail with one line that says so, and leave the home as it was."""
    before = stored(folder / "city")
    done = run(*arguments, "--home", folder / home)
    assert (done.code, is_one_line(done)) == (code, True), done
    assert says in done.err
    after = stored(folder / "city")
    assert {n for n in before.keys() | after.keys() if before.get(n) != after.get(n)} <= {"veracity.db"}


def test_wrong_contract(folder: Path) -> None:
    """A contract that is none, or is too large, or is binary."""
    text = (folder / "rain-1.0.0.yaml").read_text()
    cases = {
        "empty": b"",
        "binary": bytes(range(256)),
        "large": b"#" * 300_000,
        "bomb": b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n",
        "unit": text.replace("value: mm", "value: furlongs").encode(),
        "regex": text.replace("^G[0-9]{2}$", "^(G").encode(),
    }
    for name, body in cases.items():
        (folder / "c.yaml").write_bytes(body)
        bad(folder, "feed", "add", folder / "c.yaml", code=3, says="c.yaml")
        assert name
    bad(folder, "feed", "add", folder, code=4, says="want a readable file")
    bad(folder, "feed", "add", contract(folder, agency="nobody", version="3.0.0"), code=3, says="'nobody'")


def test_a_contract_that_changes_the_table(folder: Path, here: Here) -> None:
    """Another type under the same name would change the table under its readers: refused, exit 1."""
    path = contract(folder, version="2.0.0")
    path.write_text(
        path.read_text().replace(
            "name: rain\n        logicalType: number", "name: rain\n        logicalType: integer"
        )
    )
    bad(folder, "feed", "add", path, code=1, says="got a change in rain")


def test_a_contract_that_was_replaced(folder: Path, here: Here) -> None:
    """An older version does not silently come back: the log cannot say the same thing twice."""
    home: list[str | Path] = ["--home", folder / "city"]
    second = contract(folder, version="2.0.0")
    assert here("feed", "add", second, *home).code == 0
    assert here("feed", "add", second, *home).code == 0  # again while in force: nothing changes
    bad(folder, "feed", "add", folder / "rain-1.0.0.yaml", code=1, says="give it a new version")


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("x.xlsx", b"PK\x03\x04", 3),
        ("x.csv", b"PK\x03\x04 a workbook", 3),
        ("x.parquet", b"gauge,rain\n", 3),
        ("x.parquet", b"PAR1" + bytes(100), 3),
        ("x.csv.gz", b"not gzip", 3),
        ("x.csv", b"colour,taste\nred,sour\n", 3),
    ],
)
def test_wrong_file(folder: Path, name: str, body: bytes, code: int) -> None:
    """A file of another kind, or of another feed."""
    (folder / name).write_bytes(body)
    bad(
        folder,
        "ingest",
        "rain",
        folder / name,
        "--sign",
        folder / PEM,
        code=code,
        says=name if b"col" not in body else "want",
    )


def test_files_that_are_none(folder: Path) -> None:
    """A missing file, a folder, a pipe, a device, a name that is no text."""
    os.mkfifo(folder / "p.csv")
    (folder / "d.csv").mkdir()
    (folder / "null.csv").symlink_to("/dev/null")
    for name in ("none.csv", "p.csv", "d.csv", "null.csv"):
        bad(folder, "ingest", "rain", folder / name, code=4, says=name)


def test_names_that_are_no_text(folder: Path, here: Here) -> None:
    """A file name with bytes that are no UTF-8, or a line break, is an answer of ours."""
    for name in (b"\xff.ndjson", b"a\nb.ndjson", "a\u202eb\U0001f600.ndjson".encode()):
        path = os.fsencode(folder) + b"/" + name
        shutil.copy(folder / "b.ndjson", os.fsdecode(path))
        for flag in ([], ["--json"]):
            command = [
                str(warm_command()),
                "ingest",
                "rain",
                os.fsdecode(path),
                "--home",
                str(folder / "city"),
            ]
            done = subprocess.run([*command, *flag], capture_output=True, env=environment())
            assert done.returncode in (0, 1, 3), done
            assert b"Traceback" not in done.stderr
            if flag:
                json.loads(done.stdout)
        Path(os.fsdecode(path)).unlink()
    assert here("audit", "--home", folder / "city").code == 0


def test_missing_keys(folder: Path) -> None:
    """No such agency or file; the operator's or the log's key gone."""
    bad(folder, "ingest", "rain", folder / "b.ndjson", "--sign", "nobody", code=4, says="got 'nobody'")
    for name in ("operator.pem", "log.key"):
        (folder / "city" / "keys" / name).rename(folder / "kept")
        bad(folder, "ingest", "rain", folder / "b.ndjson", code=4, says=name)
        (folder / "kept").rename(folder / "city" / "keys" / name)


def test_keys_that_others_can_read(folder: Path) -> None:
    """A key file of mode 0644 is not used, whichever of the keys it is."""
    (folder / PEM).chmod(0o644)
    bad(
        folder,
        "ingest",
        "rain",
        folder / "b.ndjson",
        "--sign",
        folder / PEM,
        code=1,
        says="want mode 0600, got 0644",
    )
    for name in ("operator.pem", "log.key"):
        (folder / "city" / "keys" / name).chmod(0o644)
        bad(folder, "ingest", "rain", folder / "b.ndjson", code=1, says="want mode 0600, got 0644")
        (folder / "city" / "keys" / name).chmod(0o600)


def test_keys_that_are_none(folder: Path) -> None:
    """Key files that hold something else, or two cities' keys mixed up."""
    (folder / "k.pem").write_bytes(b"\x00" * 100)
    (folder / "k.pem").chmod(0o600)
    bad(folder, "ingest", "rain", folder / "b.ndjson", "--sign", folder / "k.pem", code=3, says="k.pem")
    bad(folder, "agency", "add", "x", "--key", "ed25519:AAAA", code=3, says="want")
    log_key = folder / "city" / "keys" / "log.key"
    log_key.write_text("PRIVATE+KEY+nonsense\n")
    bad(folder, "ingest", "rain", folder / "b.ndjson", code=3, says="")


def test_a_revoked_key(folder: Path, here: Here) -> None:
    """A file signed with a revoked key is refused as a whole, in the log, with exit 1."""
    with open_writer(folder / "city", clock) as home:
        revoke_key(home, AGENCY, "lost")
    done = run("ingest", "rain", folder / "b.ndjson", "--sign", folder / PEM, "--home", folder / "city")
    assert done.code == 1
    assert "refused as a whole" in done.out
    assert "revoked at" in done.out
    assert here("audit", "--home", folder / "city").code == 0


def test_unknown_feeds(folder: Path) -> None:
    """A feed nobody added, or a name that could not be one."""
    for name in ("snow", "../rain", "", "rain" * 1000):
        bad(folder, "ingest", name, folder / "b.ndjson", code=3, says="want one of the feeds added (rain)")


def test_homes_that_are_none(folder: Path) -> None:
    """A missing directory, an empty one, one whose mark is damaged, one without its database."""
    (folder / "empty").mkdir()
    (folder / "file").write_text("x")
    for name in ("nowhere", "empty"):
        bad(folder, "feed", "ls", home=name, code=3, says="want a directory made by `veracity init`")
    bad(folder, "feed", "ls", home="file", code=4, says="want to read")
    mark = folder / "city" / "veracity.json"
    kept = mark.read_bytes()
    for body in (b"", b"[]", b"{}", b'{"origin": 7}', b'{"origin": "\\u0000"}', b"[" * 50_000):
        mark.write_bytes(body)
        bad(folder, "feed", "ls", code=3, says="want an origin in")
    mark.write_bytes(kept)
    for name in ("veracity.db", "veracity.db-wal", "veracity.db-shm"):
        (folder / "city" / name).unlink(missing_ok=True)
    bad(folder, "feed", "ls", code=4, says="want its database")
    assert not (folder / "city" / "veracity.db").exists()
    (folder / "city" / "veracity.db").write_bytes(b"no database " * 100)
    bad(folder, "feed", "ls", code=4, says="veracity.db")


def test_unwritable_homes(folder: Path) -> None:
    """A file where a directory should be: on init, in the store, for the lock."""
    (folder / "file").write_text("x")
    done = run("init", folder / "file" / "city", "--origin", "a.example/b")
    assert (done.code, is_one_line(done)) == (4, True), done
    done = run("init", folder / "file", "--origin", "a.example/b")
    assert (done.code, is_one_line(done)) == (4, True), done
    evidence = folder / "city" / "store" / "evidence"
    shutil.rmtree(evidence)
    evidence.write_text("a file")
    bad(
        folder,
        "ingest",
        "rain",
        folder / "b.ndjson",
        "--sign",
        folder / PEM,
        code=4,
        says="evidence",
    )
    evidence.unlink()
    (folder / "city" / "lock").unlink()
    (folder / "city" / "lock").mkdir()
    bad(folder, "ingest", "rain", folder / "b.ndjson", code=4, says="lock")


def test_a_read_only_home(folder: Path) -> None:
    """On a file system mounted read-only, writing commands say so."""
    city = folder / "city"
    mounted = subprocess.run(["mount", "--bind", "-r", str(city), str(city)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting takes rights that are not here")
    try:
        done = run("ingest", "rain", folder / "b.ndjson", "--home", city)
        assert (done.code, is_one_line(done)) == (4, True), done
        assert "Read-only file system" in done.err
    finally:
        subprocess.run(["umount", str(city)], check=True)


def test_outputs_that_cannot_be_written(folder: Path) -> None:
    """Where a result cannot go: exit 4 or 3, one line, no part of it left."""
    (folder / "dir.parquet").mkdir()
    for to in ("none/x.parquet", "dir.parquet", "a.ndjson/x.csv"):
        bad(folder, "table", "export", "rain", "--to", folder / to, code=4, says="to: want")
    gone = folder / "none" / "r.json"
    bad(folder, "receipt", "rain", "--record", "0:1", "-o", gone, code=4, says=f"want to write {gone}")
    assert not list(folder.glob("*.part"))


def test_a_panel_that_cannot_be_written_is_not_in_the_log(folder: Path, here: Here) -> None:
    """Where the file cannot go, nothing is said: the log is as it was."""
    (folder / "panel.yaml").write_text(PANEL, encoding="utf-8")
    (folder / "dir.parquet").mkdir()
    city = folder / "city"
    size = len(log_entries(city))
    for to, code in (("p.xlsx", 3), ("none/p.csv", 4), ("dir.parquet", 4), ("a.ndjson/p.csv", 4)):
        bad(folder, "panel", "build", folder / "panel.yaml", "--to", folder / to, code=code, says="to: want")
    assert len(log_entries(city)) == size
    assert not list(folder.glob("*.part"))
    assert here("panel", "build", folder / "panel.yaml", "--to", folder / "p.csv", "--home", city).code == 0
    assert len(log_entries(city)) == size + 1


LONG = "x" * 300


@pytest.mark.parametrize(
    "arguments",
    [
        ["quarantine", "release", "rain", "--all", "--by", "A", "--reason", "b", "--sign", LONG],
        ["quarantine", "reject", "rain", "--all", "--by", "A", "--reason", "b", "--sign", LONG],
        ["ingest", "rain", "b.ndjson", "--sign", LONG],
        ["table", "export", "rain", "--to", f"{LONG}.csv"],
        ["table", "export", "rain", "--to", f"{LONG}/x.csv"],
        ["table", "export", "rain", "--to", f"{LONG[:250]}.csv"],  # too long with the part's ending
        ["key", "move", "operator", "--to", f"file:{LONG}"],
    ],
)
def test_names_too_long(
    folder: Path, here: Here, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """A name longer than any file's is an answer of ours, and changes nothing."""
    monkeypatch.chdir(folder)
    before = stored(folder / "city")
    done = here(*arguments, "--home", folder / "city")
    assert (done.code, is_one_line(done)) == (4, True), done
    after = stored(folder / "city")
    assert {n for n in before.keys() | after.keys() if before.get(n) != after.get(n)} <= {"veracity.db"}
    assert not list(folder.glob("*.part"))


def test_names_too_long_for_a_new_home_or_key(
    tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No home and no key can be made where no file can be: exit 4, one line."""
    monkeypatch.chdir(tmp_path)
    for arguments in (
        ["init", LONG, "--origin", "a.example/b"],
        ["key", "make", f"file:{LONG}"],
        ["key", "make", "file:none/x"],
    ):
        done = here(*arguments)
        assert (done.code, is_one_line(done)) == (4, True), done
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["feed", "certificate", "rain", "--batch"],
        ["feed", "certificate", "rain", "--batch", "0", "--sensors"],
        ["quarantine", "release", "rain", "--by", "A", "--reason", "b", "--batch"],
        ["quarantine", "release", "rain", "--by", "A", "--reason", "b", "--batch", "0", "--record"],
        ["lineage"],
        ["cose", "consistency", "-o", "x.cose"],
        ["audit", "--sample"],
    ],
)
def test_numbers_too_large(folder: Path, here: Here, arguments: list[str]) -> None:
    """A batch, record or entry beyond all counts is a wrong call; the largest there may be is an answer."""
    home = ["--home", str(folder / "city")]
    assert here(*arguments, "9" * 20, *home).code == 2
    largest = here(*arguments, str(2**53), *home)
    assert largest.code in (0, 1, 3), largest


def test_a_second_process(folder: Path) -> None:
    """While one process writes, another is told which one has the home, and exits 4."""
    with writing(open_directory(folder / "city")):
        bad(folder, "ingest", "rain", folder / "b.ndjson", code=4, says=f"held by process {os.getpid()}")
        assert run("feed", "ls", "--home", folder / "city").code == 0  # readers need not wait


def test_init_again(folder: Path, here: Here) -> None:
    """A home, or a directory with anything in it, is not made a home again."""
    bad(folder, "init", "--origin", "x.example/y", code=3, says="want a directory without a city")
    done = here("init", folder, "--origin", "x.example/y")
    assert (done.code, "with files in it" in done.err) == (3, True)
    for origin in ("https://x", "X", "", "a b", "a" * 300):
        done = here("init", folder / "new", "--origin", origin)
        assert (done.code, is_one_line(done)) == (3, True)
    assert not (folder / "new").exists()


def test_wrong_times_and_conditions(folder: Path, here: Here) -> None:
    """Times, conditions and record numbers that are none: exit 3 (or 1: no such row), one line."""
    home: list[str | Path] = ["--home", folder / "city"]
    out: list[str | Path] = ["-o", folder / "r.json"]
    vkey = (folder / "city" / "trust.policy").read_text().split()[1]
    cases: list[tuple[list[str | Path], int]] = [
        (["table", "export", "rain", "--to", folder / "x.csv", "--as-of", "yesterday"], 3),
        (["receipt", "rain", "--where", "gauge = ", *out], 3),
        (["receipt", "rain", "--where", "colour = 'red'", *out], 3),
        (["receipt", "rain", "--where", "gauge = 'G00'", *out], 1),
        (["receipt", "rain", "--where", "gauge = 'G77'", *out], 1),
        (["receipt", "rain", "--where", "(" * 5000, *out], 3),
        (["receipt", "rain", "--record", "0:100000", *out], 1),
        (["receipt", "rain", "--record", "1-1", *out], 3),
        (["receipt", "rain", "--record", "999999999999:1", *out], 1),
        (["log", "fsck", "--log", folder, "--key", "no+key"], 3),
        (["log", "fsck", "--log", folder / "none", "--key", vkey], 4),
    ]
    for arguments, code in cases:
        done = here(*arguments, *(home if arguments[0] != "log" else []))
        assert (done.code, is_one_line(done)) == (code, True), done
    assert not (folder / "r.json").exists()


def test_a_wrong_clock(folder: Path) -> None:
    """A SOURCE_DATE_EPOCH that is no number of seconds is refused."""
    command = [sys.executable, "-m", "veracity", "feed", "ls", "--home", str(folder / "city")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(SOURCE_DATE_EPOCH="soon"))
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert "SOURCE_DATE_EPOCH" in done.stderr


def test_output_into_a_closed_pipe(folder: Path) -> None:
    """When the reader of the output goes away, the command ends quietly."""
    command = f"{sys.executable} -m veracity quarantine rain --home {folder / 'city'} | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment())
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (["feed", "ls", "--home", "CITY"], 0),
        (["feed", "ls", "--home", "CITY", "--json"], 0),
        (["feed", "ls", "--home", "NONE", "--json"], 3),
        (["feed", "check", "CONTRACT", "FILE"], 1),
        (["--help"], 0),
    ],
)
def test_a_reader_who_went_away_changes_no_answer(folder: Path, given: list[str], code: int) -> None:
    """The exit code is that of the work, whether or not anybody read what was printed."""
    places = {"CITY": "city", "NONE": "none", "CONTRACT": "rain-1.0.0.yaml", "FILE": "a.ndjson"}
    reads, writes = os.pipe()
    os.close(reads)
    command = [*COMMAND, *(str(folder / places[a]) if a in places else a for a in given)]
    done = subprocess.run(command, stdout=writes, stderr=subprocess.PIPE, env=environment())
    os.close(writes)
    assert (done.returncode, done.stderr) == (code, b"")


def test_a_full_disk_under_the_output(folder: Path) -> None:
    """A result that could not be printed is no success: exit 4, one line."""
    with Path("/dev/full").open("wb") as full:
        command = [*COMMAND, "feed", "ls", "--home", str(folder / "city")]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment())
    assert (done.returncode, done.stderr.count("\n")) == (4, 1)
    assert "No space left" in done.stderr

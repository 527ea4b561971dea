"""What holds for every command: ``--json`` is one object with a schema, errors included; exit codes."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

import veracity
from command_cases import CASES, ENDLESS, MARKED, OF_DECISIONS, WHERE, arguments, home_of
from command_cities import make_folder
from rain_app import HOUR
from released_city import use_mean_rain, use_rain_app
from run_cli import Done, Here
from small_city import AGENCY, NOW, clock, contract, key
from veracity.cli.exit_codes import EXIT_CODES, exit_code
from veracity.cli.main import cli
from veracity.errors import Malformed, Rejected, Unavailable
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_agency
from veracity.home.errors import NoHome
from veracity.home.founding import init
from veracity.home.home import open_writer
from veracity.home.selection import Selection


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with cities in it, and files for every command."""
    return make_folder(tmp_path_factory.mktemp("made"))


@pytest.fixture(autouse=True)
def passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A passphrase for keys, where a command asks for one."""
    path = tmp_path / "passphrase"
    path.touch(0o600)
    path.write_text("a long sentence\n", encoding="utf-8")
    monkeypatch.setenv("VERACITY_NEW_PASSPHRASE_FILE", str(path))


@pytest.fixture(autouse=True)
def _rain_app(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The app of rain, found as every app is."""
    use_mean_rain(monkeypatch)
    use_rain_app(tmp_path_factory.mktemp("apps"), monkeypatch)


@pytest.fixture(autouse=True)
def _later(request: pytest.FixtureRequest, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands on decisions run two hours later, when some outcomes are known."""
    name = getattr(request.node, "callspec", None) and request.node.callspec.params.get("name", "")
    if str(name).split(" ")[0] in OF_DECISIONS:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int((NOW + 2 * HOUR).timestamp())))


@pytest.fixture
def folder(made: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A copy of that folder; of its cities only the first and, where one command is tried, that one's."""
    spec = getattr(request.node, "callspec", None)
    name = spec.params.get("name") if spec else None
    left_out = set() if name is None else {"posted", "people", "modelled", "decided"} - {home_of(name)}
    return Path(shutil.copytree(made, tmp_path / "made", ignore=lambda _, names: left_out & set(names)))


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


def make_ready(here: Here, folder: Path, name: str) -> None:
    """Make what a command reads and another one writes."""
    home, made, key = folder / "city", folder / "made.json", folder / "made.pem"
    if name in ("verify", "timestamp request", "cose export", "cose verify"):
        here("receipt", "rain", "--where", WHERE, "-o", made, "--home", home)
    if name == "cose verify":
        here("cose", "export", made, "--statement", "-o", folder / "made.scitt", "--home", home)
    if name == "personal forget":
        sent, keys = folder / "sent.csv", folder / "sent.keys"
        here("personal", "take", "requests", sent, "--keys", keys, "--home", folder / "people")
    if name == "device forbid":
        here("device", "password", f"{AGENCY}/g01", "--home", folder / "posted")
    if name in ("ground show", "ground rm"):
        here("ground", "import", folder / "ground.geojson", "--home", home)
    if name == "source rm":
        here("source", "add", *CASES["source add"][0], "--home", home)
    if name in ("model sign", "model verify"):
        here("model", "keygen", "--key", key, "--public", folder / "made.pub")
        here("model", "sign", home / "store", "--key", key, "-o", folder / "made.sig")


def one_object(done: Done) -> dict[str, Any]:
    """The one JSON object on stdout."""
    document = json.loads(done.out, parse_constant=lambda c: pytest.fail(f"{c} is no JSON"))
    assert isinstance(document, dict)
    assert done.out.count("\n") == 1
    assert document["schema"].startswith("veracity.")
    assert document["schema"].endswith("/v1")
    return document


def test_every_command_is_tried_here() -> None:
    """The table of this file names every command there is."""
    assert {" ".join(path) for path in commands(cli)} == set(CASES)


@pytest.mark.parametrize("name", [n for n in CASES if n != "demo" and n not in ENDLESS])
def test_json_of_success(here: Here, folder: Path, name: str) -> None:
    """Each command that succeeds prints one object on stdout and nothing on stderr, and exits 0."""
    make_ready(here, folder, name)
    done = here(*arguments(name, CASES[name][0], folder), "--json")
    document = one_object(done)
    assert document["schema"] != "veracity.error/v1"
    assert document.get("simulated", False) == (name in MARKED)
    if name == "feed check":
        assert done.code == 1  # some of its rows would be set aside
    else:
        assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("name", list(CASES))
def test_json_of_failure(here: Here, folder: Path, name: str) -> None:
    """Each command that fails prints one object too: an error with its code, or a report that says no."""
    _, given, code = CASES[name]
    home = "city" if given else "nowhere"
    done = here(*arguments(name, given, folder, home), "--json")
    document = one_object(done)
    assert done.code == code
    if document["schema"] == "veracity.error/v1":
        assert document["exit"] == code
        assert document["code"]
        assert "\n" not in document["detail"]
    else:
        assert name == "ingest"  # a replay is a report, not an error


@pytest.mark.parametrize("name", list(CASES))
def test_text_of_failure(here: Here, folder: Path, name: str) -> None:
    """Without --json the same is one line on stderr, what, wanted, got; stdout stays empty."""
    _, given, code = CASES[name]
    home = "city" if given else "nowhere"
    done = here(*arguments(name, given, folder, home))
    assert done.code == code
    if name != "ingest":
        assert done.out == ""
        *progress, line = done.err.splitlines()
        assert line.startswith("veracity: ")
        assert not progress or name == "demo"
        assert "Traceback" not in done.err


@pytest.mark.parametrize("name", [n for n in CASES if n != "demo" and n not in ENDLESS])
def test_text_of_success(here: Here, folder: Path, name: str) -> None:
    """Each command that succeeds says so on stdout; what is simulated says so."""
    make_ready(here, folder, name)
    done = here(*arguments(name, CASES[name][0], folder))
    assert (done.code, done.err) == (int(name == "feed check"), "")
    assert done.out.strip()
    assert ("SIMULATED" in done.out) == (name in MARKED)


@pytest.mark.parametrize("name", ["agency ls", "log show", "audit", "lineage 1", "feed ls"])
def test_only_what_is_simulated_is_marked(here: Here, folder: Path, name: str) -> None:
    """A city without a simulated feed is never called one."""
    init(folder / "real", "real.example/city", clock)
    path = contract(folder, "real", version="1.0.0")
    path.write_text(path.read_text().replace("tags: [simulated]\n", ""))
    with open_writer(folder / "real", clock) as home:
        add_agency(home, AGENCY, key(AGENCY).public)
        add_feed(home, path)
    assert "SIMULATED" not in here(*name.split(), "--home", folder / "real").out
    assert one_object(here(*name.split(), "--home", folder / "real", "--json"))["simulated"] is False


def test_late_rows_are_shown(here: Here, folder: Path) -> None:
    """``feed show`` counts the rows that came late."""
    done = here("feed", "show", "rain", "--home", folder / "city", "--json")
    late = one_object(done)["late"]
    assert late > 0
    shown = here("feed", "show", "rain", "--home", folder / "city").out
    assert ["late", str(late), "of", "the", "accepted"] in [line.split() for line in shown.splitlines()]


@pytest.mark.parametrize(
    "name",
    [
        *("", *CASES, "agency", "feed", "quarantine", "personal", "table", "panel", "calibration", "log"),
        *("cose", "model"),
    ],
)
def test_help(here: Here, name: str) -> None:
    """Every command and group explains itself with -h and exits 0."""
    done = here(*name.split(), "-h")
    assert (done.code, done.err) == (0, "")
    assert "Usage: veracity" in done.out


@pytest.mark.parametrize(
    "given",
    [
        ["no-such-command"],
        ["feed"],
        ["feed", "no-such-verb"],
        ["ingest", "rain"],
        ["ingest", "rain", "x.csv", "--batch", "65"],
        ["ingest", "rain", "x.csv", "--batch", "many"],
        ["receipt", "rain", "-o", "r.json"],
        ["receipt", "rain", "--where", "a = 1", "--record", "0:1", "-o", "r.json"],
        ["quarantine"],
        ["quarantine", "release", "rain", "--all"],
        ["quarantine", "release", "rain", "--by", "An", "--reason", "x"],
        ["quarantine", "release", "rain", "--all", "--batch", "0", "--by", "An", "--reason", "x"],
        ["quarantine", "reject", "rain", "--all", "--record", "0", "--by", "An", "--reason", "x"],
        ["personal", "erase", "rain", "--by", "An", "--reason", "x"],
        ["personal", "erase", "rain", "--field", "phone", "--by", "An", "--reason", "x"],
        ["personal", "erase", "rain", "--value", "x", "--record", "0:1", "--by", "An", "--reason", "x"],
        ["feed", "certificate", "rain"],
        ["feed", "certificate", "rain", "--day", "2026-09-01", "--batch", "0"],
        ["feed", "certificate", "rain", "--batch", "-1"],
        ["feed", "show", "rain", "--lang", "fr"],
        ["audit", "--sample", "0"],
        ["lineage", "-1"],
        ["log", "fsck", "--log", "x"],
        ["verify", "r.json"],
        ["feed", "ls", "--no-such-option"],
    ],
    ids=" ".join,
)
def test_wrong_command_lines(here: Here, folder: Path, given: list[str]) -> None:
    """A command line that is wrong exits 2, as text or JSON, and touches nothing."""
    home = (
        ["--home", str(folder / "city")]
        if len(given) > 1 and given[0] != "verify" and "no-such" not in given[1]
        else []
    )
    done = here(*given, *home)
    assert done.code == 2
    assert done.out == ""
    assert done.err
    done = here(*given, *home, "--json")
    assert done.code == 2
    document = one_object(done)
    assert (document["schema"], document["code"], document["exit"]) == ("veracity.error/v1", "usage", 2)


def test_one_table_of_exit_codes() -> None:
    """Kinds of error map to the exit codes of the manual, and every kind is in the table."""
    assert [(Rejected, 1), (Malformed, 3), (Unavailable, 4)] == EXIT_CODES
    assert [exit_code(kind("x")) for kind in (Rejected, Malformed, Unavailable)] == [1, 3, 4]


def test_home_from_the_environment(here: Here, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """VERACITY_HOME stands for --home; with neither, the command says what it wants."""
    done = here("feed", "ls")
    assert done.code == 3
    assert "want --home DIR or VERACITY_HOME, got neither" in done.err
    monkeypatch.setenv("VERACITY_HOME", str(folder / "city"))
    assert here("feed", "ls").code == 0


def test_a_bug_is_called_one(here: Here, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no error of ours exits 70, with a traceback on stderr, and one object with --json."""
    monkeypatch.setattr("veracity.cli.audit.run_audit", lambda *_: 1 / 0)
    done = here("audit", "--home", folder / "city", "--json")
    assert done.code == 70
    assert one_object(done)["code"] == "bug"
    assert "ZeroDivisionError" in done.err


def test_the_same_from_python(folder: Path) -> None:
    """``veracity.open`` does what the commands do."""
    city = veracity.open(folder / "city", clock)
    (report,) = city.ingest("rain", [folder / "b.ndjson"], sign=str(folder / "rain-office.pem"))
    assert report.outcome == "sealed"
    (status,) = city.feeds()
    rows = city.table("rain").collect()
    assert status.accepted == rows.height
    assert status.quarantined == city.quarantine("rain").collect().height
    assert city.table("rain", as_of="2026-09-03T11:59:59Z").collect().is_empty()
    assert city.table("rain", as_of=NOW).collect().height == rows.height
    assert city.panel(folder / "panel.yaml").simulated
    receipt = city.receipt("rain", WHERE)
    assert veracity.verify(receipt, city.policy).simulated
    assert city.receipt("rain", record=(0, 1)).record is not None
    with pytest.raises(ValueError, match="either"):
        city.receipt("rain")
    assert city.audit().is_clean
    city.add_agency("second", key("second").public)
    with pytest.raises(NoHome):
        veracity.open(folder)


def test_quarantine_of_a_feed_needs_no_verb(here: Here, folder: Path) -> None:
    """``quarantine FEED`` shows it, options before or after; a decision is shown beside its row."""
    home = ["--home", str(folder / "city")]
    for given in (["rain", *home], [*home, "rain"], ["--reason", "range", "rain", *home]):
        assert "rows of rain in quarantine" in here("quarantine", *given).out
    who = ["--by", "An", "--reason", "seen on site", *home]
    done = here(
        "quarantine", "release", "rain", "--batch", "0", "--record", "12", "--waive", "range:rain", *who
    )
    assert done.code == 0
    assert "1 accepted (1 flagged), 0 set aside again" in done.out
    assert here("quarantine", "reject", "rain", "--where", "rain > 800", *who).code == 0
    shown = here("quarantine", "rain", *home).out
    assert "[released as 1:0 by An: seen on site]" in shown
    assert "[rejected by An: seen on site]" in shown
    again = here(
        "quarantine", "release", "rain", "--batch", "0", "--record", "12", "--waive", "range:rain", *who
    )
    assert (again.code, "released by An (log entry 5)" in again.err) == (1, True)
    assert here("quarantine", "rain", "--to", folder / "q.csv", *home).code == 0
    assert "_released_as" in (folder / "q.csv").read_text().splitlines()[0]


def test_decisions_from_python(folder: Path) -> None:
    """``city.release`` and ``city.reject`` do what the commands do."""
    city = veracity.open(folder / "city", clock)
    done = city.release("rain", Selection(reason="range"), by="An", reason="seen", waive=["range:rain"])
    assert done.accepted > 0
    assert city.reject(
        "rain", Selection(every=True), by="An", reason="repeats", sign=str(folder / f"{AGENCY}.pem")
    )
    assert city.waiting("rain").is_empty()
    assert city.audit().is_clean

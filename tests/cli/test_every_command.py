"""What holds for every command: ``--json`` is one object with a schema, errors included; exit codes."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest

import persons
import veracity
from calibrated_post import CONTRACT, DEFINITION, post
from edge_world import configured
from rain_app import HOUR, NOW_HOUR, RainCity
from released_city import APP, LAN, serving_city, use_mean_rain, use_rain_app
from run_cli import Done, Here
from small_city import AGENCY, NOW, PANEL, clock, contract, key, key_file, ndjson, new_city
from veracity.cli.exit_codes import EXIT_CODES, exit_code
from veracity.cli.main import cli
from veracity.errors import Malformed, Rejected, Unavailable
from veracity.feeds.file_info import inspect
from veracity.gateway.limits import Keep
from veracity.gateway.store import Store
from veracity.home.accounts.granting import add_account
from veracity.home.accounts.store import AccountStore
from veracity.home.calibrations import fit_calibration, say_fitted
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_agency, add_device
from veracity.home.errors import NoHome
from veracity.home.founding import init
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.home.key_file import protect_file
from veracity.home.models.incidents import ask_close, open_incident
from veracity.home.models.outcomes import score
from veracity.home.models.overrides import ask_override
from veracity.home.models.running import run_app
from veracity.home.officers import add_officer, approve
from veracity.home.selection import Selection
from veracity.log.checkpoints import parse_checkpoint
from veracity.log.notes import parse_note, sign_note
from veracity.models.overriding import value_text
from veracity.monitor.misbehaviour import Misbehaviour
from veracity.monitor.state import State, StateFile
from veracity.server.witness_directory import prepare
from watched import SIGNER

KEY, POLICY, TO = "HERE/rain-office.pem", "HERE/city/trust.policy", ["-o", "HERE/r.json"]
DECIDED = ["--by", "Nguyễn Thị An", "--reason", "checked on site"]
OVERRIDDEN = ["rain-hours", "--run", "0", "--record", "17", "--value", "3.5"]
SIGNED = ["--key", "HERE/hoa.pem", "--by", "Hoa", "--why", "seen", "-o", "HERE/signed.json"]
EDGE = ["-c", "HERE/edge/gateway.yaml"]
OF_DECISIONS = {"app", "scoreboard", "register", "incident", "officer"}
VECTORS = Path(__file__).parents[1] / "vectors"
STAMPED = [f"{VECTORS}/receipts/valid-ndjson.json", f"{VECTORS}/time-stamps/valid-ndjson.tsr"]
PHONE = persons.persons(5)[2]["phone"]
GROUND = """{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": null,
"geometry": {"type": "LineString", "coordinates": [[108.2, 16.0], [108.3, 16.1]]}}]}"""
WHERE = "gauge = 'G00' and observed_at = '2026-09-01T01:00:00Z'"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a city in it, and files for every command."""
    folder = tmp_path_factory.mktemp("made")
    root = new_city(folder / "city")
    (folder / "panel.yaml").write_text(PANEL, encoding="utf-8")
    (folder / "ground.geojson").write_text(GROUND, encoding="utf-8")
    contract(folder, "snow")
    key_file(folder)
    ndjson(folder / "b.ndjson", 100, 50)
    with open_writer(root, clock) as home:
        ingest(home, "rain", [ndjson(folder / "a.ndjson", 0, 100)])
        with AccountStore.open(home.directory) as accounts:
            add_account(home, accounts, "minh", ["publisher"])
    calibrated_city(folder)
    people_city(folder)
    modelled_city(folder)
    decided_city(folder)
    (folder / "fork.json").write_bytes(fork_of(root / "store/log"))
    StateFile(folder / "state.json").write(State())
    prepare(folder / "uni", "uni.example/witness")
    configured(folder / "edge", 1, "sources: []")
    Store(folder / "edge/state", Keep(), lambda: 0).close()
    return folder


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


def fork_of(log: Path) -> bytes:
    """Evidence: another checkpoint of the log's size, signed with its key."""
    note = (log / "checkpoint").read_bytes()
    other = replace(parse_checkpoint(parse_note(note).text), root=bytes(32))
    return Misbehaviour("split-view", note, sign_note(other.format(), [SIGNER]), "made here").format()


def calibrated_city(folder: Path) -> None:
    """Make a second city with a post whose sensor is calibrated."""
    root = new_city(folder / "posted")
    (folder / "post.yaml").write_text(CONTRACT, encoding="utf-8")
    (folder / "cal.yaml").write_text(DEFINITION, encoding="utf-8")
    post(100, noise=1.0).write_csv(folder / "p.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")
    with open_writer(root, clock) as home:
        add_feed(home, folder / "post.yaml")
        ingest(home, "post", [folder / "p.csv"])
        say_fitted(home, fit_calibration(home, folder / "cal.yaml", "post"))
        add_device(home, f"{AGENCY}/g01", key("g01").public)


def people_city(folder: Path) -> None:
    """Make a third city, with a feed of persons who do not exist."""
    root = persons.new_city(folder / "people")
    with open_writer(root, clock) as home:
        ingest(home, persons.FEED, [persons.csv(folder / "people.csv", persons.persons(5))])
        sent = persons.csv(folder / "clear.csv", persons.persons(5, seed=9))
        contract = home.feed(persons.FEED).contract
        protect_file(contract, inspect(sent), folder / "sent.csv", folder / "sent.keys")


def modelled_city(folder: Path) -> None:
    """Make a fourth city, whose app of rain is served by its second model, with one more asked for."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_mean_rain(monkeypatch)
        serving_city(folder, "modelled")
    key_file(folder, "lan")


def decided_city(folder: Path) -> None:
    """Make a fifth city, whose app ran, was scored two hours later, and has an incident that is open."""
    (folder / "rained").mkdir()
    city = RainCity.new(folder / "rained")
    hoa = key("hoa")
    with city.at() as home:
        add_officer(home, "hoa", hoa.public, ["override", "incident"], person="Hoa")
        run_app(home, APP, NOW)
        asked = ask_override(home, APP, 0, 17, value_text({"value": 3.5})).request
    city.take(NOW_HOUR + 1, 2, at=2)
    with city.at(2) as home:
        score(home, APP)
        open_incident(home, APP, "wrong-1", "low", by="An", what="the value was wrong")
        closing = ask_close(home, APP, "wrong-1", "cleaned").request
    for name, request in (("override", asked), ("closing", closing)):
        (folder / f"{name}-asked.json").write_bytes(request.format())
        approval = approve(hoa, request, "Hoa", "seen", NOW + 2 * HOUR)
        (folder / f"{name}.json").write_bytes(approval.format())
    (folder / "places.csv").write_text("gauge,lon,lat\nG00,108.2,16.0\n", encoding="utf-8")
    key_file(folder, "hoa")
    city.root.rename(folder / "decided")


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


OF_MODELS = (
    *("train", "ls", "show", "compare", "reproduce", "export", "card", "dossier"),
    *("ask", "release", "stop", "roll-back", "stages"),
)
THINGS = ["things", "--kind", "sensorthings", "--feed", "rain", "--set"]
TRAINED = ["--panel", "HERE/panel.yaml", "--estimator", "last_value", "--target", "rain", "--horizons", "1"]

# command -> (arguments that succeed, arguments that fail, the exit code then); HERE is the folder
CASES: dict[str, tuple[list[str], list[str], int]] = {
    "up": ([], ["HERE/none"], 3),
    "init": (["HERE/new", "--origin", "other.example/city"], ["HERE/city", "--origin", "x.example/y"], 3),
    "demo": ([], ["--home", "HERE/city"], 3),
    "agency add": (["second"], [AGENCY], 3),
    "agency rotate": ([AGENCY], ["nobody"], 3),
    "agency revoke": ([AGENCY, "--reason", "lost"], ["nobody", "--reason", "lost"], 3),
    "agency ls": ([], [], 3),
    "device add": ([f"{AGENCY}/g02"], ["g02"], 3),
    "device rotate": ([f"{AGENCY}/g01"], [f"{AGENCY}/none"], 3),
    "device revoke": ([f"{AGENCY}/g01", "--reason", "lost"], ["g01", "--reason", "lost"], 3),
    "device ls": ([], [], 3),
    "device password": ([f"{AGENCY}/g01"], ["nobody/g01"], 3),
    "device certificate": ([f"{AGENCY}/g01", "CN=g01"], [f"{AGENCY}/g01", ""], 3),
    "device access": ([], [], 3),
    "device forbid": ([f"{AGENCY}/g01"], [f"{AGENCY}/none"], 3),
    "account add": (["lan", "--role", "admin"], ["Lan Nguyen", "--role", "admin"], 3),
    "account role": (["minh", "--role", "auditor"], ["none", "--role", "auditor"], 3),
    "account token": (["minh", "--feed", "rain"], ["minh", "--feed", "snow"], 3),
    "account revoke": (["minh"], ["none"], 3),
    "account ls": ([], [], 3),
    "account seal": ([], [], 3),
    "ground import": (["HERE/ground.geojson", "--source", "drawn"], ["HERE/panel.yaml"], 3),
    "ground show": ([], [], 3),
    "ground rm": ([], [], 3),
    "key ls": ([], [], 3),
    "key encrypt": (["operator"], ["nobody"], 3),
    "key move": (["operator", "--to", "file:HERE/elsewhere.pem"], ["operator", "--to", "elsewhere"], 3),
    "key make": (["file:HERE/new.pem"], ["new.pem"], 3),
    "key rotate": (["operator"], ["log"], 3),
    "feed add": (["HERE/snow-1.0.0.yaml"], ["HERE/panel.yaml"], 3),
    "feed ls": ([], [], 3),
    "feed show": (["rain"], ["snow"], 3),
    "feed check": (["HERE/rain-1.0.0.yaml", "HERE/b.ndjson"], ["HERE/none.yaml", "HERE/b.ndjson"], 4),
    "feed account": (["rain"], ["snow"], 3),
    "feed clocks": (["rain"], ["snow"], 3),
    "feed verdicts": (["rain"], ["rain", "--rule", "no-such"], 3),
    "feed trust": (["rain"], ["rain", "--day", "soon"], 3),
    "feed certify": (["rain", "--day", "2026-09-02"], ["rain", "--day", "2026-09-03"], 3),
    "feed certificate": (["rain", "--batch", "0"], ["rain", "--day", "2026-09-02"], 1),
    "feed remember": (["rain"], ["snow"], 3),
    "source ls": ([], [], 3),
    "source add": ([*THINGS, "url=https://things.example/v1.1"], [*THINGS, "url=nowhere"], 3),
    "source rm": (["things"], ["none"], 3),
    "source try": (["things"], ["none"], 3),
    "source contract": (["open-meteo-weather", "-o", "HERE/weather.yaml"], ["none"], 3),
    "feed infer": (["HERE/b.ndjson"], ["HERE/none.csv"], 4),
    "feed breaking": (
        ["HERE/rain-1.0.0.yaml", "HERE/rain-1.0.0.yaml"],
        ["HERE/rain-1.0.0.yaml", "HERE/panel.yaml"],
        3,
    ),
    "sign": (
        ["rain", "HERE/b.ndjson", "--key", "HERE/rain-office.pem"],
        ["rain", "HERE/b.ndjson", "--key", "nobody"],
        4,
    ),
    "ingest": (["rain", "HERE/b.ndjson"], ["rain", "HERE/a.ndjson"], 1),
    "quarantine show": (["rain"], ["snow"], 3),
    "quarantine waiting": (["rain"], ["snow"], 3),
    "quarantine release": (
        ["rain", "--reason-code", "range", "--waive", "range:rain", *DECIDED],
        ["rain", "--all", "--waive", "duplicate-key", *DECIDED],
        3,
    ),
    "quarantine reject": (["rain", "--batch", "0", *DECIDED], ["rain", "--batch", "9", *DECIDED], 1),
    "personal protect": (
        [
            "HERE/people.csv",
            "--contract",
            "HERE/requests-1.0.0.yaml",
            "--to",
            "HERE/f.csv",
            "--keys",
            "HERE/k",
        ],
        ["HERE/people.csv", "--contract", "HERE/rain-1.0.0.yaml", "--to", "HERE/f.csv", "--keys", "HERE/k"],
        1,
    ),
    "personal take": (
        ["requests", "HERE/sent.csv", "--keys", "HERE/sent.keys"],
        ["requests", "HERE/sent.csv", "--keys", "HERE/people.csv"],
        3,
    ),
    "personal forget": (["requests", "sent.csv", *DECIDED], ["requests", "people.csv", *DECIDED], 1),
    "personal find": (
        ["requests", "--field", "phone", "--value", PHONE, *DECIDED],
        ["requests", "--field", "kind", "--value", "lamp", *DECIDED],
        1,
    ),
    "personal show": (
        ["requests", "--record", "0:1", *DECIDED],
        ["requests", "--record", "7:1", *DECIDED],
        1,
    ),
    "personal erase": (
        ["requests", "--record", "0:1", *DECIDED],
        ["requests", "--field", "phone", "--value", "nobody", *DECIDED],
        1,
    ),
    "personal retain": ([], ["snow"], 3),
    "personal accesses": ([], [], 3),
    "personal rotate": ([], [], 3),
    "table export": (["rain", "--to", "HERE/out.parquet"], ["rain", "--to", "HERE/out.xlsx"], 3),
    "table compact": (["rain"], ["snow"], 3),
    "panel follow": (["HERE/panel.yaml"], ["HERE/none.yaml"], 4),
    "panel update": ([], [], 3),
    "panel build": (
        ["HERE/panel.yaml", "--to", "HERE/p.csv"],
        ["HERE/rain-1.0.0.yaml", "--to", "HERE/p.csv"],
        3,
    ),
    "calibration fit": (
        ["post", "--definition", "HERE/cal.yaml"],
        ["post", "--definition", "HERE/panel.yaml"],
        3,
    ),
    "calibration apply": (["post", "--to", "HERE/c.csv"], ["post", "--to", "HERE/c.xlsx"], 3),
    "calibration show": (["post"], ["none"], 3),
    "calibration undo": (
        ["post", "--by", "An", "--reason", "blocked"],
        ["post", "--by", "", "--reason", "blocked"],
        3,
    ),
    "receipt": (
        ["rain", "--where", WHERE, "-o", "HERE/r.json"],
        ["rain", "--record", "9:1", "-o", "HERE/r.json"],
        1,
    ),
    "verify": (
        ["HERE/made.json", "--policy", "HERE/city/trust.policy"],
        ["HERE/a.ndjson", "--policy", "HERE/city/trust.policy"],
        3,
    ),
    "timestamp request": (["HERE/made.json", "-o", "HERE/q.tsq"], ["HERE/a.ndjson", "-o", "HERE/q.tsq"], 3),
    "timestamp attach": ([*STAMPED, "-o", "HERE/s.json"], ["HERE/a.ndjson", *STAMPED[1:], "-o", "HERE/s"], 3),
    "audit": ([], ["snow"], 3),
    "lineage": (["3"], ["99"], 3),
    "log show": ([], [], 3),
    "log fsck": ([], [], 3),
    "log reindex": ([], [], 3),
    "cose export": (["HERE/made.json", "-o", "HERE/r.scitt"], ["HERE/none.json", "-o", "HERE/r.scitt"], 4),
    "cose consistency": (["1", "-o", "HERE/r.cose"], ["0", "-o", "HERE/r.cose"], 3),
    "cose key": (["--policy", POLICY, "-o", "HERE/log.pem"], ["--policy", KEY, "-o", "HERE/log.pem"], 3),
    "cose verify": (["HERE/made.scitt", "--policy", POLICY], ["HERE/a.ndjson", "--policy", POLICY], 3),
    "model keygen": (
        ["--key", "HERE/new.pem", "--public", "HERE/new.pub"],
        ["--key", KEY, "--public", KEY],
        4,
    ),
    "model sign": (
        ["HERE/city/store", "--key", "HERE/made.pem", "-o", "HERE/new.sig"],
        ["HERE/city/store", "--key", KEY, "-o", "HERE/new.sig"],
        3,
    ),
    "model verify": (
        ["HERE/city/store", "--signature", "HERE/made.sig", "--key", "HERE/made.pub"],
        ["HERE/city/store", "--signature", "HERE/a.ndjson", "--key", "HERE/none.pub"],
        4,
    ),
    "model train": (
        [*TRAINED, "--seed", "2"],
        ["--panel", "HERE/panel.yaml", "--estimator", "none", "--target", "rain", "--horizons", "1"],
        3,
    ),
    "model ls": ([], [], 3),
    "model show": (["rain-hours"], ["none"], 3),
    "model assure": (["--print-policy"], ["none"], 3),
    "model compare": (["rain-hours", "rain-hours"], ["rain-hours", "none"], 3),
    "model reproduce": (["mine"], ["none"], 3),
    "model export": (["rain-hours", "--to", "HERE/out"], ["rain-hours", "--to", "HERE"], 4),
    "model card": (["rain-hours", "--to", "HERE/card.html"], ["rain-hours", "--to", "HERE/card.doc"], 3),
    "model dossier": (["rain-hours", "--for", "vn"], ["none", "--for", "vn"], 3),
    "model ask": (
        ["rain-hours", "--roll-back", "-o", "HERE/ask.json"],
        ["none", "--stop", "-o", "HERE/ask.json"],
        1,
    ),
    "model release": (
        ["--request", "HERE/asked.json", "--approval", "HERE/approval.json"],
        ["--request", "HERE/a.ndjson", "--approval", "HERE/approval.json"],
        3,
    ),
    "model stop": (["rain-hours", "--rule", "too-wrong"], ["none", "--rule", "too-wrong"], 1),
    "model roll-back": (
        ["rain-hours", "--key", "HERE/lan.pem", "--by", LAN, "--why", "worse"],
        ["rain-hours", "--key", "HERE/rain-office.pem", "--by", LAN, "--why", "worse"],
        1,
    ),
    "model stages": ([], [], 3),
    "monitor follow": (
        ["HERE/city/store/log", "--policy", POLICY, "--state", "HERE/state.json"],
        ["HERE/nowhere", "--policy", POLICY],
        4,
    ),
    "monitor evidence": (
        ["HERE/fork.json", "--policy", POLICY],
        ["HERE/a.ndjson", "--policy", POLICY],
        3,
    ),
    "monitor acknowledge": (
        ["all", "--state", "HERE/state.json", "--reason", "seen"],
        ["12345678", "--state", "HERE/state.json", "--reason", "seen"],
        3,
    ),
    "log publish": ([], [], 3),
    "log serve": ([], [], 3),
    "serve": ([], [], 3),
    "witness serve": (
        ["HERE/city/trust.policy", "--name", "w", "--dir", "HERE/w"],
        ["HERE/panel.yaml", "--name", "w", "--dir", "HERE/w"],
        3,
    ),
    "app ls": ([], [], 3),
    "app show": (["rain-hours"], ["none"], 3),
    "app run": (["rain-hours"], ["none"], 3),
    "app score": (["rain-hours"], ["rain-hours", "--until", "2030-01-01T00:00:00Z"], 3),
    "app override": (
        [*OVERRIDDEN, "--approval", "HERE/override.json"],
        [*OVERRIDDEN, "--approval", "HERE/closing.json"],
        3,
    ),
    "app decisions": (["rain-hours"], ["rain-hours", "--run", "9"], 3),
    "app pages": (["rain-hours", "--to", "HERE/out"], ["rain-hours", "--to", "HERE/a.ndjson/out"], 4),
    "app places": (["rain-hours", "HERE/places.csv"], ["rain-hours", "HERE/a.ndjson"], 3),
    "scoreboard show": (["rain-hours"], ["none"], 3),
    "scoreboard export": (["rain-hours", "--to", "HERE/b.html"], ["none", "--to", "HERE/b.html"], 3),
    "register ls": ([], [], 3),
    "register show": (["rain-hours"], ["none"], 3),
    "register export": (["--to", "HERE/reg"], ["--to", "HERE/a.ndjson/reg"], 4),
    "incident open": (
        ["rain-hours", "wrong-2", "--severity", "low", "--by", "An", "--what", "late"],
        ["rain-hours", "wrong-1", "--severity", "low", "--by", "An", "--what", "late"],
        1,
    ),
    "incident update": (
        ["rain-hours", "wrong-1", "--by", "An", "--what", "seen"],
        ["rain-hours", "wrong-2", "--by", "An", "--what", "seen"],
        1,
    ),
    "incident close": (
        ["rain-hours", "wrong-1", "--what", "cleaned", "--approval", "HERE/closing.json"],
        ["rain-hours", "wrong-1", "--what", "cleaned", "--approval", "HERE/a.ndjson"],
        3,
    ),
    "incident ls": (["rain-hours"], ["none"], 3),
    "officer add": (["an", "--duty", "release"], ["An", "--duty", "release"], 3),
    "officer ls": ([], [], 3),
    "officer rotate": (["hoa"], ["none"], 3),
    "officer revoke": (["hoa", "--reason", "left"], ["none", "--reason", "left"], 3),
    "officer sign": (
        ["HERE/override-asked.json", *SIGNED, "--yes"],
        ["HERE/a.ndjson", *SIGNED, "--yes"],
        3,
    ),
    "witness show": (["--dir", "HERE/uni"], ["--dir", "HERE/none"], 3),
    "gateway invite": ([f"{AGENCY}/edge-1", "--feeds", "rain"], ["nobody/edge-1"], 3),
    "gateway join": (["0000"], ["0000", "--city", "http://127.0.0.1:9", "-c", "HERE/edge/new.yaml"], 3),
    "gateway check": (EDGE, ["-c", "HERE/none.yaml"], 4),
    "gateway run": (EDGE, ["-c", "HERE/panel.yaml"], 3),
    "gateway status": (EDGE, ["-c", "HERE/none.yaml"], 4),
    "gateway resend": (["--since", "2026-09-01", *EDGE], ["--since", "yesterday", *EDGE], 3),
    "gateway model": (["rain-hours", "--to", "HERE/edge/model"], ["none", "--to", "HERE/edge/model"], 3),
}
# What speaks of a feed's data says whether they are simulated; these are, and say so.
MARKED = {
    "agency ls",
    "device ls",
    "feed add",
    "feed ls",
    "feed show",
    "feed account",
    "feed clocks",
    "feed check",
    "feed breaking",
    "feed verdicts",
    "feed trust",
    "feed certify",
    "feed certificate",
    "feed remember",
    "calibration fit",
    "calibration apply",
    "calibration show",
    "calibration undo",
    "sign",
    "ingest",
    "quarantine show",
    "quarantine waiting",
    "quarantine release",
    "quarantine reject",
    "personal protect",
    "personal take",
    "personal forget",
    "personal find",
    "personal show",
    "personal erase",
    "table export",
    "panel build",
    "receipt",
    "verify",
    "audit",
    "lineage",
    "log show",
    "cose export",
    "cose verify",
    *(f"model {verb}" for verb in OF_MODELS),
    *(f"app {verb}" for verb in ("run", "override", "decisions", "pages")),
    *("scoreboard show", "scoreboard export", "register ls", "register show", "register export"),
    *(f"incident {verb}" for verb in ("open", "update", "close", "ls")),
    "monitor follow",
    "gateway model",
}
NO_HOME = {
    "source contract",
    *("init", "demo", "feed check", "feed infer", "feed breaking", "personal protect", "verify"),
    *("key make", "timestamp request", "timestamp attach"),
    *("cose key", "cose verify", "model keygen", "model sign", "model verify"),
    *("monitor follow", "monitor evidence", "monitor acknowledge", "witness serve", "witness show"),
    *("officer sign", "source contract"),
    *(f"gateway {verb}" for verb in ("join", "check", "run", "status", "resend")),
}
# These go on until they are stopped, or ask somebody else: other tests run them.
ENDLESS = {"up", "serve", "log serve", "witness serve", "source try", "gateway join", "gateway run"}


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


def home_of(name: str) -> str:
    """The city that a command is tried on."""
    if name.startswith(("calibration", "device")):
        return "posted"  # a city of its own, so that entries of the other have their numbers
    if name.startswith("personal"):
        return "people"
    if name.removeprefix("model ") in OF_MODELS:
        return "modelled"
    if name == "gateway model":
        return "modelled"
    return "decided" if name.split()[:1] and name.split()[0] in OF_DECISIONS else "city"


def arguments(name: str, given: list[str], folder: Path, home: str = "city") -> list[str]:
    home = home_of(name) if home == "city" else home
    spelled = [a.replace("HERE", str(folder)) for a in given]
    return [*name.split(), *spelled, *([] if name in NO_HOME else ["--home", str(folder / home)])]


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

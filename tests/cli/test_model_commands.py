"""``veracity model``: from training to service on the command line, each answer and each refusal."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from rain_app import RainCity
from released_city import LAN, MINH, SYSTEM, assure, use_mean_rain, use_rain_app
from run_cli import Done, Here, is_one_line
from small_city import PANEL, clock, key, key_file
from veracity.canonical import canonical_json
from veracity.cli import model_release
from veracity.home.home import open_writer
from veracity.home.models.gate_checks import card_path
from veracity.home.models.registry import load_model, models
from veracity.home.models.training import Trained
from veracity.home.officers import add_officer


@pytest.fixture(autouse=True)
def _rain_app(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """An app in a folder of its own, found as every app is; and its card, checked as the tests' is."""
    use_mean_rain(monkeypatch)
    use_rain_app(tmp_path_factory.mktemp("apps"), monkeypatch)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    city = RainCity.new(tmp_path_factory.mktemp("rain"))
    with city.at() as home:
        add_officer(home, "lan", key("lan").public, ["release", "act"], person=LAN)
        add_officer(home, "minh", key("minh").public, ["incident"], person=MINH)
    return city.root


@pytest.fixture
def city(grown: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(grown, tmp_path / "city"))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, city: Path) -> Here:
    here = Here(capsys, monkeypatch)
    monkeypatch.setenv("VERACITY_HOME", str(city))
    return here


def said(done: Done) -> dict[str, object]:
    """The one JSON object that a command printed."""
    assert done.err == ""
    document: dict[str, object] = json.loads(done.out)
    return document


def ready(city: Path, sha256: str) -> str:
    """Assure a model and keep a card; return the card's digest."""
    with open_writer(city, clock) as home:
        row = next(r for r in models(home) if r.sha256 == sha256)
        assure(home, Trained(row.train, load_model(home, sha256), row.idx))
        home.objects.put(card_path("ab" * 32), b"not that card")
        text = canonical_json({"card": sha256})

        digest = hashlib.sha256(text).hexdigest()
        home.objects.put(card_path(digest), text)
        return digest


def test_from_training_to_service_and_back(
    run: Here, city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Train twice, look, verify, compare, reproduce, export; ask, sign, release, roll back, stop."""
    monkeypatch.setattr(model_release, "_check_card", lambda _home, _text: [])
    first = str(said(run("model", "train", "rain-hours", "--seed", "1", "--json"))["model"])
    again = run("model", "train", "rain-hours", "--seed", "1")
    assert again.code == 0
    assert again.out.startswith("trained before, the same to the last bit")
    second = str(said(run("model", "train", "rain-hours", "--seed", "2", "--json"))["model"])
    listed = run("model", "ls")
    assert first[:16] in listed.out
    assert second[:16] in listed.out
    assert "[SIMULATED]" in listed.out
    assert "held out" in run("model", "show", first[:12]).out
    assert run("model", "verify", first).out.startswith("VERIFIED  2 files of rain-hours")
    differ = run("model", "compare", first, second)
    assert differ.code == 1
    assert "seed" in differ.out
    assert run("model", "compare", first, first).code == 0
    made = said(run("model", "reproduce", first, "--json"))
    assert made["same"] is True
    assert made["tolerance"] == 0.0
    assert run("model", "export", first, "--to", tmp_path / "out").code == 0
    beside = ("--signature", tmp_path / "out/model.sig", "--key", tmp_path / "out/publishing.pem")
    assert run("model", "verify", tmp_path / "out/files", *beside).code == 0
    (tmp_path / "out/files/more.txt").write_text("x")
    assert run("model", "verify", tmp_path / "out/files", *beside).code == 1

    lan, ask, approval = key_file(tmp_path, "lan"), tmp_path / "ask.json", tmp_path / "approval.json"
    for sha256 in (first, second):
        asked = ("--model", sha256, "--stage", "shadow", "--card", ready(city, sha256))
        assert run("model", "ask", "rain-hours", *asked, "-o", ask).code == 0
        sign = ("officer", "sign", ask, "--key", lan, "--by", LAN, "--why", "tested", "-o", approval, "--yes")
        assert run(*sign).code == 0
        files = ("--request", ask, "--approval", approval)
        done = run("model", "release", *files)
        assert (done.code, f"served by model {sha256[:16]} at stage shadow" in done.out) == (0, True), done
    refused = run("model", "release", *files)
    assert refused.code == 1
    assert is_one_line(refused)
    assert "ask again" in refused.err
    stages = said(run("model", "stages", "--json"))["items"]
    assert [(i["system"], i["stage"], i["model"]) for i in stages] == [(SYSTEM, "shadow", second)]  # type: ignore[attr-defined]

    own = ("--key", lan, "--by", LAN, "--why", "worse than before")
    back = run("model", "roll-back", "rain-hours", *own)
    assert back.code == 0
    assert f"served by model {first[:16]} again" in back.out
    minh = ("--key", key_file(tmp_path, "minh"), "--by", MINH, "--why", "I would rather not")
    assert run("model", "stop", "rain-hours", *minh).code == 1
    assert run("model", "ask", "rain-hours", "--stop", "-o", ask).code == 0
    assert run("model", "stop", "rain-hours", *own).code == 0
    assert run("model", "stop", "rain-hours", "--rule", "too-wrong").code == 1  # nothing serves
    history = run("model", "stages", "rain-hours").out
    assert [line.split()[1] for line in history.splitlines()[1:]] == [
        "release",
        "release",
        "roll-back",
        "stop",
    ]
    audited = run("audit")
    assert audited.code == 0
    assert "2 models, 2 assurance reports, 4 releases" in audited.out


def test_an_altered_model_is_told(run: Here, city: Path) -> None:
    """One bit in one file: verify, show, export and reproduce say no, in one line, and the audit names it."""
    model = str(said(run("model", "train", "rain-hours", "--json"))["model"])
    path = city / "store/models" / model / "rain.mean.json"
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    for command in (("verify",), ("show",), ("reproduce",), ("export", "--to", city / "out")):
        done = run("model", command[0], model, *command[1:])
        assert done.code == 1
        assert is_one_line(done)
        assert "rain.mean.json changed" in done.err
    audited = run("audit")
    assert audited.code == 1
    assert "DIFFERS  model rain-hours" in audited.out


def test_an_engineer_without_an_app(run: Here, tmp_path: Path) -> None:
    """A built-in estimator over a panel of one's own; what is wrong is said with what is wanted."""
    panel = tmp_path / "panel.yaml"
    panel.write_text(PANEL)
    given = ("--panel", panel, "--target", "rain", "--horizons", "1,3", "--seed", "4")
    done = run("model", "train", *given, "--estimator", "last_value", "--name", "mine")
    assert done.code == 0
    assert "trained mine" in done.out
    assert run("model", "reproduce", "mine").code == 0
    for wrong, code in (
        ((*given, "--estimator", "no-such"), 3),
        ((*given, "--estimator", "last_value", "--parameter", "no-such=1"), 3),
        ((*given, "--estimator", "last_value", "--parameter", "no"), 2),
        ((*given[:4], "--estimator", "last_value", "--horizons", "-1"), 2),
        ((*given,), 2),
        (("rain-hours", "--estimator", "last_value"), 2),
        (("no-app",), 3),
    ):
        assert run("model", "train", *wrong).code == code, wrong
    assert run("model", "show", "no-such").code == 3


def test_what_verify_is_asked_to_verify(run: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory takes a signature and a key; without a city a name is no model."""
    assert run("model", "verify", tmp_path, "--key", tmp_path / "k").code == 2
    monkeypatch.delenv("VERACITY_HOME")
    assert run("model", "verify", tmp_path).code == 2
    assert run("model", "verify", "mine").code == 3


def test_requests_and_approvals_are_asked_for_whole(run: Here, tmp_path: Path) -> None:
    """Half an approval, or a request for nothing, is a wrong command line."""
    for wrong in (
        ("release",),
        ("release", "--request", tmp_path / "r"),
        ("roll-back", "rain-hours"),
        ("roll-back", "--key", "k", "--by", "x"),
        ("stop", "rain-hours"),
        ("ask", "rain-hours", "-o", tmp_path / "r"),
        ("ask", "rain-hours", "--stop", "--roll-back", "-o", tmp_path / "r"),
        ("ask", "rain-hours", "--stop", "--model", "m", "-o", tmp_path / "r"),
    ):
        assert run("model", *wrong).code == 2, wrong
    assert run("model", "ask", "rain-hours", "--stop", "-o", tmp_path / "r").code == 1
    assert run("model", "ask", "rain-hours", "--roll-back", "-o", tmp_path / "r").code == 1
    (tmp_path / "r").write_text("{}")
    assert run("model", "release", "--request", tmp_path / "r", "--approval", tmp_path / "r").code == 3

"""Models, decisions and scores under attack: an insider acts on the files, and a real command says so.

The city is one of rain (simulated) whose app ran for six hours under a released model and was scored. What
each command prints here is what ``docs/attacks.md`` says it does.
"""

import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from rain_app import NOW_HOUR, RainCity
from released_city import (
    APP,
    LAN,
    SYSTEM,
    Released,
    assure,
    card,
    later,
    release_it,
    signed,
    use_mean_rain,
    use_rain_app,
)
from run_cli import Here
from small_city import key
from threats import Attack, attack
from veracity.home.home import Writer
from veracity.home.models import gate
from veracity.home.models.decisions import decisions_path
from veracity.home.models.gate_errors import StageRefused
from veracity.home.models.incidents import ask_close, open_incident
from veracity.home.models.kept_rows import put_rows, read_rows
from veracity.home.models.outcomes import score
from veracity.home.models.running import run_app
from veracity.home.models.said import read_said
from veracity.home.models.training import train
from veracity.home.officers import approve
from veracity.models.files import MAX_FILE_BYTES
from veracity.provenance.approvals import Request
from veracity.provenance.statements import Decide, Release

AUDITOR = "whoever audits the city"
OPERATOR = "the operator, before it serves"
HOURS = 6


@pytest.fixture(scope="module", autouse=True)
def _rain_app(tmp_path_factory: pytest.TempPathFactory) -> object:
    with pytest.MonkeyPatch.context() as patch:
        use_mean_rain(patch)
        use_rain_app(tmp_path_factory.mktemp("apps"), patch)
        yield


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> RainCity:
    """A city whose model serves, ran each hour, and was scored once."""
    city = Released.new(tmp_path_factory.mktemp("ran")).city
    for hour in range(HOURS):
        if hour:
            city.take(NOW_HOUR + hour, 1, at=hour)
        with city.at(hour) as home:
            run_app(home, APP, later(hour))
    with city.at(HOURS) as home:
        assert score(home, APP)
    return city


@pytest.fixture
def city(ran: RainCity, tmp_path: Path) -> RainCity:
    """A copy to attack."""
    return RainCity(Path(shutil.copytree(ran.root, tmp_path / "city")), tmp_path)


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, city: RainCity) -> Here:
    here = Here(capsys, monkeypatch)
    monkeypatch.setenv("VERACITY_HOME", str(city.root))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(later(HOURS).timestamp())))
    return here


def model_folder(city: RainCity) -> Path:
    (folder,) = (city.root / "store/models").iterdir()
    return folder


def last(home: Writer, kind: str) -> int:
    return int(home.index.predicates(kind)[-1][0])


def say(city: RainCity, kind: str, make: Callable[[Writer, int], object], hours: float = HOURS) -> None:
    """Let the operator say another statement of the kind of the last one, past every check."""
    with city.at(hours) as home:
        home.say(make(home, last(home, kind)).to_statement())  # type: ignore[attr-defined]


@attack(
    "swapped model file",
    act="changes one bit of a file of the model that serves",
    notices=OPERATOR,
    command="veracity model verify",
    sees="rain.mean.json changed",
)
def test_a_bit_of_a_model(this: Attack, here: Here, city: RainCity) -> None:
    """The digest is not the one that was signed; an app run meanwhile goes on without the model."""
    path = model_folder(city) / "rain.mean.json"
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    this.notice(here, "model", "verify", SYSTEM)
    with city.at(HOURS) as home:
        assert run_app(home, APP, later(HOURS)).without_model is not None


@attack(
    "swapped model file",
    act="puts a huge file in the place of a model's, to exhaust whoever reads it",
    notices=OPERATOR,
    command="veracity model verify",
    sees="bytes at most",
)
def test_a_huge_file(this: Attack, here: Here, city: RainCity) -> None:
    """Sizes are looked at before any file is read."""
    with (model_folder(city) / "rain.mean.json").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    this.notice(here, "model", "verify", SYSTEM)


@attack(
    "swapped model file",
    act="swaps in another model's files, whole and signed by the city",
    notices=AUDITOR,
    command="veracity audit",
    sees="DIFFERS  model rain-hours",
)
def test_another_models_files(this: Attack, here: Here, city: RainCity) -> None:
    """The files are good, and of another digest than the statement says."""
    served = model_folder(city)
    with city.at(HOURS) as home:
        other = train(home, APP, seed=9)
    shutil.rmtree(served)
    shutil.copytree(served.with_name(other.train.model_sha256), served)
    this.notice(here, "audit")


@pytest.mark.parametrize("kind", ["cards", "assurance", "decisions/rain-hours", "scores/rain-hours"])
def test_huge_objects(here: Here, city: RainCity, kind: str) -> None:
    """A file of 2 GB in the place of a card, a report or rows is a finding; nothing of it is read."""
    path = min((city.root / "store" / kind).iterdir())
    with path.open("wb") as file:
        file.truncate(2 << 30)
    done = here("audit")
    assert done.code == 1
    assert "bytes, got 2,147,483,648" in done.out


def test_an_index_that_says_more_days(city: RainCity) -> None:
    """Days on trial are counted by the log's own times, whatever the index says of them."""
    with city.at(HOURS) as home:
        trained = train(home, APP, seed=1)
        assure(home, trained)
        release_it(home, trained, "shadow")
        release_it(home, trained, "advise")
    with sqlite3.connect(city.root / "veracity.db") as database:
        change = "update statements set predicate = cast(replace(cast(predicate as text), ?, ?) as blob)"
        said = ('"released_at":"2026-09-03', '"released_at":"2020-09-03')
        assert database.execute(f"{change} where kind = 'release'", said).rowcount == 3
    database.close()
    with city.at(HOURS) as home:
        assert home.index.predicates("release")[-1][1]["released_at"].startswith("2020")
        with pytest.raises(StageRefused, match="want 2 days at advise"):
            release_it(home, trained, "act")


@attack(
    "unreleased model serving",
    act="holds the operator's key and decides with a model of their own, in the released one's name",
    notices=AUDITOR,
    command="veracity audit",
    sees="decided again",
)
def test_decisions_of_another_model(this: Attack, here: Here, city: RainCity) -> None:
    """The released model, run again on what was known, decides otherwise."""
    with city.at(HOURS) as home:
        files, release, idx = gate.load_for_service(home, SYSTEM)
        body = json.dumps({"mean": 9.0}).encode()
        swapped = replace(files, files={**files.files, "rain.mean.json": body})
        run_app(home, APP, later(HOURS), load_model=lambda _home, _system: (swapped, release, idx))
    this.notice(here, "audit")


@attack(
    "unreleased model serving",
    act="holds the operator's key and says a release past the gate, approved by no officer",
    notices=AUDITOR,
    command="veracity audit",
    sees="approval:",
)
def test_a_release_past_the_gate(this: Attack, here: Here, city: RainCity) -> None:
    """The approval is of the operator's key; the door does not open for it either."""
    with city.at(HOURS) as home:
        model, reports = said_model(home)
        request = replace(gate.ask_stop(home, SYSTEM), action="release", stage="advise")
        assert request.model_sha256 == model
        assert request.reports == reports
        approval = approve(key("operator"), Request("release", SYSTEM, request.asked), LAN, "x", home.clock())
        forged = replace(
            read_said(home, last(home, "release"), Release),
            stage="advise",
            replaces=request.replaces,
            approval=approval,
        )
        home.say(forged.to_statement())
        with pytest.raises(Exception, match="officer"):
            gate.load_for_service(home, SYSTEM)
    this.notice(here, "audit")


def said_model(home: Writer) -> tuple[str, tuple[str, ...]]:
    said = read_said(home, last(home, "release"), Release)
    return said.model_sha256, said.reports


@attack(
    "unreleased model serving",
    act="sets the clock two days ahead, so that a model seems to have been on trial for long enough",
    notices=AUDITOR,
    command="veracity audit",
    sees="dated ahead",
)
def test_a_release_dated_ahead(this: Attack, here: Here, city: RainCity) -> None:
    """The next batch came in before the time that the release gives of itself."""
    with city.at(48) as home:
        model, _ = said_model(home)
        trained = train(home, APP, seed=1)
        assert trained.train.model_sha256 != model
        digest = card(home, trained)
        assure(home, trained)
        request = gate.ask_release(home, APP, trained.train.model_sha256, "shadow", digest)
        gate.release(home, request.asked, signed(request, later(48)), app=APP, check_card=lambda *_: [])
    city.take(NOW_HOUR + HOURS, 1, at=HOURS)
    this.notice(here, "audit")


@attack(
    "decision changed after the fact",
    act="makes a run's decisions better once their outcome is known",
    notices=AUDITOR,
    command="veracity audit",
    sees="decisions: decisions/rain-hours/00000002-",
)
def test_a_decision_changed(this: Attack, here: Here, city: RainCity) -> None:
    """The rows kept are not those of the digest that was logged before the outcome."""
    path = next((city.root / "store/decisions" / SYSTEM).glob("00000002-*"))
    pl.read_parquet(path).with_columns(q50=pl.col("q50") + 0.125).write_parquet(path)
    this.notice(here, "audit")


@attack(
    "decision changed after the fact",
    act="holds the operator's key and logs a run that knows its outcomes, dated back",
    notices=AUDITOR,
    command="veracity audit",
    sees="time: want it after batch",
)
def test_a_run_dated_back(this: Attack, here: Here, city: RainCity) -> None:
    """The log has batches before it that came in after the time that it says; the command refuses as well."""
    with city.at(HOURS) as home:
        idx = last(home, "decide")
        said = read_said(home, idx, Decide)
        rows = read_rows(home, decisions_path(said), said.output)
        forged = replace(said, run=said.run + 1, made_at="2026-09-03T13:00:00.000000Z")
        put_rows(home, decisions_path(forged), rows)
        home.say(forged.to_statement())
    this.notice(here, "audit")


@attack(
    "bad forecast deleted",
    act="deletes the lines that a bad day added to the scoreboard",
    notices="whoever reads the scoreboard",
    command="veracity scoreboard show",
    sees="the file is gone",
)
def test_a_day_off_the_scoreboard(this: Attack, here: Here, city: RainCity) -> None:
    """The log names the lines of each scoring."""
    for path in (city.root / "store/scores" / SYSTEM).iterdir():
        path.unlink()
    this.notice(here, "scoreboard", "show", SYSTEM)


@attack(
    "bad forecast deleted",
    act="deletes a run's decisions",
    notices=AUDITOR,
    command="veracity audit",
    sees="rain-hours run 1 (log entry",
)
def test_a_run_deleted(this: Attack, here: Here, city: RainCity) -> None:
    """What the log names must be there."""
    next((city.root / "store/decisions" / SYSTEM).glob("00000001-*")).unlink()
    assert "the file is gone" in this.notice(here, "audit").out


@attack(
    "bad forecast deleted",
    act="takes a run out of the index, so that no command sees it",
    notices=AUDITOR,
    command="veracity audit",
    sees="index and log differ",
)
def test_a_run_taken_out_of_the_index(this: Attack, here: Here, city: RainCity) -> None:
    """The index is compared with the log, entry by entry."""
    with sqlite3.connect(city.root / "veracity.db") as database:
        database.execute(
            "delete from statements where idx = (select max(idx) from statements where kind = 'decide')"
        )
    database.close()
    this.notice(here, "audit")


@attack(
    "bad forecast deleted",
    act="goes on deciding and never scores",
    notices=AUDITOR,
    command="veracity audit",
    sees="not scored: want all due by",
)
def test_forecasts_never_scored(this: Attack, here: Here, city: RainCity) -> None:
    """Outcomes may take a week; a day after that a decision must be scored, as the log's own times go."""
    city.take(NOW_HOUR + 24 * 10, 1, at=24 * 10)
    this.notice(here, "audit")


@attack(
    "bad forecast deleted",
    act="scores with the clock weeks ahead, so that outcomes not yet in are missing for good",
    notices=AUDITOR,
    command="veracity audit",
    sees="dated ahead",
)
def test_outcomes_made_missing(this: Attack, here: Here, city: RainCity) -> None:
    """The next batch came in before the time that the scoring gives of itself."""
    with city.at(24 * 21) as home:
        (done,) = [one.outcome for one in score(home, APP) if one.outcome.counts.missing]
        assert done.counts.matched == 0
    city.take(NOW_HOUR + HOURS, 1, at=HOURS)
    this.notice(here, "audit")


@attack(
    "card that lies",
    act="types a number of their own into a model's card",
    notices="the release gate",
    command="veracity model release",
    sees="card: want what the evidence says",
)
def test_a_typed_card(this: Attack, here: Here, city: RainCity, tmp_path: Path) -> None:
    """The card is made again from the log and compared, though an officer signed for it."""
    with city.at(HOURS) as home:
        trained = train(home, APP, seed=1)
        assure(home, trained)
        digest = card(home, trained, rows=10_000_000)
        request = gate.ask_release(home, APP, trained.train.model_sha256, "shadow", digest)
    this.notice(here, "model", "release", *written(tmp_path, request, signed(request, later(HOURS)).format()))


@attack(
    "card that lies",
    act="edits the card that was released",
    notices=AUDITOR,
    command="veracity audit",
    sees="card: card",
)
def test_an_edited_card(this: Attack, here: Here, city: RainCity) -> None:
    """The release names the card's digest."""
    (path,) = (city.root / "store/cards").iterdir()
    path.write_bytes(path.read_bytes().replace(b'"rows":', b'"rows":9'))
    this.notice(here, "audit")


@attack(
    "card that lies",
    act="edits the report that the release stands on",
    notices=AUDITOR,
    command="veracity audit",
    sees="want one of that digest",
)
def test_an_edited_report(this: Attack, here: Here, city: RainCity) -> None:
    """The statement names the report's digest, the release as well; nothing is loaded for service."""
    (path,) = (city.root / "store/assurance").iterdir()
    path.write_bytes(path.read_bytes().replace(b"0.8", b"0.9"))
    this.notice(here, "audit")


@attack(
    "approval forged or replayed",
    act="holds the operator's key and signs an approval with it in an officer's name",
    notices="the release gate",
    command="veracity model release",
    sees="want an officer",
)
def test_an_approval_by_the_operator(this: Attack, here: Here, city: RainCity, tmp_path: Path) -> None:
    """Whose key it is decides, not the name in it."""
    with city.at(HOURS) as home:
        request = wanted(home)
        forged = signed(request, later(HOURS), who="operator")
    this.notice(here, "model", "release", *written(tmp_path, request, forged.format()))


@attack(
    "approval forged or replayed",
    act="uses an officer's approval of shadow for a release to advise",
    notices="the release gate",
    command="veracity model release",
    sees="approval: want one of release",
)
def test_an_approval_of_another_stage(this: Attack, here: Here, city: RainCity, tmp_path: Path) -> None:
    """An approval is of the digest of all that was asked."""
    with city.at(HOURS) as home:
        request = wanted(home)
        good = signed(request, later(HOURS)).format()
    this.notice(here, "model", "release", *written(tmp_path, replace(request, stage="advise"), good))


@attack(
    "approval forged or replayed",
    act="holds the operator's key and, after a stop, says the released statement once more",
    notices=AUDITOR,
    command="veracity audit",
    sees="approval: want one that was not used",
)
def test_an_approval_used_again(this: Attack, here: Here, city: RainCity) -> None:
    """An approval is for once; the gate itself refuses it as stale."""
    with city.at(HOURS) as home:
        first = read_said(home, last(home, "release"), Release)
        gate.stop_by_rule(home, SYSTEM, "too-wrong")
        home.say(replace(first, released_at="2026-09-03T18:00:00.000000Z").to_statement())
    this.notice(here, "audit")


def wanted(home: Writer) -> gate.ReleaseRequest:
    """A request for a second model, which an officer could well approve."""
    trained = train(home, APP, seed=1 + len(home.index.predicates("train")))
    assure(home, trained)
    return gate.ask_release(home, APP, trained.train.model_sha256, "shadow", card(home, trained))


def written(folder: Path, request: gate.ReleaseRequest, approval: bytes) -> list[str | Path]:
    """Write a request and its approval; return the options that name them."""
    (folder / "asked.json").write_bytes(request.format())
    (folder / "approval.json").write_bytes(approval)
    return ["--request", folder / "asked.json", "--approval", folder / "approval.json"]


@attack(
    "approval forged or replayed",
    act="holds the operator's key and closes an incident as if an officer had approved it",
    notices=AUDITOR,
    command="veracity audit",
    sees="approval: ",
)
def test_an_incident_closed_without_an_officer(this: Attack, here: Here, city: RainCity) -> None:
    """Whose key signed the approval decides; the deadline cannot be moved later either."""
    with city.at(HOURS) as home:
        opened, _ = open_incident(home, APP, "dry-warnings", "critical", by="a citizen", what="no rain came")
        late = replace(opened, step="updated", severity="low", due="2027-09-03T18:00:00.000000Z")
        home.say(late.to_statement())
        asked = ask_close(home, APP, "dry-warnings", "all is well").request
        approval = approve(key("operator"), asked, LAN, "x", home.clock())
        closed = replace(late, step="closed", by=LAN, what="all is well", approval=approval)
        home.say(closed.to_statement())
    assert "due: want" in this.notice(here, "audit").out

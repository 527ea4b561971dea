"""Cards of a city: computed from its log, refused by the gate where typed, stale where time went on."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rain_app import RainCity
from released_city import APP, SYSTEM, Released, assure, new_released_city, signed, use_mean_rain
from small_city import NOW
from veracity.canonical import canonical_json
from veracity.home.errors import BadName
from veracity.home.home import Home, Writer
from veracity.home.models import cards, gate
from veracity.home.models.facts import gather
from veracity.home.models.gate_checks import card_path, report_path
from veracity.home.models.gate_errors import CardRejected
from veracity.home.models.outcomes import score
from veracity.home.models.registry import find_model
from veracity.home.models.running import run_app
from veracity.home.models.training import train
from veracity.models.app import App
from veracity.models.card import Card, make_card, parse_card
from veracity.models.card_facts import by_name
from veracity.models.dossier.dossier import make_dossier
from veracity.models.dossier.errors import MalformedCard
from veracity.models.dossier.framework import FRAMEWORKS, load_framework
from veracity.models.errors import ModelAltered


def find(name: str) -> App:
    """The one app there is."""
    assert name == SYSTEM
    return APP


@pytest.fixture(autouse=True)
def _estimator(monkeypatch: pytest.MonkeyPatch) -> None:
    use_mean_rain(monkeypatch)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Released:
    """A city whose model serves at shadow; not to be changed."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_mean_rain(monkeypatch)
        return Released.new(tmp_path_factory.mktemp("carded"))


@pytest.fixture
def city(grown: Released, tmp_path: Path) -> RainCity:
    """A copy to change."""
    return RainCity(Path(shutil.copytree(grown.city.root, tmp_path / "city")), tmp_path)


@pytest.fixture
def home(city: RainCity) -> Iterator[Writer]:
    with city.at(1) as writer:
        yield writer


def ran(city: RainCity) -> None:
    """Let the app run, time go on, and what it said be scored."""
    with city.at(1) as home:
        run_app(home, APP, home.clock())
    city.take(int((NOW.timestamp() - 1_788_220_800) // 3600) + 1, 6, at=8)
    with city.at(8) as home:
        score(home, APP)


def test_a_card_is_computed_from_the_log_and_kept_by_its_digest(home: Writer) -> None:
    """The same home gives the same card; read back it is true and fresh."""
    card = cards.make(home, find, SYSTEM)
    assert card == cards.make(home, find, card.model_sha256[:12])
    kept = cards.read(home, cards.keep(home, card))
    assert kept == card
    assert cards.check(home, find, card.format()) == []
    assert cards.stale(home, find, kept) == []
    facts = card.facts
    train_said = find_model(home, SYSTEM).train
    assert facts["training.rows"].value == train_said.rows.rows
    assert facts["data.feed.rain.accepted"].value == 144
    assert facts["service.now"].value == "shadow"
    assert facts["limits.passed"].value == 2
    assert card.simulated


def test_counts_of_a_feed_add_up(home: Writer) -> None:
    """Received is accepted, quarantined and refused, as the statements of its batches say."""
    (feed,) = gather(home, APP, find_model(home, SYSTEM)).feeds
    assert feed.received == feed.accepted + feed.quarantined + feed.refused
    assert feed.batches == feed.up_to_batch + 1
    assert feed.agency == "rain-office"


def test_the_gate_takes_a_computed_card_and_refuses_a_typed_one(tmp_path: Path) -> None:
    """With one number typed over, the release is refused, naming fact, entry and both values."""
    city = new_released_city(tmp_path)
    with city.at() as home:
        trained = train(home, APP, seed=1)
        assure(home, trained)
        true = cards.make(home, find, SYSTEM)
        rows = trained.train.rows.rows
        typed = true.format().replace(f'"value":{rows}'.encode(), b'"value":9999', 1)
        lie = parse_card(typed)
        assert lie != true
        home.objects.put(card_path(lie.sha256), typed)
        for card, is_true in ((lie, False), (true, True)):
            cards.keep(home, card)
            request = gate.ask_release(home, APP, SYSTEM, "shadow", card.sha256)
            asked: Any = {"app": APP, "check_card": lambda h, text: cards.check(h, find, text)}
            if is_true:
                gate.release(home, request.asked, signed(request), **asked)
            else:
                with pytest.raises(
                    CardRejected, match=rf"rain.received: want {rows} \(log entry \d+.*got 9999"
                ):
                    gate.release(home, request.asked, signed(request), **asked)
    with city.at() as home:  # the card stays true, though a release has come since
        assert cards.check(home, find, true.format()) == []
        assert {d.name for d in cards.stale(home, find, true)} >= {"service.now", "service.releases"}


def test_runs_and_scores_make_a_card_stale_and_a_new_one_has_them(city: RainCity) -> None:
    """What has happened since is told, fact by fact, and the old card is still what it was."""
    with city.at(1) as home:
        before = cards.make(home, find, SYSTEM)
    ran(city)
    with city.at(8) as home:
        changed = {d.name for d in cards.stale(home, find, before)}
        assert {"service.runs", "service.decisions", "scoreboard.matched"} <= changed
        assert cards.check(home, find, before.format()) == []
        after = cards.make(home, find, SYSTEM)
        facts = after.facts
        assert facts["service.runs"].value == 1
        assert facts["scoreboard.due"].value == facts["scoreboard.matched"].value
        assert facts["scoreboard.rain.3600.model.n"].value == 3
        assert facts["scoreboard.rain.3600.last-value.mae"].value is not None
        assert gather(home, APP, find_model(home, SYSTEM)).said_at > before_said(home, before)


def before_said(home: Home, card: Card) -> str:
    """The time of the last statement that a card was computed from."""
    return gather(home, APP, find_model(home, SYSTEM), card.size).said_at


def test_every_dossier_can_be_made_of_a_city(city: RainCity) -> None:
    """Before and after it has run: more evidence, and no requirement lost."""
    with city.at(1) as home:
        known = cards.known_of(home, find, SYSTEM)
    ran(city)
    with city.at(8) as home:
        later = cards.known_of(home, find, SYSTEM)
    for name in FRAMEWORKS:
        before = make_dossier(load_framework(name), known).coverage
        after = make_dossier(load_framework(name), later).coverage
        assert after["requirements"] == before["requirements"]
        assert after["evidence_missing"] <= before["evidence_missing"]


def test_an_altered_file_of_the_model_stops_its_card(home: Writer) -> None:
    """One bit of one file, and nothing is told of the model."""
    (path,) = (p for p in home.objects.list("models") if p.endswith("mean.json"))
    body = home.objects.get(path)
    home.objects.put(path, bytes([body[0] ^ 1, *body[1:]]))
    with pytest.raises(ModelAltered):
        cards.make(home, find, SYSTEM)


def test_an_altered_report_stops_its_card(home: Writer) -> None:
    """A report whose object is another is not read; one that is gone leaves its tests untold."""
    known = gather(home, APP, find_model(home, SYSTEM))
    assert known.report is not None
    path = report_path(known.report.said.it.report_sha256)
    home.objects.delete(path)
    bare = gather(home, APP, find_model(home, SYSTEM))
    assert bare.report is not None
    assert bare.report.tests == ()
    home.objects.put(path, canonical_json({"tests": []}))
    with pytest.raises(ModelAltered, match="report"):
        cards.make(home, find, SYSTEM)


def test_cards_of_elsewhere_and_of_later_are_refused(home: Writer) -> None:
    """Another log's card, one of entries that are not there yet, and bytes that are no card."""
    card = cards.make(home, find, SYSTEM)
    with pytest.raises(BadName, match="want one of the log"):
        cards.check(home, find, replace(card, origin="other.example/city").format())
    with pytest.raises(BadName, match="entries of the log"):
        cards.check(home, find, replace(card, size=10_000).format())
    with pytest.raises(MalformedCard):
        cards.check(home, find, b"{}")
    with pytest.raises(CardRejected, match="want it in the store"):
        cards.read(home, "0" * 64)


def test_a_model_of_no_app_has_no_card(city: RainCity, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card is of a system's model: an engineer's own has none until an app takes it up."""
    monkeypatch.setattr("veracity.home.models.cards.Description", _OfNone)
    with city.at(1) as home, pytest.raises(BadName, match="made for an app"):
        cards.make(home, find, SYSTEM)


class _OfNone:
    """What ``model.json`` says of a model that no app is named in."""

    system = None

    @classmethod
    def of(cls, model: object) -> "_OfNone":
        return cls()


def test_what_is_known_at_a_size_of_the_log_does_not_change(city: RainCity) -> None:
    """Every size since training gives facts that later entries leave alone."""
    with city.at(1) as home:
        row = find_model(home, SYSTEM)
        sizes = range(row.idx + 1, home.index.size + 1)
        then = {n: by_name(gather(home, APP, row, n)) for n in sizes}
        assert make_card(gather(home, APP, row, sizes[0])).facts["service.releases"].value == 0
    ran(city)
    with city.at(8) as home:
        assert {n: by_name(gather(home, APP, row, n)) for n in sizes} == then

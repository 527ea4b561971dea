"""Apps run: what is known is decided on and logged before its outcome, whatever is missing."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from rain_app import HOUR, NOW_HOUR, RainCity, decide, rain_app
from released_city import Released, signed, use_mean_rain
from small_city import NOW
from veracity.data.errors import TableMismatch
from veracity.home.errors import BadName
from veracity.home.home import Home
from veracity.home.models import gate
from veracity.home.models.decisions import decisions_path, find_run, read_decisions
from veracity.home.models.known import Known
from veracity.home.models.running import run_app
from veracity.home.panels import panel_frame
from veracity.models.decisions import OWN, SCHEMA
from veracity.models.errors import BadDecisions, DecidedLate
from veracity.provenance.dsse import open_envelope
from veracity.provenance.statements import Decide, parse_statement

APP = rain_app(stage="act")


@pytest.fixture(autouse=True)
def _mean_rain(monkeypatch: pytest.MonkeyPatch) -> None:
    use_mean_rain(monkeypatch)


@pytest.fixture
def city(tmp_path: Path) -> RainCity:
    return RainCity.new(tmp_path)


@pytest.fixture
def released(tmp_path: Path) -> Released:
    return Released.new(tmp_path)


def own(home: Home, run: int) -> pl.DataFrame:
    """The system's own rows of a run."""
    return read_decisions(home, APP.name, run).filter(pl.col("model") == OWN)


def test_a_run_is_in_the_log_before_any_outcome(city: RainCity) -> None:
    """Decisions are kept, their pages have the signed root, and each is due after they were made."""
    with city.at() as home:
        done = run_app(home, APP, NOW)
        said = done.logged.decide
        rows = read_decisions(home, APP.name, 0)
        entry = parse_statement(open_envelope(home.reader().entry(done.logged.idx)).payload)
    assert Decide.from_statement(entry) == said
    assert rows.schema == SCHEMA
    assert rows.height == said.output.rows == 18
    assert (rows["due"] > NOW).all()
    assert (said.run, said.made_at, said.inputs[0].up_to_batch) == (0, "2026-09-03T12:00:00.000000Z", 0)
    assert said.simulated


def test_the_same_run_again_says_nothing(city: RainCity) -> None:
    """One time of deciding is one run, however often it is asked for."""
    with city.at() as home:
        first, size = run_app(home, APP, NOW), home.log.size
        again = run_app(home, APP, NOW)
        assert (again.is_new, again.logged) == (False, first.logged)
        assert home.log.size == size


def test_the_order_of_an_apps_rows_does_not_matter(city: RainCity) -> None:
    """An app that gives its rows in another order decides the same."""

    def backwards(*args: object) -> pl.DataFrame:
        return decide(*args).reverse()  # type: ignore[arg-type]

    with city.at() as home:
        first = run_app(home, APP, NOW)
    with city.at(0.25) as home:
        second = run_app(home, rain_app(decide=backwards), NOW + timedelta(minutes=15))
    assert first.logged.decide.output == second.logged.decide.output
    assert second.logged.decide.run == 1


def test_nothing_can_be_dated_back_or_ahead(city: RainCity) -> None:
    """Not ahead of the clock, not before the last run, not before a batch that is known by now."""
    with city.at(1) as home:
        with pytest.raises(DecidedLate, match="time of deciding that has come"):
            run_app(home, APP, NOW + 2 * HOUR)
        with pytest.raises(DecidedLate, match="due after the clock"):
            run_app(home, APP, NOW)  # an hour ago: what it would say of 13:00 may be known
        run_app(home, APP, NOW + HOUR)
    city.take(NOW_HOUR + 1, 1, at=1.5)
    with city.at(1.5) as home:
        with pytest.raises(DecidedLate, match="after the last batch of rain"):
            run_app(home, APP, NOW + 1.25 * HOUR)
        size = home.log.size
        run_app(home, APP, NOW + 1.5 * HOUR)
        with pytest.raises(DecidedLate, match="not before the run before"):
            run_app(home, APP, NOW + 1.25 * HOUR)
        assert home.log.size == size + 1


def test_without_a_release_rungs_without_a_model_serve(city: RainCity) -> None:
    """Where nothing is released the app still answers, by a rung that needs no model, and says so."""
    with city.at() as home:
        done = run_app(home, APP, NOW)
    said = done.logged.decide
    assert (said.release, said.model_sha256, said.stage) == (None, None, "shadow")
    assert said.rungs == {"last": 18}
    assert done.without_model is not None
    assert "want a model that is released" in done.without_model


def test_the_released_model_serves(released: Released) -> None:
    """The statement names the release, its model and its stage; the rows come from the model."""
    with released.city.at() as home:
        done = run_app(home, APP, NOW)
        said, serving = done.logged.decide, gate.in_force(home, APP.name)
    assert serving is not None
    assert (said.release, said.model_sha256, said.stage) == (serving.idx, serving.model_sha256, "shadow")
    assert (said.rungs, done.without_model) == ({"model": 18}, None)


def test_an_altered_model_does_not_serve(released: Released) -> None:
    """One bit of a model's file, and rungs without a model serve instead: the log shows it."""
    folder = released.city.root / "store" / "models" / released.trained.train.model_sha256
    file = folder / "rain.mean.json"
    file.write_bytes(bytes([file.read_bytes()[0] ^ 1]) + file.read_bytes()[1:])
    with released.city.at() as home:
        done = run_app(home, APP, NOW)
    said = done.logged.decide
    assert said.rungs == {"last": 18}
    assert said.model_sha256 == released.trained.train.model_sha256
    assert "rain.mean.json" in str(done.without_model)


def test_a_stopped_model_does_not_serve(released: Released) -> None:
    """After a stop the app runs at shadow, by rungs that need no model."""
    with released.city.at() as home:
        request = gate.ask_stop(home, APP.name)
        gate.stop(home, request.asked, signed(request))
        done = run_app(home, APP, NOW)
    assert (done.logged.decide.release, done.logged.decide.rungs) == (None, {"last": 18})


def test_feeds_cut_one_after_the_other(released: Released) -> None:
    """As gauges fall silent each walks down its own ladder, and a gauge never heard of is not forgotten."""
    app = rain_app(stage="act", ladder=APP.ladder)
    city, seen = released.city, dict[int, dict[str, str]]()
    city.take(NOW_HOUR + 1, 3, at=3, gauges=("G00",))
    city.take(NOW_HOUR + 2, 1, at=3.1, gauges=("G01",), minutes=0)
    with city.at(3.2) as home:
        run_app(home, app, NOW + 3.2 * HOUR)
        seen[3] = dict(own(home, 0).select("key", "rung").unique().iter_rows())
    city.take(NOW_HOUR + 4, 3, at=6.5, gauges=("G00",))
    with city.at(6.5) as home:
        run_app(home, app, NOW + 6.5 * HOUR)
        seen[6] = dict(own(home, 1).select("key", "rung").unique().iter_rows())
    assert seen[3] == {"G00": "model", "G01": "model", "G02": "last"}
    assert seen[6] == {"G00": "model", "G01": "guess", "G02": "guess"}
    with city.at(60) as home:  # longer than the app looks back
        said = run_app(home, app, NOW + 60 * HOUR).logged.decide
        assert said.rungs == {"guess": 18}
        assert set(own(home, 2)["key"]) == {"G00", "G01", "G02"}


def test_what_is_not_known_yet_is_not_seen(city: RainCity) -> None:
    """A run sees the batches received by its time and no reading after it, whatever a file holds."""
    city.take(NOW_HOUR + 1, 40, at=0)  # a gauge whose clock is ahead

    def spy(panel: object, estimators: object, now: object) -> pl.DataFrame:
        assert int(panel.times_us[-1]) == int(NOW.timestamp() * 1e6)  # type: ignore[attr-defined]
        return decide(panel, estimators, now)  # type: ignore[arg-type]

    with city.at() as home:
        run_app(home, rain_app(decide=spy), NOW)


def test_a_bounded_panel_is_the_whole_one_cut(city: RainCity) -> None:
    """Reading only what some hours depend on gives them as the whole history does, fills and all."""
    city.take(NOW_HOUR + 4, 3, at=7, gauges=("G00", "G02"))
    home = city.open(8)
    try:
        known = Known.at(home, APP, None)
        whole = panel_frame(home, known.panel, known.up_to)
        for first, n in ((0, 5), (20, 1), (44, 12)):
            start = NOW + (first - 47) * HOUR
            end = start + (n - 1) * HOUR
            inside = whole.filter(pl.col("time").is_between(start, end))
            cut = known.frame(start, end)
            assert cut.filter(pl.col("time") <= whole["time"].max()).equals(inside)
    finally:
        home.close()


def test_an_app_that_decides_nonsense_logs_nothing(city: RainCity) -> None:
    """Rows that are no decisions are refused whole; the log and the store stay as they were."""
    cases = {
        "1 to": lambda rows: rows.clear(),
        "once": lambda rows: pl.concat([rows, rows]),
        "rung of": lambda rows: rows.with_columns(rung=pl.lit("roof")),
        "columns": lambda rows: rows.drop("action"),
    }
    for words, spoil in cases.items():
        app = rain_app(decide=lambda *a, spoil=spoil: spoil(decide(*a)))
        with city.at() as home:
            size = home.log.size
            with pytest.raises(BadDecisions, match=words):
                run_app(home, app, NOW)
            assert home.log.size == size
    assert not (city.root / "store" / "decisions").exists()


def test_a_decision_changed_after_the_fact_is_seen(city: RainCity) -> None:
    """Whoever reads a run's decisions gets those that were logged, or none."""
    with city.at() as home:
        said = run_app(home, APP, NOW).logged.decide
        path = city.root / "store" / decisions_path(said)
        rows = pl.read_parquet(path)
        rows.with_columns(q50=pl.col("q50") + 0.01).write_parquet(path)
        with pytest.raises(TableMismatch, match="want 18 rows of digest"):
            read_decisions(home, APP.name, 0)
        path.write_bytes(b"PAR1")
        with pytest.raises(TableMismatch, match="want a Parquet file"):
            read_decisions(home, APP.name, 0)
        path.unlink()
        with pytest.raises(TableMismatch, match="gone"):
            read_decisions(home, APP.name, 0)
        with pytest.raises(BadName, match="one of the 1 runs"):
            find_run(home, APP.name, 1)

"""Outcomes and the scoreboard: each decision is scored once, for good, and nobody can take a bad day off."""

import shutil
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from rain_app import GAUGES, HOUR, NOW_HOUR, RainCity, rain_app, rain_at
from small_city import NOW
from veracity.data.errors import TableMismatch
from veracity.home.errors import BadName
from veracity.home.home import Home
from veracity.home.models.decisions import read_decisions
from veracity.home.models.kept_rows import put_rows, read_rows
from veracity.home.models.matched import outcomes_path, past_scorings, scores_path
from veracity.home.models.outcomes import Scored, score
from veracity.home.models.running import run_app
from veracity.home.models.scoreboard import all_lines, contradictions, scoreboard, scoreboards
from veracity.models.decisions import OWN
from veracity.models.errors import ScoreboardBroken
from veracity.models.matching import WAIT
from veracity.provenance.statements import Matched

APP = rain_app()
SYSTEM = APP.name
WAIT_H = WAIT / HOUR


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> RainCity:
    """A city whose app ran once, at its time: 18 decisions, due one, two and three hours later."""
    city = RainCity.new(tmp_path_factory.mktemp("ran"))
    with city.at() as home:
        run_app(home, APP, NOW)
    return city


@pytest.fixture
def city(ran: RainCity, tmp_path: Path) -> RainCity:
    shutil.copytree(ran.root, tmp_path / "city")
    return RainCity(tmp_path / "city", tmp_path)


def scored(city: RainCity, hours: float, until: datetime | None = None) -> list[Scored]:
    """Score what fell due by so many hours after the city's time."""
    with city.at(hours) as home:
        return score(home, APP, until)


def counts(done: list[Scored]) -> list[Matched]:
    return [one.outcome.counts for one in done]


def outcomes(city: RainCity, number: int = -1) -> pl.DataFrame:
    """The rows of a scoring's outcomes."""
    home = city.open()
    try:
        _, said = past_scorings(home, SYSTEM)[number]
        return read_rows(home, outcomes_path(said), said.outcomes)
    finally:
        home.close()


def board(city: RainCity, *by: str) -> pl.DataFrame:
    home = city.open()
    try:
        return scoreboard(home, SYSTEM, by)
    finally:
        home.close()


def test_each_decision_is_scored_once_against_what_was_measured(city: RainCity) -> None:
    """What fell due is matched and scored; the rest waits; the same call again says nothing."""
    city.take(NOW_HOUR + 1, 2, at=2)
    (done,) = scored(city, 2)
    said = done.outcome
    assert said.counts == Matched(due=12, matched=12, missing=0)
    assert (said.number, said.runs, said.before) == (0, (0, 0), None)
    assert scored(city, 2) == []
    rows = outcomes(city)
    for row in rows.iter_rows(named=True):
        hours = round((row["due"] - NOW) / HOUR)
        assert row["value"] == rain_at(GAUGES.index(row["key"]), NOW_HOUR + hours)
    home = city.open()
    decided = read_decisions(home, SYSTEM, 0)
    home.close()
    errors = [
        abs(decided["q50"][r["record"]] - r["value"])
        for r in rows.iter_rows(named=True)
        if decided["model"][r["record"]] == OWN
    ]
    (own,) = board(city).filter(pl.col("model") == OWN)["mae"]
    assert own == pytest.approx(sum(errors) / len(errors))


def test_an_outcome_that_is_filled_does_not_count(city: RainCity) -> None:
    """The panel carries the last value on; nobody measured that, so the decision waits."""
    assert scored(city, 2) == []
    city.take(NOW_HOUR + 1, 1, at=2, gauges=("G00",))
    assert counts(scored(city, 2)) == [Matched(due=2, matched=2, missing=0)]


def test_a_late_outcome_is_scored_when_it_comes(city: RainCity) -> None:
    """An outcome that comes days later, within the time it may take, counts then."""
    city.take(NOW_HOUR + 1, 1, at=2)
    assert counts(scored(city, 2)) == [Matched(due=6, matched=6, missing=0)]
    city.take(NOW_HOUR + 2, 2, at=100)
    assert counts(scored(city, 100)) == [Matched(due=12, matched=12, missing=0)]
    own = board(city, "horizon_s").filter(pl.col("model") == OWN)
    assert own["n"].to_list() == [3, 3, 3]


def test_what_never_comes_is_counted_missing_for_good(city: RainCity) -> None:
    """After seven days a decision is missing, is in the sums as that, and a later outcome changes nothing."""
    city.take(NOW_HOUR + 1, 2, at=2)
    scored(city, 2)
    assert scored(city, 3 + WAIT_H - 0.1) == []
    assert counts(scored(city, 3 + WAIT_H)) == [Matched(due=6, matched=0, missing=6)]
    before = board(city)
    city.take(NOW_HOUR + 3, 1, at=3 + WAIT_H + 1)
    assert scored(city, 3 + WAIT_H + 1) == []
    assert board(city).equals(before)
    own = before.filter(pl.col("model") == OWN)
    assert (own["n"].item(), own["n_missing"].item()) == (6, 3)


def test_an_outcome_that_comes_twice_and_one_that_contradicts(city: RainCity) -> None:
    """The first counts. The same again is counted; another is counted, kept and shown; each only once."""
    city.take(NOW_HOUR + 1, 2, at=2)
    scored(city, 2)
    before = board(city)
    city.take(NOW_HOUR + 1, 1, at=2.5, gauges=("G00",), minutes=20)  # the same again: the mean stays
    city.take(NOW_HOUR + 2, 1, at=2.6, gauges=("G01",), minutes=20, add=3.0)
    assert counts(scored(city, 2.7)) == [Matched(due=0, matched=0, missing=0, repeated=1, contradicted=1)]
    assert scored(city, 2.8) == []
    assert board(city).equals(before)
    home = city.open()
    (row,) = contradictions(home, SYSTEM).iter_rows(named=True)
    home.close()
    first = rain_at(1, NOW_HOUR + 2)
    assert (row["key"], row["first"], row["value"]) == ("G01", first, first + 1.5)
    assert row["due"] == NOW + 2 * HOUR


def test_later_decisions_of_a_contradicted_outcome_use_the_first(city: RainCity) -> None:
    """An outcome counts with one value for all decisions, those scored after the correction too."""
    with city.at(1) as home:
        run_app(home, APP, NOW + HOUR)
    city.take(NOW_HOUR + 2, 1, at=2, gauges=("G00",))
    scored(city, 2)
    city.take(NOW_HOUR + 2, 1, at=2.2, gauges=("G00",), minutes=20, add=4.0)
    (done,) = scored(city, 2.3)
    assert done.outcome.counts.contradicted == 1
    rows = outcomes(city, 0)
    assert set(rows["value"]) == {rain_at(0, NOW_HOUR + 2)}


def test_days_of_catching_up_give_a_statement_each(city: RainCity) -> None:
    """Long overdue, scoring goes day by day, each statement standing on the one before."""
    for day in (1, 2, 3):
        city.take(NOW_HOUR + 24 * day - 23, 24, at=24 * day)
        with city.at(24 * day) as home:
            run_app(home, APP, NOW + 24 * day * HOUR)
    city.take(NOW_HOUR + 73, 24, at=96)
    said = [one.outcome for one in scored(city, 96)]
    assert [(s.until[:16], s.runs, s.counts.matched) for s in said] == [
        (f"2026-09-0{4 + i}T00:00", (i, i), 18) for i in range(4)
    ]
    assert all(a.scores.sha256 == b.before for a, b in pairwise(said))
    home = city.open()
    total = scoreboards(home, SYSTEM, [["day"], []])
    home.close()
    assert (
        total[0].filter(pl.col("model") == OWN)["n"].sum()
        == total[1].filter(pl.col("model") == OWN)["n"].item()
    )


def test_until_cannot_lie_ahead(city: RainCity) -> None:
    """Nothing is scored of a time that has not come."""
    with city.at(1) as home, pytest.raises(BadName, match="has come"):
        score(home, APP, NOW + 2 * HOUR)
    assert scored(city, 1) == []


def tampered(rows: pl.DataFrame) -> pl.DataFrame:
    """Lines with their errors made smaller."""
    return rows.with_columns(sum_abs=pl.col("sum_abs") / 2)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda rows: rows.filter(pl.col("sum_abs") < pl.col("sum_abs").max()), "rows of digest"),
        (tampered, "rows of digest"),
        (None, "the file is gone"),
    ],
)
def test_a_bad_forecast_cannot_be_taken_off(city: RainCity, spoil: Any, words: str) -> None:
    """A line removed or made better, or a whole scoring deleted: the scoreboard refuses to be read."""
    city.take(NOW_HOUR + 1, 2, at=2)
    (done,) = scored(city, 2)
    path = scores_path(done.outcome)
    file = city.root / "store" / path
    if spoil is None:
        file.unlink()
    else:
        with city.at(2) as home:
            put_rows(home, path, spoil(pl.read_parquet(file)))
    with pytest.raises(TableMismatch, match=words):
        board(city)


def test_decisions_that_were_changed_are_not_scored(city: RainCity) -> None:
    """A decision made better after its outcome came: nothing is scored on it, and who asks is told."""
    city.take(NOW_HOUR + 1, 2, at=2)
    (file,) = (city.root / "store" / "decisions" / SYSTEM).iterdir()
    rows = pl.read_parquet(file)
    rows.with_columns(q50=pl.lit(rain_at(0, NOW_HOUR + 1))).write_parquet(file)
    with city.at(2) as home:
        size = home.log.size
        with pytest.raises(TableMismatch, match="decisions/rain-hours/00000000-"):
            score(home, APP)
        assert home.log.size == size


def test_a_scoring_left_out_breaks_the_chain(city: RainCity, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each scoring stands on the one before: an index that hides one is noticed."""
    city.take(NOW_HOUR + 1, 1, at=1)
    scored(city, 1)
    city.take(NOW_HOUR + 2, 1, at=2)
    scored(city, 2)
    assert board(city).filter(pl.col("model") == OWN)["n"].item() == 6
    hidden = Home.open
    monkeypatch.setattr(
        "veracity.home.models.matched.said_of", lambda home, kind, system: _without_first(home, kind, system)
    )
    home = hidden(city.root, lambda: NOW + timedelta(hours=3))
    with pytest.raises(ScoreboardBroken, match="want scoring 0"):
        all_lines(home, SYSTEM)
    home.close()


def _without_first(home: Home, kind: str, system: str) -> list[tuple[int, dict[str, Any]]]:
    found = [(idx, p) for idx, p in home.index.predicates(kind) if p.get("system") == system]
    return found[1:]

"""Neighbours: a reading that departs, a sensor that does not follow, a position without company."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from replay import judge_in_pieces, random_cuts
from small_network import flagged, hourly, sequence

from veracity.data.errors import MalformedContract
from veracity.data.rules.neighbours import (
    Alone,
    Misplaced,
    Neighbours,
    read_alone,
    read_misplaced,
    read_neighbours,
)
from veracity.data.rules.network import NetworkRule
from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.positions import Positions
from veracity.data.rules.readings import readings_of

COLUMNS = {"pm25": "number", "latitude": "number", "longitude": "number"}
SCOPE = Scope(COLUMNS, units={"pm25": "ug/m3"}, property="pm25")


def rule(kind: str, **values: object) -> Neighbours | Misplaced | Alone:
    read: dict[str, Callable[[Scope, Parameters], Neighbours | Misplaced | Alone]]
    read = {"neighbours": read_neighbours, "misplaced": read_misplaced, "alone": read_alone}
    p = Parameters("q", values, "flag", "warning")
    made = read[kind](SCOPE, p)
    p.done()
    return made


def a_city(seed: int = 1, m: int = 20, n: int = 700) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A field that all sensors share, each with its own offset and noise; and their positions."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, 1, n)
    shared = np.zeros(n)
    for i in range(1, n):
        shared[i] = 0.95 * shared[i - 1] + steps[i]
    values = 40 + 2 * shared[:, None] + rng.normal(0, 4, m) + rng.normal(0, 1, (n, m))
    return values, 16 + rng.random(m) * 0.1, 108 + rng.random(m) * 0.1


def judged(rule_: Neighbours | Misplaced | Alone, *city: np.ndarray) -> np.ndarray:
    readings, positions = hourly(*city)
    derived = sequence(readings, rule_.network.compare(readings, positions))
    return flagged(derived, rule_.broken(derived), city[0].shape)


def test_departure() -> None:
    """A reading 20 above what its neighbours let expect is flagged; what all sensors do together is not."""
    values, latitude, longitude = a_city()
    values[500] += 60  # everywhere at once: late only in those that report before their neighbours
    values[300, 4] += 20
    values[400:410, 5] -= 20
    found = judged(rule("neighbours"), values, latitude, longitude)
    assert found[300, 4]
    assert found[400:410, 5].all()
    rest = found.copy()
    rest[300, 4] = rest[400:410, 5] = False
    rest[500:502] = False
    assert rest.sum() <= 0.001 * rest.size


def test_floor_and_times() -> None:
    """``floor`` and ``times`` give a reading more room; with no spread and no floor the rule is silent."""
    n = 120
    value = np.zeros(n)
    value[100] = 3.0
    readings = readings_of(np.zeros(n, np.int64), np.arange(n) * 60_000_000, value)
    assert rule("neighbours").broken(readings).sum() == 0
    assert list(np.flatnonzero(rule("neighbours", floor=2.5).broken(readings))) == [100]
    assert rule("neighbours", floor=3.0).broken(readings).sum() == 0
    value[::2] = 1.0
    value[100] = 4.0
    assert rule("neighbours", times=2.0).broken(readings).sum() == 1
    assert rule("neighbours", times=9.0).broken(readings).sum() == 0


def test_misplaced() -> None:
    """A sensor of another city is named for good; the others, offsets and gains apart, never."""
    values, latitude, longitude = a_city()
    values[:, 7] = a_city(seed=2)[0][:, 0]
    values[:, 3] = values[:, 3] * 30 + 500
    found = judged(rule("misplaced"), values, latitude, longitude)
    assert set(np.flatnonzero(found.any(axis=0))) == {7}
    assert found[-100:, 7].all()
    assert not found[: 96 + 335].any()


def test_alone() -> None:
    """In a dense network a position without company is named; in a thin one none is."""
    values, latitude, longitude = a_city(m=40, n=3)
    latitude[11] = -latitude[11]
    assert set(np.flatnonzero(judged(rule("alone"), values, latitude, longitude)[2])) == {11}
    thin = latitude + np.arange(40)
    assert not judged(rule("alone"), values, thin, longitude).any()
    assert not judged(rule("alone"), values[:, :20], latitude[:20], longitude[:20]).any()


@pytest.mark.parametrize("kind", ["neighbours", "misplaced", "alone"])
@pytest.mark.parametrize("seed", range(4))
def test_cuts_change_nothing(kind: str, seed: int) -> None:
    """Judging all at once and in random batches gives the same verdicts."""
    rng = np.random.default_rng(seed)
    lengths = [700, 90, 410]
    sensor = np.repeat(np.arange(3), lengths)
    time_us = np.concatenate([np.sort(rng.choice(10**6, n, replace=False)) for n in lengths])
    value = {
        "neighbours": np.round(rng.standard_t(2, len(sensor)), 1),
        "misplaced": rng.integers(-384, 385, len(sensor)) / 384 * rng.choice([0.3, 1.0], len(sensor)),
        "alone": rng.integers(0, 2, len(sensor)).astype(float),
    }[kind]
    readings = readings_of(sensor, time_us, value)
    whole = rule(kind).broken(readings)
    assert whole.any()
    for _ in range(4):
        cuts = random_cuts(rng, len(readings))
        np.testing.assert_array_equal(judge_in_pieces(rule(kind), readings, cuts), whole)


@pytest.mark.parametrize("kind", ["neighbours", "misplaced", "alone"])
def test_settings_are_in_the_digest(kind: str) -> None:
    """A rule gives all its settings as JSON, those of the network too, and is named by its property."""
    made = rule(kind, nearest=5, within_km=12)
    assert made.reason == f"{kind}:pm25"
    assert isinstance(made, NetworkRule)
    assert made.series == made.network.name
    told = json.loads(json.dumps(made.to_object()))
    assert told["network"]["within_km"] == 12
    assert told["kind"] == kind


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        ("neighbours", {"times": 0}, "times: want a number of at least|times: want a number from 1"),
        ("neighbours", {"floor": -1}, "floor: want a number of at least 0"),
        ("misplaced", {"agreement": 2}, "agreement: want a number from -1 to 1"),
        ("alone", {"times": 3}, "'times' is no setting of this rule"),
    ],
)
def test_bad_settings(kind: str, values: dict[str, object], message: str) -> None:
    """A setting that makes no sense is an error that says what was wanted."""
    with pytest.raises(MalformedContract, match=message):
        rule(kind, **values)


def test_extremes_pass() -> None:
    """The largest numbers there are break nothing but the rule."""
    value = np.tile([1.7e308, -1.7e308, 1.0], 60)
    readings = readings_of(np.zeros(180, np.int64), np.arange(180), value)
    rule("neighbours").broken(readings)


def test_no_positions_no_verdict() -> None:
    """Where no position is known nothing is compared."""
    values, latitude, _ = a_city(n=5)
    readings, _ = hourly(values, latitude, latitude)
    nowhere = Positions(np.full(20, np.nan), np.full(20, np.nan), np.full(20, np.iinfo(np.int64).max))
    for kind in ("neighbours", "misplaced", "alone"):
        assert np.isnan(rule(kind).network.compare(readings, nowhere)).all()

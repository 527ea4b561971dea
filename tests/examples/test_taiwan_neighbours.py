"""Taiwan's 516 AirBoxes: those abroad are named without any value, swapped ones by their values."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from small_network import flagged, hourly, sequence

from veracity.data.rules.neighbours import (
    Alone,
    Misplaced,
    Neighbours,
    read_alone,
    read_misplaced,
    read_neighbours,
)
from veracity.data.rules.parameters import Parameters, Scope

SCOPE = Scope({"pm25": "number", "latitude": "number", "longitude": "number"}, property="pm25")
ABROAD = {"V1", "V35", "V118", "V155", "V157"}  # Singapore (2), Kuala Lumpur, Manila; Hanoi
REMOTE = {"V44", "V46"}  # rightly placed: the south-east coast and the island of Kinmen


@pytest.fixture(scope="module")
def airbox(data: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Names (516,), values (744, 516), latitudes, longitudes."""
    there = data / "taiwan_airbox"
    places = pl.read_csv(there / "locations.csv")
    names = places["sensor"].to_list()
    values = pl.read_parquet(there / "pm25.parquet").select(names).to_numpy().astype(np.float64)
    return np.array(names), values, places["latitude"].to_numpy(), places["longitude"].to_numpy()


def judged(rule: Neighbours | Misplaced | Alone, *city: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (744, 516): where the rule is broken, and where it could be asked."""
    readings, positions = hourly(*city)
    derived = sequence(readings, rule.network.compare(readings, positions))
    asked = derived.back >= rule.window
    return flagged(derived, rule.broken(derived), city[0].shape), flagged(derived, asked, city[0].shape)


@pytest.mark.data
def test_those_abroad_stand_alone(airbox: tuple[np.ndarray, ...]) -> None:
    """The five sensors abroad are named from their first reading on; of 511 in Taiwan two remote ones are."""
    names, values, latitude, longitude = airbox
    rule = read_alone(SCOPE, Parameters("q", {}, "flag", "warning"))
    found, _ = judged(rule, values[:48], latitude, longitude)
    assert set(names[found.any(axis=0)]) == ABROAD | REMOTE
    assert found.all(axis=0).sum() == len(ABROAD | REMOTE)


@pytest.mark.data
def test_swapped_positions(airbox: tuple[np.ndarray, ...]) -> None:
    """Of 50 sensors that changed places, far ones are named; on the half of sensors not used for settings."""
    _, values, latitude, longitude = airbox
    rng = np.random.default_rng(0)
    taiwan = np.flatnonzero((latitude > 21.8) & (longitude > 119.9))
    moved = rng.permutation(taiwan)[:50]
    lat, lon = latitude.copy(), longitude.copy()
    lat[moved], lon[moved] = latitude[np.roll(moved, 1)], longitude[np.roll(moved, 1)]
    km = 111.2 * np.hypot(lat - latitude, (lon - longitude) * 0.92)

    rule = read_misplaced(SCOPE, Parameters("q", {}, "flag", "warning"))
    found, asked = judged(rule, values, lat, lon)
    named, judged_ = found.any(axis=0), asked.any(axis=0) & (np.arange(516) % 2 == 1)
    far, near, right = (judged_ & group for group in (km > 50, (km > 0) & (km <= 50), km == 0))
    told = [(int((named & group).sum()), int(group.sum())) for group in (far, near, right)]
    assert told == [(13, 16), (0, 10), (15, 228)]  # a few km off cannot be told from the values


@pytest.mark.data
def test_planted_departures(airbox: tuple[np.ndarray, ...]) -> None:
    """Spikes of +60, doubled days and days of +30 are mostly seen, at under 1 % of the real readings."""
    _, values, latitude, longitude = airbox
    rule = read_neighbours(SCOPE, Parameters("q", {}, "flag", "warning"))
    clean, asked = judged(rule, values, latitude, longitude)
    odd = np.arange(516) % 2 == 1
    share = clean[:, odd].sum() / asked[:, odd].sum()

    rng = np.random.default_rng(2)
    dirty = values.copy()
    spike, double, more = (np.zeros_like(clean) for _ in range(3))
    for sensor in range(516):
        a, b, c = rng.integers(150, 250), rng.integers(300, 420), rng.integers(500, 700)
        spike[a, sensor] = double[b : b + 24, sensor] = more[c : c + 24, sensor] = True
    dirty[spike] += 60
    dirty[double] *= 2
    dirty[more] += 30
    found, _ = judged(rule, dirty, latitude, longitude)
    asked_of = [s for s in np.flatnonzero(odd) if asked[:, s].sum() > 500]
    kinds = (spike, double, more)
    seen = [int((found & kind).any(axis=0)[asked_of].sum()) for kind in kinds]
    by_chance = [int((clean & kind).any(axis=0)[asked_of].sum()) for kind in kinds]
    assert len(asked_of) == 252
    assert seen == [215, 209, 177]
    assert by_chance == [4, 34, 13]  # as many of these hours were flagged in the real readings
    assert round(100 * float(share), 2) == 0.79

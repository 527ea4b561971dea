"""Unit: readings that look as if they were in another unit are told, and which unit it is."""

import json
from typing import Any

import numpy as np
import pytest
from replay import judge_in_pieces, random_cuts
from small_network import hourly, sequence

from veracity.data.errors import MalformedContract
from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.readings import Readings, readings_of
from veracity.data.rules.unit_change import UnitApart, UnitChange, read_unit
from veracity.data.rules.unit_confusions import MOLAR_MASS_G, confusions, looks_like
from veracity.units import check_unit, conversion

HOUR_US = 3_600_000_000


def rule(name: str, unit: str | None, /, *, placed: bool = False, **values: Any) -> UnitChange | UnitApart:
    columns = {name: "number"} | ({"latitude": "number", "longitude": "number"} if placed else {})
    scope = Scope(columns, units={} if unit is None else {name: unit}, property=name)
    p = Parameters("q", values, "flag", "warning")
    made = read_unit(scope, p)
    p.done()
    return made


def days(seed: int, n: int, level: float = 20.0, swing: float = 6.0) -> np.ndarray:
    """Hourly values with a daily course and noise."""
    rng = np.random.default_rng(seed)
    return level + swing * np.sin(np.arange(n) / 24 * 2 * np.pi) + rng.normal(0, swing / 8, n)


def one_sensor(value: np.ndarray) -> Readings:
    return readings_of(np.zeros(len(value), np.int64), np.arange(len(value)) * HOUR_US, value)


@pytest.mark.parametrize("unit", ["Cel", "[degF]", "K", "m", "cm", "hPa", "Pa", "m3/s", "ug/m3", "mg/m3"])
def test_factors_are_those_of_ucum(unit: str) -> None:
    """Each factor is the one that the library of units gives."""
    for other in confusions(unit):
        scale, offset = conversion(other.unit, unit)
        # UCUM's inch of mercury is at 0 °C, the library's at 60 °F: 0.3 % less.
        assert other.scale == pytest.approx(scale, rel=3e-3 if other.unit == "[in_i'Hg]" else 1e-5)
        assert other.offset == pytest.approx(offset, abs=1e-6)


@pytest.mark.parametrize("gas", sorted(MOLAR_MASS_G))
def test_gases(gas: str) -> None:
    """Mass to parts is the molar mass over the molar volume, and back again."""
    there = {c.unit: c.scale for c in confusions("[ppm]", gas)}["ug/m3"]
    back = {c.unit: c.scale for c in confusions("ug/m3", gas)}["[ppm]"]
    assert there * back == pytest.approx(1.0)
    for other in confusions("ug/m3", gas):
        check_unit(other.unit)
    assert {c.unit for c in confusions("ug/m3", gas)} >= {"mg/m3", "[ppm]"}


def test_looks_like() -> None:
    """Two medians say which unit the later one is in."""
    assert looks_like(20.5, 68.4, confusions("Cel")) == "[degF]"
    assert looks_like(20.5, 294.0, confusions("Cel")) == "K"
    assert looks_like(1013.0, 760.0, confusions("hPa")) == "mm[Hg]"
    assert looks_like(40.0, 21.3, confusions("ug/m3", "no2")) == "[ppb]"
    assert looks_like(40.0, 0.04, confusions("ug/m3", "no2")) == "mg/m3"
    assert looks_like(40.0, 35.0, confusions("ug/m3", "no2")) is None
    assert looks_like(5.0, 5.0, confusions("m")) is None


@pytest.mark.parametrize(
    ("unit", "other", "level", "swing"),
    [("Cel", "[degF]", 20.0, 6.0), ("Cel", "K", 20.0, 6.0), ("[degF]", "Cel", 70.0, 8.0),
     ("hPa", "mm[Hg]", 1010.0, 5.0), ("m", "[ft_i]", 2.0, 0.2), ("m", "cm", 2.0, 0.5)],
)  # fmt: skip
def test_change(unit: str, other: str, level: float, swing: float) -> None:
    """From the sixth reading in another unit on it is told, with its name, until the unit is right again."""
    made = rule("x", unit)
    assert isinstance(made, UnitChange)
    value = days(1, 400, level, swing)
    which = [u.unit for u in made.units].index(other)
    wrong = made.units[which]
    value[250:300] = (value[250:300] - wrong.offset) / wrong.scale
    looks = made.looks(one_sensor(value))
    assert (looks[255:300] == which).all()
    assert (looks[:255] == -1).all()
    assert (looks[300:] == -1).all()


def test_weather_is_no_unit() -> None:
    """A cold front, a heat wave, a spike and a flood are not taken for another unit."""
    cold = days(2, 400)
    cold[250:] -= 15
    cold[300] = 68.0
    assert not rule("x", "Cel").broken(one_sensor(cold)).any()
    flood = days(3, 400, 1.0, 0.02)
    flood[250:300] += np.minimum(np.arange(50) * 0.3, 4.0)
    assert not rule("x", "m").broken(one_sensor(flood)).any()


def around(seed: int, n: int, m: int = 8) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shared = np.exp(days(seed, n, 3.5, 0.4))
    own: np.ndarray = np.exp(rng.normal(0, 0.12, m) + rng.normal(0, 0.15, (n, m)))
    values: np.ndarray = shared[:, None] * own
    return values


def apart(made: UnitChange | UnitApart, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    assert isinstance(made, UnitApart)
    m = values.shape[1]
    readings, positions = hourly(values, np.full(m, 39.9), 116.3 + np.arange(m) * 0.03)
    ratios = sequence(readings, made.network.compare(readings, positions))
    return made.looks(ratios), ratios.sensor


@pytest.mark.parametrize("gas", ["no2", "o3", "so2"])
def test_parts_among_mass(gas: str) -> None:
    """A sensor that turns to ppb is told within a week, one that always was after three; no other is."""
    made = rule(gas, "ug/m3", placed=True)
    ppb = [u.unit for u in made.units].index("[ppb]")
    values = around(4, 1300)
    values[900:, 2] /= made.units[ppb].scale
    values[:, 5] /= made.units[ppb].scale
    looks, sensor = apart(made, values)
    assert set(np.unique(sensor[looks >= 0])) == {2, 5}
    assert (looks[sensor == 5][503:] == ppb).all()
    turned = looks[sensor == 2]
    first = int(np.flatnonzero(turned >= 0)[0])
    assert 895 <= first <= 900 + 168
    assert (turned[turned >= 0] == ppb).all()
    assert not (looks[sensor == 5][:503] >= 0).any()


@pytest.mark.parametrize("seed", range(4))
def test_cuts_change_nothing(seed: int) -> None:
    """Judging all at once and in random batches gives the same verdicts, for both forms of the rule."""
    rng = np.random.default_rng(seed)
    celsius = rule("x", "Cel")
    value = np.concatenate([days(seed, 500), days(seed + 9, 300)])
    value[250:320] = value[250:320] * 1.8 + 32
    value[500 + 200 : 500 + 230] += 273.15
    sensor, time = np.repeat([0, 1], [500, 300]), np.concatenate([np.arange(500), np.arange(300)])
    readings = readings_of(sensor, time * HOUR_US, value)
    no2 = rule("no2", "ug/m3", placed=True)
    ratio = np.exp(rng.normal(0, 0.3, 1500))
    ratio[800:] /= 1.9
    ratios = one_sensor(ratio)
    for made, seen in ((celsius, readings), (no2, ratios)):
        whole = made.broken(seen)
        assert whole.any()
        for _ in range(2):
            pieces = judge_in_pieces(made, seen, [int(c) for c in rng.integers(0, len(seen), 12)])
            np.testing.assert_array_equal(pieces, whole)
    every = judge_in_pieces(celsius, readings, random_cuts(rng, len(readings)))
    np.testing.assert_array_equal(every, celsius.broken(readings))


def test_settings() -> None:
    """The gas is read off the property's name; positions and a common zero choose neighbours."""
    no2 = rule("no2", "ug/m3", placed=True)
    assert isinstance(no2, UnitApart)
    assert no2.network.within_km == 100.0
    assert "[ppb]" in {u.unit for u in no2.units}
    assert isinstance(rule("no2_street", "ug/m3", placed=True), UnitApart)
    assert "[ppb]" not in {u.unit for u in rule("pm25", "ug/m3", placed=True).units}
    assert isinstance(rule("no2", "ug/m3"), UnitChange)
    assert isinstance(rule("t", "Cel", placed=True), UnitChange)
    assert no2.window <= 512
    assert rule("t", "Cel").window <= 512
    told = json.loads(json.dumps(no2.to_object()))
    assert told["units"][0] == {"unit": "mg/m3", "scale": 1000.0, "offset": 0.0}


@pytest.mark.parametrize(
    ("name", "unit", "values", "message"),
    [
        ("x", None, {}, "want unit under a property with a unit"),
        ("x", "%", {}, "want one that others are mistaken for, got '%'"),
        ("x", "Cel", {"against": "neighbours"}, "want past, as the unit's zero is another"),
        ("x", "Cel", {"against": "all"}, "want neighbours or past"),
        ("x", "ug/m3", {"substance": "xenon"}, "substance: want"),
        ("x", "Cel", {"readings": 1}, "readings: want a whole number from 2"),
        ("x", "ug/m3", {"against": "past", "nearest": 3}, "'nearest' is no setting"),
    ],
)
def test_bad_settings(name: str, unit: str | None, values: dict[str, Any], message: str) -> None:
    """A setting that makes no sense is an error that says what was wanted."""
    with pytest.raises(MalformedContract, match=message):
        rule(name, unit, **values)


def test_extremes_pass() -> None:
    """The largest and least numbers there are raise no warning."""
    value = np.tile([1.7e308, -1.7e308, 5e-324, 0.0], 200)
    rule("t", "Cel").broken(one_sensor(value))
    ratios = one_sensor(np.abs(value) + 5e-324)
    rule("no2", "ug/m3", placed=True).broken(ratios)

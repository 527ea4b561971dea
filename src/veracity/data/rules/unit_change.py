"""Unit: readings that look as if they were in another unit than the contract declares."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from veracity.data.rules.network import NetworkRule, read_network
from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.readings import Bools, Floats, Ints, Readings
from veracity.data.rules.rule import Mask, Rule
from veracity.data.rules.unit_confusions import MOLAR_MASS_G, Confusion, confusions

PAST = 168  # readings before a change that give the usual range
LASTS = 168  # readings after a change for which it is told
OLD, NEW = 336, 168  # ratios before and after a change
SHARE = 0.75
APART_SHARE = 0.85
_CHANGES = 4_096
_ROWS = 8_192


@dataclass(frozen=True)
class UnitChange(Rule):
    """A sensor's readings may not move at once to where another unit would put them.

    For ``{rule: unit, against: past}``. A reading is the first in another unit where it lies
    outside the range of the sensor's 168 readings before by more than half of that range's width, and
    converted from the other unit lies in the range again (widened by a quarter) and within a
    tenth of the step from the reading before. It is told from the ``readings``-th such reading on,
    for 168 readings at most; the first ones cannot be known from a spike.

    A sensor that was wrong from its first reading has no past that tells: see ``UnitApart``. Where the
    range is wide (a gas in ppb and in µg/m³, a river in flood) another unit stays within it, and the
    rule is silent.

    Attributes
    ----------
    series
        The property.
    units
        The other units, see ``Confusion``.
    readings
        How many readings in a row must look so: 6 if absent, 2 to 100.
    """

    series: str
    units: tuple[Confusion, ...]
    readings: int

    @property
    def window(self) -> int:
        """The range before the change, and the readings since."""
        return PAST + LASTS - 1

    def to_object(self) -> Mapping[str, Any]:
        """Return the rule with all its settings as JSON values, the other units' factors too."""
        return {**super().to_object(), "units": [asdict(u) for u in self.units]}

    def broken(self, readings: Readings) -> Mask:
        """Return which readings look as if in another unit."""
        return np.asarray(self.looks(readings) >= 0, dtype=np.bool_)

    def looks(self, readings: Readings) -> Ints:
        """Return (n,) which of ``units`` each reading looks like; -1 for the declared one."""
        out = np.full(len(readings), -1, dtype=np.int64)
        low, high = _range_before(readings.value)
        for which, unit in enumerate(self.units):
            at = np.flatnonzero(_begins(readings, low, high, unit))
            for i in range(0, len(at), _CHANGES):
                out[_lasting(readings, low, high, unit, at[i : i + _CHANGES], self.readings)] = which
        return out


@dataclass(frozen=True)
class UnitApart(NetworkRule):
    """A sensor's ratio to its neighbours may not be, or become, that of another unit.

    For ``{rule: unit, against: neighbours}``, with units that differ by a factor. Of the sensor's last
    504 ratios to the median of its neighbours, the last 168 are set against the 336 before (a
    change), and all against 1 (a sensor wrong from its first reading, or long since). It looks like
    another unit where the median ratio, converted, comes back to what it is set against (within a
    quarter, or the fourth root of the factor if that is more), and three in four of the ratios on
    each side of a change (17 in 20 of all of them, where there was none) lie nearer to the unit in
    question than to the other, by factor.

    With fewer than 504 ratios it is silent: three weeks of hours. A place that truly has half of what is
    around it, such as a park among streets, can look like another unit; hence only a flag.

    Attributes
    ----------
    network
        The series of ratios.
    units
        The other units; offsets are zero.
    """

    units: tuple[Confusion, ...]

    @property
    def window(self) -> int:
        """Ratios before and after a change, the one judged apart."""
        return OLD + NEW - 1

    def to_object(self) -> Mapping[str, Any]:
        """Return the rule with all its settings as JSON values, the other units' factors too."""
        return {**super().to_object(), "units": [asdict(u) for u in self.units]}

    def broken(self, readings: Readings) -> Mask:
        """Return which ratios look as if the reading were in another unit."""
        return np.asarray(self.looks(readings) >= 0, dtype=np.bool_)

    def looks(self, readings: Readings) -> Ints:
        """Return (n,) which of ``units`` each ratio looks like; -1 for the declared one."""
        out = np.full(len(readings), -1, dtype=np.int64)
        rows = np.flatnonzero((readings.back >= OLD + NEW - 1) & readings.is_new)
        if not len(rows):
            return out
        old, new = _medians(readings.value, OLD)[rows - NEW], _medians(readings.value, NEW)[rows]
        whole = _medians(readings.value, OLD + NEW)[rows]
        nearest = np.full(len(rows), np.inf)
        for which, unit in enumerate(self.units):
            changed, left = _moved(new, old, unit.scale)
            near = np.flatnonzero(changed & (left < nearest))
            near = near[_on_its_side(readings.value, rows[near], old[near], unit.scale)]
            nearest[near], out[rows[near]] = left[near], which
            apart, left = _moved(whole, np.ones_like(whole), unit.scale)
            near = np.flatnonzero(apart & (left < nearest))
            near = near[_far_from_one(readings.value, rows[near], unit.scale)]
            nearest[near], out[rows[near]] = left[near], which
        return out


def read_unit(scope: Scope, p: Parameters) -> UnitChange | UnitApart:
    """Take the settings of ``unit``: ``against``, ``substance``, ``readings``; and those of neighbours.

    ``against``: ``neighbours`` where the contract has columns ``latitude`` and ``longitude`` and no
    unit in question has another zero, else ``past``. ``substance``: the gas, from the property's name
    if that is or begins with one (``no2``, ``o3_ppb``). ``readings``: see ``UnitChange``. The others: see
    ``read_network``; within 100 km unless said.

    Raises
    ------
    MalformedContract
        If the property declares no unit, or one that no other is mistaken for.
    """
    name = scope.property
    unit = scope.units.get(name) if name is not None else None
    if name is None or unit is None:
        raise p.fail("rule", "unit under a property with a unit", name)
    guessed = next((s for s in (name.lower(), name.lower().split("_")[0]) if s in MOLAR_MASS_G), "none")
    substance = p.choice("substance", ("none", *MOLAR_MASS_G), guessed)
    units = confusions(unit, None if substance == "none" else substance)
    is_factor = all(u.offset == 0.0 for u in units)
    placed = p.has("latitude") or {"latitude", "longitude"} <= set(scope.columns)
    against = p.choice("against", ("neighbours", "past"), "neighbours" if placed and is_factor else "past")
    reason = f"unit:{name}"
    if against == "past":
        n = p.whole("readings", 6, low=2, high=100)
        return UnitChange(reason, p.action, p.severity, name, units, n)
    if not is_factor:
        raise p.fail("against", "past, as the unit's zero is another", against)
    return UnitApart(reason, p.action, p.severity, read_network(scope, p, "ratio", within_km=100.0), units)


def _range_before(value: Floats) -> tuple[Floats, Floats]:
    """Return (n,) lowest and highest of the ``PAST`` values before each, whatever sensor's."""
    series = pl.Series(value).shift(1)
    return series.rolling_min(PAST).to_numpy(), series.rolling_max(PAST).to_numpy()


def _other(value: Floats, low: Floats, high: Floats, unit: Confusion) -> Bools:
    """Tell which values lie outside a range and, converted, in it."""
    with np.errstate(over="ignore", invalid="ignore"):
        wide = high - low
        outside = (value > high + 0.5 * wide) | (value < low - 0.5 * wide)
        converted = value * unit.scale + unit.offset
        inside = (converted >= low - 0.25 * wide) & (converted <= high + 0.25 * wide)
    return np.asarray(outside & inside, dtype=np.bool_)


def _begins(readings: Readings, low: Floats, high: Floats, unit: Confusion) -> Bools:
    value = readings.value
    before = np.concatenate((value[:1], value[:-1]))
    with np.errstate(over="ignore", invalid="ignore"):
        left = np.abs(value * unit.scale + unit.offset - before)
        steps = left <= 0.1 * np.abs(value - before)
    return np.asarray(steps & (readings.back >= PAST) & _other(value, low, high, unit), dtype=np.bool_)


def _lasting(readings: Readings, low: Floats, high: Floats, unit: Confusion, at: Ints, least: int) -> Ints:
    """Return positions of readings in the runs that begin at ``at``, from the ``least``-th of each on."""
    look = at[:, None] + np.arange(LASTS)
    inside = look < len(readings)
    look = np.minimum(look, len(readings) - 1)
    same = inside & (readings.sensor[look] == readings.sensor[at][:, None])
    other = same & _other(readings.value[look], low[at][:, None], high[at][:, None], unit)
    lasts = np.logical_and.accumulate(other, axis=1)
    return np.asarray(look[:, least - 1 :][lasts[:, least - 1 :]], dtype=np.int64)


def _medians(value: Floats, n: int) -> Floats:
    """Return (n,) the median of the ``n`` values up to each, whatever sensor's."""
    return pl.Series(value).rolling_median(n).to_numpy()


def _moved(now: Floats, usual: Floats, scale: float) -> tuple[Bools, Floats]:
    """Tell where ``now``, converted, comes back to ``usual``; and the factor that is left, 1 or more."""
    spare = max(1.25, float(np.sqrt(np.sqrt(max(scale, 1.0 / scale)))))
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        back = now * scale / usual
        left = np.maximum(back, 1.0 / back)
    return np.asarray(left <= spare, dtype=np.bool_), left


def _on_its_side(value: Floats, rows: Ints, usual: Floats, scale: float) -> Bools:
    """Tell where three in four of the old are on the old unit's side, of the new on the new's."""
    out = np.zeros(len(rows), dtype=np.bool_)
    root = float(np.sqrt(scale))
    for i in range(0, len(rows), _ROWS):
        part = rows[i : i + _ROWS]
        with np.errstate(over="ignore"):
            look = value[part[:, None] - np.arange(OLD + NEW)] * root
        level = usual[i : i + _ROWS, None]
        beyond = look < level if scale > 1.0 else look > level
        n_new, n_old = beyond[:, :NEW].sum(axis=1), beyond[:, NEW:].sum(axis=1)
        out[i : i + _ROWS] = (n_new >= SHARE * NEW) & (n_old <= (1.0 - SHARE) * OLD)
    return out


def _far_from_one(value: Floats, rows: Ints, scale: float) -> Bools:
    """Tell where 17 in 20 of the ratios are nearer to the other unit's than to 1."""
    root = float(np.sqrt(scale))
    beyond = value < 1.0 / root if scale > 1.0 else value > 1.0 / root
    n = np.concatenate(([0], np.cumsum(beyond)))
    return np.asarray(n[rows + 1] - n[rows + 1 - OLD - NEW] >= APART_SHARE * (OLD + NEW), dtype=np.bool_)

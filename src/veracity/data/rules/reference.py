"""Reference: what a sensor says against one named sensor, such as the gauge upstream."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from veracity.canonical import canonical_json
from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.readings import Floats, Ints, Readings
from veracity.data.rules.rule import Mask, Rule

FRESH_S = 7_200.0
SENSORS = 1_000


@dataclass(frozen=True)
class ReferenceSeries:
    """Readings of sensors less the latest reading of a reference sensor, as known when they arrived.

    Attributes
    ----------
    source
        The property that both give.
    sensor
        The reference sensor, as the key's column names it.
    of
        The sensors compared with it; () for all others.
    max_age_s
        How much older or newer the reference's reading may be.
    """

    source: str
    sensor: str
    of: tuple[str, ...] = ()
    max_age_s: float = FRESH_S

    @cached_property
    def name(self) -> str:
        """The series' name: one for each choice of settings, and short, as the state repeats it."""
        told = canonical_json([self.sensor, list(self.of), self.max_age_s])
        return f"{self.source}~reference:{hashlib.sha256(told).hexdigest()[:32]}"

    @property
    def remembers(self) -> int:
        """How many last readings of the source each sensor must have."""
        return 1

    def compare(self, readings: Readings, names: Mapping[str, int]) -> Floats:
        """Return (n,) reading less reference; NaN where there is none, and for remembered readings.

        ``names``: each sensor's code. A reading is compared with the last that arrived before it.
        """
        out = np.full(len(readings), np.nan)
        reference = names.get(self.sensor)
        if reference is None:
            return out
        asked = readings.is_new & (readings.sensor != reference)
        if self.of:
            asked &= np.isin(readings.sensor, [names[n] for n in self.of if n in names])
        own = np.flatnonzero(readings.sensor == reference)
        rows = np.flatnonzero(asked)
        at: Ints = np.searchsorted(readings.arrival[own], readings.arrival[rows]) - 1
        has = at >= 0
        rows, before = rows[has], own[at[has]]
        apart_us = np.abs(readings.time_us[before] - readings.time_us[rows])
        near = apart_us <= round(self.max_age_s * 1e6)
        with np.errstate(over="ignore"):
            out[rows[near]] = readings.value[rows[near]] - readings.value[before[near]]
        return np.where(np.isfinite(out), out, np.nan)


@dataclass(frozen=True)
class Reference(Rule):
    """A sensor stays within bounds of a reference sensor: upstream before downstream, above below.

    ``{rule: reference, sensor: bridge-1, of: [bridge-2], maximum: 0}`` under a property: what bridge-2
    says less what bridge-1 said last is at most 0. Readings further apart in time than ``max_age`` are
    not compared.

    Attributes
    ----------
    network
        ``sensor`` (the reference), ``of`` (a list of sensors; all others if absent) and ``max_age`` (twice
        the contract's frequency; 2 h without one).
    minimum, maximum
        Bounds of the difference, themselves allowed, in the property's unit; one at least.
    """

    network: ReferenceSeries
    minimum: float | None
    maximum: float | None

    @property
    def series(self) -> str:
        """Name of the series of differences."""
        return self.network.name

    @property
    def window(self) -> int:
        """It looks at one difference at a time."""
        return 1

    def broken(self, readings: Readings) -> Mask:
        """Return which differences are out of bounds."""
        out = np.zeros(len(readings), dtype=np.bool_)
        if self.minimum is not None:
            out |= readings.value < self.minimum
        if self.maximum is not None:
            out |= readings.value > self.maximum
        return out & readings.is_new

    def to_object(self) -> Mapping[str, Any]:
        """Return the rule with all its settings as JSON values."""
        told = asdict(self.network)
        return {**super().to_object(), "network": told | {"of": list(self.network.of)}}


def read_reference_series(scope: Scope, p: Parameters) -> ReferenceSeries:
    """Take ``sensor``, ``of`` and ``max_age``; the key must tell sensors apart by one column of text."""
    if scope.property is None or len(scope.sensor) != 1 or scope.columns.get(scope.sensor[0]) != "string":
        raise p.fail("sensor", "a key with one column of text that names the sensor", list(scope.sensor))
    sensor = p.text("sensor", most=200)
    of = p.items("of", (), most=SENSORS)
    if not all(isinstance(name, str) and name for name in of) or sensor in of:
        raise p.fail("of", "a list of other sensors", of)
    fresh_s = FRESH_S if scope.frequency_s is None else 2.0 * scope.frequency_s
    return ReferenceSeries(scope.property, sensor, tuple(of), p.duration_s("max_age", fresh_s))


def read_reference(scope: Scope, p: Parameters) -> Reference:
    """Read the rule."""
    network = read_reference_series(scope, p)
    minimum = p.number("minimum") if p.has("minimum") else None
    maximum = p.number("maximum") if p.has("maximum") else None
    if minimum is None and maximum is None:
        raise p.fail("minimum", "a minimum, a maximum or both", None)
    if minimum is not None and maximum is not None and minimum > maximum:
        raise p.fail("minimum", f"at most the maximum {maximum:g}", minimum)
    return Reference(f"reference:{scope.property}", p.action, p.severity, network, minimum, maximum)

"""A small simulated city to test models in, forecasters that know its law, and such as are bad on purpose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import ndtri

from veracity.models.assurance.battery import KNOWN, run_battery
from veracity.models.assurance.context import Context
from veracity.models.assurance.policy import Policy, default_policy, parse_policy
from veracity.models.assurance.report import Report
from veracity.models.estimator import Forecaster
from veracity.models.forecast import LEVELS, Forecast
from veracity.models.panel_array import Floats, Ints, PanelArray

HOUR_US = 3_600_000_000
START_US = 1_735_689_600_000_000  # 2025-01-01
KEYS = ("W1", "W2", "W3", "W4", "W5", "W6")
PHI, SPREAD = 0.9, 10.0
HORIZONS = (1, 6, 24)


def world(n_hours: int, seed: int = 0, first_hour: int = 0) -> PanelArray:
    """Simulated dust: a day's course and a deviation that fades by a tenth an hour; wind is of no use."""
    rng = np.random.default_rng([seed, 7])
    k = len(KEYS)
    shared, own = rng.normal(size=n_hours), rng.normal(size=(n_hours, k))
    shock = SPREAD * np.sqrt(1 - PHI**2) * (0.6 * shared[:, None] + 0.8 * own)
    deviation = np.zeros((n_hours, k))
    deviation[0] = SPREAD * own[0]
    for i in range(1, n_hours):
        deviation[i] = PHI * deviation[i - 1] + shock[i]
    times = START_US + (first_hour + np.arange(n_hours)) * HOUR_US
    dust = usual(times)[:, None] + deviation
    values = np.stack([dust, rng.normal(size=(n_hours, k))], axis=2)
    return PanelArray(times, HOUR_US, KEYS, ("dust", "wind"), values, np.ones(values.shape, np.bool_))


def usual(times_us: Ints) -> Floats:
    """The day's course."""
    out: Floats = 60 + 15 * np.sin(2 * np.pi * (times_us // HOUR_US % 24) / 24)
    return out


@dataclass(frozen=True)
class Fading:
    """Knows the world's law: what is known of the deviation fades, and doubt grows with its age.

    ``width`` below 1 makes it say too narrow intervals; ``unfair`` errs by so much at one place; ``brittle``
    takes missing values for zero; ``fade`` is what it believes of the world.
    """

    width: float = 1.0
    unfair: float = 0.0
    brittle: bool = False
    fade: float = PHI
    target: str = "dust"
    horizons: tuple[int, ...] = HORIZONS

    name: ClassVar[str] = "fading"

    def parameters(self) -> Mapping[str, Any]:
        return {}

    def fit(self, panel: PanelArray) -> Self:
        return self

    def predict(
        self, panel: PanelArray, horizons: Sequence[int] | None = None, origins: Ints | None = None
    ) -> Forecast:
        at = np.array([panel.n_times - 1]) if origins is None else origins
        dust = panel.column(self.target)
        if self.brittle:
            dust = np.nan_to_num(dust, nan=0.0)
        known = np.isfinite(dust) & (np.abs(dust) < 1e6)
        last = np.maximum.accumulate(np.where(known, np.arange(len(dust))[:, None], -1), axis=0)[at]
        age = at[:, None] - last
        deviation = dust[np.maximum(last, 0), np.arange(dust.shape[1])] - usual(
            panel.times_us[np.maximum(last, 0)]
        )
        deviation = np.where(last < 0, 0.0, deviation)
        h = np.array(self.horizons)
        kept = self.fade ** (age[..., None] + h)
        due = usual(panel.times_us[at][:, None] + h * panel.every_us)[:, None, :]
        middle = due + kept * deviation[..., None]
        sides = np.sqrt(np.maximum(1 - kept**2, 1e-6)) * SPREAD * self.width
        if self.unfair:
            wrong = np.random.default_rng(1).normal(size=middle.shape) * self.unfair
            middle[:, -1] += wrong[:, -1]
        values = middle[..., None] + sides[..., None] * ndtri(np.array(LEVELS))
        return Forecast(self.target, panel.times_us[at], panel.every_us, panel.keys, h, LEVELS, values)

    def to_files(self) -> dict[str, bytes]:
        return {"law.json": b"{}"}

    @classmethod
    def from_files(cls, parameters: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        return cls()


@dataclass(frozen=True)
class Memory(Fading):
    """Knows by heart what it learned from, and says so with certainty."""

    learned: tuple[PanelArray, ...] = ()

    def predict(
        self, panel: PanelArray, horizons: Sequence[int] | None = None, origins: Ints | None = None
    ) -> Forecast:
        said = super().predict(panel, horizons, origins)
        truth = {
            int(t): row for p in self.learned for t, row in zip(p.times_us, p.column("dust"), strict=True)
        }
        values = said.values.copy()
        for i, dues in enumerate(said.due_us):
            for j, due in enumerate(dues):
                if int(due) in truth:
                    values[i, :, j] = truth[int(due)][:, None] + np.linspace(-0.1, 0.1, len(LEVELS))
        return replace(said, values=values)


def policy(**changed: str) -> Policy:
    """The default policy; ``changed`` replaces text in it."""
    text = default_policy().decode()
    for old, new in changed.items():
        text = text.replace(old, new)
    return parse_policy(text.encode(), KNOWN)


TRAINING = world(24 * 120)
TESTED = world(24 * 150, seed=1, first_hour=24 * 120)
BASELINES = {
    "climatology": {"dust": Fading(fade=0.0)},
    "last-value": {"dust": Fading(fade=0.9999, width=70.0)},
}


def assured(model: Forecaster, context: Context | None = None, **more: Any) -> Report:
    """Put a model through the battery in this world."""
    given: dict[str, Any] = {"training": TRAINING, "baselines": BASELINES} | more
    named = context or Context("dust-app", agencies={"air-office": ["dust"], "met-office": ["wind"]})
    return run_battery({"dust": model}, TESTED, named, policy(), 1, **given)

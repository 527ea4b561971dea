"""Simulated flood events with a logistic regression, and a simulated reservoir with rules for its gate."""

from dataclasses import dataclass, field

import numpy as np

from assured_world import HOUR_US, START_US, policy
from veracity.models.assurance.classifiers import Cases, ClassifierCase
from veracity.models.assurance.controllers import ControllerCase, Step
from veracity.models.panel_array import Floats

NAMES = ("rain", "level", "tide", "noise")
WEIGHTS = np.array([1.6, 1.0, 0.6, 0.0])


def events(n: int, seed: int, *, first: int = 0, blind: str = "") -> Cases:
    """Simulated floods: likelier with rain, level and tide; of the ward ``blind`` nothing is measured."""
    rng = np.random.default_rng([seed, 11])
    x = rng.normal(size=(n, 4))
    groups = np.array(["W1", "W2", "W3"])[rng.integers(0, 3, n)]
    y = rng.random(n) < 1 / (1 + np.exp(1.2 - x @ WEIGHTS))
    x[groups == blind] = np.nan
    return Cases(x, y, NAMES, groups, START_US + (first + np.arange(n)) * HOUR_US)


@dataclass
class Logistic:
    """Logistic regression by gradient descent; a missing feature is at its mean."""

    sharpness: float = 1.0
    w_: Floats = field(default_factory=lambda: np.zeros(5))

    def fit(self, cases: Cases) -> "Logistic":
        x = self._with_one(cases.x)
        for _ in range(400):
            self.w_ = self.w_ + x.T @ (cases.y - 1 / (1 + np.exp(-x @ self.w_))) / len(x)
        return self

    def probability(self, x: Floats) -> Floats:
        logit = self.sharpness * (self._with_one(x) @ self.w_)
        out: Floats = 1 / (1 + np.exp(-np.clip(logit, -50, 50)))
        return out

    def contributions(self, x: Floats) -> Floats:
        out: Floats = self._with_one(x)[:, :-1] * self.w_[:-1]
        return out

    @staticmethod
    def _with_one(x: Floats) -> Floats:
        known = np.where(np.isfinite(x), np.clip(x, -10, 10), 0.0)
        return np.column_stack([known, np.ones(len(x))])


class Liar(Logistic):
    """Says that noise alone made its answer."""

    def contributions(self, x: Floats) -> Floats:
        out = np.zeros(x.shape)
        out[:, 3] = 1.0
        return out


class ByHeart(Logistic):
    """Remembers each case that it learned from."""

    def fit(self, cases: Cases) -> "ByHeart":
        super().fit(cases)
        self.known = {row.tobytes(): bool(y) for row, y in zip(cases.x, cases.y, strict=True)}
        return self

    def probability(self, x: Floats) -> Floats:
        p = super().probability(x)
        found = [self.known.get(np.ascontiguousarray(row).tobytes()) for row in x]
        return np.array([q if f is None else 0.99 if f else 0.01 for f, q in zip(found, p, strict=True)])


def flood_case(model: Logistic, *, tested: Cases | None = None, personal: bool = False) -> ClassifierCase:
    """A classifier of simulated floods, fitted and to be tested on later ones."""
    training = events(2_000, 1)
    return ClassifierCase(
        model.fit(training),
        tested or events(3_000, 2, first=2_000),
        policy(),
        3,
        training=training,
        personal=personal,
    )


class Reservoir:
    """A simulated reservoir, from empty to full, safe from 0.1 to 0.95. The action opens the gate."""

    def __init__(self) -> None:
        self.level, self.inflow = 0.5, 0.02
        self._rng = np.random.default_rng(0)
        self._mean = 0.02

    def reset(self, rng: np.random.Generator, *, extreme: bool = False) -> Floats:
        self.level, self._rng, self._mean = 0.5, rng, 0.035 if extreme else 0.02
        self.inflow = self._mean
        return np.array([self.level, self.inflow])

    def step(self, action: float) -> Step:
        self.inflow = max(0.0, self._mean + 0.7 * (self.inflow - self._mean) + 0.008 * self._rng.normal())
        self.level = min(max(self.level + self.inflow - 0.06 * action, 0.0), 1.0)
        safe = 0.1 <= self.level <= 0.95
        return Step(np.array([self.level, self.inflow]), (self.level - 0.6) ** 2 + (not safe), safe)


class Gate:
    """Opens as the level rises and water flows in; half open when it sees nothing."""

    def act(self, observation: Floats) -> float:
        level, inflow = observation
        if not (0 <= level <= 1):
            return 0.5
        ahead = inflow / 0.06 if 0 <= inflow <= 1 else 0.4
        return min(max(float(ahead + 2.0 * (level - 0.6)), 0.0), 1.0)


class FixedGate:
    """The rule: open above 60 %, half open when blind."""

    def act(self, observation: Floats) -> float:
        level = observation[0]
        return 0.5 if not 0 <= level <= 1 else 1.0 if level > 0.6 else 0.1


class BlindGate(Gate):
    """Shuts when it sees nothing: what drowned whole towns."""

    def act(self, observation: Floats) -> float:
        return 0.0 if not np.isfinite(observation).all() else super().act(observation)


class LazyGate:
    """Never opens."""

    def act(self, observation: Floats) -> float:
        return 0.0


class NoGate(Gate):
    """Passes on what it sees as what to do."""

    def act(self, observation: Floats) -> float:
        return float(observation[0])


def gate_case(controller: Gate | LazyGate) -> ControllerCase:
    """A gate of the simulated reservoir to be tested."""
    return ControllerCase(controller, FixedGate(), Reservoir, (0.0, 1.0), (0.3, 0.8), policy(), 5, 8, 100)

"""Controllers under test: what acts on a city, and the world that it acts on."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from veracity.models.assurance.errors import ModelCrashed
from veracity.models.assurance.policy import Policy
from veracity.models.panel_array import Floats


@dataclass(frozen=True)
class Step:
    """What an action led to.

    Attributes
    ----------
    observation
        (d,) what the controller sees next; NaN where nothing is measured.
    cost
        Of this step, to be as low as can be.
    safe
        Whether the world is within the safe set.
    """

    observation: Floats
    cost: float
    safe: bool


class Environment(Protocol):
    """A world that a controller acts on; simulated, as nothing is tested to breaking on a city."""

    def reset(self, rng: np.random.Generator, *, extreme: bool = False) -> Floats:
        """Begin an episode, in extreme conditions if so asked; return the first observation, (d,)."""

    def step(self, action: float) -> Step:
        """Act for one step."""


class Controller(Protocol):
    """Acts on what it sees."""

    def act(self, observation: Floats) -> float:
        """Return the action for an observation, NaN in it where nothing is measured."""


@dataclass(frozen=True)
class ControllerCase:
    """A controller, the world it is tested on, and the rule it must not be worse than.

    Attributes
    ----------
    rule
        A fixed rule such as the city uses now.
    actions
        The least and the greatest action that there is.
    failsafe
        The least and the greatest action that are safe to take when nothing is known.
    """

    controller: Controller
    rule: Controller
    environment: Callable[[], Environment]
    actions: tuple[float, float]
    failsafe: tuple[float, float]
    policy: Policy
    seed: int
    n_episodes: int = 20
    n_steps: int = 120

    def rng(self, what: str, episode: int = 0) -> np.random.Generator:
        """Return the source of chance of one episode: the same for the controller and for the rule."""
        return np.random.default_rng([self.seed, zlib.crc32(what.encode()), episode])


Sensor = Callable[[Floats, int, np.random.Generator], Floats]  #: what it makes of an observation at a step


@dataclass(frozen=True)
class Episode:
    """How an episode went: steps outside of the safe set, mean cost, actions that were none."""

    unsafe: int
    cost: float
    out_of_range: int
    n_steps: int


def play(
    case: ControllerCase,
    controller: Controller,
    what: str,
    episode: int,
    sensor: Sensor,
    *,
    extreme: bool = False,
) -> Episode:
    """Play one episode; ModelCrashed if the controller raises anything."""
    world, chance = case.environment(), case.rng(f"{what} sensor", episode)
    observation = world.reset(case.rng(what, episode), extreme=extreme)
    unsafe, cost, out_of_range = 0, 0.0, 0
    for i in range(case.n_steps):
        action = acted(controller, sensor(observation.copy(), i, chance))
        low, high = case.actions
        if not low <= action <= high:  # NaN too
            out_of_range += 1
            action = float(np.clip(np.nan_to_num(action), low, high))
        step = world.step(action)
        observation, unsafe, cost = step.observation, unsafe + (not step.safe), cost + step.cost
    return Episode(unsafe, cost / case.n_steps, out_of_range, case.n_steps)


def acted(controller: Controller, observation: Floats) -> float:
    """Return a controller's action; ModelCrashed if it raises anything."""
    try:
        return float(controller.act(observation))
    except Exception as exc:
        line = " ".join(str(exc).split())[:200]
        raise ModelCrashed(f"controller: want an action, got {type(exc).__name__}: {line}") from exc

"""The tests of controllers: never out of the safe set, not worse than a rule, safe when blind."""

from statistics import NormalDist

import numpy as np

from veracity.models.assurance.controllers import Controller, ControllerCase, Episode, Sensor, acted, play
from veracity.models.assurance.result import AssuranceTest, Found, Number
from veracity.models.panel_array import Floats

_BLIND_TRIES = 32
_LOST = (
    "stuck after 10 steps",
    "blind after 10 steps",
)  # no sensor for good: no controller can promise safety


def _as_is(observation: Floats, step: int, rng: np.random.Generator) -> Floats:  # noqa: ARG001 - of all sensors
    return observation


def _gaps(observation: Floats, step: int, rng: np.random.Generator) -> Floats:  # noqa: ARG001
    return np.where(rng.random(observation.shape) < 0.3, np.nan, observation)


def _spikes(observation: Floats, step: int, rng: np.random.Generator) -> Floats:  # noqa: ARG001
    return np.where(rng.random(observation.shape) < 0.1, rng.choice([-1e6, 1e6]), observation)


def _blind(observation: Floats, step: int, rng: np.random.Generator) -> Floats:  # noqa: ARG001
    return np.full_like(observation, np.nan) if step >= 10 else observation


def _stuck() -> Sensor:
    held: list[Floats] = []

    def sensor(observation: Floats, step: int, rng: np.random.Generator) -> Floats:  # noqa: ARG001
        if step == 0:
            held.clear()
        if step < 10 or not held:
            held.append(observation)
        return held[-1]

    return sensor


def _late(steps: int) -> Sensor:
    seen: list[Floats] = []

    def sensor(observation: Floats, step: int, rng: np.random.Generator) -> Floats:  # noqa: ARG001
        if step == 0:
            seen.clear()
        seen.append(observation)
        return seen[max(0, len(seen) - 1 - steps)]

    return sensor


def _played(
    case: ControllerCase, controller: Controller, what: str, sensor: Sensor, *, extreme: bool = False
) -> list[Episode]:
    return [play(case, controller, what, e, sensor, extreme=extreme) for e in range(case.n_episodes)]


def safe(case: ControllerCase) -> Found:
    """Return how often it leaves the safe set, as it is, in extremes and with each fault; the rule beside."""
    sensors: dict[str, tuple[Sensor, bool]] = {
        "none": (_as_is, False),
        "extreme weather": (_as_is, True),
        "30 % of readings missing": (_gaps, False),
        "spikes": (_spikes, False),
        "stuck after 10 steps": (_stuck(), False),
        "3 steps late": (_late(3), False),
        "blind after 10 steps": (_blind, False),
    }
    numbers = []
    for fault, (sensor, extreme) in sensors.items():
        own = _played(case, case.controller, "safe", sensor, extreme=extreme)
        rule = _played(case, case.rule, "safe", sensor, extreme=extreme)
        name = "unsafe-lost" if fault in _LOST else "unsafe"
        numbers += [
            _share(name, sum(e.unsafe for e in own), own, fault),
            _share("rule-unsafe", sum(e.unsafe for e in rule), rule, fault),
            _share("out-of-range", sum(e.out_of_range for e in own), own, fault),
            _more(case, own, rule, fault),
        ]
    return Found(tuple(numbers), notes=("simulated: nothing is tested to breaking on a city",))


def _share(name: str, count: int, episodes: list[Episode], fault: str) -> Number:
    n = sum(e.n_steps for e in episodes)
    return Number(name, count / n, n=n, of={"fault": fault})


def _more(case: ControllerCase, own: list[Episode], rule: list[Episode], fault: str) -> Number:
    """Return how much more often it is out of the safe set than the rule, episodes being independent."""
    gaps = np.array([a.unsafe / a.n_steps - b.unsafe / b.n_steps for a, b in zip(own, rule, strict=True)])
    return _mean(case, "unsafe-more", gaps, {"fault": fault})


def _mean(case: ControllerCase, name: str, values: Floats, of: dict[str, str]) -> Number:
    z = NormalDist().inv_cdf(1 - (1 - case.policy.confidence) / 2)
    spread = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
    mean = float(values.mean())
    return Number(name, mean, mean - z * spread, mean + z * spread, len(values), of)


def regret(case: ControllerCase) -> Found:
    """Return its cost over the rule's, episode by episode in the same weather, over the rule's mean."""
    numbers = []
    for name, extreme in (("usual", False), ("extreme", True)):
        own = np.array([e.cost for e in _played(case, case.controller, "regret", _as_is, extreme=extreme)])
        rule = np.array([e.cost for e in _played(case, case.rule, "regret", _as_is, extreme=extreme)])
        scale = max(abs(float(rule.mean())), 1e-12)
        numbers.append(_mean(case, "regret", (own - rule) / scale, {"weather": name}))
    return Found(tuple(numbers))


def failsafe(case: ControllerCase) -> Found:
    """Return how often it does what is not safe when it sees nothing, or nothing that can be."""
    first = case.environment().reset(case.rng("failsafe"))
    blind = np.full_like(first, np.nan)
    low, high = case.failsafe
    wrong = 0
    for _ in range(_BLIND_TRIES):
        action = acted(case.controller, blind)
        wrong += not low <= action <= high
    absurd = [np.full_like(first, v) for v in (np.inf, -np.inf, 1e12, -1e12)]
    nothing = sum(not case.actions[0] <= acted(case.controller, one) <= case.actions[1] for one in absurd)
    return Found(
        (
            Number("unsafe-blind", wrong / _BLIND_TRIES, n=_BLIND_TRIES),
            Number("no-action", nothing / len(absurd), n=len(absurd)),
        )
    )


TESTS = (
    AssuranceTest(
        "controller-safe-set",
        "robustness",
        "Does it stay in the safe set, in extreme weather and with every sensor fault?",
        "What acts on water, traffic or power can do harm faster than anyone can read an alert.",
        {
            "unsafe": "share of steps out of the safe set, in any weather, with some readings wrong",
            "unsafe-lost": "the same with no reading any more",
            "rule-unsafe": "the same under the fixed rule",
            "unsafe-more": "share of steps outside of the safe set, less that under the rule",
            "out-of-range": "share of actions that are none",
        },
        safe,
    ),
    AssuranceTest(
        "controller-regret",
        "skill",
        "Does it cost no more than the fixed rule?",
        "A controller that a rule of one line beats adds risk for nothing.",
        {"regret": "its cost less the rule's in the same weather, over the rule's"},
        regret,
    ),
    AssuranceTest(
        "controller-failsafe",
        "robustness",
        "When it sees nothing, does it do what is safe?",
        "Sensors and links fail in the flood for which the gate was built.",
        {
            "unsafe-blind": "share of actions outside of the fail-safe ones when nothing is measured",
            "no-action": "share of absurd inputs answered by what is no action",
        },
        failsafe,
    ),
)

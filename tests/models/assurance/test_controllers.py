"""The battery for controllers, on a simulated reservoir: a careful gate passes, careless ones are caught."""

from functools import cache

from assured_flood import BlindGate, Gate, LazyGate, NoGate, gate_case
from veracity.models.assurance.battery import run_controller_battery
from veracity.models.assurance.report import About, Report
from veracity.models.panel_array import Floats


@cache
def run(controller: Gate | LazyGate) -> Report:
    return again(controller)


def again(controller: Gate | LazyGate) -> Report:
    case = gate_case(controller)
    return run_controller_battery(case, case.policy, 5, About(model="gate", simulated=True))


GATE = Gate()


def failed(report: Report) -> set[str]:
    return {r.name for r in report.results if r.verdict == "failed"}


def test_a_careful_gate_passes() -> None:
    """It never leaves the safe set while it sees, costs less than the rule, and is safe when blind."""
    report = run(GATE)
    assert report.verdict("act") == "passed"
    unsafe = [n for n in report.result("controller-safe-set").numbers if n.name == "unsafe"]
    assert {n.of["fault"] for n in unsafe} == {
        *("none", "extreme weather", "30 % of readings missing", "spikes", "3 steps late")
    }
    assert all(n.value == 0 for n in unsafe)


def test_careless_gates_are_caught() -> None:
    """One that shuts when blind, one that never opens, one whose actions are none."""
    assert failed(run(BlindGate())) == {"controller-safe-set", "controller-failsafe"}
    assert "controller-regret" in failed(run(LazyGate()))
    assert "want out-of-range at most 0" in run(NoGate()).result("controller-safe-set").reason


class Crash(Gate):
    def act(self, observation: Floats) -> float:
        return [0.3][int(observation[0])]


def test_a_crash_is_a_finding() -> None:
    """A controller that raises on a missing reading has failed."""
    reason = run(Crash()).result("controller-failsafe").reason
    assert "did not answer" in reason
    assert "ValueError" in reason


def test_an_episode_is_the_same_for_the_rule_and_again() -> None:
    """The same seed gives the same weather to both, and the same report."""
    assert again(GATE).to_json() == run(GATE).to_json()

"""The systems that are followed, what persons replaced in their decisions, and their incidents."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from veracity.provenance.contradictions.found import Contradiction
from veracity.provenance.contradictions.remembered import Remembered
from veracity.provenance.contradictions.system import SystemSoFar, is_before
from veracity.provenance.statements import Decide, Incident, Outcome, Override, Release

MAX_SYSTEMS = 512  #: of further ones nothing is followed, and each entry of theirs is told
MAX_RUNS = 65_536
MAX_OVERRIDES = 65_536
MAX_INCIDENTS = 16_384
MAX_SERVED = 16_384
_KEPT = 32  #: hex digits of a digest that are kept: 128 bits

Said = Release | Decide | Override | Outcome | Incident


class Systems:
    """What the log has said of each system, and the newest runs, overrides and incidents of all."""

    def __init__(
        self,
        followed: dict[str, Any] | None = None,
        runs: list[Any] | None = None,
        served: list[Any] | None = None,
        overrides: list[Any] | None = None,
        incidents: list[Any] | None = None,
    ) -> None:
        self._followed = {name: SystemSoFar.from_object(s) for name, s in (followed or {}).items()}
        # decisions, simulated, log index
        self._runs: Remembered[list[Any]] = Remembered(MAX_RUNS, (int, bool, int), runs)
        self._served: Remembered[int] = Remembered(MAX_SERVED, int, served)
        # the decision and what stands in its place (digests), when that was approved, log index
        self._overrides: Remembered[list[Any]] = Remembered(MAX_OVERRIDES, (str, str, str, int), overrides)
        # step, when it was said, simulated, log index
        self._incidents: Remembered[list[Any]] = Remembered(MAX_INCIDENTS, (str, str, bool, int), incidents)
        said = [self._incidents.get(key) or [] for key in self._incidents]
        approved = [self._overrides.get(key) or [] for key in self._overrides]
        for time in [*(one[1] for one in said), *(one[2] for one in approved)]:
            is_before(time, time)  # an error here, where the memory is read, and not later

    def add(self, index: int, said: Said) -> Iterator[Contradiction]:
        """Take in what is said of a system."""
        system = self._followed.get(said.system)
        if system is None:
            if len(self._followed) >= MAX_SYSTEMS:
                detail = f"want at most {MAX_SYSTEMS} systems, got {said.system} too: it is not checked"
                yield Contradiction("too-many-systems", detail)
                return
            system = self._followed[said.system] = SystemSoFar()
        if isinstance(said, Release):
            yield from self._add_release(index, said, system)
        elif isinstance(said, Decide):
            yield from system.add_run(index, said)
            self._runs.set(_key(said.system, said.run), [said.output.rows, said.simulated, index])
        elif isinstance(said, Override):
            yield from self._add_override(index, said, system)
        elif isinstance(said, Outcome):
            yield from system.add_scoring(index, said)
        else:
            yield from self._add_incident(index, said)

    def to_object(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {
            "followed": {name: system.to_object() for name, system in self._followed.items()},
            "runs": self._runs.to_object(),
            "served": self._served.to_object(),
            "overrides": self._overrides.to_object(),
            "incidents": self._incidents.to_object(),
        }

    def _add_release(self, index: int, said: Release, system: SystemSoFar) -> Iterator[Contradiction]:
        key = _key(said.system, said.model_sha256[:_KEPT])
        if said.action == "roll-back" and key not in self._served and not self._served.is_full:
            detail = f"want a model that served before, got {said.model_sha256[:16]}"
            yield Contradiction("never-served", detail, system.release)
        yield from system.add_release(index, said)
        if said.action != "stop":
            self._served.set(key, index)

    def _add_override(self, index: int, said: Override, system: SystemSoFar) -> Iterator[Contradiction]:
        run = self._runs.get(_key(said.system, said.run))
        if said.run >= system.next_run or (run is not None and said.record >= run[0]):
            want = f"a run below {system.next_run}" if run is None else f"one of {run[0]} decisions"
            detail = f"want {want}, got run {said.run} record {said.record}"
            yield Contradiction("decision-unsaid", detail, None if run is None else run[2])
        if run is not None and run[1] and not said.simulated:
            yield Contradiction("simulated", f"want true, as run {said.run} is, got false", run[2])
        if system.until is not None and not is_before(system.until, said.due):
            detail = f"want a decision due after {system.until}, as was scored, got one due {said.due}"
            yield Contradiction("overridden-late", detail, system.scoring_index)
        yield from self._add_word(index, said)

    def _add_word(self, index: int, said: Override) -> Iterator[Contradiction]:
        """Take in a word on a decision: the last counts, and each is approved after the one before."""
        key, what = _key(said.system, f"{said.run}/{said.record}"), f"run {said.run} record {said.record}"
        decision, value = said.decision_sha256[:_KEPT], sha256(said.value.encode()).hexdigest()[:_KEPT]
        approved_at = said.approved.approved_at
        known_decision, known_value, before, at = self._overrides.get(key) or (decision, value, None, None)
        if decision != known_decision:
            detail = f"{what}: want decision {known_decision[:16]}, as before, got {decision[:16]}"
            yield Contradiction("decision-differs", detail, at)
        is_again = value == known_value and approved_at == before
        if before is not None and not is_again and not is_before(before, approved_at):
            detail = f"{what}: want a word approved after the last, {before}, got one of {approved_at}"
            yield Contradiction("overridden-backwards", detail, at)
        self._overrides.set(key, [decision, value, approved_at, index])

    def _add_incident(self, index: int, said: Incident) -> Iterator[Contradiction]:
        key = _key(said.system, said.incident)
        known = self._incidents.get(key)
        step, time, simulated, at = known or (None, said.said_at, False, None)
        is_next = (said.step == "opened") == (step is None) and step != "closed"
        if not is_next and not (known is None and self._incidents.is_full):
            want = "nothing more" if step == "closed" else "opened" if step is None else "updated or closed"
            detail = f"{said.incident}: want {want}, got {said.step}"
            yield Contradiction("incident-order", detail, at)
        if is_before(said.said_at, time):
            detail = f"{said.incident}: want {time} or later, as the step before, got {said.said_at}"
            yield Contradiction("said-backwards", detail, at)
        if simulated and not said.simulated:
            yield Contradiction("simulated", "want true, as the step before is, got false", at)
        self._incidents.set(key, [said.step, said.said_at, simulated or said.simulated, index])


def _key(system: str, name: object) -> str:
    return f"{system}/{name}"

"""One system: what serves, its runs and its scorings, each in order and each on the one before."""

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from veracity.provenance.contradictions.found import Contradiction
from veracity.provenance.plain import check_plain
from veracity.provenance.statements import Decide, Outcome, Release

_TEXT = str | None
_INDEX = int | None


@dataclass
class SystemSoFar:
    """What the log has said of one system.

    Attributes
    ----------
    release, model, stage, released_at, is_stopped, is_simulated
        The last change of what serves: its log index, and what it says; None before the first.
    next_run, made_at, run_index
        The number that the next run has, when the last was made, and where it stands.
    simulated_run
        The last run that is of simulated data.
    next_scoring, scores, until, scoring_index
        The same of scorings: the digest that the next one stands on, and how far decisions are scored.
    """

    release: int | None = None
    model: str | None = None
    stage: str | None = None
    released_at: str | None = None
    is_stopped: bool = True
    is_simulated: bool = False
    next_run: int = 0
    made_at: str | None = None
    run_index: int | None = None
    simulated_run: int | None = None
    next_scoring: int = 0
    scores: str | None = None
    until: str | None = None
    scoring_index: int | None = None

    @classmethod
    def from_object(cls, value: Any) -> "SystemSoFar":
        """Read back what ``to_object`` gave; TypeError for anything else."""
        told = (
            _INDEX,
            _TEXT,
            _TEXT,
            _TEXT,
            bool,
            bool,
            int,
            _TEXT,
            _INDEX,
            _INDEX,
            int,
            _TEXT,
            _TEXT,
            _INDEX,
        )
        read = cls(*check_plain(value, told))
        for time in (read.released_at, read.made_at, read.until):
            if time is not None:
                datetime.fromisoformat(time)
        return read

    def to_object(self) -> list[Any]:
        """Return plain JSON."""
        return list(astuple(self))

    def add_release(self, index: int, said: Release) -> Iterator[Contradiction]:
        """Take in a change of what serves: it names the last one, whatever that was."""
        if said.replaces != self.release:
            detail = f"replaces: want {_shown(self.release)}, the last before, got {_shown(said.replaces)}"
            yield Contradiction("replaces-another", detail, self.release)
        if said.action == "stop":
            if self.is_stopped:
                detail = "want a release in force to stop, got none"
                yield Contradiction("nothing-in-force", detail, self.release)
            elif (said.model_sha256, said.stage) != (self.model, self.stage):
                yield Contradiction(
                    "release-differs",
                    f"want a stop of {_model(self.model)} at {self.stage}, got {_model(said.model_sha256)}"
                    f" at {said.stage}",
                    self.release,
                )
        if self.released_at is not None and is_before(said.released_at, self.released_at):
            detail = f"want {self.released_at} or later, as the last before, got {said.released_at}"
            yield Contradiction("released-backwards", detail, self.release)
        self.release, self.model, self.stage = index, said.model_sha256, said.stage
        self.released_at, self.is_stopped = said.released_at, said.action == "stop"
        self.is_simulated = said.simulated

    def add_run(self, index: int, said: Decide) -> Iterator[Contradiction]:
        """Take in a run: the next one, under the release in force, and of what that says."""
        yield from self._check_release(said)
        if said.run < self.next_run:
            detail = f"want run {self.next_run}, got {said.run} again"
            yield Contradiction("run-repeated", detail, self.run_index)
        elif said.run > self.next_run:
            detail = f"want run {self.next_run}, got {said.run}"
            yield Contradiction("run-skipped", detail, self.run_index)
        if self.made_at is not None and is_before(said.made_at, self.made_at):
            detail = f"want {self.made_at} or later, as the run before, got {said.made_at}"
            yield Contradiction("made-backwards", detail, self.run_index)
        self.next_run = max(self.next_run, said.run + 1)
        self.made_at, self.run_index = said.made_at, index
        if said.simulated:
            self.simulated_run = max(said.run, -1 if self.simulated_run is None else self.simulated_run)

    def add_scoring(self, index: int, said: Outcome) -> Iterator[Contradiction]:
        """Take in a scoring: the next one, on the lines of the one before, of runs that were said."""
        if said.number < self.next_scoring:
            detail = f"want scoring {self.next_scoring}, got {said.number} again"
            yield Contradiction("scoring-repeated", detail, self.scoring_index)
        elif said.number > self.next_scoring:
            detail = f"want scoring {self.next_scoring}, got {said.number}"
            yield Contradiction("scoring-skipped", detail, self.scoring_index)
        if said.before != self.scores:
            want, got = _model(self.scores), _model(said.before)
            detail = f"before: want {want}, the lines of the scoring before, got {got}"
            yield Contradiction("scoring-broken", detail, self.scoring_index)
        if self.until is not None and is_before(said.until, self.until):
            detail = f"want {self.until} or later, as the scoring before, got {said.until}"
            yield Contradiction("scored-backwards", detail, self.scoring_index)
        if is_before(said.scored_at, said.until):
            detail = f"want outcomes until {said.scored_at}, when they were scored, got until {said.until}"
            yield Contradiction("scored-early", detail)
        if said.runs is not None:
            yield from self._check_scored(said, *said.runs)
        self.next_scoring = max(self.next_scoring, said.number + 1)
        self.scores, self.until, self.scoring_index = said.scores.sha256, said.until, index

    def _check_scored(self, said: Outcome, first: int, last: int) -> Iterator[Contradiction]:
        if last >= self.next_run:
            detail = f"want runs below {self.next_run}, got {last}"
            yield Contradiction("run-unsaid", detail, self.run_index)
        if self.simulated_run is not None and first <= self.simulated_run <= last and not said.simulated:
            detail = f"want true, as run {self.simulated_run} is, got false"
            yield Contradiction("simulated", detail, self.run_index)

    def _check_release(self, said: Decide) -> Iterator[Contradiction]:
        if said.release is None:
            return  # by rungs that need no model: nothing was released, or its files could not be used
        if self.is_stopped or said.release != self.release:
            want = "none" if self.is_stopped else _shown(self.release)
            detail = f"want the release in force, {want}, got {said.release}"
            yield Contradiction("release-not-in-force", detail, self.release)
            return
        if (said.model_sha256, said.stage) != (self.model, self.stage):
            detail = (
                f"want {_model(self.model)} to {self.stage}, as released, got {_model(said.model_sha256)}"
                f" to {said.stage}"
            )
            yield Contradiction("release-differs", detail, self.release)
        if self.released_at is not None and is_before(said.made_at, self.released_at):
            detail = f"want {self.released_at} or later, when it was released, got {said.made_at}"
            yield Contradiction("made-before-release", detail, self.release)
        if self.is_simulated and not said.simulated:
            yield Contradiction("simulated", "want true, as the release is, got false", self.release)


def is_before(one: str, other: str) -> bool:
    """Say whether one RFC 3339 time is before another."""
    return datetime.fromisoformat(one) < datetime.fromisoformat(other)


def _model(digest: str | None) -> str:
    return "none" if digest is None else digest[:16]


def _shown(index: int | None) -> str:
    return "none" if index is None else str(index)

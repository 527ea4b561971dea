"""Models and the reports on them: stated before anything rests on them, and as simulated as their data."""

from collections.abc import Iterator
from typing import Any

from veracity.provenance.contradictions.found import Contradiction
from veracity.provenance.contradictions.remembered import Remembered
from veracity.provenance.statements import Assure, Release, Train

MAX_MODELS = 16_384
MAX_REPORTS = 16_384


class Models:
    """The newest models and reports, by their digests."""

    def __init__(self, models: list[Any] | None = None, reports: list[Any] | None = None) -> None:
        # name, simulated, log index
        self._models: Remembered[list[Any]] = Remembered(MAX_MODELS, (str, bool, int), models)
        # model, verdict, simulated, log index
        self._reports: Remembered[list[Any]] = Remembered(MAX_REPORTS, (str, str, bool, int), reports)

    def add_train(self, index: int, said: Train) -> Iterator[Contradiction]:
        """Take in a model. Trained again, it keeps its name."""
        known = self._models.get(said.model_sha256)
        if known is None:
            self._models.set(said.model_sha256, [said.name, said.simulated, index])
        else:
            yield from _check_model(known, said.name, said.simulated)

    def add_assure(self, index: int, said: Assure) -> Iterator[Contradiction]:
        """Take in a report on a model that was said."""
        yield from self._check_known(said.model_sha256, said.name, said.simulated)
        self._reports.set(said.report_sha256, [said.model_sha256, said.verdict, said.simulated, index])

    def check_release(self, said: Release) -> Iterator[Contradiction]:
        """Compare a release with its model and the reports that its approval rests on."""
        yield from self._check_known(said.model_sha256, None, said.simulated)
        for sha256 in said.reports:
            yield from self._check_report(said, sha256)

    def to_object(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {"models": self._models.to_object(), "reports": self._reports.to_object()}

    def _check_known(self, model: str, name: str | None, simulated: bool) -> Iterator[Contradiction]:
        known = self._models.get(model)
        if known is not None:
            yield from _check_model(known, name, simulated)
        elif not self._models.is_full:
            yield Contradiction("model-unsaid", f"want a model trained before, got {model[:16]}")

    def _check_report(self, said: Release, sha256: str) -> Iterator[Contradiction]:
        known = self._reports.get(sha256)
        if known is None:
            if not self._reports.is_full:
                yield Contradiction("report-unsaid", f"want a report said before, got {sha256[:16]}")
            return
        model, verdict, simulated, at = known
        if model != said.model_sha256:
            detail = f"want reports on {said.model_sha256[:16]}, got one on {model[:16]}"
            yield Contradiction("report-of-another", detail, at)
        if verdict == "failed" and said.action == "release" and said.stage != "shadow":
            detail = f"want reports that passed to {said.stage}, got one that failed"
            yield Contradiction("report-failed", detail, at)
        if simulated and not said.simulated:
            yield Contradiction("simulated", "want true, as a report is, got false", at)


def _check_model(known: list[Any], name: str | None, simulated: bool) -> Iterator[Contradiction]:
    known_name, is_simulated, at = known
    if name is not None and name != known_name:
        detail = f"want the name {known_name!r}, as the model was stated, got {name!r}"
        yield Contradiction("name-differs", detail, at)
    if is_simulated and not simulated:
        yield Contradiction("simulated", "want true, as the model is, got false", at)

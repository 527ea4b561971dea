"""What is known of a model and its system, and where each piece of it stands. Nothing here is typed by hand.

``Known`` is the material, as the log and the objects hold it; ``Fact`` is one value computed from it, with
its evidence. Cards and dossiers are made of facts and of nothing else.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from veracity.models.app import App
from veracity.provenance.statements import Assure, Incident, Outcome, Override, Release, Train

S = TypeVar("S")
Value = str | int | float | bool | None
ADAPTS = "conformal"  #: the estimator that goes on calibrating itself
DIGITS = 6  #: significant, of every number that is no count: the last ones differ between machines


@dataclass(frozen=True)
class Evidence:
    """Where a fact stands.

    Attributes
    ----------
    entry
        The statement in the log; None for what stands in no statement.
    sha256
        The object that the statement names and the fact was read from, or the source of a declaration.
    path
        The place in there: ``train.rows.rows``, ``report.tests.skill-mae``, ``app.purpose``.
    """

    entry: int | None
    path: str
    sha256: str | None = None

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"entry": self.entry, "path": self.path, "sha256": self.sha256}


@dataclass(frozen=True)
class Fact:
    """One computed value.

    Attributes
    ----------
    name
        Dotted and stable; unique in a card: ``training.rows``.
    label
        What it is, a name with words in each language: ``rows``.
    of
        What it is of, where there are many alike: target, horizon, test. They are the rows of a table.
    unit
        UCUM; empty for a count or a text.
    """

    name: str
    label: str
    value: Value
    evidence: Evidence
    unit: str = ""
    of: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.value, float):
            object.__setattr__(self, "value", significant(self.value))


@dataclass(frozen=True)
class Said(Generic[S]):
    """A statement and its place in the log."""

    idx: int
    it: S

    def at(self, path: str, sha256: str | None = None) -> Evidence:
        """Return the evidence of what a field of it says."""
        return Evidence(self.idx, path, sha256)


@dataclass(frozen=True)
class FeedKnown:
    """A feed that a model learned from, up to its last batch.

    Attributes
    ----------
    contract_idx, last_idx
        The log entries of its contract and of the last batch that was used; None where none was.
    properties
        Columns that the contract has, and how many rules hold them.
    """

    feed: str
    contract_idx: int
    contract_sha256: str
    version: str
    title: str
    agency: str
    description: Mapping[str, str]
    licence: str
    n_columns: int
    n_rules: int
    n_personal: int
    simulated: bool
    batches: int
    received: int
    accepted: int
    quarantined: int
    refused: int
    up_to_batch: int
    snapshot_sha256: str
    last_idx: int | None = None


@dataclass(frozen=True)
class TestKnown:
    """One test of a report."""

    name: str
    family: str
    verdict: str
    reason: str
    asks: str
    numbers: tuple[Mapping[str, Any], ...]
    required: tuple[str, ...] = ()
    __test__ = False


@dataclass(frozen=True)
class ReportKnown:
    """A report that an ``assure`` statement names; ``tests`` is empty where its object is not at hand."""

    said: Said[Assure]
    tests: tuple[TestKnown, ...]
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def evidence(self, test: str) -> Evidence:
        """Return the evidence of a test of it."""
        return self.said.at(f"report.tests.{test}", self.said.it.report_sha256)


@dataclass(frozen=True)
class RunsKnown:
    """The runs of a system in sum: ``first`` and ``last`` are log entries, None where it never ran."""

    n: int = 0
    decisions: int = 0
    first: int | None = None
    last: int | None = None
    last_made_at: str | None = None
    rungs: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ScoreKnown:
    """How one forecaster scored at one horizon of one target, over all that is scored. NaN where unknown."""

    model: str
    target: str
    horizon_s: int
    n: int
    scores: Mapping[str, float]


@dataclass(frozen=True)
class OfficerKnown:
    """An officer's key as enrolled: the person and what the person may approve."""

    idx: int
    person: str
    duties: tuple[str, ...]


@dataclass(frozen=True)
class Known:
    """All that is known of one model and its system, up to a size of the log.

    Attributes
    ----------
    origin, size
        The log, and how many entries of it were looked at.
    files
        Bytes of each file of the model by name; empty where its objects are not at hand.
    releases, overrides, incidents
        Of the system, whichever model served.
    """

    origin: str
    size: int
    app: App
    app_sha256: str
    train: Said[Train]
    description: Mapping[str, Any]
    files: Mapping[str, int]
    feeds: tuple[FeedKnown, ...] = ()
    reports: tuple[ReportKnown, ...] = ()
    releases: tuple[Said[Release], ...] = ()
    runs: RunsKnown = field(default_factory=RunsKnown)
    outcomes: tuple[Said[Outcome], ...] = ()
    scores: tuple[ScoreKnown, ...] = ()
    overrides: tuple[Said[Override], ...] = ()
    incidents: tuple[Said[Incident], ...] = ()
    officers: tuple[OfficerKnown, ...] = ()

    @property
    def system(self) -> str:
        """The app's name."""
        return self.app.name

    @property
    def report(self) -> ReportKnown | None:
        """The last report on the model."""
        return self.reports[-1] if self.reports else None

    @property
    def in_force(self) -> Said[Release] | None:
        """The release that the system runs under; None before the first and after a stop."""
        last = self.releases[-1] if self.releases else None
        return None if last is None or last.it.action == "stop" else last

    @property
    def serves(self) -> bool:
        """Whether this model is the one that serves."""
        return self.in_force is not None and self.in_force.it.model_sha256 == self.train.it.model_sha256

    @property
    def simulated(self) -> bool:
        """Whether simulated data went into it."""
        return self.train.it.simulated or any(f.simulated for f in self.feeds)

    @property
    def uses_personal(self) -> bool:
        """Whether personal data were used, or a feed has fields of persons."""
        return self.train.it.personal or any(f.n_personal for f in self.feeds)

    @property
    def may_be_pretrained(self) -> bool:
        """Whether a file of it may have been made elsewhere: ONNX, or files that are not at hand."""
        return not self.files or any(name.endswith(".onnx") for name in self.files)

    @property
    def adapting(self) -> Mapping[str, Mapping[str, Any]]:
        """Parameters by target of estimators whose ranges follow outcomes in service."""
        described = self.description.get("estimators")
        named = described if isinstance(described, Mapping) else {}
        return {t: one.get("parameters", {}) for t, one in sorted(named.items()) if one.get("name") == ADAPTS}

    @property
    def said_at(self) -> str:
        """The time of the last statement about model or system (RFC 3339, UTC): what a document is as of."""
        times = [self.train.it.trained_at, *(r.said.it.assured_at for r in self.reports)]
        times += [r.it.released_at for r in self.releases] + [o.it.scored_at for o in self.outcomes]
        times += [o.it.overridden_at for o in self.overrides] + [i.it.said_at for i in self.incidents]
        return max([*times, self.runs.last_made_at or ""])

    def declared(self, path: str) -> Evidence:
        """Return the evidence of what the app's source declares."""
        return Evidence(None, f"app.{path}", self.app_sha256)


def significant(value: float, digits: int = DIGITS) -> float | None:
    """Return a number with so many significant digits; None for what is no finite number.

    Examples
    --------
    >>> significant(0.123456789), significant(float("nan")), significant(-0.0)
    (0.123457, None, 0.0)
    """
    return float(f"{value:.{digits}g}") + 0.0 if math.isfinite(value) else None

"""``outcome``: what became of decisions, and how they scored: lines added to the scoreboard for good."""

from dataclasses import asdict, dataclass
from typing import Any

from veracity.provenance.errors import MalformedStatement
from veracity.provenance.fields import Fields
from veracity.provenance.statements.batch import RowsDigest
from veracity.provenance.statements.statement import ROWS, Statement, Subject, check_subjects, predicate_of
from veracity.provenance.statements.transform import MAX_INPUTS, Input, read_input
from veracity.provenance.statements.words import read_system

_KIND = "outcome"


@dataclass(frozen=True)
class Matched:
    """Where every decision that fell due went: ``due == matched + missing``.

    ``repeated`` and ``contradicted`` are of later readings of an outcome that was scored before: equal to
    it, or another. The first counts; the second is kept and shown.
    """

    due: int
    matched: int
    missing: int
    repeated: int = 0
    contradicted: int = 0

    def __post_init__(self) -> None:
        if self.due != self.matched + self.missing:
            raise MalformedStatement(
                f"outcome.counts: want due = matched + missing, got {self.due} = {self.matched}"
                f" + {self.missing}"
            )

    @classmethod
    def read(cls, fields: Fields) -> "Matched":
        """Read the JSON object."""
        names = ("due", "matched", "missing", "repeated", "contradicted")
        counts = cls(*(fields.count(name) for name in names))
        fields.done()
        return counts

    def to_object(self) -> dict[str, int]:
        """Return the JSON object."""
        return asdict(self)


@dataclass(frozen=True)
class Outcome:
    """One scoring of a system.

    Attributes
    ----------
    number
        Of the scoring in its system: 0, 1, 2 …
    until
        Decisions whose outcome falls due by then are scored, and were not before (RFC 3339, UTC).
    runs
        The first and the last run that have such a decision; None if none has.
    inputs
        The snapshots that the outcomes were read from.
    outcomes
        The decisions with their outcomes, as rows.
    scores
        The lines added to the scoreboard, as rows.
    before
        Digest of the lines of the scoring before; None for the first. Each line stands on all before it.
    code_sha256
        Digest of the source of the system, which says what is measured and what a warning costs.
    """

    system: str
    number: int
    until: str
    runs: tuple[int, int] | None
    inputs: tuple[Input, ...]
    counts: Matched
    outcomes: RowsDigest
    scores: RowsDigest
    before: str | None
    scored_at: str
    code_sha256: str
    engine: str
    simulated: bool

    def __post_init__(self) -> None:
        if (self.number == 0) != (self.before is None):
            raise MalformedStatement(
                f"outcome.before: want that of the scoring before, none for the first, got {self.before}"
                f" for number {self.number}"
            )

    @classmethod
    def from_statement(cls, statement: Statement) -> "Outcome":
        """Read a statement; MalformedStatement if it is no ``outcome``, or contradicts itself."""
        fields = predicate_of(statement, _KIND)
        outcome = cls(
            system=read_system(fields),
            number=fields.count("number"),
            until=fields.time("until"),
            runs=fields.optional("runs", lambda n: fields.span(n, "run")),
            inputs=tuple(read_input(item) for item in fields.objects("inputs", MAX_INPUTS)),
            counts=Matched.read(fields.object("counts")),
            outcomes=RowsDigest.read(fields.object("outcomes")),
            scores=RowsDigest.read(fields.object("scores")),
            before=fields.optional("before", fields.sha256),
            scored_at=fields.time("scored_at"),
            code_sha256=fields.sha256("code"),
            engine=fields.text("engine", 256),
            simulated=fields.flag("simulated"),
        )
        fields.done()
        check_subjects(statement, outcome.to_statement())
        return outcome

    def to_statement(self) -> Statement:
        """Return the statement; its subjects are the lines of the scoreboard and the outcomes."""
        predicate: dict[str, Any] = {
            "system": self.system,
            "number": self.number,
            "until": self.until,
            "runs": None if self.runs is None else {"first": self.runs[0], "last": self.runs[1]},
            "inputs": [i.to_object() for i in self.inputs],
            "counts": self.counts.to_object(),
            "outcomes": self.outcomes.to_object(),
            "scores": self.scores.to_object(),
            "before": self.before,
            "scored_at": self.scored_at,
            "code": self.code_sha256,
            "engine": self.engine,
            "simulated": self.simulated,
        }
        name = f"{self.system} scoring {self.number}"
        subjects = (Subject(ROWS, self.scores.sha256, name), Subject(ROWS, self.outcomes.sha256, name))
        return Statement(_KIND, subjects, predicate)

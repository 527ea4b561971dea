"""``decide``: what a system said of the future, or told people to do, before anybody knew the outcome."""

from dataclasses import dataclass
from typing import Any, cast, get_args

from veracity.provenance.errors import MalformedStatement
from veracity.provenance.statements.batch import Evidence, RowsDigest
from veracity.provenance.statements.statement import (
    EVIDENCE_ROOT,
    ROWS,
    Statement,
    Subject,
    check_subjects,
    predicate_of,
)
from veracity.provenance.statements.transform import MAX_INPUTS, Input, read_input
from veracity.provenance.statements.words import Stage, read_system

_KIND = "decide"
MAX_RUNGS = 64


@dataclass(frozen=True)
class Decide:
    """One run of a system: its decisions as rows, one tree over their pages.

    Attributes
    ----------
    run
        Number of the run in its system: 0, 1, 2 …
    release
        The log entry of the release it ran under; None where nothing was released, or all was stopped.
    model_sha256, stage
        As that release says; None and ``shadow`` without one: rungs that need no model then decide.
    made_at
        When it was decided (RFC 3339, UTC).
    inputs
        The snapshots that the system read.
    input
        The rows of the panel as the model saw them.
    output
        The decisions, as rows.
    evidence
        The tree over the decisions as canonical NDJSON (``form: rendered``), so that each has a receipt.
    code_sha256
        Digest of the source that turns a panel into decisions.
    rungs
        How many decisions came from which rung of the ladder of fallbacks.
    """

    system: str
    run: int
    release: int | None
    model_sha256: str | None
    stage: Stage
    made_at: str
    inputs: tuple[Input, ...]
    input: RowsDigest
    output: RowsDigest
    evidence: Evidence
    code_sha256: str
    rungs: dict[str, int]
    engine: str
    simulated: bool

    def __post_init__(self) -> None:
        is_released = self.release is not None
        if is_released != (self.model_sha256 is not None) or not (is_released or self.stage == "shadow"):
            raise MalformedStatement(
                f"decide: want a release with its model, or neither and stage shadow, got release"
                f" {self.release}, model {str(self.model_sha256)[:16]}, stage {self.stage}"
            )
        n_pages = -(-self.output.rows // self.evidence.records_per_page)
        if self.evidence.form != "rendered" or self.evidence.n_pages != n_pages:
            raise MalformedStatement(
                f"decide.evidence: want {n_pages} rendered pages of {self.output.rows} decisions,"
                f" got {self.evidence.n_pages}, {self.evidence.form}"
            )
        if sum(self.rungs.values()) != self.output.rows:
            raise MalformedStatement(
                f"decide.rungs: want a sum of {self.output.rows}, got {sum(self.rungs.values())}"
            )

    @classmethod
    def from_statement(cls, statement: Statement) -> "Decide":
        """Read a statement; MalformedStatement if it is no ``decide``, or contradicts itself."""
        fields = predicate_of(statement, _KIND)
        decide = cls(
            system=read_system(fields),
            run=fields.count("run"),
            release=fields.optional("release", fields.count),
            model_sha256=fields.optional("model", fields.sha256),
            stage=cast(Stage, fields.choice("stage", get_args(Stage))),
            made_at=fields.time("made_at"),
            inputs=tuple(read_input(item) for item in fields.objects("inputs", MAX_INPUTS)),
            input=RowsDigest.read(fields.object("input")),
            output=RowsDigest.read(fields.object("output")),
            evidence=Evidence.read(fields.object("evidence")),
            code_sha256=fields.sha256("code"),
            rungs=fields.tally("rungs", MAX_RUNGS),
            engine=fields.text("engine", 256),
            simulated=fields.flag("simulated"),
        )
        fields.done()
        check_subjects(statement, decide.to_statement())
        return decide

    def to_statement(self) -> Statement:
        """Return the statement; its subjects are the decisions: their pages and their rows."""
        predicate: dict[str, Any] = {
            "system": self.system,
            "run": self.run,
            "release": self.release,
            "model": self.model_sha256,
            "stage": self.stage,
            "made_at": self.made_at,
            "inputs": [i.to_object() for i in self.inputs],
            "input": self.input.to_object(),
            "output": self.output.to_object(),
            "evidence": self.evidence.to_object(),
            "code": self.code_sha256,
            "rungs": dict(self.rungs),
            "engine": self.engine,
            "simulated": self.simulated,
        }
        name = f"{self.system} run {self.run}"
        subjects = (Subject(EVIDENCE_ROOT, self.evidence.root, name), Subject(ROWS, self.output.sha256, name))
        return Statement(_KIND, subjects, predicate)

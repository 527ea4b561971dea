"""``assure``: a model was put through a battery of tests, and this report says how it fared."""

from dataclasses import dataclass
from typing import Any, cast, get_args

from veracity.provenance.errors import MalformedStatement
from veracity.provenance.statements.batch import RowsDigest
from veracity.provenance.statements.statement import SHA256, Statement, Subject, check_subjects, predicate_of
from veracity.provenance.statements.transform import MAX_INPUTS, Input, read_input
from veracity.provenance.statements.words import MODEL_NAME, NAME, Verdict

_KIND = "assure"


@dataclass(frozen=True)
class Assure:
    """A report on a model.

    Attributes
    ----------
    name, model_sha256
        The model, as its ``train`` statement has it.
    report_sha256, policy_sha256
        Digests of the report (canonical JSON) and of the policy file with the pass marks.
    definition_sha256, inputs, rows
        The panel it was tested on: definition, snapshots, rows.
    passed, failed, untested
        Tests by what came of them.
    verdict
        ``passed`` if none failed and none that the policy requires is untested, ``failed`` if one failed,
        ``incomplete`` otherwise.
    """

    name: str
    model_sha256: str
    report_sha256: str
    policy_sha256: str
    definition_sha256: str
    inputs: tuple[Input, ...]
    rows: RowsDigest
    passed: int
    failed: int
    untested: int
    verdict: Verdict
    seed: int
    engine: str
    assured_at: str
    simulated: bool

    def __post_init__(self) -> None:
        if (self.verdict == "failed") != (self.failed > 0):
            raise MalformedStatement(
                f"assure.verdict: want failed if and only if a test failed, got {self.verdict}"
                f" with {self.failed} failed"
            )

    @classmethod
    def from_statement(cls, statement: Statement) -> "Assure":
        """Read a statement; MalformedStatement if it is no ``assure``."""
        fields = predicate_of(statement, _KIND)
        tests = fields.object("tests")
        assure = cls(
            name=fields.matching("name", NAME, MODEL_NAME),
            model_sha256=fields.sha256("model"),
            report_sha256=fields.sha256("report"),
            policy_sha256=fields.sha256("policy"),
            definition_sha256=fields.sha256("definition"),
            inputs=tuple(read_input(item) for item in fields.objects("inputs", MAX_INPUTS)),
            rows=RowsDigest.read(fields.object("rows")),
            passed=tests.count("passed"),
            failed=tests.count("failed"),
            untested=tests.count("untested"),
            verdict=cast(Verdict, fields.choice("verdict", get_args(Verdict))),
            seed=fields.count("seed"),
            engine=fields.text("engine", 256),
            assured_at=fields.time("assured_at"),
            simulated=fields.flag("simulated"),
        )
        tests.done()
        fields.done()
        check_subjects(statement, assure.to_statement())
        return assure

    def to_statement(self) -> Statement:
        """Return the statement; its subject is the report."""
        predicate: dict[str, Any] = {
            "name": self.name,
            "model": self.model_sha256,
            "report": self.report_sha256,
            "policy": self.policy_sha256,
            "definition": self.definition_sha256,
            "inputs": [i.to_object() for i in self.inputs],
            "rows": self.rows.to_object(),
            "tests": {"passed": self.passed, "failed": self.failed, "untested": self.untested},
            "verdict": self.verdict,
            "seed": self.seed,
            "engine": self.engine,
            "assured_at": self.assured_at,
            "simulated": self.simulated,
        }
        return Statement(_KIND, (Subject(SHA256, self.report_sha256, f"report on {self.name}"),), predicate)

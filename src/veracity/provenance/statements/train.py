"""``train``: a model was made from these rows, by this code, with this seed."""

from dataclasses import dataclass
from typing import Any

from veracity.provenance.statements.batch import RowsDigest
from veracity.provenance.statements.statement import SHA256, Statement, Subject, check_subjects, predicate_of
from veracity.provenance.statements.transform import MAX_INPUTS, Input, read_input
from veracity.provenance.statements.words import MODEL_NAME, NAME

_KIND = "train"


@dataclass(frozen=True)
class Train:
    """A model and what it was made from.

    Attributes
    ----------
    name, model_sha256
        As its maker names it; what names it for good is the digest of its directory's manifest. Parameters,
        metrics and environment are in the directory's ``model.json``, which that digest covers.
    definition_sha256, inputs, as_of
        The panel's definition, the snapshots it was built from, and the time of knowledge (None for all).
    rows
        The rows of the panel that it learned from.
    code_sha256
        Digest of the source that makes features and fits.
    seed
        Of everything that was left to chance.
    engine
        Names and versions of the libraries that decide its digits.
    personal
        Whether personal data were used: assurance then asks what the model remembers of persons.
    """

    name: str
    model_sha256: str
    definition_sha256: str
    inputs: tuple[Input, ...]
    rows: RowsDigest
    code_sha256: str
    seed: int
    engine: str
    trained_at: str
    simulated: bool
    personal: bool = False
    as_of: str | None = None

    @classmethod
    def from_statement(cls, statement: Statement) -> "Train":
        """Read a statement; MalformedStatement if it is no ``train``."""
        fields = predicate_of(statement, _KIND)
        train = cls(
            name=fields.matching("name", NAME, MODEL_NAME),
            model_sha256=fields.sha256("model"),
            definition_sha256=fields.sha256("definition"),
            inputs=tuple(read_input(item) for item in fields.objects("inputs", MAX_INPUTS)),
            rows=RowsDigest.read(fields.object("rows")),
            code_sha256=fields.sha256("code"),
            seed=fields.count("seed"),
            engine=fields.text("engine", 256),
            trained_at=fields.time("trained_at"),
            simulated=fields.flag("simulated"),
            personal=fields.flag("personal"),
            as_of=fields.optional("as_of", fields.time),
        )
        fields.done()
        check_subjects(statement, train.to_statement())
        return train

    def to_statement(self) -> Statement:
        """Return the statement; its subject is the model."""
        predicate: dict[str, Any] = {
            "name": self.name,
            "model": self.model_sha256,
            "definition": self.definition_sha256,
            "inputs": [i.to_object() for i in self.inputs],
            "as_of": self.as_of,
            "rows": self.rows.to_object(),
            "code": self.code_sha256,
            "seed": self.seed,
            "engine": self.engine,
            "trained_at": self.trained_at,
            "simulated": self.simulated,
            "personal": self.personal,
        }
        return Statement(_KIND, (Subject(SHA256, self.model_sha256, self.name),), predicate)

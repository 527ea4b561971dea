"""``calibrate``: a correction of a sensor was fitted on these feeds, and is this document."""

from dataclasses import dataclass
from typing import Any

from veracity.provenance.statements.batch import RowsDigest
from veracity.provenance.statements.statement import (
    FEED,
    FEED_NAME,
    SHA256,
    Statement,
    Subject,
    check_subjects,
    predicate_of,
)
from veracity.provenance.statements.transform import Input, read_input

_KIND = "calibrate"
MAX_INPUTS = 2  # the sensor's feed and the reference's, or one that holds both


@dataclass(frozen=True)
class Calibrate:
    """A fitted correction.

    Attributes
    ----------
    name
        As its definition names it; what names it for good is the document's digest.
    definition_sha256, document_sha256
        Digests of the definition's YAML bytes and of the document that came out (hex).
    inputs
        The tables it was fitted on, the sensor's first.
    pairs
        The pairs of readings it was fitted on, as rows.
    as_of
        The time of knowledge of the inputs (RFC 3339), None for everything known.
    engine
        Name and version of the arithmetic: with the same one, the same inputs give the same document.
    """

    name: str
    definition_sha256: str
    inputs: tuple[Input, ...]
    pairs: RowsDigest
    document_sha256: str
    simulated: bool
    engine: str
    as_of: str | None = None

    @classmethod
    def from_statement(cls, statement: Statement) -> "Calibrate":
        """Read a statement; MalformedStatement if it is no ``calibrate``."""
        fields = predicate_of(statement, _KIND)
        calibrate = cls(
            name=fields.matching("name", FEED_NAME, FEED.replace("a feed's", "a calibration's")),
            definition_sha256=fields.sha256("definition"),
            inputs=tuple(read_input(item) for item in fields.objects("inputs", MAX_INPUTS)),
            pairs=RowsDigest.read(fields.object("pairs")),
            document_sha256=fields.sha256("document"),
            simulated=fields.flag("simulated"),
            engine=fields.text("engine", 64),
            as_of=fields.optional("as_of", fields.time),
        )
        fields.done()
        check_subjects(statement, calibrate.to_statement())
        return calibrate

    def to_statement(self) -> Statement:
        """Return the statement; its subject is the document."""
        predicate: dict[str, Any] = {
            "name": self.name,
            "definition": self.definition_sha256,
            "inputs": [i.to_object() for i in self.inputs],
            "as_of": self.as_of,
            "pairs": self.pairs.to_object(),
            "document": self.document_sha256,
            "simulated": self.simulated,
            "engine": self.engine,
        }
        return Statement(_KIND, (Subject(SHA256, self.document_sha256, f"{self.name}.json"),), predicate)

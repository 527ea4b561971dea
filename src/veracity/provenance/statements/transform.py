"""``transform``: rows were made from these feeds, up to these batches: a panel, or corrected readings."""

import re
from dataclasses import dataclass
from typing import Any

from veracity.provenance.fields import Fields
from veracity.provenance.statements.batch import RowsDigest
from veracity.provenance.statements.statement import (
    FEED,
    FEED_NAME,
    ROWS,
    Statement,
    Subject,
    check_subjects,
    predicate_of,
)

_KIND = "transform"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
MAX_INPUTS = 256


@dataclass(frozen=True)
class Input:
    """A feed's table as it stood after batch ``up_to_batch``, with the digest of its rows (hex)."""

    feed: str
    up_to_batch: int
    sha256: str

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"feed": self.feed, "up_to_batch": self.up_to_batch, "sha256": self.sha256}


@dataclass(frozen=True)
class Transform:
    """Rows made by a rule: the rule's digest, what they were made from, and what came out.

    The rule is a panel's definition, or the document of a calibration.

    ``as_of`` is the time of knowledge it was built at (RFC 3339), None for everything known.
    """

    name: str
    definition_sha256: str
    inputs: tuple[Input, ...]
    output: RowsDigest
    simulated: bool
    as_of: str | None = None

    @classmethod
    def from_statement(cls, statement: Statement) -> "Transform":
        """Read a statement; MalformedStatement if it is no ``transform``."""
        fields = predicate_of(statement, _KIND)
        transform = cls(
            name=fields.matching("name", _NAME, "a name ([a-z0-9-], at most 64)"),
            definition_sha256=fields.sha256("definition"),
            inputs=tuple(read_input(item) for item in fields.objects("inputs", MAX_INPUTS)),
            output=RowsDigest.read(fields.object("output")),
            simulated=fields.flag("simulated"),
            as_of=fields.optional("as_of", fields.time),
        )
        fields.done()
        check_subjects(statement, transform.to_statement())
        return transform

    def to_statement(self) -> Statement:
        """Return the statement; its subject is the output's rows."""
        predicate: dict[str, Any] = {
            "name": self.name,
            "definition": self.definition_sha256,
            "inputs": [i.to_object() for i in self.inputs],
            "as_of": self.as_of,
            "output": self.output.to_object(),
            "simulated": self.simulated,
        }
        return Statement(_KIND, (Subject(ROWS, self.output.sha256, self.name),), predicate)


def read_input(fields: Fields) -> Input:
    """Read the JSON object of an input."""
    item = Input(
        fields.matching("feed", FEED_NAME, FEED), fields.count("up_to_batch"), fields.sha256("sha256")
    )
    fields.done()
    return item

"""``transform``: a panel was built from these feeds, up to these batches."""

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


@dataclass(frozen=True)
class Transform:
    """A panel: its definition's digest, what it was built from, and what came out.

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
            inputs=tuple(_input(item) for item in fields.objects("inputs", MAX_INPUTS)),
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
            "inputs": [
                {"feed": i.feed, "up_to_batch": i.up_to_batch, "sha256": i.sha256} for i in self.inputs
            ],
            "as_of": self.as_of,
            "output": self.output.to_object(),
            "simulated": self.simulated,
        }
        return Statement(_KIND, (Subject(ROWS, self.output.sha256, self.name),), predicate)


def _input(fields: Fields) -> Input:
    item = Input(
        fields.matching("feed", FEED_NAME, FEED), fields.count("up_to_batch"), fields.sha256("sha256")
    )
    fields.done()
    return item

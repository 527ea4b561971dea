"""What a live batch's statement says of the messages that it was put together from."""

from dataclasses import dataclass, field
from typing import Any

from veracity.provenance.fields import Fields
from veracity.provenance.statements.batch import RowsDigest


@dataclass(frozen=True)
class Messages:
    """The messages behind a batch, and those that came meanwhile and gave it nothing.

    Attributes
    ----------
    rows
        The kept list: a row for each message that gave records, one for each sender and reason of those
        that gave none.
    taken
        How many messages the batch's records are of.
    signed
        Whether each of those was signed by a key enrolled for the device that sent it.
    duplicate
        Records of messages that had come before.
    refused
        Records of messages turned away at the door, by reason; a message that could not be cut counts as
        one.
    """

    rows: RowsDigest
    taken: int
    signed: bool
    duplicate: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, fields: Fields) -> "Messages":
        """Read the JSON object."""
        messages = cls(
            rows=RowsDigest.read(fields.object("rows")),
            taken=fields.count("taken"),
            signed=fields.flag("signed"),
            duplicate=fields.count("duplicate"),
            refused=fields.tally("refused"),
        )
        fields.done()
        return messages

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "rows": self.rows.to_object(),
            "taken": self.taken,
            "signed": self.signed,
            "duplicate": self.duplicate,
            "refused": self.refused,
        }

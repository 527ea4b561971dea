"""Statements read from the log itself: proven to be in it, signed by the operator in time, of their kind.

The index only says where they are: what is done on a statement's word is done on the log's.
"""

from typing import Protocol, Self, TypeVar

from veracity.home.home import Home
from veracity.home.operator_keys import OPERATOR
from veracity.provenance.dsse import open_envelope
from veracity.provenance.errors import EnvelopeRejected
from veracity.provenance.statements import Statement, parse_statement, said_at


class Stated(Protocol):
    """A typed statement."""

    @classmethod
    def from_statement(cls, statement: Statement) -> Self:
        """Read a statement of this kind."""


T = TypeVar("T", bound=Stated)


def read_said(home: Home, idx: int, kind: type[T]) -> T:
    """Return the statement at a log index.

    Raises
    ------
    TileMismatch, MalformedBundle, IndexOutOfRange, ObjectMissing
        If the log is damaged there.
    EnvelopeRejected, UnknownKey, RevokedKey, ExpiredKey
        If the operator did not sign it, or not with a key that counts.
    MalformedStatement
        If it is of another kind.
    """
    envelope = open_envelope(home.reader().entry(idx))
    statement = parse_statement(envelope.payload)
    signer = home.agencies().signer(envelope, idx, said_at(statement))
    if signer.role != "operator":
        raise EnvelopeRejected(f"log entry {idx}: want {OPERATOR}'s signature, got {signer.name}'s")
    return kind.from_statement(statement)

"""An in-toto Statement v1 of one of our kinds, before its predicate is read.

Subjects match by digest alone: a name is a courtesy to the reader. Digest algorithms are

- ``sha256``: of a file's bytes, of a contract's bytes, or of a raw public key (its key ID);
- ``rfc6962-sha256``: the root of the tree over a batch's pages of evidence;
- ``veracity-rows-sha256``: of a frame's values, as ``data/digest.py`` lays them out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from veracity.canonical import canonical_json
from veracity.provenance.dsse import MAX_ENVELOPE_BYTES
from veracity.provenance.errors import MalformedStatement
from veracity.provenance.fields import Fields
from veracity.provenance.strictjson import parse_json

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
KINDS = frozenset(
    {
        "enrol",
        "contract",
        "delivery",
        "ingest",
        "certify",
        "account",
        "reject",
        "transform",
        "calibrate",
        "withdraw",
        "train",
        "assure",
        "approve",
        "release",
        "decide",
        "override",
        "outcome",
        "incident",
        "alert",
        "evaluate",
        "credential",
        "erase",
        "access",
    }
)
SHA256 = "sha256"
EVIDENCE_ROOT = "rfc6962-sha256"
ROWS = "veracity-rows-sha256"
FEED_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
FEED = "a feed's name ([a-z0-9-], at most 64)"
MAX_SUBJECTS = 256
_SAID_AT = {
    "ingest": "received_at",
    "reject": "decided_at",
    "withdraw": "said_at",
    "erase": "erased_at",
    "train": "trained_at",
    "assure": "assured_at",
    "release": "released_at",
    "decide": "made_at",
    "override": "overridden_at",
    "outcome": "scored_at",
    "incident": "said_at",
    "access": "done_at",
}
_ALGORITHM = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_DIGEST = re.compile(r"(?:[0-9a-f]{2}){20,64}")


@dataclass(frozen=True)
class Subject:
    """One thing a statement is about: a digest (lowercase hex) and perhaps a name."""

    algorithm: str
    digest: str
    name: str | None = None


@dataclass(frozen=True)
class Statement:
    """Subjects, the kind of what is said of them, and the predicate as parsed JSON."""

    kind: str
    subjects: tuple[Subject, ...]
    predicate: Mapping[str, Any]

    @property
    def predicate_type(self) -> str:
        """The in-toto ``predicateType``."""
        return predicate_type(self.kind)


def predicate_type(kind: str) -> str:
    """Return the predicate type of a kind.

    Examples
    --------
    >>> predicate_type("ingest")
    'urn:veracity:ingest:v1'
    """
    return f"urn:veracity:{kind}:v1"


def said_at(statement: Statement) -> datetime | None:
    """Return the time of a statement, by its own word; None where its kind has none.

    Of an ``ingest`` it is when the batch was received. ``enrol`` is not asked here: its ``as_of`` says
    from when on it counts.
    """
    name = _SAID_AT.get(statement.kind)
    return (
        None if name is None else Fields(statement.predicate, statement.kind, MalformedStatement).when(name)
    )


_KIND_OF = {predicate_type(kind): kind for kind in KINDS}


def format_statement(statement: Statement) -> bytes:
    """Write a statement as canonical JSON: the payload to sign."""
    subjects = []
    for subject in statement.subjects:
        named: dict[str, Any] = {} if subject.name is None else {"name": subject.name}
        subjects.append({"digest": {subject.algorithm: subject.digest}, **named})
    return canonical_json(
        {
            "_type": STATEMENT_TYPE,
            "subject": subjects,
            "predicateType": statement.predicate_type,
            "predicate": dict(statement.predicate),
        }
    )


def parse_statement(payload: bytes) -> Statement:
    """Parse the payload of an envelope.

    Raises
    ------
    MalformedStatement
        Unless it is an in-toto Statement v1 of a kind listed in ``KINDS``, each subject with one
        digest. What its predicate must hold is left to the typed form of the kind.
    """
    fields = Fields(
        parse_json(payload, "statement", MAX_ENVELOPE_BYTES, MalformedStatement),
        "statement",
        MalformedStatement,
    )
    fields.choice("_type", (STATEMENT_TYPE,))
    kind = _KIND_OF[fields.choice("predicateType", _KIND_OF)]
    subjects = tuple(_subject(item) for item in fields.objects("subject", MAX_SUBJECTS))
    if not subjects:
        raise MalformedStatement("statement.subject: want at least one, got none")
    predicate = fields.take("predicate")
    if not isinstance(predicate, dict):
        raise fields.fail("predicate", "an object", predicate)
    fields.done()
    return Statement(kind, subjects, predicate)


def _subject(fields: Fields) -> Subject:
    name = fields.text("name") if "name" in fields else None
    digest = fields.take("digest")
    if not isinstance(digest, dict) or len(digest) != 1:
        raise fields.fail("digest", "an object of one digest", digest)
    (algorithm,) = digest
    inner = fields.object("digest")
    if not _ALGORITHM.fullmatch(algorithm):
        raise fields.fail("digest", "an algorithm's name ([a-z0-9_-], at most 32)", algorithm)
    value = inner.matching(algorithm, _DIGEST, "20 to 64 bytes in lowercase hex")
    fields.done()
    return Subject(algorithm, value, name)


def predicate_of(statement: Statement, kind: str) -> Fields:
    """Return the predicate of a statement of ``kind`` to read; MalformedStatement for another kind."""
    if statement.kind != kind:
        raise MalformedStatement(f"statement: want kind {kind}, got {statement.kind}")
    return Fields(statement.predicate, kind, MalformedStatement)


def check_subjects(statement: Statement, typed: Statement) -> None:
    """Raise MalformedStatement unless the subjects are those that the predicate implies."""

    def digests(s: Statement) -> list[tuple[str, str]]:
        return [(x.algorithm, x.digest) for x in s.subjects]

    if digests(statement) != digests(typed):
        want = ", ".join(f"{a}:{d[:12]}" for a, d in digests(typed))
        got = ", ".join(f"{a}:{d[:12]}" for a, d in digests(statement)[:8])
        raise MalformedStatement(f"{statement.kind}.subject: want {want}, got {got}")

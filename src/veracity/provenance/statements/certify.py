"""``certify``: one day of one feed, summed from its batches: what came in, what broke, how sensors fared."""

import re
from dataclasses import dataclass, field
from typing import Any

from veracity.provenance.errors import MalformedStatement
from veracity.provenance.statements.batch import Counts, RowsDigest
from veracity.provenance.statements.statement import (
    FEED,
    FEED_NAME,
    ROWS,
    Statement,
    Subject,
    check_subjects,
    predicate_of,
)

_KIND = "certify"
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")
MAX_RULES = 256


@dataclass(frozen=True)
class Certify:
    """A day's certificate: the sum of the batches received on a day (UTC).

    Attributes
    ----------
    day
        Such as ``2026-09-01``.
    batches
        The first and the last batch received that day; None if there was none.
    rules
        Digests of the rules that were in force, in order, each once; none for batches of the first
        release.
    data
        Digest of the list of the day's batches that have accepted rows: a frame of ``batch`` (int64)
        and ``sha256``, the digest of the batch's rows.
    counts, reasons, refusals
        Sums of what the batches' statements say.
    flagged, asked
        Sums as well; 0 for batches of the first release, which said neither.
    released
        Of the received, rows that a person let in from quarantine: when they first came they were
        counted as quarantined.
    silent
        Sensors that were silent after the last batch; None where no rule asks.
    health
        The day's health of every sensor: the sum of the batches' rows of health.
    """

    feed: str
    day: str
    batches: tuple[int, int] | None
    rules: tuple[str, ...]
    data: str
    counts: Counts
    engine: str
    simulated: bool
    flagged: int = 0
    asked: int = 0
    released: int = 0
    silent: int | None = None
    reasons: dict[str, int] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    health: RowsDigest | None = None

    def __post_init__(self) -> None:
        counts = self.counts
        if counts.received != counts.accepted + counts.quarantined + counts.refused:
            raise MalformedStatement(
                f"certify.counts: want received = accepted + quarantined + refused, got {counts.received}"
                f" = {counts.accepted} + {counts.quarantined} + {counts.refused}"
            )
        if sum(self.refusals.values()) != counts.refused:
            raise MalformedStatement(
                f"certify.refusals: want a sum of {counts.refused}, got {sum(self.refusals.values())}"
            )
        if (
            self.flagged > counts.accepted
            or self.asked > counts.quarantined
            or self.released > counts.received
        ):
            raise MalformedStatement(
                f"certify: want at most {counts.accepted} flagged, {counts.quarantined} asked and"
                f" {counts.received} released, got {self.flagged}, {self.asked} and {self.released}"
            )
        if len(self.rules) > MAX_RULES:
            raise MalformedStatement(
                f"certify.rules: want at most {MAX_RULES} digests, got {len(self.rules)}"
            )

    @classmethod
    def from_statement(cls, statement: Statement) -> "Certify":
        """Read a statement; MalformedStatement if it is no ``certify``, or contradicts itself."""
        fields = predicate_of(statement, _KIND)

        def digests(name: str) -> tuple[str, ...]:
            items = fields.items(name, MAX_RULES)
            if not all(isinstance(d, str) and _SHA256.fullmatch(d) for d in items):
                raise fields.fail(name, "digests of 64 hex digits", items)
            return tuple(items)

        certify = cls(
            feed=fields.matching("feed", FEED_NAME, FEED),
            day=fields.matching("day", _DAY, "a day such as 2026-09-01"),
            batches=fields.optional("batches", lambda n: fields.span(n, "batch")),
            rules=digests("rules"),
            data=fields.sha256("data"),
            counts=Counts.read(fields.object("counts")),
            engine=fields.text("engine", 128),
            simulated=fields.flag("simulated"),
            flagged=fields.count("flagged"),
            asked=fields.count("asked"),
            released=fields.count("released"),
            silent=fields.optional("silent", fields.count),
            reasons=fields.tally("reasons"),
            refusals=fields.tally("refusals"),
            health=fields.optional("health", lambda n: RowsDigest.read(fields.object(n))),
        )
        fields.done()
        check_subjects(statement, certify.to_statement())
        return certify

    def to_statement(self) -> Statement:
        """Return the statement; its subjects are the day's rows and the health of its sensors."""
        predicate: dict[str, Any] = {
            "feed": self.feed,
            "day": self.day,
            "batches": None if self.batches is None else {"first": self.batches[0], "last": self.batches[1]},
            "rules": list(self.rules),
            "data": self.data,
            "counts": self.counts.to_object(),
            "flagged": self.flagged,
            "asked": self.asked,
            "released": self.released,
            "silent": self.silent,
            "reasons": self.reasons,
            "refusals": self.refusals,
            "health": self.health and self.health.to_object(),
            "simulated": self.simulated,
            "engine": self.engine,
        }
        subjects = [Subject(ROWS, self.data, f"batches of {self.feed} on {self.day}")]
        if self.health is not None:
            subjects.append(Subject(ROWS, self.health.sha256, f"health of {self.feed} on {self.day}"))
        return Statement(_KIND, tuple(subjects), predicate)

"""What a statement says of the rules: which, what they remembered, and the verdicts they left."""

import re
from dataclasses import dataclass
from typing import Any

from veracity.provenance.errors import MalformedStatement
from veracity.provenance.fields import MAX_COUNT, Fields
from veracity.provenance.statements.batch import RowsDigest
from veracity.provenance.statements.statement import FEED, FEED_NAME

MAX_REGISTRIES = 64
MAX_WAIVED = 256
MAX_BY, MAX_WHY = 200, 1_000
MAX_BATCHES = 4_096
# Control characters, half characters, other line ends, and marks that turn text around.
_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True)
class RegistryUsed:
    """A registry that rows were looked up in: the feed's table as of after batch ``up_to_batch``."""

    feed: str
    up_to_batch: int

    @classmethod
    def read(cls, fields: Fields) -> "RegistryUsed":
        """Read the JSON object; -1 stands for a registry without a batch."""
        used = cls(fields.matching("feed", FEED_NAME, FEED), fields.count("up_to_batch", -1))
        fields.done()
        return used


@dataclass(frozen=True)
class Checks:
    """How a batch was judged.

    Attributes
    ----------
    rules_sha256
        Digest of everything that decides a verdict: the rules with their settings and actions.
    state_before, state_after
        Digest of what the rules remembered before and after the batch; None for nothing.
    flagged
        Accepted rows that broke a rule which only flags.
    asked
        Quarantined rows that wait for a person's decision.
    silent
        Sensors that were silent at the time of receipt; None where no rule asks.
    verdicts
        The rows' verdicts, a bit map a rule; None if no rule was broken.
    health
        Counts per sensor, day and property; None for a feed whose key has no event time.
    registries
        What rows were looked up in.
    """

    rules_sha256: str
    state_before: str | None = None
    state_after: str | None = None
    flagged: int = 0
    asked: int = 0
    silent: int | None = None
    verdicts: RowsDigest | None = None
    health: RowsDigest | None = None
    registries: tuple[RegistryUsed, ...] = ()

    @classmethod
    def read(cls, fields: Fields) -> "Checks":
        """Read the JSON object."""
        state = fields.object("state")
        checks = cls(
            rules_sha256=fields.sha256("rules"),
            state_before=state.optional("before", state.sha256),
            state_after=state.optional("after", state.sha256),
            flagged=fields.count("flagged"),
            asked=fields.count("asked"),
            silent=fields.optional("silent", fields.count),
            verdicts=fields.optional("verdicts", lambda n: RowsDigest.read(fields.object(n))),
            health=fields.optional("health", lambda n: RowsDigest.read(fields.object(n))),
            registries=tuple(RegistryUsed.read(f) for f in fields.objects("registries", MAX_REGISTRIES)),
        )
        state.done()
        fields.done()
        return checks

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "rules": self.rules_sha256,
            "state": {"before": self.state_before, "after": self.state_after},
            "flagged": self.flagged,
            "asked": self.asked,
            "silent": self.silent,
            "verdicts": self.verdicts and self.verdicts.to_object(),
            "health": self.health and self.health.to_object(),
            "registries": [{"feed": r.feed, "up_to_batch": r.up_to_batch} for r in self.registries],
        }


@dataclass(frozen=True)
class Released:
    """That a batch's rows come from the feed's own quarantine, let in by a named person.

    Attributes
    ----------
    by, why
        The person and the reason given.
    waived
        The rules that do not count for these rows, by reason, in order.
    batches
        The batches that the rows were set aside from, ascending.
    """

    by: str
    why: str
    waived: tuple[str, ...]
    batches: tuple[int, ...]

    def __post_init__(self) -> None:
        check_person(self.by, self.why)
        check_batches(self.batches)
        if len(self.waived) > MAX_WAIVED or self.waived != tuple(sorted(set(self.waived))):
            raise MalformedStatement(
                f"released.waived: want at most {MAX_WAIVED} reasons in order, each once,"
                f" got {len(self.waived)}"
            )

    @classmethod
    def read(cls, fields: Fields) -> "Released":
        """Read the JSON object."""
        waived = fields.items("waived", MAX_WAIVED)
        if not all(isinstance(w, str) and 0 < len(w) <= 200 for w in waived):
            raise fields.fail("waived", "reasons", waived)
        by, why = fields.text("by", MAX_BY), fields.text("why", MAX_WHY)
        released = cls(by, why, tuple(waived), read_batches(fields))
        fields.done()
        return released

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"by": self.by, "why": self.why, "waived": list(self.waived), "batches": list(self.batches)}


def check_person(by: str, why: str) -> None:
    """Raise MalformedStatement unless a person's name and reason are each one line that shows itself."""
    for name, text, longest in (("by", by, MAX_BY), ("why", why, MAX_WHY)):
        if len(text) > longest or not text.strip() or _UNSHOWN.search(text):
            raise MalformedStatement(
                f"{name}: want 1 to {longest} characters on one line, none of them for control,"
                f" got {len(text)}: {text[:40]!r}"
            )


def check_batches(batches: tuple[int, ...]) -> None:
    """Raise MalformedStatement unless these are the numbers of 1 to ``MAX_BATCHES`` batches, ascending."""
    if not 0 < len(batches) <= MAX_BATCHES or batches != tuple(sorted(set(batches))) or batches[0] < 0:
        raise MalformedStatement(
            f"batches: want 1 to {MAX_BATCHES} numbers, ascending, got {len(batches)}: {list(batches[:8])}"
        )


def read_batches(fields: Fields) -> tuple[int, ...]:
    """Read the name ``batches``."""
    items = fields.items("batches", MAX_BATCHES)
    if not all(isinstance(b, int) and not isinstance(b, bool) and 0 <= b <= MAX_COUNT for b in items):
        raise fields.fail("batches", "numbers of batches", items)
    return tuple(items)

"""The log of ``receipt_world`` with a system in it: what receipts of decisions are cut from.

Further entries: 7 the officer, 8 a release, 9 a run of 70 decisions under it, 10 an override, 11 an incident
opened and 12 closed, 13 a stop by rule. ``SystemLies`` plants what an honest city would not do.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from model_world import (
    NAME,
    OFFICER,
    OFFICER_COMES,
    PER_PAGE,
    SYSTEM,
    at,
    decided,
    decision,
    incident,
    overridden,
    released,
)
from receipt_world import OPERATOR, World

from veracity.log.merkle import inclusion_path, leaf_hash, root_from_leaf_hashes
from veracity.provenance.keys import SigningKey
from veracity.provenance.receipts import ProvenPage, ProvenRecord, Receipt
from veracity.provenance.statements import Decide, Enrol, Evidence, Release, RowsDigest

Line = Callable[[int], bytes]


@dataclass(frozen=True)
class SystemLies:
    """What the log says of the system that it should not; the default is an honest city."""

    officer: Enrol = OFFICER_COMES
    officer_by: SigningKey = OPERATOR
    keys: tuple[tuple[Enrol, SigningKey], ...] = ()  # after the officer, before the release
    release: Release = field(default_factory=released)
    release_key: SigningKey = OPERATOR
    release_last: bool = False  # said only after the run that names it
    is_released: bool = True  # else the run names no release
    decide: Mapping[str, Any] = field(default_factory=dict)  # fields of Decide replaced
    decide_key: SigningKey = OPERATOR
    line: Line = lambda n: decision(0, n)
    later: tuple[tuple[Enrol, SigningKey], ...] = ()


class SystemWorld:
    """The log, and the pages of the run."""

    def __init__(self, lies: SystemLies | None = None) -> None:
        lies = lies or SystemLies()
        self.world = World()
        self.officer_at = self.world.say(lies.officer.to_statement(), lies.officer_by)
        for enrol, signer in lies.keys:
            self.world.say(enrol.to_statement(), signer)
        self.lines = [lies.line(n) for n in range(70)]
        self.pages = [b"".join(self.lines[i : i + PER_PAGE]) for i in range(0, 70, PER_PAGE)]
        n = len(self.world.entries)
        self.release_at, self.decide_at = (n + 1, n) if lies.release_last else (n, n + 1)
        said: list[tuple[Any, SigningKey]] = [
            (lies.release, lies.release_key),
            (self._run(lies), lies.decide_key),
        ]
        for statement, signer in reversed(said) if lies.release_last else said:
            self.world.say(statement.to_statement(), signer)
        stop = released("stop", replaces=self.release_at, time=at(14), rule="skill below 0")
        self.others = {
            name: self.world.say(statement.to_statement(), OPERATOR)
            for name, statement in (
                ("override", overridden()),
                ("incident", incident()),
                ("incident-closed", incident("closed")),
                ("release-stopped", stop),
            )
        }
        self.later_at = [self.world.say(e.to_statement(), signer) for e, signer in lies.later]
        self.is_released = lies.is_released

    def _run(self, lies: SystemLies) -> Decide:
        root = root_from_leaf_hashes([leaf_hash(page) for page in self.pages]).hex()
        run = decided(
            self.release_at if lies.is_released else None,
            evidence=Evidence(root, len(self.pages), PER_PAGE, "rendered"),
            output=RowsDigest(70, "ab" * 32),
        )
        return replace(run, **lies.decide)

    def statement_receipt(self, index: int) -> Receipt:
        """Return the receipt of a statement alone."""
        keys = [i for i in self.world.key_indices if i < index and (i == 0 or i >= self.officer_at)]
        return Receipt(
            stated=self.world.prove(index),
            keys=tuple(map(self.world.prove, keys)),
            revocations=tuple(self.world.prove(i) for i in self.later_at),
        )

    def receipt(self, record: int) -> Receipt:
        """Return the receipt of a decision."""
        page, position = divmod(record, PER_PAGE)
        hashes = [leaf_hash(p) for p in self.pages]
        within = self.lines[page * PER_PAGE : page * PER_PAGE + position]
        shown = ProvenPage(page, self.pages[page], tuple(inclusion_path(hashes, page)))
        offset = sum(map(len, within))
        return replace(
            self.statement_receipt(self.decide_at),
            record=ProvenRecord(0, record, (shown,), offset, len(self.lines[record])),
            release=self.world.prove(self.release_at) if self.is_released else None,
        )


def changed_line(**change: Any) -> Line:
    """Return the decisions of the first run, each with some values replaced; None leaves one out."""

    def line(n: int) -> bytes:
        said = json.loads(decision(0, n)) | change
        kept = {name: value for name, value in said.items() if value is not Ellipsis}
        return json.dumps(kept, separators=(",", ":")).encode() + b"\n"

    return line


assert (NAME, SYSTEM) == ("officer/lan-nguyen", "air")
assert OFFICER.public == OFFICER_COMES.key

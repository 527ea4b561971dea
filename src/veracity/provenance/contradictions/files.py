"""Files and their parts: each part comes once, in order, and together they are what the sender signed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from veracity.errors import Malformed
from veracity.log.merkle import node_hash
from veracity.provenance.contradictions.found import Contradiction
from veracity.provenance.contradictions.remembered import Remembered
from veracity.provenance.dsse import Envelope
from veracity.provenance.statements import Delivery, Ingest, parse_statement

MAX_FILES = 65_536
_SHOWN = 32  #: hex digits of a digest that are kept: 128 bits


@dataclass
class PartsSoFar:
    """How far a file has come. ``roots``: the complete subtrees over its parts' roots, largest first."""

    index: int
    n_parts: int = 0
    n_records: int = 0
    is_whole: bool = False
    roots: list[tuple[int, str]] = field(default_factory=list)

    def add(self, index: int, ingest: Ingest) -> None:
        """Take in a part."""
        self.index = index
        self.n_parts = ingest.part.index + 1
        self.n_records = ingest.part.first_record + ingest.part.n_records
        size, root = 1, ingest.evidence.root
        while self.roots and self.roots[-1][0] == size:
            _, left = self.roots.pop()
            size, root = size * 2, node_hash(bytes.fromhex(left), bytes.fromhex(root)).hex()
        self.roots.append((size, root))
        if ingest.part.last:
            self.is_whole = True

    def kept(self) -> list[Any]:
        """Return what is remembered: of a whole file no roots, since no part may follow."""
        roots = [] if self.is_whole else self.roots
        return [self.index, self.n_parts, self.n_records, self.is_whole, roots]

    def root(self) -> str:
        """Return the root over the parts' roots as leaf hashes."""
        _, root = self.roots[-1]
        for _, left in reversed(self.roots[:-1]):
            root = node_hash(bytes.fromhex(left), bytes.fromhex(root)).hex()
        return root


class Files:
    """The files of all feeds."""

    def __init__(self, items: list[Any] | None = None) -> None:
        self._files: Remembered[Any] = Remembered(MAX_FILES, (int, int, int, bool, [(int, str)]), items)

    def add(self, index: int, ingest: Ingest) -> Iterator[Contradiction]:
        """Take in the part of a file that a batch is."""
        key = f"{ingest.feed}/{ingest.file.digest.sha256[:_SHOWN]}"
        kept, part = self._files.get(key), ingest.part
        so_far = PartsSoFar(index) if kept is None else PartsSoFar(*kept)
        if so_far.is_whole or part.index < so_far.n_parts:
            detail = f"want part {part.index} of {ingest.file.digest.name[:80]!r} once, got it again"
            yield Contradiction("file-used-twice", detail, so_far.index)
            return
        follows = (part.index, part.first_record) == (so_far.n_parts, so_far.n_records)
        if not follows and (kept is not None or not self._files.is_full):
            want = f"part {so_far.n_parts} from record {so_far.n_records}"
            detail = (
                f"want {want} of {ingest.file.digest.name[:80]!r}, got {part.index} from {part.first_record}"
            )
            yield Contradiction("part-skipped", detail, None if kept is None else so_far.index)
        so_far.add(index, ingest)
        if ingest.delivery is not None:
            yield from _compare(ingest, ingest.delivery, so_far if follows else None)
        self._files.set(key, so_far.kept())

    def to_object(self) -> list[Any]:
        """Return plain JSON."""
        return self._files.to_object()


def _compare(ingest: Ingest, delivery: Envelope, so_far: PartsSoFar | None) -> Iterator[Contradiction]:
    """Compare a batch, and with the last one its whole file, with what the sender signed."""
    try:
        said = Delivery.from_statement(parse_statement(delivery.payload))
    except Malformed as exc:
        yield Contradiction("delivery", f"want what its sender signed, got: {exc}")
        return
    want, got = (said.feed, said.file.sha256), (ingest.feed, ingest.file.digest.sha256)
    if want != got:
        yield Contradiction(
            "delivery", f"want {want[0]} file {want[1][:16]}, got {got[0]} file {got[1][:16]}"
        )
    elif so_far is not None and so_far.is_whole:
        evidence = said.evidence
        stated = evidence.root, evidence.n_parts, evidence.n_records
        made = so_far.root(), so_far.n_parts, so_far.n_records
        if stated != made:
            detail = f"{stated[2]} records in {stated[1]} parts of root {stated[0][:16]}"
            got_detail = f"{made[2]} in {made[1]} of {made[0][:16]}"
            yield Contradiction("delivery", f"want {detail}, as its sender signed, got {got_detail}")

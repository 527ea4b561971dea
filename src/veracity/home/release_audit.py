"""Releases and rejections audited: each row was in quarantine as it is told, and is decided on once."""

from collections.abc import Iterable, Iterator
from itertools import zip_longest

import polars as pl

from veracity.data.contract import Contract
from veracity.data.digest import frame_digest
from veracity.data.released import not_asked_again, read_lines, render_lines
from veracity.errors import VeracityError
from veracity.home.decisions import (
    Decisions,
    read_aside,
    read_decisions,
    read_rejected,
    release_bytes,
    row_key,
)
from veracity.home.home import Home
from veracity.home.table_audit import UNREADABLE, Found, one_line
from veracity.provenance.dsse import Envelope, open_envelope, verify
from veracity.provenance.statements import Ingest, Reject, parse_statement

Differs = tuple[str, str]  #: what, detail


class ReleaseAudit:
    """Audits what people decided about one feed's quarantine. The decisions are read once."""

    def __init__(self, home: Home, feed: str) -> None:
        self._home, self._feed = home, feed
        self._read: Decisions | None = None

    def check_release(
        self, ingest: Ingest, envelope: Envelope, contract: Contract, idx: int
    ) -> Iterator[Differs]:
        """Yield what is wrong with a batch of released rows, but for how they were judged.

        ``contract`` is the one the batch names, not its released view.
        """
        released = ingest.released
        if released is None:
            return
        yield from self._check_signatures(envelope, idx)
        try:
            data = release_bytes(self._home, ingest.to_statement().predicate)
            key = row_key(self._home, self._feed)
            lines = read_lines(data, key[2:])
            aside, missing = self._aside(lines, key, ingest.batch)
            yield from (("released", detail) for detail in missing)
            yield from _compare_lines(data, aside, contract)
            yield from _compare_batches(released.batches, lines)
            held = sorted(not_asked_again(contract, released.waived))
            broken = aside.filter(pl.col("reasons").list.eval(pl.element().is_in(held)).list.any())
            if broken.height:
                batch, record = broken.select("_batch", "_record").row(0)
                yield (
                    "released",
                    f"row {batch}:{record}: want its rules waived that look back, got {held}"[:300],
                )
            yield from self._check_first(idx)
        except UNREADABLE as exc:
            yield "released", one_line(exc)

    def check_rejections(self) -> Iterator[Found]:
        """Yield (where, what, detail) of all that is wrong with the feed's rejections."""
        for idx, _ in self._home.index.predicates("reject", self._feed):
            try:
                for what, detail in self._check_rejection(idx):
                    yield f"{self._feed} rejection (log entry {idx})", what, detail
            except UNREADABLE as exc:
                yield f"{self._feed} rejection (log entry {idx})", "rejected", one_line(exc)

    def _check_rejection(self, idx: int) -> Iterator[Differs]:
        envelope = open_envelope(self._home.reader().entry(idx))
        stated = Reject.from_statement(parse_statement(envelope.payload))
        yield from self._check_signatures(envelope, idx)
        rows = read_rejected(self._home, self._feed, stated.rows.sha256)
        if rows.height != stated.rows.rows:
            yield "rejected", f"rows: want {stated.rows.rows}, got {rows.height}"
        key = row_key(self._home, self._feed)
        before = [r.batch for r in self._home.index.batches(self._feed) if r.idx < idx]
        aside, missing = self._aside(rows.select(key), key, max(before, default=-1) + 1)
        yield from (("rejected", detail) for detail in missing)
        if not missing and frame_digest(aside) != stated.rows.sha256:
            yield "rejected", "rows: want those in quarantine, as they stand there, got others"
        yield from _compare_batches(stated.batches, rows)
        if stated.simulated != self._home.feed(self._feed).contract.simulated:
            yield "statement", f"simulated: want {not stated.simulated}, got {stated.simulated}"
        yield from self._check_first(idx)

    def _aside(self, rows: pl.DataFrame, key: tuple[str, ...], before: int) -> tuple[pl.DataFrame, list[str]]:
        """Return the quarantined rows that ``rows`` name, as signed, and what is said of those not there."""
        frames, missing = [], []
        for (batch,), named in rows.select(key).group_by("_batch", maintain_order=True):
            found = self._home.index.batch(self._feed, int(batch)) if 0 <= int(batch) < before else None
            predicate = None if found is None else self._home.index.predicate(found.idx)
            if predicate is None or predicate["quarantine"] is None:
                missing.append(f"row {batch}:{named['_record'][0]}: want one set aside before, got none such")
                continue
            aside = read_aside(self._home, predicate)
            lost = named.join(aside, on=list(key), how="anti", nulls_equal=True)
            if lost.height:
                missing.append(
                    f"row {batch}:{lost['_record'][0]}: want one of the batch's quarantine, got none such"
                )
            frames.append(
                aside.join(named, on=list(key), how="semi", nulls_equal=True, maintain_order="left")
            )
        columns = [f.name for f in self._home.feed(self._feed).contract.fields]
        empty = {
            "_batch": pl.Int64(),
            "_record": pl.Int64(),
            "reasons": pl.List(pl.String),
            **dict.fromkeys(columns, pl.String()),
        }
        return pl.concat([pl.DataFrame(schema=empty), *frames]), missing

    def _check_first(self, idx: int) -> Iterator[Differs]:
        """Yield it if one of the rows that entry ``idx`` decides on had been decided before."""
        if self._read is None:
            self._read = read_decisions(self._home, self._feed)
        first = self._read.first.rename({"_idx": "_first"}).drop("_as")
        mine = self._read.rows.filter(pl.col("_idx") == idx)
        again = mine.join(first, on=list(self._read.key), nulls_equal=True).filter(pl.col("_first") < idx)
        if again.height:
            batch, record, at = again.select("_batch", "_record", "_first").row(0)
            said = self._read.said[at]
            yield (
                "decided before",
                f"row {batch}:{record}: want one nobody decided on, got one {said.kind} by {said.by}"
                f" (log entry {at})"[:300],
            )

    def _check_signatures(self, envelope: Envelope, idx: int) -> Iterator[Differs]:
        """Yield the signatures beside the operator's that do not count: a name on a decision must."""
        for line in envelope.signatures:
            try:
                verify(envelope, [self._home.agencies().authority(line.keyid, idx).key])
            except VeracityError as exc:
                yield "statement", f"signature: {one_line(exc)}"


def _compare_lines(data: bytes, aside: pl.DataFrame, contract: Contract) -> Iterator[Differs]:
    """Yield the first line that is not the quarantined row it names, as it was received."""
    want = render_lines(aside, contract)[0] if aside.height else b""
    if want == data:
        return
    for n, (a, b) in enumerate(zip_longest(want.splitlines(), data.splitlines(), fillvalue=b"none")):
        if a != b:
            yield "released", f"line {n}: want {a[:120]!r} as in quarantine, got {b[:120]!r}"
            return
    yield "released", "lines: want canonical JSON, one line a row, got other bytes"


def _compare_batches(stated: Iterable[int], rows: pl.DataFrame) -> Iterator[Differs]:
    want = rows["_batch"].unique().sort().to_list()
    if list(stated) != want:
        yield "statement", f"batches: want {want[:20]}, as the rows say, got {list(stated)[:20]}"

"""Snapshots checked before anything is learned from them: the tables hold just the rows that were signed."""

from collections.abc import Sequence

import polars as pl

from veracity.data.digest import frame_digest
from veracity.errors import Rejected, VeracityError
from veracity.home.audit import audit
from veracity.home.errors import HomeError
from veracity.home.home import Home
from veracity.home.models.said import read_said
from veracity.home.table_audit import UNREADABLE, one_line
from veracity.provenance.statements import Ingest, Input

_SHOWN = 3


class SnapshotRejected(HomeError, Rejected):
    """A snapshot fails its audit: nothing may be learned from it."""

    code = "snapshot-rejected"


def check_snapshots(home: Home, inputs: Sequence[Input], *, full_audit: bool = False) -> None:
    """Raise SnapshotRejected unless each table up to its batch holds the rows that the log says, no more.

    Each batch's statement is read from the log, its signature checked, and the digest of its rows made
    again. With ``full_audit`` the feeds are made again from their evidence as well.
    """
    for one in inputs:
        try:
            _check_table(home, one)
        except UNREADABLE as exc:
            if isinstance(exc, SnapshotRejected):
                raise
            raise SnapshotRejected(f"snapshot {one.feed}: want rows as signed, got: {one_line(exc)}") from exc
        if full_audit:
            _check_evidence(home, one.feed)


def _check_table(home: Home, snapshot: Input) -> None:
    feed, table = snapshot.feed, home.table(snapshot.feed)
    said = [
        (idx, int(p["batch"]))
        for idx, p in home.index.predicates("ingest", feed)
        if p["table"] is not None and p["batch"] <= snapshot.up_to_batch
    ]
    total = 0
    for idx, batch in said:
        stated = read_said(home, idx, Ingest)
        if stated.table is None or (stated.feed, stated.batch) != (feed, batch):
            raise SnapshotRejected(f"snapshot {feed}: want batch {batch} at log entry {idx}, got another")
        rows = table.scan(batch=batch).collect()
        if not rows["_record"].is_sorted():
            rows = rows.sort("_record", maintain_order=True)
        total += rows.height
        if (digest := frame_digest(rows)) != stated.table.sha256:
            raise SnapshotRejected(
                f"snapshot {feed} batch {batch}: want rows of digest {stated.table.sha256[:16]}, as log entry"
                f" {idx} says, got {digest[:16]}"
            )
    held = int(table.scan(up_to_batch=snapshot.up_to_batch).select(pl.len()).collect().item())
    if held != total:
        raise SnapshotRejected(f"snapshot {feed}: want the {total} rows that were signed, got {held}")


def _check_evidence(home: Home, feed: str) -> None:
    try:
        report = audit(home, feed)
    except VeracityError as exc:
        raise SnapshotRejected(f"snapshot {feed}: want a clean audit, got: {one_line(exc)}") from exc
    if not report.is_clean:
        told = "; ".join(f"{f.where}: {f.what}" for f in report.findings[:_SHOWN])
        raise SnapshotRejected(
            f"snapshot {feed}: want a clean audit, got {len(report.findings)} findings: {told}"
        )

"""Audit by re-execution: from the evidence, make everything again and compare digests.

For every batch: the log's entry is what the index says; the evidence has the signed root; the
bytes, cut and cleaned again by the contract of that time, give the rows, quarantine and counts
that were signed; the table and the quarantine file hold those rows. For every panel: built
again from the tables, it has the digest that was signed. Nothing is believed but the log.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import numpy as np
import polars as pl

from veracity.data.clean import Cleaned, clean
from veracity.data.contract import Contract
from veracity.data.digest import frame_digest
from veracity.data.errors import EvidenceMismatch
from veracity.data.evidence import Pages, seal_pages
from veracity.data.panel_definition import parse_panel
from veracity.data.records import parse_records, split_records
from veracity.data.reexecution import known_names, source_types, text_format
from veracity.data.render import render_rows
from veracity.errors import VeracityError
from veracity.feeds.parquet_rows import read_parquet_rows
from veracity.home.errors import UnknownFeed
from veracity.home.home import Home
from veracity.home.index import is_whole_file_refusal
from veracity.home.panels import panel_frame, panel_path, snapshot_digest
from veracity.home.roll import check_entries, check_ingest
from veracity.home.tables import read_quarantine
from veracity.log.reader import LogReader
from veracity.provenance.dsse import open_envelope
from veracity.provenance.statements import Ingest, Transform, parse_statement

# What reading tampered files can raise. Polars panics on some, and a panic is no ``Exception``.
_UNREADABLE = (VeracityError, pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)


@dataclass(frozen=True)
class AuditFinding:
    """Something that is not as the log says: what, where, and the details."""

    where: str
    what: str
    detail: str


@dataclass
class AuditReport:
    """What was made again, and what differed."""

    batches: int = 0
    records: int = 0
    rows: int = 0
    panels: int = 0
    skipped: int = 0
    findings: list[AuditFinding] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether everything was as the log says."""
        return not self.findings


def audit(home: Home, feed: str | None = None, sample: int | None = None, seed: int = 0) -> AuditReport:
    """Audit one feed or all of them, all batches or ``sample`` of each feed, and the panels.

    Findings are collected, not raised: an audit goes on past the first.
    """
    report = AuditReport()
    reader = home.reader()
    report.findings.extend(AuditFinding(*found) for found in check_entries(home, reader))
    feeds = [feed] if feed is not None else home.feed_names()
    rng = np.random.default_rng(seed)
    for name in feeds:
        try:
            home.feed(name)
        except UnknownFeed:
            raise
        except VeracityError as exc:
            _find(report, name, "contract", exc)
        rows = home.index.batches(name)
        chosen: Sequence[int] = range(len(rows))
        if sample is not None and sample < len(rows):
            chosen = sorted(rng.choice(len(rows), sample, replace=False).tolist())
            report.skipped += len(rows) - sample
        _check_roll(home, name, report)
        for i in chosen:
            _audit_batch(home, reader, name, rows[i].batch, rows[i].idx, report)
    for idx, _ in home.index.predicates("transform"):
        _audit_panel(home, reader, idx, feeds if feed is not None else None, report)
    return report


def _check_roll(home: Home, feed: str, report: AuditReport) -> None:
    """Check that the table has rows of just the batches that the log says have rows."""
    said = {p["batch"]: p["table"]["rows"] for _, p in home.index.predicates("ingest", feed) if p["table"]}
    try:
        found = dict(home.table(feed).scan().group_by("_batch").len().collect(engine="streaming").iter_rows())
    except _UNREADABLE as exc:
        report.findings.append(AuditFinding(f"table {feed}", "unreadable table", _line(exc)))
        return
    for batch in sorted(set(said) ^ set(found)):
        what = "rows that no statement speaks of" if batch in found else "rows missing"
        report.findings.append(
            AuditFinding(f"table {feed} batch {batch}", what, f"{found.get(batch, 0)} rows")
        )


def _audit_batch(home: Home, reader: LogReader, feed: str, batch: int, idx: int, report: AuditReport) -> None:
    where = f"{feed} batch {batch}"
    add = partial(_find, report, where)
    try:
        envelope = open_envelope(reader.entry(idx))
        ingest = Ingest.from_statement(parse_statement(envelope.payload))
    except VeracityError as exc:
        add("log entry", exc)
        return
    report.batches += 1
    if is_whole_file_refusal(ingest.refusals):
        return
    report.records += ingest.part.n_records
    try:
        contract = home.contract(ingest.contract_sha256)
        for error in check_ingest(home, ingest, envelope, contract, idx):
            add("statement", error)
        pages = home.evidence(feed).pages(
            ingest.file.digest.sha256, ingest.part.index, bytes.fromhex(ingest.evidence.root)
        )
        for what, error in _compare(home, contract, ingest, pages):
            add(what, error)
    except _UNREADABLE as exc:
        add("evidence", exc)
    for what, error in _compare_stored(home, ingest):
        add(what, error)
    report.rows += ingest.counts.accepted


def _compare(home: Home, contract: Contract, ingest: Ingest, pages: Pages) -> Iterator[tuple[str, str]]:
    """Cut, parse and clean the evidence again; yield what is not as signed."""
    raw, n_refused = _raw(home, contract, ingest, pages)
    known = partial(_known_before, home, contract, ingest.batch)
    cleaned: Cleaned = clean(raw, contract, datetime.fromisoformat(ingest.received_at), known)
    counts = ingest.counts
    got = (cleaned.accepted.height, cleaned.quarantined.height, n_refused)
    want = (counts.accepted, counts.quarantined, counts.refused)
    if got != want:
        yield "cleaned again", f"want accepted, quarantined, refused {want}, got {got}"
    if cleaned.reasons != ingest.reasons:
        yield "cleaned again", f"want reasons {ingest.reasons}, got {cleaned.reasons}"
    for name, frame, stated in (
        ("rows made again", cleaned.accepted, ingest.table),
        ("quarantine made again", cleaned.quarantined, ingest.quarantine),
    ):
        digest = frame_digest(frame.with_columns(pl.lit(ingest.batch, pl.Int64).alias("_batch")))
        if stated is not None and digest != stated.sha256:
            yield name, f"want digest {stated.sha256[:16]}, got {digest[:16]}"


def _raw(home: Home, contract: Contract, ingest: Ingest, pages: Pages) -> tuple[pl.DataFrame, int]:
    """Return the records of a batch as they came to be cleaned, and how many were refused."""
    evidence, sha256, part = home.evidence(ingest.feed), ingest.file.digest.sha256, ingest.part
    if ingest.evidence.form == "rendered":
        path = home.directory.store / evidence.path(sha256, "received")
        rows = read_parquet_rows(path, part.first_record, part.n_records)
        again = seal_pages(*render_rows(rows))
        _check_same_pages(again, pages)
        return rows.with_columns(pl.int_range(rows.height, dtype=pl.Int64).alias("_record")), 0
    data = evidence.read(sha256, part.index, pages, 0, len(pages.hashes) - 1)
    fmt = text_format(contract, ingest.file.kind)
    ends = split_records(data, fmt, at_end=True)
    _check_same_pages(seal_pages(data, ends), pages)
    carried_in = ingest.layouts[0][1] if ingest.layouts and ingest.part.index else None
    parsed = parse_records(
        data,
        ends,
        fmt,
        carried_in,
        known=known_names(contract, fmt, data),
        types=source_types(contract),
        continued=_is_continued(home, ingest),
        truncated="truncated" in ingest.refusals,
    )
    return parsed.frame, len(parsed.refusals)


def _is_continued(home: Home, ingest: Ingest) -> bool:
    """Tell whether the part before broke off inside an over-long record, which this one goes on."""
    sha256, part = ingest.file.digest.sha256, ingest.part.index
    before = [r for r in home.index.parts(ingest.feed, sha256) if r.part == part - 1]
    if not before:
        return False
    root = bytes.fromhex(str(home.index.predicate(before[0].idx)["evidence"]["root"]))
    evidence = home.evidence(ingest.feed)
    pages = evidence.pages(sha256, part - 1, root)
    last = len(pages.hashes) - 1
    return not evidence.read(sha256, part - 1, pages, last, last).endswith(b"\n")


def _check_same_pages(again: Pages, pages: Pages) -> None:
    for page, (a, b) in enumerate(zip(again.hashes, pages.hashes, strict=False)):
        if a != b:
            raise EvidenceMismatch(f"page {page}: want leaf hash {b.hex()[:16]}, got {a.hex()[:16]}")
    if len(again.hashes) != len(pages.hashes):
        raise EvidenceMismatch(f"pages: want {len(pages.hashes)}, got {len(again.hashes)}")


def _known_before(home: Home, contract: Contract, batch: int, keys: pl.DataFrame) -> pl.Series:
    """Tell which keys the table held before a batch, looking at all of its rows."""
    names = list(contract.key)
    held = home.table(contract.feed).scan(up_to_batch=batch - 1).select(names)
    found = held.join(keys.lazy().unique(), on=names, how="semi").unique().with_columns(_held=True)
    joined = keys.lazy().join(found, on=names, how="left", maintain_order="left").select("_held")
    return joined.collect()["_held"].fill_null(value=False)


def _compare_stored(home: Home, ingest: Ingest) -> Iterator[tuple[str, str]]:
    """Read the table's and the quarantine's rows; yield what is not as signed."""
    if ingest.table is not None:
        try:
            for path in home.table(ingest.feed).changed_files(ingest.batch):
                yield "table", f"{path}: want the bytes of the digest in its name, got others"
            stored = home.table(ingest.feed).scan(batch=ingest.batch).collect()
            if not stored["_record"].is_sorted():
                stored = stored.sort("_record", maintain_order=True)
            digest = frame_digest(stored)
        except _UNREADABLE as exc:
            yield "table", f"unreadable: {_line(exc)}"
        else:
            if digest != ingest.table.sha256:
                yield "table", f"want digest {ingest.table.sha256[:16]}, got {digest[:16]}"
    if ingest.quarantine is not None:
        try:
            digest = frame_digest(read_quarantine(home, ingest.feed, ingest.batch, ingest.quarantine.sha256))
        except _UNREADABLE as exc:
            yield "quarantine", f"unreadable: {_line(exc)}"
        else:
            if digest != ingest.quarantine.sha256:
                yield "quarantine", f"want digest {ingest.quarantine.sha256[:16]}, got {digest[:16]}"


def _audit_panel(
    home: Home, reader: LogReader, idx: int, feeds: list[str] | None, report: AuditReport
) -> None:
    try:
        stated = Transform.from_statement(parse_statement(open_envelope(reader.entry(idx)).payload))
    except VeracityError as exc:
        _find(report, f"log entry {idx}", "transform statement", exc)
        return
    if feeds is not None and not {i.feed for i in stated.inputs} & set(feeds):
        return
    add = partial(_find, report, f"panel {stated.name} (log entry {idx})")
    report.panels += 1
    for i in stated.inputs:
        digest = snapshot_digest(home, i.feed, i.up_to_batch)
        if digest != i.sha256:
            add("input", f"{i.feed}: want snapshot {i.sha256[:16]}, got {digest[:16]}")
    try:
        panel = parse_panel(home.objects.get(panel_path(stated.definition_sha256)))
        up_to = dict.fromkeys(panel.feeds, -1) | {i.feed: i.up_to_batch for i in stated.inputs}
        digest = frame_digest(panel_frame(home, panel, up_to))
    except _UNREADABLE as exc:
        add("panel made again", exc)
        return
    if digest != stated.output.sha256:
        add("panel made again", f"want digest {stated.output.sha256[:16]}, got {digest[:16]}")


def _find(report: AuditReport, where: str, what: str, detail: str | BaseException) -> None:
    report.findings.append(AuditFinding(where, what, detail if isinstance(detail, str) else _line(detail)))


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]

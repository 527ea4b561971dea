"""Audit by re-execution: from the evidence, make everything again and compare digests.

For every batch: the log's entry is what the index says; the evidence has the signed root; the
bytes, cut and cleaned again by the contract of that time, give the columns, rows, quarantine and
counts that were signed; the table and the quarantine file hold those rows. For every file: its
parts follow one another and together are the file of the signed digest. For every file of a table:
its real rows are those, and no more. For every certificate and account: its day or its hour is summed up
again. For every panel, calibration and correction: made again from the tables, it has the digest that was
signed. For every model: its files are those that were signed, and so is the panel that it learned from. For
every release: the approval, the tests and the stages before it gave the right to it. For every run of an
app: it decides the same again, and every scoring settles and scores the same. For every incident: its steps
are in order, its deadline was kept to, and an officer approved its end. Nobody may do more over the network
than was said, and no write is missing from the lists of them. Nothing is believed but the log.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from veracity.errors import VeracityError
from veracity.home.accounts.access_audit import audit_access
from veracity.home.audit_batch import BatchAgain, BatchAudit
from veracity.home.calibration_audit import audit_calibration, check_corrected, is_correction
from veracity.home.certificates import check_certificate, day_batches
from veracity.home.errors import UnknownFeed
from veracity.home.home import Home
from veracity.home.index import is_whole_file_refusal
from veracity.home.key_audit import check_enrolment_times, check_key_times, check_received_order
from veracity.home.live.accounts import check_account, live_batches
from veracity.home.models.assurance_audit import audit_assurance
from veracity.home.models.audit import audit_models
from veracity.home.models.decision_audit import DecisionAudit, FindApp
from veracity.home.models.incident_audit import audit_incidents
from veracity.home.panel_audit import check_panel
from veracity.home.personal_audit import PersonalAudit
from veracity.home.release_audit import ReleaseAudit
from veracity.home.roll import check_contracts, check_entries
from veracity.home.table_audit import UNREADABLE, Found, check_table, one_line
from veracity.log.reader import LogReader
from veracity.provenance.dsse import open_envelope
from veracity.provenance.statements import Account, Certify, Transform, parse_statement


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
    certificates: int = 0
    accounts: int = 0
    calibrations: int = 0
    corrections: int = 0
    models: int = 0
    assurances: int = 0
    releases: int = 0
    runs: int = 0
    scorings: int = 0
    overrides: int = 0
    accesses: int = 0
    unchecked: list[str] = field(default_factory=list)
    skipped: int = 0
    findings: list[AuditFinding] = field(default_factory=list)

    def add(self, where: str, made: BatchAgain) -> None:
        """Take in what became of one batch."""
        self.batches += made.was_read
        self.records += made.records
        self.rows += made.rows
        self.findings.extend(AuditFinding(where, what, detail) for what, detail in made.findings)

    @property
    def is_clean(self) -> bool:
        """Whether everything was as the log says."""
        return not self.findings


def audit(
    home: Home,
    feed: str | None = None,
    sample: int | None = None,
    seed: int = 0,
    find: FindApp = lambda _: None,
) -> AuditReport:
    """Audit one feed or all of them, all batches or ``sample`` of each feed, and the panels.

    ``find`` gives the app of a system, None where it is not installed: that does not decide again.

    Findings are collected, not raised: an audit goes on past the first.
    """
    report = AuditReport()
    reader = home.reader()
    report.findings.extend(AuditFinding(*found) for found in check_entries(home, reader))
    report.findings.extend(AuditFinding(*found) for found in check_enrolment_times(home))
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
        decided = ReleaseAudit(home, name).check_rejections()
        erased = PersonalAudit(home, name).check_erasures()
        for found in (
            *check_contracts(home, name),
            *check_received_order(home, name),
            *check_key_times(home, name),
            *_check_roll(home, name),
            *decided,
            *erased,
        ):
            _find(report, *found)
        again = BatchAudit(home, reader, name)
        for i in chosen:
            made = again.audit(rows[i].batch, rows[i].idx)
            report.add(f"{name} batch {rows[i].batch}", made)
        _audit_certificates(home, reader, name, report)
        _audit_accounts(home, reader, name, report)
    for idx, _ in home.index.predicates("transform"):
        _audit_panel(home, reader, idx, feeds if feed is not None else None, report)
    for kind in ("calibrate", "withdraw"):
        for idx, predicate in home.index.predicates(kind):
            if feed is None or feed in _feeds_of(home, kind, predicate):
                report.calibrations += kind == "calibrate"
                for what, detail in audit_calibration(home, idx):
                    _find(report, f"{kind} {predicate['name']} (log entry {idx})", what, detail)
    audited = audit_models(home, feeds if feed is not None else None)
    report.models, report.releases = audited.models, audited.releases
    report.assurances, findings = audit_assurance(home, feeds if feed is not None else None)
    for found in (*audited.findings, *findings):
        _find(report, *found)
    if feed is None:
        access = audit_access(home)
        report.accesses = access.n_statements
        for found in (*audit_incidents(home), *access.findings):
            _find(report, *found)
        _audit_decisions(DecisionAudit(home, find), report)
    return report


def _audit_decisions(decisions: DecisionAudit, report: AuditReport) -> None:
    """Decide and score again, where the apps are installed."""
    for found in decisions.check():
        _find(report, *found)
    report.runs, report.scorings = decisions.runs, decisions.scorings
    report.overrides, report.unchecked = decisions.overrides, decisions.unchecked


def _feeds_of(home: Home, kind: str, predicate: Mapping[str, Any]) -> set[str]:
    """Return the feeds that a calibration was fitted on, or the one that is taken back."""
    if kind == "calibrate":
        return {str(i["feed"]) for i in predicate["inputs"]}
    said = (p for _, p in home.index.predicates("calibrate") if p["document"] == predicate["document"])
    return {str(i["feed"]) for p in said for i in p["inputs"]}


def _check_roll(home: Home, feed: str) -> Iterator[Found]:
    """Check that all parts of a file are in the log, and that the table has each batch's rows, no more."""
    said: dict[int, int] = {}
    broken_off: dict[str, tuple[str, int]] = {}
    for _, p in home.index.predicates("ingest", feed):
        if p["table"]:
            said[p["batch"]] = p["table"]["rows"]
        if p["part"]["last"] and not is_whole_file_refusal(p):
            broken_off.pop(p["file"]["sha256"], None)
        elif not p["part"]["last"]:
            broken_off[p["file"]["sha256"]] = p["file"]["name"], p["part"]["index"] + 1
    for name, n_parts in broken_off.values():
        got = f"want all its parts, got the first {n_parts}: ingest it again with --resume"
        yield f"{feed} file {name}", "incomplete file", got
    yield from check_table(home, feed, said)


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
    if is_correction(home, stated, idx):
        report.corrections += 1
        for what, detail in check_corrected(home, stated, idx):
            _find(report, f"corrected {stated.name} (log entry {idx})", what, detail)
        return
    report.panels += 1
    for what, detail in check_panel(home, stated, idx):
        _find(report, f"panel {stated.name} (log entry {idx})", what, detail)


def _audit_certificates(home: Home, reader: LogReader, feed: str, report: AuditReport) -> None:
    """Sum up again each day of a feed that was certified."""
    said = home.index.predicates("certify", feed)
    days = day_batches(home, feed) if said else {}
    for idx, _ in said:
        where = f"{feed} certificate (log entry {idx})"
        report.certificates += 1
        try:
            stated = Certify.from_statement(parse_statement(open_envelope(reader.entry(idx)).payload))
            where = f"{feed} certificate of {stated.day} (log entry {idx})"
            found = list(check_certificate(home, stated, idx, days.get(stated.day, [])))
        except UNREADABLE as exc:
            _find(report, where, "certificate", exc)
            continue
        for what, detail in found:
            _find(report, where, what, detail)


def _audit_accounts(home: Home, reader: LogReader, feed: str, report: AuditReport) -> None:
    """Sum up again each hour of a feed that was accounted for."""
    said = home.index.predicates("account", feed)
    hours = live_batches(home, feed) if said else {}
    for idx, _ in said:
        where = f"{feed} account (log entry {idx})"
        report.accounts += 1
        try:
            stated = Account.from_statement(parse_statement(open_envelope(reader.entry(idx)).payload))
            where = f"{feed} account of {stated.hour} (log entry {idx})"
            found = list(check_account(home, stated, idx, hours.get(stated.hour, [])))
        except UNREADABLE as exc:
            _find(report, where, "account", exc)
            continue
        for what, detail in found:
            _find(report, where, what, detail)


def _find(report: AuditReport, where: str, what: str, detail: str | BaseException) -> None:
    report.findings.append(AuditFinding(where, what, detail if isinstance(detail, str) else one_line(detail)))

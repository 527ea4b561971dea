"""Hold files to a contract without a home: verdicts only, nothing stored."""

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from veracity.data.clean import clean, table_schema
from veracity.data.contract import Contract
from veracity.data.history import KeyHistory
from veracity.feeds.file_info import inspect
from veracity.home.clock import Clock, system_clock
from veracity.home.sources import read_parts

EXAMPLES = 5


@dataclass
class CheckReport:
    """What would become of a file, on its own: keys that a feed's table holds are not asked for."""

    file: str
    received: int = 0
    accepted: int = 0
    quarantined: int = 0
    refused: int = 0
    blank: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    first_refusals: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)


def check_file(contract: Contract, path: Path, clock: Clock | None = None) -> CheckReport:
    """Cut, parse and clean a file part by part and count."""
    report = CheckReport(path.name)
    now = (clock or system_clock())()
    keys: list[pl.LazyFrame] = []  # of the rows accepted so far: the one thing that grows with the file
    names = list(contract.key)
    empty = pl.LazyFrame(schema=table_schema(contract)).select(names)
    history = KeyHistory(contract.key, contract.time, lambda _: pl.concat([empty, *keys]))
    for part in read_parts(inspect(path), contract, seal=False):
        cleaned = clean(part.raw, contract, now, history.known)
        if names:
            history.add(cleaned.accepted)
            keys.append(cleaned.accepted.select(names).lazy())
        report.accepted += cleaned.accepted.height
        report.quarantined += cleaned.quarantined.height
        report.refused += len(part.refusals)
        report.blank += part.n_blank
        report.received += cleaned.accepted.height + cleaned.quarantined.height + len(part.refusals)
        for reason, n in cleaned.reasons.items():
            report.reasons[reason] = report.reasons.get(reason, 0) + n
        for refusal in part.refusals:
            report.refusals[refusal.code] = report.refusals.get(refusal.code, 0) + 1
            if len(report.first_refusals) < 20:
                report.first_refusals.append(f"{path.name}:{refusal.line}: {refusal.code}: {refusal.detail}")
        _add_examples(report, cleaned.quarantined, part.first_record)
    return report


def _add_examples(report: CheckReport, rows: pl.DataFrame, first_record: int) -> None:
    for row in rows.head(EXAMPLES - len(report.examples)).iter_rows(named=True):
        names = {reason.split(":")[-1] for reason in row["reasons"]}
        values = ", ".join(f"{n} = {row[n]!r}" for n in row if n in names)
        record = first_record + row["_record"]
        report.examples.append(
            f"{report.file}: record {record}: {', '.join(row['reasons'])}: {values}".rstrip(": ")
        )

"""Hold files to a contract without a home: verdicts only, nothing stored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from veracity.data.clean import Cleaned, clean, empty_memory, table_schema
from veracity.data.contract import Contract
from veracity.data.history import KeyHistory
from veracity.data.rules.repeated_row import RepeatedRow
from veracity.data.survey.first_look import FirstLook
from veracity.data.survey.plan import make_plan
from veracity.data.survey.second_look import SecondLook
from veracity.data.survey.survey import FileCounts, Survey
from veracity.feeds.file_info import FileInfo, inspect
from veracity.home.clock import Clock, format_time, system_clock
from veracity.home.sources import SourcePart, read_parts

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
    flagged: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    first_refusals: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)


def check_file(contract: Contract, path: Path, clock: Clock | None = None) -> CheckReport:
    """Cut, parse and clean a file part by part and count."""
    report = CheckReport(path.name)
    for part, cleaned in _verdicts(contract, inspect(path), clock or system_clock()):
        _count(report, part, cleaned)
    return report


def survey_files(
    contract: Contract, paths: Sequence[Path], clock: Clock | None = None
) -> tuple[list[CheckReport], Survey]:
    """Check files as ``check_file`` does, and bring together what a page of pictures needs.

    Every file is read and judged twice, so that what is kept in between is small: the first look
    counts and finds the extents, the second counts into the bins of the pictures.
    """
    clock = clock or system_clock()
    now = clock()
    first = FirstLook(contract)
    infos = [inspect(path) for path in paths]
    reports = [CheckReport(info.name) for info in infos]
    for info, report in zip(infos, reports, strict=True):
        for part, cleaned in _verdicts(contract, info, lambda: now):
            _count(report, part, cleaned)
            first.add(info.name, part.first_record, part.raw, cleaned.judged)
    second = SecondLook(contract, make_plan(first), first.every_s)
    for info in infos:
        for _, cleaned in _verdicts(contract, info, lambda: now):
            second.add(cleaned.judged)
    counts = tuple(_file_counts(contract, *both) for both in zip(infos, reports, strict=True))
    return reports, Survey(contract, format_time(now), counts, first, second)


def _verdicts(contract: Contract, info: FileInfo, clock: Clock) -> Iterator[tuple[SourcePart, Cleaned]]:
    """Yield each part of a file with what became of it."""
    now = clock()
    keys: list[pl.LazyFrame] = []  # of the rows accepted so far: the one thing that grows with the file
    names = [f.name for f in contract.fields] if _asks_rows(contract) else list(contract.key)
    empty = pl.LazyFrame(schema=table_schema(contract)).select(names)
    history = KeyHistory(contract.key, contract.time, lambda _: pl.concat([empty, *keys]))
    memory = empty_memory(contract)
    for part in read_parts(info, contract, seal=False):
        cleaned = clean(part.raw, contract, now, history.known, memory, history.same)
        memory = cleaned.memory
        if names:
            history.add(cleaned.accepted)
            keys.append(cleaned.accepted.select(names).lazy())
        yield part, cleaned


def _count(report: CheckReport, part: SourcePart, cleaned: Cleaned) -> None:
    report.accepted += cleaned.accepted.height
    report.quarantined += cleaned.quarantined.height
    report.flagged += cleaned.n_flagged
    report.refused += len(part.refusals) + sum(cleaned.refusals.values())
    report.blank += part.n_blank
    report.received += cleaned.n_received + len(part.refusals)
    for reason, n in cleaned.reasons.items():
        report.reasons[reason] = report.reasons.get(reason, 0) + n
    for code, n in cleaned.refusals.items():
        report.refusals[code] = report.refusals.get(code, 0) + n
    for refusal in part.refusals:
        report.refusals[refusal.code] = report.refusals.get(refusal.code, 0) + 1
        if len(report.first_refusals) < 20:
            report.first_refusals.append(f"{report.file}:{refusal.line}: {refusal.code}: {refusal.detail}")
    _add_examples(report, cleaned.quarantined, part.first_record)


def _file_counts(contract: Contract, info: FileInfo, report: CheckReport) -> FileCounts:
    codes = {code: n for code, n in report.refusals.items() if code not in contract.reasons}
    return FileCounts(
        info.name,
        info.n_bytes,
        info.sha256,
        report.received,
        report.accepted,
        report.quarantined,
        report.refused,
        report.flagged,
        codes,
        tuple(report.first_refusals),
    )


def _asks_rows(contract: Contract) -> bool:
    return any(isinstance(rule, RepeatedRow) for rule in contract.rules)


def _add_examples(report: CheckReport, rows: pl.DataFrame, first_record: int) -> None:
    for row in rows.head(EXAMPLES - len(report.examples)).iter_rows(named=True):
        names = {reason.split(":")[-1] for reason in row["reasons"]}
        values = ", ".join(f"{n} = {row[n]!r}" for n in row if n in names)
        record = first_record + row["_record"]
        report.examples.append(
            f"{report.file}: record {record}: {', '.join(row['reasons'])}: {values}".rstrip(": ")
        )

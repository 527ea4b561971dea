"""Certificates: what a batch or a day of a feed was worth, counted, signed, and counted again by audits.

A batch's certificate is its ``ingest`` statement, which was signed when the batch came in. A day's is a
``certify`` statement: the sum over the batches received that day (UTC).
"""

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from veracity.data.digest import frame_digest
from veracity.data.errors import TableMismatch
from veracity.data.health import COUNTS
from veracity.home.batch import ENGINE
from veracity.home.errors import BadName, NoCertificate
from veracity.home.home import Home, Writer
from veracity.home.index import BatchRow
from veracity.home.panels import is_any_simulated
from veracity.home.tables import read_signed, read_signed_parquet
from veracity.provenance.dsse import open_envelope
from veracity.provenance.statements import Certify, Counts, Ingest, RowsDigest, parse_statement

_COUNTS = ("received", "accepted", "quarantined", "refused", "blank")


@dataclass(frozen=True)
class Certificate:
    """What a day or a batch was worth, and where the log says so.

    Attributes
    ----------
    day, batches
        The day, None for a batch's own; the first and the last batch, None if none came.
    rules
        Digests of the rules in force; none where the statement is of the first release.
    data
        Digest of the accepted rows: of a day, see ``Certify.data``; of a batch, of its rows, None
        if it has none.
    counts, flagged, asked, released, silent, reasons, refusals
        As in ``Certify``.
    health
        Counts for each sensor, day of event time and property; see ``data.health``.
    contract_sha256
        The contract of the last batch, by which the reasons are to be explained; None without a batch.
    idx
        The statement's place in the log.
    """

    feed: str
    day: str | None
    batches: tuple[int, int] | None
    rules: tuple[str, ...]
    data: str | None
    counts: Counts
    flagged: int
    asked: int
    released: int
    silent: int | None
    reasons: dict[str, int]
    refusals: dict[str, int]
    health: pl.DataFrame
    simulated: bool
    contract_sha256: str | None
    idx: int


def certificate_path(feed: str, day: str, sha256: str) -> str:
    """Return where the health of a feed's sensors on a day is kept."""
    return f"certificates/{feed}/{day}-{sha256}.parquet"


def certify(home: Writer, feed: str, day: date) -> Certificate:
    """Sum up the batches of a feed received on a day (UTC) and say so in the log, once.

    Raises
    ------
    UnknownFeed
        If there is no such feed.
    BadName
        If the day is not over: what comes in later would be missing.
    TableMismatch
        If a batch's health is gone or another: nothing is signed on what was changed.
    """
    home.feed(feed)
    now = home.clock()
    if now < datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1):
        today = now.astimezone(UTC).date().isoformat()
        raise BadName(f"day: want one that is over (before {today}, UTC), got {day.isoformat()}")
    said = find_certificate(home, feed, day)
    if said is not None:
        return said
    statement, health = sum_up(home, feed, day.isoformat(), day_batches(home, feed).get(day.isoformat(), []))
    if statement.health is not None:
        path = certificate_path(feed, statement.day, statement.health.sha256)
        home.objects.put(path, _parquet(health))
    return _of_day(home, statement, home.say(statement.to_statement()), health)


def uncertified(home: Home, feed: str) -> list[date]:
    """Return the days that are over, on which batches came, and of which nothing was certified yet."""
    said = {str(p["day"]) for _, p in home.index.predicates("certify", feed)}
    today = home.clock().astimezone(UTC).date().isoformat()
    return [date.fromisoformat(d) for d in sorted(day_batches(home, feed).keys() - said) if d < today]


def find_certificate(home: Home, feed: str, day: date) -> Certificate | None:
    """Return the certificate of a day, if it was said; ``TableMismatch`` if its health is gone or changed."""
    for idx, predicate in home.index.predicates("certify", feed):
        if predicate["day"] == day.isoformat():
            envelope = open_envelope(home.reader().entry(idx))
            statement = Certify.from_statement(parse_statement(envelope.payload))
            return _of_day(home, statement, idx, _kept(home, statement))
    return None


def day_certificate(home: Home, feed: str, day: date) -> Certificate:
    """Return the certificate of a day; ``NoCertificate`` if none was said."""
    home.feed(feed)
    found = find_certificate(home, feed, day)
    if found is None:
        said = [str(p["day"]) for _, p in home.index.predicates("certify", feed)]
        have = f"{said[0]} to {said[-1]}" if said else "none"
        raise NoCertificate(
            f"certificate: want a day of {feed} that was certified ({have}), got {day.isoformat()}:"
            f" say `veracity feed certify {feed} --day {day.isoformat()}`"
        )
    return found


def batch_certificate(home: Home, feed: str, batch: int) -> Certificate:
    """Return what a batch's own statement says; ``NoCertificate`` if there is no such batch."""
    home.feed(feed)
    row = home.index.batch(feed, batch)
    if row is None:
        n = len(home.index.batches(feed))
        raise NoCertificate(f"certificate: want a batch of {feed}, of which it has {n}, got {batch}")
    envelope = open_envelope(home.reader().entry(row.idx))
    ingest = Ingest.from_statement(parse_statement(envelope.payload))
    checks, predicate = ingest.checks, home.index.predicate(row.idx)
    return Certificate(
        feed=feed,
        day=None,
        batches=(batch, batch),
        rules=() if checks is None else (checks.rules_sha256,),
        data=None if ingest.table is None else ingest.table.sha256,
        counts=ingest.counts,
        flagged=0 if checks is None else checks.flagged,
        asked=0 if checks is None else checks.asked,
        released=_released(predicate),
        silent=None if checks is None else checks.silent,
        reasons=ingest.reasons,
        refusals=ingest.refusals,
        health=_health(home, feed, [predicate]),
        simulated=ingest.simulated,
        contract_sha256=ingest.contract_sha256,
        idx=row.idx,
    )


def day_batches(home: Home, feed: str) -> dict[str, list[BatchRow]]:
    """Return a feed's batches by the day (UTC) on which they were received."""
    days: dict[str, list[BatchRow]] = {}
    for row in home.index.batches(feed):
        days.setdefault(row.received_at[:10], []).append(row)
    return days


def sum_up(
    home: Home, feed: str, day: str, rows: Sequence[BatchRow], before: int | None = None
) -> tuple[Certify, pl.DataFrame]:
    """Sum up the batches received on a day: the statement, and the health of each sensor.

    ``before``: the log entry that says so; None if none does yet.
    """
    batches = [home.index.predicate(row.idx) for row in rows]
    checks = [p["checks"] for p in batches if p.get("checks")]
    health = _health(home, feed, batches)
    statement = Certify(
        feed=feed,
        day=day,
        batches=(batches[0]["batch"], batches[-1]["batch"]) if batches else None,
        rules=tuple(dict.fromkeys(c["rules"] for c in checks)),
        data=frame_digest(_rows_of(batches)),
        counts=Counts(*(sum(p["counts"][name] for p in batches) for name in _COUNTS)),
        engine=ENGINE,
        simulated=is_any_simulated(home, [feed], before),
        flagged=sum(c["flagged"] for c in checks),
        asked=sum(c["asked"] for c in checks),
        released=sum(_released(p) for p in batches),
        silent=checks[-1]["silent"] if checks else None,
        reasons=_tally(batches, "reasons"),
        refusals=_tally(batches, "refusals"),
        health=RowsDigest(health.height, frame_digest(health)) if health.height else None,
    )
    return statement, health


def check_certificate(
    home: Home, stated: Certify, idx: int, rows: Sequence[BatchRow]
) -> Iterator[tuple[str, str]]:
    """Yield (what, detail) of all that a day, summed up again, does not have as log entry ``idx`` says.

    ``rows``: the batches received that day.
    """
    again, _ = sum_up(home, stated.feed, stated.day, rows, idx)
    want, got = again.to_statement().predicate, stated.to_statement().predicate
    for name in want:
        if name != "engine" and want[name] != got[name]:
            yield "summed again", f"{name}: want {want[name]}, got {got[name]}"[:300]
    if any(row.idx > idx for row in rows):
        yield "statement", f"want it after the last batch of {stated.day}, got entry {idx}"
    try:
        _kept(home, stated)
    except TableMismatch as exc:
        yield "health", str(exc)


def _of_day(home: Home, said: Certify, idx: int, health: pl.DataFrame) -> Certificate:
    last = None if said.batches is None else home.index.batch(said.feed, said.batches[1])
    contract = None if last is None else str(home.index.predicate(last.idx)["contract"])
    return Certificate(
        feed=said.feed,
        day=said.day,
        batches=said.batches,
        rules=said.rules,
        data=said.data,
        counts=said.counts,
        flagged=said.flagged,
        asked=said.asked,
        released=said.released,
        silent=said.silent,
        reasons=said.reasons,
        refusals=said.refusals,
        health=health,
        simulated=said.simulated,
        contract_sha256=contract,
        idx=idx,
    )


def _kept(home: Home, stated: Certify) -> pl.DataFrame:
    """Read the health that was kept with a day's certificate; no rows where there is none."""
    if stated.health is None:
        return pl.DataFrame()
    path = certificate_path(stated.feed, stated.day, stated.health.sha256)
    return read_signed_parquet(home.objects, path, stated.health.sha256)


def _health(home: Home, feed: str, batches: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Add up the rows of health of some batches; no rows for a feed that has none."""
    frames = [
        read_signed(home, "health", feed, p["batch"], p["checks"]["health"]["sha256"])
        for p in batches
        if p.get("checks") and p["checks"]["health"]
    ]
    if not frames:
        return pl.DataFrame()
    names = [n for n in frames[0].columns if n not in (*COUNTS, "_batch")]
    summed = pl.concat(frames).group_by(names).agg(pl.col(COUNTS).sum())
    return summed.sort(names, nulls_last=True)


def _released(predicate: dict[str, Any]) -> int:
    """Return how many rows a batch has that a person let in from quarantine: all or none."""
    return int(predicate["counts"]["received"]) if predicate.get("released") else 0


def _rows_of(batches: Sequence[dict[str, Any]]) -> pl.DataFrame:
    rows = [(p["batch"], p["table"]["sha256"]) for p in batches if p["table"]]
    return pl.DataFrame(rows, schema={"batch": pl.Int64, "sha256": pl.String}, orient="row")


def _tally(batches: Sequence[dict[str, Any]], name: str) -> dict[str, int]:
    total: Counter[str] = Counter()
    for predicate in batches:
        total.update(predicate[name])
    return dict(sorted(total.items()))


def _parquet(rows: pl.DataFrame) -> bytes:
    body = io.BytesIO()
    rows.write_parquet(body, compression="zstd", compression_level=1)
    return body.getvalue()

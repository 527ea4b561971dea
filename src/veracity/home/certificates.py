"""Certificates: what a batch or a day of a feed was worth, counted, signed, and counted again by audits."""

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from veracity.data.digest import frame_digest
from veracity.data.health import COUNTS
from veracity.home.batch import ENGINE
from veracity.home.errors import BadName
from veracity.home.home import Home, Writer
from veracity.home.tables import read_kept
from veracity.provenance.dsse import open_envelope
from veracity.provenance.statements import Certify, Counts, RowsDigest, parse_statement

_COUNTS = ("received", "accepted", "quarantined", "refused", "blank")


@dataclass(frozen=True)
class Certificate:
    """A day's certificate, its place in the log, and the health of each sensor that day."""

    statement: Certify
    idx: int
    health: pl.DataFrame


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
    """
    home.feed(feed)
    if home.clock() < datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1):
        raise BadName(f"day: want one that is over (UTC), got {day.isoformat()}")
    said = find_certificate(home, feed, day)
    if said is not None:
        return said
    statement, health = sum_up(home, feed, day)
    if statement.health is not None:
        path = certificate_path(feed, statement.day, statement.health.sha256)
        home.objects.put(path, _parquet(health))
    return Certificate(statement, home.say(statement.to_statement()), health)


def uncertified(home: Home, feed: str) -> list[date]:
    """Return the days that are over, on which batches came, and of which nothing was certified yet."""
    days = {_day(row.received_at) for row in home.index.batches(feed)}
    said = {str(p["day"]) for _, p in home.index.predicates("certify", feed)}
    today = home.clock().astimezone(UTC).date().isoformat()
    return [date.fromisoformat(d) for d in sorted(days - said) if d < today]


def find_certificate(home: Home, feed: str, day: date) -> Certificate | None:
    """Return the certificate of a day, if it was said."""
    for idx, predicate in home.index.predicates("certify", feed):
        if predicate["day"] == day.isoformat():
            envelope = open_envelope(home.reader().entry(idx))
            statement = Certify.from_statement(parse_statement(envelope.payload))
            return Certificate(statement, idx, _health(home, feed, _predicates(home, feed, statement.day)))
    return None


def sum_up(home: Home, feed: str, day: date) -> tuple[Certify, pl.DataFrame]:
    """Sum up the batches received on a day: the statement, and the health of each sensor."""
    batches = _predicates(home, feed, day.isoformat())
    checks = [p["checks"] for p in batches if p.get("checks")]
    health = _health(home, feed, batches)
    statement = Certify(
        feed=feed,
        day=day.isoformat(),
        batches=(batches[0]["batch"], batches[-1]["batch"]) if batches else None,
        rules=tuple(dict.fromkeys(c["rules"] for c in checks)),
        data=frame_digest(_rows_of(batches)),
        counts=Counts(*(sum(p["counts"][name] for p in batches) for name in _COUNTS)),
        engine=ENGINE,
        simulated=any(p["simulated"] for p in batches),
        flagged=sum(c["flagged"] for c in checks),
        asked=sum(c["asked"] for c in checks),
        silent=checks[-1]["silent"] if checks else None,
        reasons=_tally(batches, "reasons"),
        refusals=_tally(batches, "refusals"),
        health=RowsDigest(health.height, frame_digest(health)) if health.height else None,
    )
    return statement, health


def check_certificate(home: Home, stated: Certify, before: int) -> Iterator[tuple[str, str]]:
    """Yield (what, detail) of all that a day, summed up again, does not have as stated."""
    again, _ = sum_up(home, stated.feed, date.fromisoformat(stated.day))
    want, got = again.to_statement().predicate, stated.to_statement().predicate
    for name in want:
        if name != "engine" and want[name] != got[name]:
            yield "summed again", f"{name}: want {want[name]}, got {got[name]}"[:300]
    if any(
        row.idx > before for row in home.index.batches(stated.feed) if _day(row.received_at) == stated.day
    ):
        yield "statement", f"want it after the last batch of {stated.day}, got entry {before}"


def _predicates(home: Home, feed: str, day: str) -> list[dict[str, Any]]:
    found = [row.idx for row in home.index.batches(feed) if _day(row.received_at) == day]
    return [home.index.predicate(idx) for idx in found]


def _health(home: Home, feed: str, batches: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Add up the rows of health of some batches; no rows for a feed that tells no sensors apart."""
    frames = [
        read_kept(home, "health", feed, p["batch"], p["checks"]["health"]["sha256"])
        for p in batches
        if p.get("checks") and p["checks"]["health"]
    ]
    if not frames:
        return pl.DataFrame()
    names = [n for n in frames[0].columns if n not in (*COUNTS, "_batch")]
    summed = pl.concat(frames).group_by(names).agg(pl.col(COUNTS).sum())
    return summed.sort(names, nulls_last=True)


def _rows_of(batches: Sequence[dict[str, Any]]) -> pl.DataFrame:
    rows = [(p["batch"], p["table"]["sha256"]) for p in batches if p["table"]]
    return pl.DataFrame(rows, schema={"batch": pl.Int64, "sha256": pl.String}, orient="row")


def _tally(batches: Sequence[dict[str, Any]], name: str) -> dict[str, int]:
    total: Counter[str] = Counter()
    for predicate in batches:
        total.update(predicate[name])
    return dict(sorted(total.items()))


def _day(received_at: str) -> str:
    return received_at[:10]


def _parquet(rows: pl.DataFrame) -> bytes:
    body = io.BytesIO()
    rows.write_parquet(body, compression="zstd", compression_level=1)
    return body.getvalue()

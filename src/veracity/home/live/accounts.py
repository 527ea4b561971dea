"""Accounts: what each device of a feed sent in an hour, and what became of every record.

An hour's account is the sum over the lists of messages of the live batches received in it (UTC, by the
city's clock). It is said once, when the hour is over, in an ``account`` statement; audits sum up again.
"""

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from veracity.data.device_clock import ClockWindows
from veracity.data.digest import frame_digest
from veracity.data.errors import TableMismatch
from veracity.home.batch import ENGINE
from veracity.home.clock import parse_time
from veracity.home.errors import BadName
from veracity.home.home import Home, Writer
from veracity.home.index import BatchRow
from veracity.home.live.gathering import DUPLICATE, TAKEN
from veracity.home.live.lags import least_lags, message_times
from veracity.home.live.sealing import read_messages
from veracity.home.panels import is_any_simulated
from veracity.home.tables import read_signed_parquet
from veracity.provenance.dsse import open_envelope
from veracity.provenance.statements import Account, RowsDigest, Sums, parse_statement

HOUR = timedelta(hours=1)
COUNTS = ("messages", "sent", "accepted", "quarantined", "refused", "duplicate")
_NEWEST = ("last_arrived", "last_event")
_PARTS = 64  # batches, summed up before there are more
_SUMMED = ("messages", "accepted", "quarantined", "refused", "duplicate")


@dataclass(frozen=True)
class FeedAccount:
    """One hour of one feed.

    Attributes
    ----------
    said
        The statement; of an hour that is not over, or not said yet, what it would be now.
    devices
        ``sender``, then the counts of ``Sums``, then ``last_arrived``, ``last_event`` and ``least_lags``
        (see ``lags``: what tells of its clock); by sender.
    idx
        The statement's place in the log; None while it is not said.
    """

    said: Account
    devices: pl.DataFrame
    idx: int | None


def account_path(feed: str, hour: str, sha256: str) -> str:
    """Return where the devices' rows of an hour are kept."""
    return f"accounts/{feed}/{hour.replace(':', '')}-{sha256}.parquet"


def hour_of(time: datetime) -> str:
    """Return the hour that a time is in, as accounts name it.

    Examples
    --------
    >>> hour_of(datetime(2026, 9, 1, 8, 59, 59, tzinfo=UTC))
    '2026-09-01T08:00:00Z'
    """
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:00:00Z")


def say_account(home: Writer, feed: str, hour: str, summed: FeedAccount | None = None) -> FeedAccount | None:
    """Sum up an hour and say so in the log, once; None if no message came in it.

    ``summed`` is what ``sum_up`` made of it before the home was held: it counts if nothing came since.

    Raises
    ------
    BadName
        If the hour is not over.
    TableMismatch
        If a list of messages is gone or another: nothing is signed on what was changed.
    """
    home.feed(feed)
    if hour >= hour_of(home.clock()):
        raise BadName(f"hour: want one that is over (before {hour_of(home.clock())}), got {hour}")
    said = find_account(home, feed, hour)
    if said is not None:
        return said
    rows = live_batches(home, feed, parse_time("hour", hour)).get(hour, [])
    if summed is None or summed.said.batches[1] != rows[-1].batch:
        summed = sum_up(home, feed, hour, rows)
    if summed is None:
        return None
    body = io.BytesIO()
    summed.devices.write_parquet(body, compression="zstd", compression_level=1)
    home.objects.put(account_path(feed, hour, summed.said.devices.sha256), body.getvalue())
    return FeedAccount(summed.said, summed.devices, home.say(summed.said.to_statement()))


def unsaid(home: Home, feed: str) -> dict[str, list[BatchRow]]:
    """Return the hours that are over and of which no account is said, with their live batches.

    No batch can come into an hour before one that was said; so only what came later is looked at.
    """
    said = [str(p["hour"]) for _, p in home.index.predicates("account", feed)]
    since = parse_time("hour", max(said)) + HOUR if said else None
    now = hour_of(home.clock())
    return {hour: rows for hour, rows in sorted(live_batches(home, feed, since).items()) if hour < now}


def accounts(home: Home, feed: str, n_hours: int = 24) -> list[FeedAccount]:
    """Return the last accounts of a feed in order, those not said yet as they stand now.

    ``n_hours`` counts back from the current hour; hours in which nothing came have none.
    """
    home.feed(feed)
    since = parse_time("hour", hour_of(home.clock())) - (n_hours - 1) * HOUR
    said = {str(p["hour"]): idx for idx, p in home.index.predicates("account", feed)}
    found = []
    for hour, rows in sorted(live_batches(home, feed, since).items()):
        one = _read(home, said[hour]) if hour in said else sum_up(home, feed, hour, rows)
        if one is not None:
            found.append(one)
    return found


def find_account(home: Home, feed: str, hour: str) -> FeedAccount | None:
    """Return the account of an hour, if it was said; ``TableMismatch`` if its rows are gone or changed."""
    for idx, predicate in home.index.predicates("account", feed):
        if predicate["hour"] == hour:
            return _read(home, idx)
    return None


def live_batches(home: Home, feed: str, since: datetime | None = None) -> dict[str, list[BatchRow]]:
    """Return a feed's live batches, of all times or since one, by the hour in which they were received."""
    hours: dict[str, list[BatchRow]] = {}
    for row in home.index.batches(feed, since=since):
        if "messages" in home.index.predicate(row.idx):
            hours.setdefault(hour_of(datetime.fromisoformat(row.received_at)), []).append(row)
    return hours


def sum_up(
    home: Home, feed: str, hour: str, rows: Sequence[BatchRow], before: int | None = None
) -> FeedAccount | None:
    """Sum up the live batches received in an hour; None without any.

    ``before``: the log entry that says so; None if none does yet.
    """
    parts: list[pl.DataFrame] = []
    reasons, windows = Counter[str](), ClockWindows()
    for row in rows:
        messages = read_messages(home, feed, row.batch)
        if messages is None:
            continue
        windows.take(message_times(messages))
        away = messages.filter(~pl.col("outcome").is_in([TAKEN, DUPLICATE]))
        reasons.update(dict(away.group_by("outcome").agg(pl.col("refused").sum()).iter_rows()))
        parts.append(_by_sender([messages.rename({"arrived": "last_arrived", "event": "last_event"})]))
        if len(parts) == _PARTS:
            parts = [_by_sender(parts)]
    if not parts:
        return None
    devices = (
        _by_sender(parts)
        .with_columns(sent=pl.sum_horizontal("accepted", "quarantined", "refused", "duplicate"))
        .join(least_lags(windows), on="sender", how="left")
        .select("sender", *COUNTS, "last_arrived", "last_event", "least_lags")
        .sort("sender")
    )
    account = Account(
        feed=feed,
        hour=hour,
        batches=(rows[0].batch, rows[-1].batch),
        sums=Sums(*(int(devices[name].sum()) for name in COUNTS)),
        devices=RowsDigest(devices.height, frame_digest(devices)),
        engine=ENGINE,
        simulated=is_any_simulated(home, [feed], before),
        reasons=dict(sorted(reasons.items())),
    )
    return FeedAccount(account, devices, None)


def _by_sender(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Sum up messages, or such sums, by sender: of an hour no more than these is held."""
    return (
        pl.concat([part.select("sender", *_SUMMED, *_NEWEST) for part in parts])
        .group_by("sender")
        .agg(*(pl.col(name).sum() for name in _SUMMED), *(pl.col(name).max() for name in _NEWEST))
    )


def check_account(
    home: Home, stated: Account, idx: int, rows: Sequence[BatchRow]
) -> Iterator[tuple[str, str]]:
    """Yield (what, detail) of all that an hour, summed up again, does not have as log entry ``idx`` says."""
    again = sum_up(home, stated.feed, stated.hour, rows, idx)
    if again is None:
        yield "summed again", f"want batches of messages received in the hour from {stated.hour}, got none"
        return
    want, got = again.said.to_statement().predicate, stated.to_statement().predicate
    for name in want:
        if name != "engine" and want[name] != got[name]:
            yield "summed again", f"{name}: want {want[name]}, got {got[name]}"[:300]
    if any(row.idx > idx for row in rows):
        yield "statement", f"want it after the last batch of {stated.hour}, got entry {idx}"
    try:
        _kept(home, stated)
    except TableMismatch as exc:
        yield "devices", str(exc)


def _read(home: Home, idx: int) -> FeedAccount:
    envelope = open_envelope(home.reader().entry(idx))
    said = Account.from_statement(parse_statement(envelope.payload))
    return FeedAccount(said, _kept(home, said), idx)


def _kept(home: Home, said: Account) -> pl.DataFrame:
    path = account_path(said.feed, said.hour, said.devices.sha256)
    return read_signed_parquet(home.objects, path, said.devices.sha256)

"""What an audit asks about times and keys: what came in after its key had ended, and what is dated back."""

from collections.abc import Iterator
from datetime import datetime

from veracity.data.row_rules import CLOCK_TOLERANCE_S
from veracity.errors import VeracityError
from veracity.home.clock import format_time, parse_time
from veracity.home.home import Home
from veracity.home.roll import Found
from veracity.provenance.agencies import Authority
from veracity.provenance.dsse import open_envelope
from veracity.provenance.errors import ExpiredKey, RevokedKey


def check_key_times(home: Home, feed: str) -> Iterator[Found]:
    """Yield every batch that came in after its sender's key had expired, or as of when it was revoked.

    And those that the operator's key signed after it had expired. All batches are looked at, also in an
    audit of a sample: a revocation as of a time is news about batches that were in order when they came.
    """
    narrowed = [a for a in _keys(home) if a.expires is not None or a.void_from is not None]
    if not narrowed:
        return
    by_id = {a.key.keyid: a for a in narrowed}
    reader = home.reader()
    for idx, predicate in home.index.predicates("ingest", feed):
        received = parse_time("received_at", str(predicate["received_at"]))
        where = f"{feed} batch {predicate['batch']} (log entry {idx})"
        delivery = predicate["delivery"]
        hints = [] if delivery is None else [str(s["keyid"]) for s in delivery["signatures"]]
        if "released" in predicate or any(a.role == "operator" for a in narrowed):
            hints += [line.keyid for line in open_envelope(reader.entry(idx)).signatures]
        for keyid in hints:
            if keyid in by_id:
                yield from _check_time(by_id[keyid], received, where)


def check_received_order(home: Home, feed: str) -> Iterator[Found]:
    """Yield every batch that says it was received before the one before it: no writer says so."""
    last: datetime | None = None
    for idx, predicate in home.index.predicates("ingest", feed):
        received = parse_time("received_at", str(predicate["received_at"]))
        if last is not None and received < last:
            where = f"{feed} batch {predicate['batch']} (log entry {idx})"
            got = f"want {format_time(last)} or later, got {format_time(received)}"
            yield where, "received before the batch before it", got
        last = received if last is None else max(last, received)


def check_enrolment_times(home: Home) -> Iterator[Found]:
    """Yield every key that came at another time than it says, and every one that was taken back.

    Taken back is a key that came by the signature of one revoked as of before: it counts for nothing.
    One that says it came before what the log has before it would slip through that.
    """
    came = [(idx, p) for idx, p in home.index.predicates("enrol") if p["action"] != "revoke" and p["as_of"]]
    times = [(idx, parse_time("as_of", str(p["as_of"]))) for idx, p in came]
    received = [(row.idx, row.received_at) for feed in home.feed_names() for row in home.index.batches(feed)]
    known = sorted(times + [(idx, parse_time("received_at", text)) for idx, text in received])
    enrolled, latest = dict(times), None
    for idx, time in known:
        if idx in enrolled and latest is not None and (latest - time).total_seconds() > CLOCK_TOLERANCE_S:
            got = f"want about {format_time(latest)} or later, as entries before it, got {format_time(time)}"
            yield f"log entry {idx}", "enrolment dated back", got
        latest = time if latest is None else max(latest, time)
    for key in _keys(home):
        if key.void_from is not None and enrolled.get(key.enrolled_at, key.void_from) >= key.void_from:
            detail = f"key {key.key.keyid[:16]} of {key.name}, taken back by entry {key.voided_at}"
            yield f"log entry {key.enrolled_at}", "enrolment taken back", detail


def _keys(home: Home) -> list[Authority]:
    """Return every key; none if the log's changes of keys contradict each other, which is told elsewhere."""
    try:
        return home.agencies().enrolled()
    except VeracityError:
        return []


def _check_time(key: Authority, received: datetime, where: str) -> Iterator[Found]:
    try:
        key.check_time(received)
    except RevokedKey as exc:
        yield where, "signed by a key revoked as of before", str(exc)
    except ExpiredKey as exc:
        yield where, "signed by an expired key", str(exc)

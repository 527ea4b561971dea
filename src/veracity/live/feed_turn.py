"""What a turn made of each feed, and what those who asked are told of their messages."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from veracity.home.live.arrivals import Arrival, Turned
from veracity.home.live.sealing import Turn


@dataclass(frozen=True)
class Answer:
    """What became of one message: its records, and why they went where they went."""

    arrival: Arrival
    id: str
    outcome: str
    batch: int | None = None
    entry: int | None = None
    accepted: int = 0
    quarantined: int = 0
    refused: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True)
class FeedTurn:
    """What one turn made of one feed; ``turned`` by reason, in messages.

    ``trouble`` says why the feed could not be sealed, if it could not: its messages are to come again.
    """

    feed: str
    n_messages: int
    batch: int | None
    accepted: int
    quarantined: int
    refused: int
    duplicate: int
    turned: Mapping[str, int]
    seal_s: float
    answers: Sequence[Answer] = ()
    trouble: str | None = None


def told_of(feed: str, n: int, turn: Turn | None, turned: Sequence[Turned], seconds: float) -> FeedTurn:
    """Tell what became of ``n`` messages of one feed; ``turn`` is None if nothing new was among them."""
    reasons = Counter(t.reason for t in turned)
    answers = [_away(t) for t in turned if t.arrival.wants_receipt]
    if turn is None:
        return FeedTurn(feed, n, None, 0, 0, 0, 0, reasons, seconds, answers)
    said = turn.sealed.statement
    assert said.messages is not None, "a live batch"
    answers += _answers(turn)
    return FeedTurn(
        feed=feed,
        n_messages=n,
        batch=said.batch,
        accepted=said.counts.accepted,
        quarantined=said.counts.quarantined,
        refused=said.counts.refused + sum(said.messages.refused.values()),
        duplicate=said.messages.duplicate,
        turned=reasons,
        seal_s=seconds,
        answers=answers,
    )


def _answers(turn: Turn) -> list[Answer]:
    """Return what became of the messages whose senders asked."""
    batch, entry = turn.sealed.statement.batch, turn.sealed.entry
    wanted = [i for i, m in enumerate(turn.taken) if m.arrival.wants_receipt]
    counts = turn.rows.select("accepted", "quarantined", "refused")
    found = [
        Answer(turn.taken[i].arrival, turn.taken[i].id, "taken", batch, entry, *counts.row(i)) for i in wanted
    ]
    again = [m for m in turn.repeated if m.arrival.wants_receipt]
    return found + [Answer(m.arrival, m.id, "duplicate", batch, entry) for m in again]


def _away(away: Turned) -> Answer:
    return Answer(away.arrival, away.arrival.id, away.reason, refused=away.n_records, detail=away.detail)


def told_nowhere(feed: str, turned: Sequence[Turned]) -> FeedTurn:
    """Tell of messages for a feed that there is not: nothing is said of them in the log."""
    answers = [_away(t) for t in turned if t.arrival.wants_receipt]
    reasons = Counter(t.reason for t in turned)
    n_records = sum(t.n_records for t in turned)
    return FeedTurn(feed, len(turned), None, 0, 0, n_records, 0, reasons, 0.0, answers)


def both(a: FeedTurn, b: FeedTurn) -> FeedTurn:
    """Put together what two turns, one after the other, made of one feed."""
    return FeedTurn(
        feed=a.feed,
        n_messages=a.n_messages + b.n_messages,
        batch=b.batch if b.batch is not None else a.batch,
        accepted=a.accepted + b.accepted,
        quarantined=a.quarantined + b.quarantined,
        refused=a.refused + b.refused,
        duplicate=a.duplicate + b.duplicate,
        turned=Counter(a.turned) + Counter(b.turned),
        seal_s=a.seal_s + b.seal_s,
        answers=(*a.answers, *b.answers),
    )


def left(feed: str, n: int, trouble: str) -> FeedTurn:
    """Tell that ``n`` messages of a feed wait until what is wrong with it is mended."""
    return FeedTurn(feed, n, None, 0, 0, 0, 0, {}, 0.0, trouble=trouble)

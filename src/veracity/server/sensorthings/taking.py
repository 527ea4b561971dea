"""Observations that clients sent, taken into their feeds: one batch a feed and request, sealed as any other.

Who may send is decided before. An account that sends for an agency sends to that agency's feeds; where the
city keeps the agency's key, the batch is signed with it, else it goes in unsigned, if the contract allows.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from veracity.data.contract import Contract
from veracity.home.clock import Clock
from veracity.home.enrolments import signing_key
from veracity.home.errors import MissingKey
from veracity.home.home import Home, open_writer
from veracity.home.ingest import FileReport, ingest
from veracity.provenance.keys import MessageSigner
from veracity.server.sensorthings import ids
from veracity.server.sensorthings.errors import NotAccepted, NotCreatable
from veracity.server.sensorthings.posting import Posted

WAIT_S = 10.0  #: for another who writes
_PART = 1 << 20  # records in a batch: all of a request


class Sender(Protocol):
    """Who sends: an account."""

    @property
    def agency(self) -> str | None:
        """Whose data it may send; None for the city's own staff."""

    def check_feed(self, feed: str) -> None:
        """Raise unless it may write to a feed."""


@dataclass(frozen=True)
class Taken:
    """What became of one observation: its identifier, None if it was set aside."""

    id: str | None


def check_sender(sender: Sender, contract: Contract) -> None:
    """Raise unless who sends may send to a feed.

    Raises
    ------
    NotCreatable
        If the feed is another agency's. ``check_feed`` has its own error.
    """
    sender.check_feed(contract.feed)
    if sender.agency is not None and contract.agency not in (None, sender.agency):
        raise NotCreatable(f"feed {contract.feed}: want one of {sender.agency}, got {contract.agency}'s")


def take(root: Path, clock: Clock, sender: Sender, posted: Sequence[Posted]) -> list[Taken]:
    """Take observations in; return what became of each, in order.

    All of one feed make one batch: those that break a rule that sets aside go to quarantine with their
    reasons, and the others are in the table when this returns.

    Raises
    ------
    NotCreatable
        If a feed is not the sender's.
    NotAccepted
        If a feed's whole batch was refused: the same was received before, or it must be signed and the
        city has no key to sign with.
    HomeBusy, StoreUnavailable
        If another writes for longer than ``WAIT_S``, or the store does not take it.
    """
    feeds: dict[str, list[int]] = {}
    for at, one in enumerate(posted):
        feeds.setdefault(one.stream.view.feed, []).append(at)
    for places in feeds.values():
        check_sender(sender, posted[places[0]].stream.view.contract)
    taken: list[Taken] = [Taken(None)] * len(posted)
    with open_writer(root, clock, wait_s=WAIT_S) as home, tempfile.TemporaryDirectory() as folder:
        for feed, places in feeds.items():
            path = Path(folder) / f"{feed}.ndjson"
            path.write_bytes(b"".join(posted[at].record + b"\n" for at in places))
            contract = home.feed(feed).contract
            (report,) = ingest(home, feed, [path], sign=_key(home, contract), records_per_part=_PART)
            _check(report)
            kept = _accepted(home, feed, report.batches[0])
            for record, at in enumerate(places):
                if record in kept:
                    stream = posted[at].stream.entity.id
                    taken[at] = Taken(str(ids.ObservationId(stream, report.batches[0], record)))
    return taken


def _key(home: Home, contract: Contract) -> MessageSigner | None:
    """Return the key of a feed's agency, if the city keeps it."""
    if contract.agency is None:
        return None
    try:
        return signing_key(home, contract.agency)
    except MissingKey:
        return None


def _check(report: FileReport) -> None:
    if report.outcome != "sealed":
        raise NotAccepted(f"observations: want new ones that may be taken, got: {report.detail[:200]}")


def _accepted(home: Home, feed: str, batch: int) -> set[int]:
    rows = home.table(feed).scan(batch=batch).select("_record").collect()
    return set(rows["_record"].to_list())

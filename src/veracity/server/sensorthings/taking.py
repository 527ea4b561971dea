"""What clients sent, taken into its feeds: one batch a feed and request, sealed as any other.

Who may send is decided before. An account that sends for an agency sends to that agency's feeds; where the
city keeps the agency's key, the batch is signed with it, else it goes in unsigned, if the contract allows.
"""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from veracity.canonical import canonical_json
from veracity.data.contract import Contract
from veracity.home.accounts.intents import expected_file, intend
from veracity.home.clock import Clock
from veracity.home.enrolments import signing_key
from veracity.home.errors import MissingKey
from veracity.home.home import Home, Writer, open_writer
from veracity.home.ingest import FileReport, ingest
from veracity.provenance.keys import MessageSigner
from veracity.server.created.entities import MAX_CREATED
from veracity.server.created.feeds import OBSERVATIONS, THINGS, ensure_feeds
from veracity.server.sensorthings import ids
from veracity.server.sensorthings.describing import Draft, Plan
from veracity.server.sensorthings.errors import NotAccepted, NotCreatable
from veracity.server.sensorthings.posting import Posted
from veracity.server.sensorthings.rendering import time_text

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


def check_sender(sender: Sender, feed: str, agencies: Iterable[str | None]) -> None:
    """Raise unless who sends may send to a feed, to what these agencies have there.

    Raises
    ------
    NotCreatable
        If it is another agency's. ``check_feed`` has its own error.
    """
    sender.check_feed(feed)
    for agency in agencies:
        if sender.agency is not None and agency not in (None, sender.agency):
            raise NotCreatable(f"feed {feed}: want what is of {sender.agency}, got {agency}'s")


def take(root: Path, clock: Clock, sender: Sender, posted: Sequence[Posted]) -> list[Taken]:
    """Take observations in; return what became of each, in order.

    All of one feed make one batch: those that break a rule that sets aside go to quarantine with their
    reasons, and the others are in the table when this returns. Where one feed's batch is refused, those of
    other feeds are taken none the less.

    Raises
    ------
    NotCreatable
        If a feed is not the sender's.
    NotAccepted
        If nothing was taken, and a feed's whole batch was refused: the same was received before, or it must
        be signed and the city has no key to sign with.
    HomeBusy, StoreUnavailable
        If another writes for longer than ``WAIT_S``, or the store does not take it.
    """
    feeds: dict[str, list[int]] = {}
    for at, one in enumerate(posted):
        feeds.setdefault(one.target.feed, []).append(at)
    for feed, places in feeds.items():
        check_sender(sender, feed, {posted[at].target.agency for at in places})
    taken: list[Taken] = [Taken(None)] * len(posted)
    refused: NotAccepted | None = None
    with open_writer(root, clock, wait_s=WAIT_S) as home:
        for feed, places in feeds.items():
            try:
                batch, kept = _sealed(home, feed, [posted[at].record for at in places])
            except NotAccepted as exc:
                refused = exc
                continue
            for record, at in enumerate(places):
                if record in kept:
                    stream = posted[at].target.datastream
                    taken[at] = Taken(str(ids.ObservationId(stream, batch, record)))
    if refused is not None and not any(one.id for one in taken):
        raise refused
    return taken


def make(root: Path, clock: Clock, sender: Sender, plan: Plan, received: str) -> None:
    """Make entities, then take in the observations inside them: a batch of each built-in feed.

    Parameters
    ----------
    received
        The body as it was sent: it goes into the evidence.

    Raises
    ------
    NotCreatable
        If a thing that it adds to is another agency's, or the city has as many entities as it may have.
    NotAccepted, NameTaken, HomeBusy, StoreUnavailable
        As ``take``; nothing was made but, at the last, the entities without their observations.
    """
    check_sender(sender, THINGS, {e.values["properties"].get("agency") for e in plan.owned})
    if plan.observations:
        sender.check_feed(OBSERVATIONS)
    with open_writer(root, clock, wait_s=WAIT_S) as home:
        ensure_feeds(home)
        n_made = sum(b.accepted for b in home.index.batches(THINGS))
        if n_made + len(plan.drafts) > MAX_CREATED:
            raise NotCreatable(f"entities: want at most {MAX_CREATED} in a city, got {n_made} before these")
        at = time_text(clock())
        records = [_record(draft, at, sender.agency) for draft in plan.drafts]
        next(r for r in records if r["id"] == plan.root)["received"] = received
        _, kept = _sealed(home, THINGS, [canonical_json(record) for record in records])
        if len(kept) < len(records):
            raise NotAccepted(f"entities: want {len(records)} kept, got {len(kept)}")
        if plan.observations:
            _sealed(home, OBSERVATIONS, [one.record for one in plan.observations])


def _record(draft: Draft, at: str, agency: str | None) -> dict[str, Any]:
    said = {"id": draft.id, "created_at": at, "entity_set": draft.set, "document": draft.document}
    return said if agency is None else {**said, "agency": agency}


def _sealed(home: Writer, feed: str, records: Sequence[bytes]) -> tuple[int, set[int]]:
    """Seal records as one batch; return its number, and which of them are in the table."""
    contract = home.feed(feed).contract
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{feed}.ndjson"
        path.write_bytes(b"".join(record + b"\n" for record in records))
        intend(home, expected_file(feed, path))  # if we are killed, it is known who asked
        (report,) = ingest(home, feed, [path], sign=_key(home, contract), records_per_part=_PART)
    _check(report)
    return report.batches[0], _accepted(home, feed, report.batches[0])


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

"""What a statement rests on, and what rests on it: ``GET /lineage/{entry}`` and ``/lineage/row/…``."""

from typing import Annotated

import polars as pl
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from veracity.data.text import RECORDS_PER_PAGE
from veracity.home.home import Home
from veracity.home.index import is_whole_file_refusal
from veracity.home.live.gathering import TAKEN
from veracity.home.live.sealing import read_messages
from veracity.provenance.agencies import Authority
from veracity.provenance.dsse import Envelope
from veracity.provenance.errors import RevokedKey, UnknownKey
from veracity.server.api.asking import FeedName, Number
from veracity.server.api.ledger import Ledger, Line
from veracity.server.api.routing import ReadingRoute
from veracity.server.api.shapes import Shape, Time, shaped
from veracity.server.api.sharing import CityState, open_feed
from veracity.server.api.state import MemoryState
from veracity.server.created.simulated import is_simulated
from veracity.server.errors import NotThere

MAX_NODES = 1_000  #: of each side

ROUTER = APIRouter(tags=["lineage"], route_class=ReadingRoute)
Nodes = Annotated[int, Query(ge=1, le=MAX_NODES, description="Statements told of each side, nearest first.")]


class Node(Shape):
    """A statement of the log, in short."""

    entry: int
    kind: str
    about: str
    at: Time | None
    simulated: bool


class LineageShape(Shape):
    """What a statement rests on, and what rests on it. Edges go from what is used to what uses it."""

    entry: int
    it: Node
    rests_on: list[Node]
    used_by: list[Node]
    edges: list[tuple[int, int]]
    is_cut: bool


class RowLineage(LineageShape):
    """The lineage of a record: that of its batch, and who sent it. ``page`` is of the batch's evidence.

    ``enrolment`` is the entry by which the key came that signed it; None of what nobody signed.
    """

    feed: str
    batch: int
    record: int
    page: int
    device: str | None
    agency: str | None
    enrolment: int | None
    receipt: str
    simulated: bool


@ROUTER.get("/lineage/{entry}", response_model=LineageShape)
def show_lineage(
    request: Request, city: CityState, memory: MemoryState, entry: Number, limit: Nodes = 200
) -> Response:
    """What a statement of the log rests on, directly or not, and what rests on it."""
    with city.home() as home:
        memory.ledger.catch_up(home)
    return shaped(request, _lineage(memory.ledger, entry, limit))


@ROUTER.get("/lineage/row/{feed}/{batch}/{record}", response_model=RowLineage)
def show_row_lineage(
    request: Request,
    city: CityState,
    memory: MemoryState,
    feed: FeedName,
    batch: Number,
    record: Number,
    limit: Nodes = 200,
) -> Response:
    """The lineage of one record of a batch: back to the device or agency that signed it, and forward."""
    with city.home() as home:
        memory.ledger.catch_up(home)
        contract = open_feed(home, feed)
        row = home.index.batch(feed, min(batch, 2**31 - 1))
        said = None if row is None else home.index.predicate(row.idx)
        if row is None or said is None or is_whole_file_refusal(said) or record >= said["part"]["n_records"]:
            raise NotThere(f"record: want one of a batch of {feed}, got {batch}:{record}")
        sender, simulated = _sender(home, feed, batch, record, row.idx, said), is_simulated(home, contract)
    of_batch = _lineage(
        memory.ledger, row.idx, limit, signed_by=None if sender is None else sender.enrolled_at
    )
    found = RowLineage(
        **of_batch.model_dump(),
        feed=feed,
        batch=batch,
        record=record,
        page=record // RECORDS_PER_PAGE,
        device=sender.name if sender is not None and sender.role == "device" else None,
        agency=contract.agency if sender is None else sender.agency,
        enrolment=None if sender is None else sender.enrolled_at,
        receipt=f"/receipts/{feed}/{batch}/{record}",
        simulated=simulated,
    )
    return shaped(request, found)


def _lineage(ledger: Ledger, entry: int, limit: int, signed_by: int | None = None) -> LineageShape:
    """Return both sides of a statement; ``signed_by`` is the enrolment that a record of it rests on."""
    line = ledger.line(entry)
    if line is None:
        raise NotThere(f"entry: want one of the log, got {entry}")
    rests, uses = ledger.rests_on(entry, limit), ledger.used_by(entry, limit)
    above = {*rests.entries} if signed_by is None else {*rests.entries, signed_by}
    lines = [ledger.line(n) for n in sorted({*above, *uses.entries})]
    told = {one.entry: _node(one) for one in lines if one is not None}
    edges = ledger.edges([entry, *told])
    return LineageShape(
        entry=entry,
        it=_node(line),
        rests_on=[told[n] for n in sorted(above)],
        used_by=[told[n] for n in sorted(uses.entries)],
        edges=edges if signed_by is None else sorted({*edges, (signed_by, entry)}),
        is_cut=rests.is_cut or uses.is_cut,
    )


def _node(line: Line) -> Node:
    return Node(entry=line.entry, kind=line.kind, about=line.about, at=line.at, simulated=line.simulated)


def _sender(
    home: Home, feed: str, batch: int, record: int, idx: int, said: dict[str, object]
) -> Authority | None:
    """Return whose key signed a record's message, or its file; None if nobody's did."""
    keyid = None
    if said.get("messages") is not None:
        rows = read_messages(home, feed, batch)
        if rows is not None:
            end = pl.col("first") + pl.col("records")
            is_it = (pl.col("outcome") == TAKEN) & (pl.col("first") <= record) & (record < end)
            found = rows.filter(is_it)["key"].to_list()
            keyid = found[0] if found else None
    elif said.get("delivery") is not None:
        keyid = Envelope.from_object(said["delivery"]).signatures[0].keyid
    if keyid is None:
        return None
    try:
        return home.agencies().authority(str(keyid), idx)
    except (RevokedKey, UnknownKey):
        return None

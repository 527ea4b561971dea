"""The log as people look at it: ``GET /log``, ``/log/statements``; its files are below ``/log`` itself."""

from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from veracity.errors import VeracityError
from veracity.home.clock import format_time
from veracity.home.home import Home
from veracity.log.errors import ObjectMissing
from veracity.log.reader import LogReader
from veracity.provenance.dsse import open_envelope
from veracity.provenance.statements import parse_statement
from veracity.server.api.asking import MAX_ENTRY, Cursor1, format_cursor, parse_cursor
from veracity.server.api.ledger import Line
from veracity.server.api.routing import ReadingRoute
from veracity.server.api.shapes import Page, Shape, Time, next_url, shaped
from veracity.server.api.sharing import CityState
from veracity.server.api.state import MemoryState

ROUTER = APIRouter(tags=["log"], route_class=ReadingRoute)
Kind = Literal[
    "enrol", "contract", "delivery", "ingest", "certify", "account", "reject", "transform", "calibrate",
    "withdraw", "train", "assure", "approve", "release", "decide", "override", "outcome", "incident", "alert",
    "evaluate", "credential", "erase", "access",
]  # fmt: skip


class WitnessShape(Shape):
    """A witness of the policy. ``is_quorum``: whether the policy cannot be met without it."""

    name: str
    url: str | None
    last_cosigned_at: Time | None
    is_quorum: bool


class Growth(Shape):
    """Statements made on a day (UTC)."""

    day: str
    n: int


class LogShape(Shape):
    """The log: what is signed, what of it is published, and who cosigned that."""

    origin: str
    size: int
    root: str
    key: str
    checkpoint: str | None
    published: int | None
    is_published: bool
    has_quorum: bool
    witnesses: list[WitnessShape]
    growth: list[Growth]
    kinds: dict[str, int]
    simulated: bool


class StatementShape(Shape):
    """A statement of the log: in short, and as it was signed. ``signer`` is by the log's own keys."""

    entry: int
    kind: str
    about: str
    at: Time | None
    signer: str | None
    simulated: bool
    statement: dict[str, Any]


@ROUTER.get("/log", response_model=LogShape)
def show_log(request: Request, city: CityState, memory: MemoryState) -> Response:
    """Size, root, checkpoint, witnesses, growth by day, and how many statements there are of each kind."""

    def make(home: Home) -> LogShape:
        memory.ledger.catch_up(home)
        reader, published = home.reader(), published_log(home)
        checkpoint = None if published is None else published.checkpoint_note
        witnesses, has_quorum = _witnesses(home, checkpoint)
        return LogShape(
            origin=reader.origin,
            size=reader.size,
            root=b64encode(reader.checkpoint.root).decode(),
            key=home.log_verifier.format(),
            checkpoint=None if checkpoint is None else checkpoint.decode("utf-8", "replace"),
            published=None if published is None else published.size,
            is_published=published is not None and published.size == reader.size,
            has_quorum=has_quorum,
            witnesses=witnesses,
            growth=[Growth(day=d, n=n) for d, n in sorted(memory.ledger.by_day.items())],
            kinds=home.index.kinds(),
            simulated=any(p["simulated"] is True for _, p in home.index.predicates("contract")),
        )

    with city.home() as home:
        published = published_log(home)
        note = b"" if published is None else published.checkpoint_note
    return memory.answer(request, city, make, note)


@ROUTER.get("/log/statements", response_model=Page[StatementShape])
def list_statements(
    request: Request,
    city: CityState,
    memory: MemoryState,
    before: Annotated[int | None, Query(ge=0, le=MAX_ENTRY)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    kind: Kind | None = None,
    cursor: Cursor1 = None,
) -> Response:
    """Statements, newest first."""
    start = parse_cursor(cursor, 1)
    with city.home() as home:
        memory.ledger.catch_up(home)
        found = memory.ledger.newest(before if start is None else start[0], limit, kind)
        items = statements(home, found)
    goes_on = format_cursor(items[-1].entry) if len(items) == limit and items[-1].entry > 0 else None
    return shaped(request, Page[StatementShape](items=items, next=next_url(request, goes_on)))


def published_log(home: Home) -> LogReader | None:
    """Return the log as published; None while nothing is."""
    try:
        return home.published()
    except ObjectMissing:
        return None


def statements(home: Home, lines: list[Line]) -> list[StatementShape]:
    """Return statements with their whole text, each checked against the log's root."""
    reader, agencies = home.reader(), home.agencies()

    def signer(line: Line) -> str | None:
        try:
            return agencies.authority(line.keyid, line.entry).name
        except VeracityError:
            return None  # of an officer, or a kind that others sign

    return [_statement(reader, line, signer) for line in lines]


def _statement(reader: LogReader, line: Line, signer: Callable[[Line], str | None]) -> StatementShape:
    statement = parse_statement(open_envelope(reader.entry(line.entry)).payload)
    return StatementShape(
        entry=line.entry,
        kind=line.kind,
        about=line.about,
        at=line.at,
        signer=signer(line),
        simulated=line.simulated,
        statement={
            "subject": [{"name": s.name, "digest": {s.algorithm: s.digest}} for s in statement.subjects],
            "predicateType": statement.predicate_type,
            "predicate": dict(statement.predicate),
        },
    )


def _witnesses(home: Home, checkpoint: bytes | None) -> tuple[list[WitnessShape], bool]:
    """Return the witnesses of the policy, when they cosigned what is published, and if that is enough."""
    policy = home.policy
    times: dict[str, int] = {}
    if checkpoint is not None:
        with suppress(VeracityError):  # of a note that does not verify nobody says that they cosigned it
            times = policy.cosigned_times(checkpoint)
    everyone = set(policy.witnesses)
    found = [
        WitnessShape(
            name=name,
            url=policy.urls.get(verifier.format()),
            last_cosigned_at=_time(times.get(name)),
            is_quorum=policy.quorum is not None and not policy.is_quorum(everyone - {name}),
        )
        for name, verifier in policy.witnesses.items()
    ]
    return found, policy.is_quorum(list(times))


def _time(posix_s: int | None) -> str | None:
    return None if posix_s is None else format_time(datetime.fromtimestamp(posix_s, UTC))

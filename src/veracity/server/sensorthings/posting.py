"""Observations that clients send, as records of the feed that takes them. Pure.

A feed takes observations if one of them can be a whole record of it: it has one observed column, and needs
no other column than its key, its time and, of simulated feeds, the mark that they are. So does the built-in
feed of datastreams that clients made. What was sent goes into the record as text too, so that the evidence
that is kept and sealed has it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Protocol

import orjson

from veracity.canonical import NotCanonical, canonical_json
from veracity.data.contract import Contract
from veracity.server.contract_columns import value_fields
from veracity.server.created.feeds import DATASTREAM, OBSERVATIONS, VALUE_COLUMNS, is_observations
from veracity.server.sensorthings.errors import MalformedObservation, NotCreatable, TooMuchAsked
from veracity.server.sensorthings.feed_columns import key_values
from veracity.server.sensorthings.graph import Stream
from veracity.server.sensorthings.lexer import parse_stamp
from veracity.server.sensorthings.rendering import time_text

MAX_OBSERVATIONS = 10_000  #: in one body
MAX_DEPTH_BYTES = 16_384  #: of one observation as it was sent
EARLIEST = datetime(
    1900, 1, 1, tzinfo=UTC
)  #: what sends one by one was not there before; clocks not set say so
RECEIVED = "received"  #: the member of a record that has what was sent
#: the member that has the digest of the request's body, where many came in one: the journal of writes has it
REQUEST = "request_sha256"


class Streams(Protocol):
    """Datastreams by identifier."""

    def get(self, identity: str, /) -> Stream | None:
        """Return one, None if there is none."""


@dataclass(frozen=True)
class Target:
    """A datastream that takes observations: its identifier, and how one is a record of its feed.

    ``contract`` is the feed's, None of the built-in one. ``agency`` is whose datastream it is.
    """

    datastream: str
    contract: Contract | None
    key: Mapping[str, str]
    time: str
    column: str
    kind: str
    agency: str | None
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def feed(self) -> str:
        """The feed that takes them."""
        return OBSERVATIONS if self.contract is None else self.contract.feed


@dataclass(frozen=True)
class Posted:
    """One observation that was sent: for which datastream, of when, and the record that it makes."""

    target: Target
    time: datetime
    record: bytes


def target_of_created(datastream: str, kind: str, agency: str | None = None) -> Target:
    """Return how a datastream that a client made takes observations."""
    key = {DATASTREAM: datastream}
    return Target(datastream, None, key, "observed_at", VALUE_COLUMNS[kind], kind, agency)


def target_of(stream: Stream) -> Target:
    """Return how a datastream takes observations; NotCreatable if it takes none."""
    contract, datastream = stream.view.contract, stream.entity.id
    if is_observations(contract):
        agency = stream.entity.values["properties"].get("agency")
        return target_of_created(datastream, stream.column.type, agency)
    if not takes_observations(contract):
        raise NotCreatable(
            f"feed {contract.feed}: want one whose records are single observations, got one that needs"
            " other columns"
        )
    values = key_values(stream.view.columns.sensors.keys[stream.sensor])
    key = {_source(contract, n): value for n, value in zip(contract.sensor, values, strict=True)}
    time, column = _source(contract, contract.time or ""), _source(contract, stream.column.name)
    is_marked = any(f.name == "simulated" for f in contract.fields)
    more = {_source(contract, "simulated"): contract.simulated} if is_marked else {}
    return Target(datastream, contract, key, time, column, stream.column.type, contract.agency, more)


def takes_observations(contract: Contract) -> bool:
    """Tell whether one observation can be a whole record of a feed."""
    own = {*contract.key, contract.time}
    needed = {f.name for f in contract.fields if f.required} - own
    observed = {f.name for f in value_fields(contract)}
    is_text = contract.kind in (None, "ndjson")
    return is_text and len(observed) == 1 and needed <= {*observed, "simulated"} and not contract.personal


def parse_observation(body: bytes, streams: Streams, now: datetime, datastream: str | None = None) -> Posted:
    """Parse the body of ``POST Observations``.

    Parameters
    ----------
    streams
        All datastreams, by identifier.
    now
        The time of an observation that has none (OGC 18-088, table 12).
    datastream
        Which one, if the path says it; else the body must.

    Raises
    ------
    MalformedObservation
        If it is no observation of a datastream that there is.
    NotCreatable
        If the datastream's feed takes none.
    """
    said = _object(_parsed(body))
    identity = _datastream_id(said.get("Datastream")) if datastream is None else datastream
    return posted_of(said, _target(streams, identity), now, body.decode("utf-8", "replace"))


def parse_arrays(body: bytes, streams: Streams, now: datetime) -> list[Posted]:
    """Parse the body of ``POST CreateObservations`` (OGC 18-088, section 12.2).

    Raises
    ------
    MalformedObservation, NotCreatable, TooMuchAsked
        As ``parse_observation``; or if there are more than ``MAX_OBSERVATIONS``.
    """
    parts = _parsed(body)
    if not isinstance(parts, list) or not parts:
        raise MalformedObservation("body: want a list of parts, each with a Datastream, got another")
    request = sha256(body).hexdigest()
    posted: list[Posted] = []
    for part in parts:
        said = _object(part)
        target = _target(streams, _datastream_id(said.get("Datastream")))
        names, rows = said.get("components"), said.get("dataArray")
        if not isinstance(names, list) or not isinstance(rows, list) or not _are_names(names):
            raise MalformedObservation("part: want components and dataArray, got others")
        if len(posted) + len(rows) > MAX_OBSERVATIONS:
            raise TooMuchAsked(f"body: want at most {MAX_OBSERVATIONS} observations at once, got more")
        for row in rows:
            if not isinstance(row, list) or len(row) != len(names):
                raise MalformedObservation(f"dataArray: want arrays of {len(names)}, got another")
            values = dict(zip(names, row, strict=True))
            posted.append(posted_of(values, target, now, request_sha256=request))
    return posted


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except ValueError as exc:
        raise MalformedObservation(f"body: want JSON, got: {str(exc)[:120]}") from exc


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MalformedObservation("body: want an object, got another value")
    return value


def _are_names(names: Sequence[Any]) -> bool:
    known = {"phenomenonTime", "result", "resultTime", "resultQuality", "validTime", "parameters"}
    known |= {"FeatureOfInterest/id"}
    return 0 < len(names) <= len(known) and all(isinstance(n, str) and n in known for n in names)


def _datastream_id(value: Any) -> str:
    identity = value.get("@iot.id", value.get("id")) if isinstance(value, dict) else None
    if not isinstance(identity, str):
        raise MalformedObservation("Datastream: want one by its @iot.id, got none")
    return identity


def _target(streams: Streams, identity: str) -> Target:
    stream = streams.get(identity)
    if stream is None:
        raise MalformedObservation(f"Datastream: want one that there is, got {identity[:120]!r}")
    return target_of(stream)


def posted_of(
    said: Mapping[str, Any],
    target: Target,
    now: datetime,
    text: str | None = None,
    request_sha256: str | None = None,
) -> Posted:
    """Return the record that an observation makes.

    Parameters
    ----------
    text
        How it was sent, if it was sent alone: its digest is that of the request's body.
    request_sha256
        The digest of the body that it was sent in with others. By it the journal of writes says who sent it.

    Raises
    ------
    MalformedObservation
        If it has no result that the datastream can have, or is too large.
    """
    try:
        sent = canonical_json(said).decode() if text is None else text
        if len(sent) > MAX_DEPTH_BYTES:
            raise MalformedObservation(f"observation: want at most {MAX_DEPTH_BYTES} characters, got more")
        time, result = _time(said.get("phenomenonTime"), now), _result(said, target.kind)
        told = {target.time: time_text(time), target.column: result, RECEIVED: sent}
        within = {} if request_sha256 is None else {REQUEST: request_sha256}
        return Posted(target, time, canonical_json({**within, **target.key, **told, **target.more}))
    except (NotCanonical, RecursionError) as exc:
        raise MalformedObservation(f"observation: want JSON that others can read, got: {exc}") from exc


def _source(contract: Contract, name: str) -> str:
    """Return what a column is called in the feed's records."""
    sources = contract.field(name).sources
    return sources[0] if sources else name


def _time(value: Any, now: datetime) -> datetime:
    if isinstance(value, dict):
        value = value.get("start")
    if value is None:
        return now
    try:
        if not isinstance(value, str) or len(value) > 40:
            raise ValueError("want a time")
        at = parse_stamp(value)
    except (ValueError, OverflowError) as exc:
        raise MalformedObservation(f"phenomenonTime: want an instant, got {str(value)[:60]!r}") from exc
    if at < EARLIEST:
        raise MalformedObservation(
            f"phenomenonTime: want one from {EARLIEST.year} on, got {value!r}: older records come in as files"
        )
    return at


def _result(said: Mapping[str, Any], kind: str) -> Any:
    if "result" not in said:
        raise MalformedObservation("observation: want a result, got none")
    value = said["result"]
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    is_whole = is_number and float(value).is_integer()
    fits = {"number": is_number, "integer": is_whole, "boolean": isinstance(value, bool)}
    if not fits.get(kind, isinstance(value, str)):
        raise MalformedObservation(f"result: want a {kind}, got {str(value)[:60]!r}")
    return value

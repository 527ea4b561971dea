"""GTFS Realtime: where vehicles are, when they will be at their stops, and what riders are told.

A feed message is a header and entities. Each of the three kinds of entity is a feed of its own: a vehicle's
position is a reading; the update of a trip is one row for each stop, a prediction that holds until another
is made; an alert is one row. Enumerations are spelt as in the standard, and absent where the message leaves
them to their default. An incremental message may also delete entities: such a row says no more than that.

References
----------
GTFS Realtime reference, version 2.0, https://gtfs.org/documentation/realtime/reference/
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from veracity.feeds.errors import MalformedDocument
from veracity.feeds.http_polling import read_headers, read_http
from veracity.feeds.one_document import OneDocument
from veracity.feeds.rows import check_count, joined, row, utc
from veracity.feeds.settings import read_common, read_url
from veracity.provenance.fields import Fields

MAX_BYTES = 8_388_608  # when parsed, a hostile message takes some fifty times its size
WHAT = "GTFS Realtime"
_Rows = Iterator[dict[str, Any]]


def make(config: Fields) -> OneDocument:
    """Make a source of one of the three kinds: settings ``what``, ``url``, and ``language`` of alerts."""
    common = read_common(config, every_s=30)
    what = config.choice("what", RENDERERS)
    render = RENDERERS[what]
    if what == "alerts" and "language" in config:
        render = partial(render_alerts, language=config.text("language", 35))
    # A position is a reading even if it says the same again; a prediction is one only if it differs.
    ignoring = () if what == "vehicle-positions" else ("as_of", "measured_at")
    http, url, headers = read_http(config), read_url(config), read_headers(config)
    return OneDocument(common, http, url, headers, render, "application/x-protobuf", ignoring)


def render_vehicle_positions(document: bytes) -> list[bytes]:
    """Return one row for each vehicle; raises MalformedDocument."""
    return _rendered(document, "vehicle", _positions)


def render_trip_updates(document: bytes) -> list[bytes]:
    """Return one row for each stop of each updated trip, or one for a trip without stops.

    Raises MalformedDocument.
    """
    return _rendered(document, "trip_update", _predictions)


def render_alerts(document: bytes, language: str | None = None) -> list[bytes]:
    """Return one row for each alert, in ``language`` where it is there, else in the first that is.

    Raises MalformedDocument.
    """
    return _rendered(document, "alert", partial(_alerts, language=language))


RENDERERS: dict[str, Callable[[bytes], list[bytes]]] = {
    "alerts": render_alerts,
    "trip-updates": render_trip_updates,
    "vehicle-positions": render_vehicle_positions,
}


def _rendered(document: bytes, kind: str, rows_of: Callable[[Any, str | None], _Rows]) -> list[bytes]:
    message = _parsed(document)
    check_count(sum(max(len(e.trip_update.stop_time_update), 1) for e in message.entity), WHAT)
    said_at = utc(message.header.timestamp) if message.header.HasField("timestamp") else None
    is_incremental = _name(message.header, "incrementality") == "DIFFERENTIAL"
    rows: list[bytes] = []
    for entity in message.entity:
        if entity.is_deleted:
            found = _deleted(entity, kind, said_at) if is_incremental else iter(())
        else:
            found = rows_of(entity, said_at) if entity.HasField(kind) else iter(())
        rows.extend(map(row, found))
    return rows


def _parsed(document: bytes) -> Any:
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from google.transit.gtfs_realtime_pb2 import FeedMessage

    if len(document) > MAX_BYTES:
        raise MalformedDocument(f"{WHAT}: want at most {MAX_BYTES} bytes, got {len(document)}")
    message = FeedMessage()
    try:
        message.ParseFromString(document)
    except DecodeError as exc:
        raise MalformedDocument(f"{WHAT}: want a feed message, got other bytes") from exc
    if not message.IsInitialized():
        missing = ", ".join(message.FindInitializationErrors()[:3])
        raise MalformedDocument(f"{WHAT}: want all that is required, got a message without {missing[:80]}")
    return message


def _deleted(entity: Any, kind: str, said_at: str | None) -> _Rows:
    """One row that says that an entity is gone; of the rest of its key nothing is known."""
    subject = {"vehicle": "vehicle", "trip_update": "run", "alert": "alert"}[kind]
    time = "observed_at" if kind == "vehicle" else "as_of"
    stop = {"stop": "-"} if kind == "trip_update" else {}
    yield {subject: entity.id, time: said_at, "deleted": True, **stop}


def _positions(entity: Any, said_at: str | None) -> _Rows:
    vehicle = entity.vehicle
    yield {
        "vehicle": vehicle.vehicle.id or entity.id,
        "observed_at": utc(vehicle.timestamp) if vehicle.HasField("timestamp") else said_at,
        "deleted": False,
        "label": vehicle.vehicle.label,
        **_trip(vehicle.trip),
        "latitude": _decimal(vehicle.position, "latitude"),
        "longitude": _decimal(vehicle.position, "longitude"),
        "bearing": _decimal(vehicle.position, "bearing"),
        "speed": _decimal(vehicle.position, "speed"),
        "odometer": _value(vehicle.position, "odometer"),
        "stop_sequence": _value(vehicle, "current_stop_sequence"),
        "stop_id": vehicle.stop_id,
        "stop_status": _name(vehicle, "current_status"),
        "congestion": _name(vehicle, "congestion_level"),
        "occupancy": _name(vehicle, "occupancy_status"),
        "occupancy_percentage": _value(vehicle, "occupancy_percentage"),
    }


def _predictions(entity: Any, said_at: str | None) -> _Rows:
    update = entity.trip_update
    trip = update.trip
    measured_at = utc(update.timestamp) if update.HasField("timestamp") else None
    whole = {
        "run": joined([trip.trip_id or trip.route_id or entity.id, trip.start_date, trip.start_time]),
        "as_of": said_at or measured_at,  # several predictions may rest on one measurement
        "measured_at": measured_at,
        "deleted": False,
        **_trip(trip),
        "vehicle": update.vehicle.id,
    }
    for stop in update.stop_time_update:
        yield whole | {
            "stop": str(stop.stop_sequence) if stop.HasField("stop_sequence") else stop.stop_id or "-",
            "stop_sequence": _value(stop, "stop_sequence"),
            "stop_id": stop.stop_id,
            "relationship": _name(stop, "schedule_relationship"),
            **_event(stop, "arrival"),
            **_event(stop, "departure"),
            "occupancy": _name(stop, "departure_occupancy_status"),
        }
    if not update.stop_time_update:
        yield whole | {"stop": "-", "arrival_delay": _value(update, "delay")}


def _alerts(entity: Any, said_at: str | None, language: str | None) -> _Rows:
    alert = entity.alert
    header, spoken = _text(alert.header_text, language)
    selectors = alert.informed_entity
    yield {
        "alert": entity.id,
        "as_of": said_at,
        "deleted": False,
        "cause": _name(alert, "cause"),
        "effect": _name(alert, "effect"),
        "severity": _name(alert, "severity_level"),
        "language": spoken,
        "header": header,
        "description": _text(alert.description_text, language)[0],
        "url": _text(alert.url, language)[0],
        "active_from": _bound(alert.active_period, "start", min),
        "active_until": _bound(alert.active_period, "end", max),
        "n_periods": len(alert.active_period),
        "agencies": joined(s.agency_id for s in selectors),
        "routes": joined(s.route_id or s.trip.route_id for s in selectors),
        "trips": joined(s.trip.trip_id for s in selectors),
        "stops": joined(s.stop_id for s in selectors),
    }


def _trip(trip: Any) -> dict[str, Any]:
    return {
        "trip_id": trip.trip_id,
        "route_id": trip.route_id,
        "direction": _value(trip, "direction_id"),
        "start_date": trip.start_date,
        "start_time": trip.start_time,
        "trip_relationship": _name(trip, "schedule_relationship"),
    }


def _event(stop: Any, name: str) -> dict[str, Any]:
    """One of the two times at a stop: when, and how many seconds late."""
    event = getattr(stop, name)
    when = utc(event.time) if event.HasField("time") else None
    return {
        f"{name}_at": when,
        f"{name}_delay": _value(event, "delay"),
        f"{name}_uncertainty": _value(event, "uncertainty"),
    }


def _text(translated: Any, language: str | None) -> tuple[Any, Any]:
    """Return a text in a language, or the first there is, and the language it is in."""
    said = list(translated.translation)
    wanted = [t for t in said if language is not None and t.language == language]
    for translation in wanted or said:
        return translation.text, translation.language
    return None, None


def _bound(periods: Any, name: str, choose: Callable[[list[int]], int]) -> str | None:
    """Return where some periods begin or end; None if one of them is open there, or there is none."""
    if not periods or not all(period.HasField(name) for period in periods):
        return None
    return utc(choose([getattr(period, name) for period in periods]))


def _value(message: Any, name: str) -> Any:
    return getattr(message, name) if message.HasField(name) else None


def _decimal(message: Any, name: str) -> float | None:
    """Return a 32-bit float as the shortest decimal that rounds to it (docs/decisions/0006)."""
    return float(str(np.float32(getattr(message, name)))) if message.HasField(name) else None


def _name(message: Any, name: str) -> str | None:
    """Return the name of an enumeration's value, if the message has one."""
    if not message.HasField(name):
        return None
    kind = message.DESCRIPTOR.fields_by_name[name].enum_type
    return str(kind.values_by_number[getattr(message, name)].name)

"""GTFS Realtime: messages built with the standard's own bindings, served over HTTP, read into rows."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.transit.gtfs_realtime_pb2 import FeedHeader, FeedMessage, TripDescriptor, TripUpdate
from hypothesis import given
from hypothesis import strategies as st

from answering import Asked, Reply, answering
from contracted import judged
from veracity.feeds.errors import BadSource, MalformedDocument
from veracity.feeds.gtfs_realtime import MAX_BYTES, RENDERERS
from veracity.feeds.kinds import make_source
from veracity.feeds.one_document import OneDocument

NOW = datetime(2026, 9, 1, 0, 1, tzinfo=UTC)
T = 1_788_220_800  # 2026-09-01T00:00:00Z
WHATS = sorted(RENDERERS)


def message(timestamp: int = T) -> FeedMessage:
    """A whole dataset, still empty."""
    found = FeedMessage()
    found.header.gtfs_realtime_version = "2.0"
    found.header.timestamp = timestamp
    return found


def city(timestamp: int = T) -> FeedMessage:
    """Two vehicles, a trip of two stops, a cancelled trip, an alert in two languages."""
    found = message(timestamp)
    bus = found.entity.add(id="1").vehicle
    bus.vehicle.id = "43B-001"
    bus.trip.trip_id, bus.trip.route_id, bus.trip.start_date = "T1", "R16", "20260901"
    bus.position.latitude, bus.position.longitude, bus.position.speed = 16.0544, 108.2022, 7.5
    bus.timestamp = T - 10
    bus.occupancy_status = bus.FULL
    found.entity.add(id="nameless").vehicle.position.latitude = 16.1
    found.entity[1].vehicle.position.longitude = 108.25

    late = found.entity.add(id="3").trip_update
    late.trip.trip_id, late.trip.start_date = "T1", "20260901"
    late.timestamp = T - 20
    first = late.stop_time_update.add(stop_sequence=5, stop_id="S5")
    first.arrival.delay, first.arrival.time = 120, T + 300
    late.stop_time_update.add(stop_id="S6", schedule_relationship=TripUpdate.StopTimeUpdate.SKIPPED)
    cancelled = found.entity.add(id="4").trip_update
    cancelled.trip.trip_id = "T2"
    cancelled.trip.schedule_relationship = TripDescriptor.CANCELED

    alert = found.entity.add(id="flood").alert
    alert.active_period.add(start=T, end=T + 3_600)
    alert.active_period.add(start=T + 7_200)
    alert.informed_entity.add(route_id="R16")
    alert.informed_entity.add(stop_id="S5")
    alert.informed_entity.add(stop_id="S6")
    alert.header_text.translation.add(text="Đường ngập", language="vi")
    alert.header_text.translation.add(text="Flooded road", language="en")
    alert.cause, alert.effect = alert.WEATHER, alert.DETOUR
    return found


def rows(what: str, document: FeedMessage) -> list[Any]:
    """Render one kind of entity."""
    return [json.loads(row) for row in RENDERERS[what](document.SerializeToString())]


def source(url: str, what: str, **more: object) -> OneDocument:
    """Make a source as ``sources.yaml`` would."""
    made = make_source(
        {"kind": "gtfs-realtime", "name": "bus", "feed": "buses", "url": url, "what": what, **more}
    )
    assert isinstance(made, OneDocument)
    return made


@pytest.mark.parametrize("what", WHATS)
def test_the_contract_takes_what_the_renderer_gives(what: str, tmp_path: Path) -> None:
    """Every row of a sound message is accepted by the contract that comes with the kind."""
    found = RENDERERS[what](city().SerializeToString())
    report = judged(f"gtfs-{what}", found, tmp_path, NOW)
    assert (report.accepted, report.received) == (len(found), len(found)) != (0, 0), report


def test_a_position_is_a_row() -> None:
    """Numbers are as short as the 32 bits they came in; a vehicle without a time has the message's."""
    bus, nameless = rows("vehicle-positions", city())
    assert bus == {
        "vehicle": "43B-001", "observed_at": "2026-08-31T23:59:50Z", "deleted": False, "trip_id": "T1",
        "route_id": "R16", "start_date": "20260901", "latitude": 16.0544, "longitude": 108.2022,
        "speed": 7.5, "occupancy": "FULL",
    }  # fmt: skip
    assert (nameless["vehicle"], nameless["observed_at"]) == ("nameless", "2026-09-01T00:00:00Z")


def test_a_prediction_is_a_row_for_each_stop() -> None:
    """A trip without stops, such as a cancelled one, is a row too."""
    first, second, cancelled = rows("trip-updates", city())
    assert (first["run"], first["stop"], first["arrival_delay"]) == ("T1 20260901", "5", 120)
    assert (first["as_of"], first["measured_at"]) == ("2026-09-01T00:00:00Z", "2026-08-31T23:59:40Z")
    assert first["arrival_at"] == "2026-09-01T00:05:00Z"
    assert (second["stop"], second["relationship"]) == ("S6", "SKIPPED")
    assert (cancelled["stop"], cancelled["trip_relationship"]) == ("-", "CANCELED")


def test_an_alert_is_a_row_in_the_language_asked_for() -> None:
    """An open end is no time; who is affected is listed by kind."""
    (alert,) = rows("alerts", city())
    assert (alert["header"], alert["language"]) == ("Đường ngập", "vi")
    assert (alert["routes"], alert["stops"], alert["n_periods"]) == ("R16", "S5 S6", 2)
    assert alert["active_from"] == "2026-09-01T00:00:00Z"
    assert "active_until" not in alert
    with answering(lambda _: Reply(city().SerializeToString())) as server:
        (english,) = source(server.url, "alerts", language="en").fetch(NOW)
    assert json.loads(english.records[0])["header"] == "Flooded road"


@pytest.mark.parametrize("what", WHATS)
def test_only_an_incremental_message_deletes(what: str, tmp_path: Path) -> None:
    """In a whole dataset a deleted entity is none; in an increment it is a row, which the contract takes."""
    document = message()
    document.entity.add(id="gone", is_deleted=True)
    assert rows(what, document) == []
    document.header.incrementality = FeedHeader.DIFFERENTIAL
    (row,) = rows(what, document)
    assert row["deleted"]
    assert "gone" in row.values()
    report = judged(f"gtfs-{what}", RENDERERS[what](document.SerializeToString()), tmp_path, NOW)
    assert report.accepted == 1


def test_a_value_that_is_none_is_left_to_the_contract(tmp_path: Path) -> None:
    """Not-a-numbers, times of no year, ids of no text and values nobody knows do not stop the others."""
    document = city()
    bus = document.entity[0].vehicle
    bus.position.speed = float("nan")
    bus.timestamp = 2**63
    row = rows("vehicle-positions", document)[0]
    assert "speed" not in row
    assert row["observed_at"] == str(2**63)
    raw = document.SerializeToString().replace(b"43B-001", b"\xff\xfe\xfd-001")
    unknown = raw.replace(b"\x48\x05", b"\x48\x63")  # occupancy 5, FULL, becomes 99
    assert unknown != raw
    report = judged("gtfs-vehicle-positions", RENDERERS["vehicle-positions"](unknown), tmp_path, NOW)
    assert (report.accepted, report.quarantined) == (1, 1)
    assert set(report.reasons) == {"required:vehicle", "type:observed_at"}


def test_only_what_is_new_is_given() -> None:
    """A prediction said again at a later time is none; a position is; one that is back is new again."""
    said = [city()]
    with answering(lambda _: Reply(said[0].SerializeToString())) as server:
        trips, buses = (source(server.url, what) for what in ("trip-updates", "vehicle-positions"))
        assert [len(f.records) for s in (trips, buses) for f in s.fetch(NOW)] == [3, 2]
        assert [s.fetch(NOW) for s in (trips, buses)] == [[], []]
        said[0] = city(T + 30)
        assert trips.fetch(NOW) == []
        (moved,) = buses.fetch(NOW)
        assert [json.loads(r)["vehicle"] for r in moved.records] == ["nameless"]
        said[0].entity[2].trip_update.stop_time_update[0].arrival.delay = 180
        (worse,) = trips.fetch(NOW)
        assert [json.loads(r)["arrival_delay"] for r in worse.records] == [180]
        said[0] = city(T + 60)
        (again,) = trips.fetch(NOW)
        assert [json.loads(r)["arrival_delay"] for r in again.records] == [120]


def test_predictions_that_rest_on_one_measurement_are_all_taken(tmp_path: Path) -> None:
    """Each has the time of its message: a second one is no repeated key of the first."""
    later = city(T + 30)
    later.entity[2].trip_update.stop_time_update[0].arrival.delay = 180
    found = [row for d in (city(), later) for row in RENDERERS["trip-updates"](d.SerializeToString())]
    assert judged("gtfs-trip-updates", found, tmp_path, NOW).accepted == 6


def test_a_restart_goes_on() -> None:
    """With its memory, written as JSON, a new source gives nothing twice and asks with the ETag."""

    def answer(asked: Asked) -> Reply:
        if asked.headers.get("if-none-match") == '"1"':
            return Reply(status=304)
        return Reply(city().SerializeToString(), headers={"ETag": '"1"'})

    with answering(answer) as server:
        first = source(server.url, "vehicle-positions")
        assert len(first.fetch(NOW)) == 1
        second = source(server.url, "vehicle-positions")
        second.memory = json.loads(json.dumps(first.memory))
        assert second.fetch(NOW) == []
        assert server.asked[-1].headers["if-none-match"] == '"1"'
        third = source(server.url, "vehicle-positions")
        third.memory = {"document": 7, "known": "no base64"}
        assert len(third.fetch(NOW)) == 1


def test_a_malformed_message_is_asked_for_again() -> None:
    """What could not be read is not remembered: the next answer is read, whatever its ETag."""
    said = [b"\x00", city().SerializeToString()]
    with answering(lambda _: Reply(said[0], headers={"ETag": '"1"'})) as server:
        buses = source(server.url, "vehicle-positions")
        with pytest.raises(MalformedDocument):
            buses.fetch(NOW)
        del said[0]
        assert len(buses.fetch(NOW)) == 1


def renders_or_refuses(document: bytes) -> None:
    """Render all three kinds; nothing but MalformedDocument may come out."""
    for render in RENDERERS.values():
        try:
            found = render(document)
        except MalformedDocument:
            continue
        assert all(json.loads(row) for row in found)


@pytest.mark.parametrize(
    "spoil",
    [lambda d: b"", lambda d: d[:-1], lambda d: b"<html>", lambda d: d[7:], lambda d: bytes(MAX_BYTES + 1)],
    ids=["empty", "cut", "a page", "no header", "large"],
)
@pytest.mark.parametrize("what", WHATS)
def test_what_is_no_message_is_malformed(what: str, spoil: Callable[[bytes], bytes]) -> None:
    """Other bytes, a part of a message, one without its required fields, one too large."""
    with pytest.raises(MalformedDocument):
        RENDERERS[what](spoil(city().SerializeToString()))


def test_a_message_of_too_many_rows_is_malformed() -> None:
    """However small they are on the wire."""
    document = message()
    document.entity.add(id="1").trip_update.trip.trip_id = "T"
    update = document.entity[0].trip_update
    update.MergeFromString(b"\x12\x00" * 200_001)
    with pytest.raises(MalformedDocument, match="200000 rows"):
        RENDERERS["trip-updates"](document.SerializeToString())


@given(at=st.integers(0, 400), to=st.binary(min_size=1, max_size=3))
def test_a_damaged_message_gives_rows_or_is_malformed(at: int, to: bytes) -> None:
    """Any bytes changed anywhere: no other error comes out."""
    document = bytearray(city().SerializeToString())
    document[at : at + len(to)] = to
    renders_or_refuses(bytes(document))


@given(st.binary(max_size=200))
def test_other_bytes_give_rows_or_are_malformed(document: bytes) -> None:
    """Bytes of no kind."""
    renders_or_refuses(document)


def test_settings_are_checked() -> None:
    """What is asked for must be one of the three, at an address, in a language where there are any."""
    for wrong in ({"what": "shapes"}, {"url": "ftp://host"}, {"language": "en"}, {"every": "now"}):
        with pytest.raises(BadSource):
            source(**{"url": "http://host", "what": "trip-updates", **wrong})

"""NGSI-LD: entities in all forms become the same rows; a subscription is kept up and nothing is missed."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accepting import cleaned
from answering import Answering, Reply, answering
from context_broker import ContextBroker, air
from veracity.feeds.errors import BadSource, MalformedDocument, SourceUnavailable
from veracity.feeds.kinds import make_source
from veracity.feeds.ngsi_ld import MAX_KNOWN, NgsiLd
from veracity.feeds.ngsi_ld_entities import notification_rows, query_rows

NOW = datetime(2026, 9, 1, 9, 0, tzinfo=UTC)
SUBSCRIPTION = "urn:ngsi-ld:Subscription:veracity:air"
SAID = {
    "kind": "ngsi-ld",
    "name": "air",
    "feed": "ngsi-ld-air-quality",
    "url": "http://127.0.0.1:1/ngsi-ld/v1",
    "type": "AirQualityObserved",
    "endpoint": "http://127.0.0.1:2",
    "token": "0123456789abcdef",
}


@pytest.fixture
def broker() -> ContextBroker:
    return ContextBroker()


@pytest.fixture
def server(broker: ContextBroker) -> Iterator[Answering]:
    with answering(broker) as running:
        yield running


def source(server: Answering, **more: Any) -> NgsiLd:
    made = make_source({**SAID, "url": f"{server.url}/ngsi-ld/v1", **more})
    assert isinstance(made, NgsiLd)
    return made


def rows_of(*entities: Any, time: str | None = "dateObserved") -> list[dict[str, Any]]:
    """The rows of the answer to a query."""
    return query_rows(json.dumps(entities).encode(), time, NOW)[0]


def notification(*entities: Any, subscription: str = SUBSCRIPTION) -> bytes:
    said = {"id": "urn:n", "type": "Notification", "subscriptionId": subscription}
    return json.dumps(said | {"notifiedAt": "2026-09-01T09:00:00Z", "data": list(entities)}).encode()


def test_the_forms_give_the_same_row() -> None:
    """Normalised and concise say the same; simplified the same but for the unit."""
    normalized, concise, simplified = (
        rows_of(air(7, 5, 12.5, form))[0] for form in ("normalized", "concise", "simplified")
    )
    assert normalized == concise == simplified | {"pm25_unit": "GQ"}
    assert normalized == {
        "entity": "urn:ngsi-ld:AirQualityObserved:7",
        "type": "AirQualityObserved",
        "observed_at": "2026-09-01T08:05:00.000000Z",
        "time_from": "dateObserved",
        "dateObserved": "2026-09-01T08:05:00Z",
        "pm25": 12.5,
        "pm25_unit": "GQ",
        "latitude": 16.07,
        "longitude": 108.22,
        "refDevice": "urn:d:7",
    }


def test_rows_are_accepted() -> None:
    """By the contract that comes along; a unit that is another one is set aside."""
    rows = [*rows_of(air(1, 5, 12.5), air(2, 5, 3.0)), *rows_of(air(1, 6, 13.0) | {"PM10": {"value": 30}})]
    for row in rows:
        del row["dateObserved"]
    other = rows_of(air(3, 5, 0.01))[0] | {"pm25_unit": "GP"}
    del other["dateObserved"]
    done = cleaned("ngsi-ld-air-quality", [json.dumps(r).encode() for r in [*rows, other]], NOW)
    assert done.reasons == {"enum:pm25_unit": 1}
    assert done.accepted["pm10"].to_list() == [None, None, 30.0]


def test_attributes_observed_at_different_times_are_different_rows() -> None:
    """An old value is not said to be of a new time; what has no time goes with each."""
    at = "2026-09-01T08:0{}:00Z"
    entity = {
        "id": "urn:e:1",
        "type": "Station",
        "no2": {"type": "Property", "value": 40, "observedAt": at.format(1)},
        "o3": {"type": "Property", "value": 60, "observedAt": at.format(2)},
        "name": {"type": "Property", "value": "Hải Châu"},
    }
    rows = rows_of(entity)
    assert [(r["observed_at"][:16], r.get("no2"), r.get("o3"), r["name"]) for r in rows] == [
        ("2026-09-01T08:01", 40, None, "Hải Châu"),
        ("2026-09-01T08:02", None, 60, "Hải Châu"),
    ]
    assert {r["time_from"] for r in rows} == {"observedAt"}


def test_without_any_time_it_is_that_of_the_exchange() -> None:
    """And the row says so."""
    entity = {"id": "urn:e:1", "type": "Station", "no2": 40}
    ((notified,), _) = notification_rows(notification(entity), "dateObserved")
    (asked,) = rows_of(entity)
    assert (notified["time_from"], asked["time_from"]) == ("notifiedAt", "asked")
    assert notified["observed_at"] == asked["observed_at"] == "2026-09-01T09:00:00.000000Z"


def test_every_kind_of_attribute_has_a_cell() -> None:
    """Numbers, texts and booleans as they are, all else as JSON, names without their addresses."""
    entity = {
        "id": "urn:e:1",
        "type": ["https://example.org/Station", "Thing"],
        "https://smartdatamodels.org/dataModel.Environment/NO2": {"type": "Property", "value": 40},
        "https://a.example/x": 1,
        "https://b.example/x": 2,
        "label": {"type": "LanguageProperty", "languageMap": {"vi": "Trạm", "en": "Station"}},
        "open": {"type": "Property", "value": True},
        "near": {"type": "Relationship", "object": ["urn:e:2", "urn:e:3"]},
        "gone": {"type": "Property", "value": "urn:ngsi-ld:null"},
        "extra": {"type": "JsonProperty", "json": {"b": 1, "a": [2]}},
        "several": [
            {"type": "Property", "value": 1, "datasetId": "urn:d:1"},
            {"type": "Property", "value": 2},
        ],
        "entity": "taken",
        "location": {"type": "GeoProperty", "value": {"type": "Polygon", "coordinates": []}},
        "createdAt": "2026-09-01T00:00:00Z",
        "@context": ["https://example.org"],
    }
    (row,) = rows_of(entity)
    assert {k: v for k, v in row.items() if k not in ("observed_at", "time_from")} == {
        "entity": "urn:e:1",
        "type": "Station Thing",
        "NO2": 40,
        "https://a.example/x": 1,
        "https://b.example/x": 2,
        "label": '{"en":"Station","vi":"Trạm"}',
        "open": True,
        "near": '["urn:e:2","urn:e:3"]',
        "gone": None,
        "extra": '{"a":[2],"b":1}',
        "several": 2,
        "entity_": "taken",
        "latitude": None,
        "longitude": None,
    }


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b'{"type":"Notification"}',
        notification().replace(b"Notification", b"Update"),
        notification().replace(b"2026-09-01T09:00:00Z", b"now"),
        notification(1),
        notification({"id": "urn:e:1"}),
        notification({"id": "urn:e:1", "type": []}),
        notification({"id": 1, "type": "T"}),
        notification({"id": "urn:e:1", "type": "T", "a": {"value": 1, "observedAt": 5}}),
        notification({"id": "urn:e:1", "type": "T", "dateObserved": "soon"}),
        notification({"id": "urn:e:1", "type": "T", "a": "x" * 20_000}),
        notification({"id": "urn:e:1", "type": "T"} | {f"a{i}": i for i in range(501)}),
    ],
)
def test_what_is_no_notification_is_malformed(document: bytes) -> None:
    """Whatever is sent fails as one of our errors."""
    with pytest.raises(MalformedDocument):
        notification_rows(document, "dateObserved")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3) | st.just("2026-09-01T00:00:00Z"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "type", "value", "object", "observedAt", "unitCode", "location", "dataset"]
            )
            | st.sampled_from(
                ["coordinates", "@value", "datasetId", "languageMap", "@none", "dateObserved", "a"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_read_or_malformed(value: Any) -> None:
    """No shape of JSON makes another error than ours, and every row has an entity and a time."""
    entity = {"id": "urn:e:1", "type": "T"} | (value if isinstance(value, dict) else {"a": value})
    try:
        rows, _ = query_rows(json.dumps([entity]).encode(), "dateObserved", NOW)
    except MalformedDocument:
        return
    assert all(r["entity"] and r["observed_at"] for r in rows)


def test_it_subscribes_once(server: Answering, broker: ContextBroker) -> None:
    """The subscription is made where there is none, with our endpoint and token, and left alone after."""
    subscribed = source(
        server, attributes=["pm25"], tenant="city", context="https://example.org/context.jsonld"
    )
    assert subscribed.fetch(NOW) == []
    assert broker.subscriptions[SUBSCRIPTION]["notification"] == {
        "attributes": ["pm25"],
        "format": "normalized",
        "endpoint": {
            "uri": "http://127.0.0.1:2/ngsi-ld/air",
            "accept": "application/json",
            "receiverInfo": [{"key": "X-Veracity-Token", "value": "0123456789abcdef"}],
        },
    }
    assert server.asked[1].headers["ngsild-tenant"] == "city"
    assert server.asked[1].headers["link"].startswith("<https://example.org/context.jsonld>; rel=")
    subscribed.fetch(NOW)
    assert [a.method for a in server.asked] == ["GET", "POST", "GET", "GET"], "made, asked whole, looked at"


@pytest.mark.parametrize(
    "change",
    [
        {"isActive": False},
        {"status": "expired"},
        {"entities": [{"type": "Other"}]},
        {"notification": {"endpoint": {"uri": "http://elsewhere"}}},
        {"notification": None},
        {"entities": None},
    ],
    ids=str,
)
def test_a_subscription_that_is_not_as_it_should_be_is_made_again(
    server: Answering, broker: ContextBroker, change: dict[str, Any]
) -> None:
    """Paused, expired, of another type or to another place: it is replaced, and the whole asked for."""
    subscribed = source(server)
    subscribed.fetch(NOW)
    wanted = json.loads(json.dumps(broker.subscriptions[SUBSCRIPTION]))
    broker.subscriptions[SUBSCRIPTION] |= change
    broker.entities["a"] = air(1, 5, 1.0)
    assert len(subscribed.fetch(NOW)) == 1
    assert broker.subscriptions[SUBSCRIPTION] == wanted


def test_what_was_missed_is_asked_for(server: Answering, broker: ContextBroker) -> None:
    """After a start, and after a notification that failed; what was published before is not given again."""
    broker.entities = {str(i): air(i, 5, i) for i in range(250)}
    subscribed = source(server)
    found = subscribed.fetch(NOW)
    assert [len(f.records) for f in found] == [100, 100, 50]
    assert subscribed.fetch(NOW) == []
    broker.update(air(7, 6, 70.0))
    assert broker.statuses == [0], "nobody listens at our endpoint"
    (fetched,) = subscribed.fetch(NOW)
    assert [json.loads(r)["pm25"] for r in fetched.records] == [70.0]
    again = source(server)
    again.memory = json.loads(json.dumps(subscribed.memory))
    assert again.fetch(NOW) == []


def test_what_could_not_be_published_is_asked_for_again(server: Answering, broker: ContextBroker) -> None:
    """A memory that is put back to what it was makes the next asking ask for the whole."""
    broker.entities = {"a": air(1, 5, 1.0)}
    subscribed = source(server)
    before = subscribed.memory
    assert len(subscribed.fetch(NOW)) == 1
    subscribed.memory = before
    assert len(subscribed.fetch(NOW)) == 1


def test_notifications_are_read_once(server: Answering) -> None:
    """The same state again is nothing new; another state is, and so is a corrected one."""
    subscribed = source(server)
    first = subscribed.notified(notification(air(1, 5, 12.0), air(2, 5, 13.0)))
    assert len(first.records) == 2
    assert len(subscribed.notified(notification(air(1, 5, 12.0))).records) == 1, "not said to be safe yet"
    subscribed.published(first)
    assert subscribed.notified(notification(air(1, 5, 12.0))).records == []
    assert len(subscribed.notified(notification(air(1, 5, 12.5), air(1, 6, 12.0))).records) == 2
    with pytest.raises(MalformedDocument, match="want one of"):
        subscribed.notified(notification(air(1, 5, 1.0), subscription="urn:ngsi-ld:Subscription:other"))


def test_what_is_remembered_is_bounded(server: Answering) -> None:
    """The last few times of each entity, of so many entities."""
    subscribed = source(server)
    for minute in range(20):
        subscribed.published(subscribed.notified(notification(air(1, minute, 1.0))))
    assert [len(v) for v in subscribed.memory["seen"].values()] == [4]
    subscribed.memory = {"seen": {str(i): {"t": "d"} for i in range(MAX_KNOWN)}}
    subscribed.published(subscribed.notified(notification(air(1, 0, 1.0))))
    assert len(subscribed.memory["seen"]) == MAX_KNOWN


@pytest.mark.parametrize("memory", [{"seen": 1}, {"seen": {"a": 1}}, {"whole": "x"}, {"whole": 5}, {}])
def test_a_memory_that_is_none_is_as_if_not_there(
    server: Answering, broker: ContextBroker, memory: dict[str, Any]
) -> None:
    """A state file of another version stops nothing."""
    broker.entities = {"a": air(1, 5, 1.0)}
    subscribed = source(server)
    subscribed.memory = memory
    assert len(subscribed.fetch(NOW)) == 1
    assert subscribed.fetch(NOW) == []


@pytest.mark.parametrize("status", [400, 403, 409, 429, 500])
def test_a_broker_that_refuses_is_told(status: int) -> None:
    """Its reason is in the error."""
    reply = Reply(b'{"title":"no"}', status)
    with answering(lambda _: reply) as refusing, pytest.raises(SourceUnavailable, match=str(status)):
        source(refusing).fetch(NOW)


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b'"x"', b"{}"])
def test_a_broker_that_answers_with_rubbish(body: bytes) -> None:
    """Is malformed, or is taken for one without our subscription; nothing else is raised."""
    with answering(lambda _: Reply(body)) as broken, pytest.raises((MalformedDocument, SourceUnavailable)):
        source(broken).fetch(NOW)


@pytest.mark.parametrize(
    "more",
    [
        {"token": "short"},
        {"token": "with blanks inside it"},
        {"type": ""},
        {"attributes": ["a,b"]},
        {"attributes": [1]},
        {"endpoint": "city"},
        {"url": "ftp://x"},
        {"context": "x"},
    ],
    ids=str,
)
def test_a_source_that_cannot_be_made_is_refused(more: dict[str, Any]) -> None:
    """Settings that are wrong are told when the source is made."""
    with pytest.raises(BadSource):
        make_source({**SAID, **more})

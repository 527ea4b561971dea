"""Open-Meteo: answers as the service gives them become rows that their contracts accept, each once."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from accepting import cleaned, contract_of
from answering import Answering, Reply, answering
from meteo import Service, at
from veracity.feeds.errors import BadSource, MalformedDocument, SourceUnavailable
from veracity.feeds.kinds import make_source
from veracity.feeds.open_meteo import OpenMeteo, built_in, render
from veracity.feeds.open_meteo_products import DA_NANG, PRODUCTS

PLACES = [
    {"name": "hai-chau", "latitude": 16.076, "longitude": 108.2195},
    {"name": "hoi-an", "latitude": 15.8702, "longitude": 108.3337},
]


@pytest.fixture
def service() -> Service:
    """The service at 08:20."""
    return Service(at(8, 20))


@pytest.fixture
def server(service: Service) -> Iterator[Answering]:
    with answering(service) as running:
        yield running


def source(server: Answering, product: str, **more: Any) -> OpenMeteo:
    """A source of two places."""
    said = {"kind": "open-meteo", "name": "meteo", "product": product, "url": server.url, "places": PLACES}
    made = make_source({**said, **more})
    assert isinstance(made, OpenMeteo)
    return made


def ask(asked: OpenMeteo, now: datetime) -> list[bytes]:
    """The records of one asking."""
    return [record for fetched in asked.fetch(now) for record in fetched.records]


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_row_of_every_product_is_accepted(server: Answering, product: str) -> None:
    """Shape, types, units, bounds, keys and the future: the contract of the feed agrees with the rows."""
    asked = source(server, product)
    records = ask(asked, at(8, 21))
    done = cleaned(asked.feed, records, at(8, 22))
    assert done.reasons == {}
    assert done.accepted.height == len(records) > 0
    assert set(json.loads(records[0])) == {f.name for f in contract_of(asked.feed).fields}


@pytest.mark.parametrize("product", PRODUCTS)
def test_many_askings_repeat_no_key(server: Answering, service: Service, product: str) -> None:
    """Values are revised at each asking, hours pass, the source is started anew: no key comes twice."""
    asked, records = source(server, product), list[bytes]()
    for n in range(12):
        service.now = at(8) + timedelta(minutes=25 * n)
        service.values = {("pm2_5", "2026-09-01T12:00"): n, ("temperature_2m", "2026-09-01T12:00"): n}
        records += ask(asked, service.now + timedelta(seconds=30))
        again = source(server, product)
        again.memory = json.loads(json.dumps(asked.memory))
        asked = again
    done = cleaned(asked.feed, records, at(20))
    assert done.reasons == {}
    assert done.accepted.height == len(records)


def test_a_current_value_is_published_once(server: Answering, service: Service) -> None:
    """The same quarter of an hour again is nothing new, even with another value; the next one is."""
    asked = source(server, "weather")
    assert len(ask(asked, at(8, 21))) == 2
    service.values = {("temperature_2m", "2026-09-01T08:15"): 30.0}
    assert asked.fetch(at(8, 25)) == []
    service.now = at(8, 0)
    assert asked.fetch(at(8, 26)) == [], "one of its servers is behind the others"
    service.now = at(8, 31)
    rows = [json.loads(r) for r in ask(asked, at(8, 31))]
    assert [(r["place"], r["observed_at"]) for r in rows] == [
        ("hai-chau", "2026-09-01T08:30:00Z"),
        ("hoi-an", "2026-09-01T08:30:00Z"),
    ]


def test_a_forecast_is_published_again_where_it_says_something_else(
    server: Answering, service: Service
) -> None:
    """Of 48 hours that are said again, only the revised one and the hour that is new are rows."""
    asked = source(server, "weather-forecast", places=PLACES[:1])
    first = [json.loads(r) for r in ask(asked, at(8, 21))]
    assert [r["lead_h"] for r in first] == list(range(48))
    assert [r["kind"] for r in first] == ["estimate"] + ["forecast"] * 47
    assert asked.fetch(at(8, 40)) == []
    service.now, service.values = at(9, 5), {("precipitation", "2026-09-01T18:00"): 80.0}
    rows = [json.loads(r) for r in ask(asked, at(9, 6))]
    assert [(r["valid_at"], r["lead_h"], r["precipitation"]) for r in rows] == [
        ("2026-09-01T18:00:00Z", 9, 80),
        ("2026-09-03T08:00:00Z", 47, 12.5),
    ]
    assert {r["retrieved_at"] for r in rows} == {"2026-09-01T09:06:00Z"}


def test_rivers_have_a_week_behind_and_a_month_ahead(server: Answering) -> None:
    """Days that are over have a value and no ensemble; today and the days to come have both."""
    rows = [json.loads(r) for r in ask(source(server, "river", places=PLACES[:1]), at(8))]
    assert [r["lead_d"] for r in rows] == list(range(-7, 30))
    assert (rows[0]["valid_on"], rows[0]["kind"], rows[0]["discharge_mean"]) == (
        "2026-08-25",
        "estimate",
        None,
    )
    assert (rows[8]["valid_on"], rows[8]["kind"], rows[8]["discharge_mean"]) == (
        "2026-09-02",
        "forecast",
        12.5,
    )


def test_the_document_gives_the_records_again(server: Answering, service: Service) -> None:
    """Anyone who has the document, and the time of retrieval that each row says, makes the same rows."""
    asked = source(server, "air-forecast")
    (fetched,) = asked.fetch(at(8, 21))
    places = [p for p in DA_NANG if p.name in ("hai-chau", "hoi-an")]
    rows = render(fetched.document, PRODUCTS["air-forecast"], places, at(8, 21))
    assert [json.loads(r) for r in fetched.records] == rows


def test_what_is_asked_is_what_the_service_documents(server: Answering) -> None:
    """Metres a second, all places in one request, a key where there is one; times are UTC unless asked."""
    ask(source(server, "weather", apikey="k"), at(8))
    query = server.asked[0].query
    assert (query["latitude"], query["longitude"]) == ("16.076,15.8702", "108.2195,108.3337")
    assert (query["wind_speed_unit"], query["apikey"]) == ("ms", "k")
    assert "timezone" not in query
    assert query["current"].startswith("temperature_2m,relative_humidity_2m,")


@pytest.mark.parametrize(
    "change",
    [
        {"current_units": {"temperature_2m": "°F"}},
        {"current_units": {}},
        {"current": {"time": "2026-09-01T08:15"}},
        {"current": None},
        {"current": []},
        {"latitude": 52.0},
        {"longitude": None},
        {"latitude": "16"},
        {"utc_offset_seconds": 25_200},
    ],
    ids=str,
)
def test_an_answer_of_another_shape_is_malformed(
    server: Answering, service: Service, change: dict[str, Any]
) -> None:
    """Other units, other places, local times or missing values make no rows, and no other error."""
    service.change = change
    asked = source(server, "weather")
    with pytest.raises(MalformedDocument):
        asked.fetch(at(8))
    service.change = {}
    assert len(ask(asked, at(8))) == 2, "what was malformed is asked for again"


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"latitude":16.076,"latitude":16}',
        b"[" * 100_000,
        b'{"hourly":' * 5_000,
        b'{"latitude":NaN}',
        json.dumps([{"error": True, "reason": "no"}] * 11).encode(),
    ],
    ids=["empty", "page", "none", "null", "twice", "deep", "deeper", "nan", "errors"],
)
def test_what_is_no_answer_is_malformed(document: bytes) -> None:
    """Whatever a server sends fails as one of our errors."""
    with pytest.raises(MalformedDocument):
        render(document, PRODUCTS["weather"], DA_NANG, at(8))


def test_arrays_must_be_of_one_length(server: Answering, service: Service) -> None:
    """A value that has no time, or a time of no calendar, spoils the document."""
    good = json.loads(service_answer(server, "air-forecast"))
    for change in ({"pm10": [1.0]}, {"time": ["2026-13-01T00:00"] * 48}, {"pm10": [True] * 48}):
        bad = json.dumps([good[0] | {"hourly": good[0]["hourly"] | change}, good[1]]).encode()
        with pytest.raises(MalformedDocument):
            render(bad, PRODUCTS["air-forecast"], [DA_NANG[0], DA_NANG[6]], at(8))


def service_answer(server: Answering, product: str) -> bytes:
    """The document of one asking."""
    (fetched,) = source(server, product).fetch(at(8))
    return fetched.document


@pytest.mark.parametrize(
    "memory", [{"said": 1}, {"said": {"hai-chau": [1]}}, {"said": {"hai-chau": {"x": 1}}}, {}]
)
def test_a_memory_that_is_none_is_as_if_not_there(server: Answering, memory: dict[str, Any]) -> None:
    """A state file of another version stops nothing."""
    for product in ("weather", "air-forecast"):
        asked = source(server, product)
        asked.memory = memory
        assert ask(asked, at(8))


def test_a_refusal_of_the_service_is_told() -> None:
    """The reason that the service gives is in the error."""
    reply = Reply(b'{"error":true,"reason":"Minutely API request limit exceeded."}', 429)
    with answering(lambda _: reply) as busy, pytest.raises(SourceUnavailable, match="limit exceeded"):
        source(busy, "air").fetch(at(8))


@pytest.mark.parametrize(
    "more",
    [
        {"product": "tides"},
        {"places": []},
        {"places": PLACES + PLACES},
        {"places": [{"name": "a", "latitude": 91, "longitude": 0}]},
        {"places": [{"name": "a", "latitude": 1}]},
        {"places": [PLACES[0] | {"height": 3}]},
        {"url": "file:///etc/passwd"},
        {"every": "often"},
        {"every": "0 s"},
        {"feed": "No Feed"},
        {"name": "a b"},
        {"colour": "red"},
        {"max-bytes": 10**12},
    ],
    ids=str,
)
def test_a_source_that_cannot_be_asked_is_refused(server: Answering, more: dict[str, Any]) -> None:
    """Settings that are wrong, missing or unknown are told when the source is made."""
    with pytest.raises(BadSource):
        source(server, **({"product": "air"} | more))


def test_the_built_in_sources_are_of_da_nang() -> None:
    """All five products, each to its own feed, with a name that is a device's."""
    made = built_in()
    assert [s.feed for s in made] == [p.feed for p in PRODUCTS.values()]
    assert all(s.name == s.feed and s.every_s >= 900 for s in made)
    assert "latitude=16.076,16.1167" in made[0].url
    assert made[0].url.startswith("https://api.open-meteo.com/v1/forecast?")

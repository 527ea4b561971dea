"""SensorThings: every observation of every datastream is published once, late ones too."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accepting import cleaned
from answering import Answering, Reply, answering
from things import Things
from veracity.feeds.errors import BadSource, MalformedDocument, SourceUnavailable
from veracity.feeds.kinds import make_source
from veracity.feeds.sensorthings import DIALECTS, Datastream, observation_rows, read_datastream, read_page
from veracity.feeds.sensorthings_client import SensorThings

NOW = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)


def when(minute: float) -> str:
    """A time so many minutes after 08:00."""
    seconds = int(minute * 60)
    return f"2026-09-01T{8 + seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.000Z"


@contextmanager
def serving(things: Things) -> Iterator[Callable[..., SensorThings]]:
    """Serve things; give a function that makes a source of them."""
    with answering(things) as server:

        def source(**more: Any) -> SensorThings:
            said = {"kind": "sensorthings", "name": "things", "url": f"{server.url}/v{things.version}"}
            made = make_source({**said, "version": things.version, **more})
            assert isinstance(made, SensorThings)
            return made

        yield source


def ask(source: SensorThings, now: datetime = NOW) -> list[dict[str, Any]]:
    """The rows of one asking."""
    return [json.loads(record) for fetched in source.fetch(now) for record in fetched.records]


@pytest.mark.parametrize(
    ("version", "more"), [("1.1", {}), ("1.1", {"data-array": True}), ("2.0", {})], ids=str
)
def test_all_of_a_service_is_read_page_by_page(version: str, more: dict[str, Any]) -> None:
    """Several datastreams, numbers and texts as IDs, more than a page each: all of it, accepted."""
    series = {i: [(when(m), m / 2) for m in range(25)] for i in (1, 2, "it's/ours", "Đà Nẵng")}
    with serving(Things(version, series, page=10)) as source:
        rows = ask(source(**more))
    assert len(rows) == 100
    assert rows[3] == {
        "datastream": "1",
        "name": "PM2.5 1",
        "thing": "Station 1",
        "observed": "PM2.5",
        "unit": "ug/m3",
        "latitude": 16.07,
        "longitude": 108.22,
        "observation": "1-3",
        "observed_at": "2026-09-01T08:03:00.000000Z",
        "observed_until": None,
        "result_at": None,
        "result": 1.5,
        "result_text": None,
    }
    done = cleaned("sensorthings", [json.dumps(r).encode() for r in rows], NOW)
    assert (done.reasons, done.accepted.height) == ({}, 100)


@pytest.mark.parametrize("version", DIALECTS)
def test_only_what_is_new_is_published(version: str) -> None:
    """At the next asking, and after a restart, what was published is not published again."""
    things = Things(version, {1: [(when(0), 1), (when(1), 2)]})
    with serving(things) as make:
        source = make()
        assert len(ask(source)) == 2
        assert source.fetch(NOW) == []
        again = make()
        again.memory = json.loads(json.dumps(source.memory))
        things.observations[1].append((when(2), 3))
        assert [r["result"] for r in ask(again)] == [3]


def test_an_observation_that_comes_late_is_published() -> None:
    """One with a time before others that are known: within the overlap it is found, beyond it is not."""
    things = Things(observations={1: [(when(120), 1)]})
    with serving(things) as make:
        source = make(overlap="30 min")
        ask(source)
        things.observations[1] += [(when(100), 2), (when(80), 3), (when(121), 4)]
        assert [r["result"] for r in ask(source)] == [2, 4]


def test_a_corrected_result_is_published_again() -> None:
    """The same time with another result is another record; the contract then decides."""
    things = Things(observations={1: [(when(1), 1)]})
    with serving(things) as make:
        source = make()
        ask(source)
        things.observations[1] = [(when(1), 7)]
        assert [r["result"] for r in ask(source)] == [7]


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=40))
def test_any_order_of_arrival_within_the_overlap_gives_each_once(arrivals: list[tuple[int, bool]]) -> None:
    """Whenever it is asked in between, every observation is published exactly once."""
    things = Things(observations={1: []}, page=7)
    published: list[str] = []
    with serving(things) as make:
        source = make(overlap="1 h")
        for n, (minute, is_asked) in enumerate(arrivals):
            things.observations[1].append((when(minute), n))
            if is_asked:
                published += [r["observation"] for r in ask(source)]
        published += [r["observation"] for r in ask(source)]
    assert sorted(published) == sorted(f"1-{n}" for n in range(len(arrivals)))


def test_it_can_go_on_by_the_time_of_the_result() -> None:
    """For services that cannot filter by the phenomenon's time; where a result has none it is malformed."""
    things = Things(observations={1: [(when(m), m) for m in range(5)]}, has_result_times=True)
    with serving(things) as make:
        source = make(by="resultTime")
        assert [r["result_at"][:16] for r in ask(source)][:1] == ["2026-09-01T08:00"]
        things.observations[1].append((when(5), 5))
        assert [r["result"] for r in ask(source)] == [5]
        things.has_result_times = False
        with pytest.raises(MalformedDocument, match="order"):
            make(by="resultTime").fetch(NOW)


def test_a_long_datastream_is_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """More pages than are read in one turn: the next turn begins where this one stopped."""
    monkeypatch.setattr("veracity.feeds.sensorthings_client.MAX_PAGES", 3)
    things = Things(observations={1: [(when(m), m) for m in range(100)]}, page=10)
    with serving(things) as make:
        source = make()
        turns = [[r["result"] for r in ask(source)] for _ in range(5)]
    assert [len(t) for t in turns][:3] == [30, 29, 29], "the last one read is asked for again"
    assert sorted(result for turn in turns for result in turn) == list(range(100))


def test_more_of_one_time_than_is_read_at_once_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no later time to go on from: what is behind them is missed, and that is never silent."""
    monkeypatch.setattr("veracity.feeds.sensorthings_client.MAX_PAGES", 2)
    things = Things(observations={1: [(when(0), m) for m in range(30)]}, page=10)
    with serving(things) as make:
        source = make()
        assert len(ask(source)) == 20
        with pytest.raises(MalformedDocument, match="later time"):
            source.fetch(NOW)


def test_a_turn_holds_so_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a datastream is and however many there are: the next turns go on, and all of it comes."""
    monkeypatch.setattr("veracity.feeds.sensorthings_client.MAX_TURN_BYTES", 3_000)
    things = Things(observations={i: [(when(m), m) for m in range(30)] for i in (1, 2)}, page=10)
    with serving(things) as make:
        source = make()
        turns = [source.fetch(NOW) for _ in range(12)]
    n_bytes = [sum(len(one.document) for one in turn) for turn in turns]
    largest = max(len(one.document) for turn in turns for one in turn)
    assert max(n_bytes) <= 2 * (3_000 + largest)
    assert sum(len(one.records) for turn in turns for one in turn) == 60
    assert turns[-1] == []


def test_one_broken_datastream_stops_no_other() -> None:
    """Its turn fails and is told; the others go on, before and after it."""
    things = Things(observations={i: [(when(1), i)] for i in range(4)}, broken={1})
    with serving(things) as make:
        source = make()
        assert [r["result"] for r in ask(source)] == [0]
        with pytest.raises(MalformedDocument):
            source.fetch(NOW)
        assert [r["result"] for r in ask(source)] == [2, 3]
        things.broken = set()
        assert [r["result"] for r in ask(source)] == [1]


def test_a_turn_ends_in_time_and_the_next_goes_on() -> None:
    """A service of many slow datastreams is asked in several turns."""
    things = Things(observations={i: [(when(1), i)] for i in range(3)})
    with serving(things) as make:
        source = make()
        source._turn_s = -1.0
        assert source.fetch(NOW) == []
        assert source.memory["next"] == 0
        source._turn_s = 60.0
        assert [r["result"] for r in ask(source)] == [0, 1, 2]


def test_links_to_other_servers_are_not_followed() -> None:
    """A next page is on the same server, or the answer is malformed; an absolute link to it is fine."""
    series: dict[int | str, list[tuple[str, Any]]] = {1: [(when(m), m) for m in range(4)]}
    with answering(lambda _: Reply(b'{"value":[]}')) as other:
        things = Things(observations=series, page=2, base=other.url)
        with serving(things) as make, pytest.raises(MalformedDocument, match="next link"):
            make().fetch(NOW)
        assert other.asked == []
    things = Things(observations=series, page=2)
    with answering(things) as server:
        things.base = server.url
        made = make_source({"kind": "sensorthings", "name": "a", "url": f"{server.url}/v1.1"})
        assert isinstance(made, SensorThings)
        assert len(ask(made)) == 4


def test_a_link_that_is_no_address_is_malformed() -> None:
    """It is told as one of our errors."""
    things = Things(observations={1: [(when(1), 1), (when(2), 2)]}, page=1, base="http://[::1")
    with serving(things) as make, pytest.raises(MalformedDocument, match="link"):
        make().fetch(NOW)


def test_a_link_with_blanks_in_it_is_followed() -> None:
    """Not every service writes addresses as they should be."""
    things = Things(observations={1: [(when(m), m) for m in range(5)]}, page=2, has_blanks=True)
    with serving(things) as make:
        assert len(ask(make())) == 5


def test_a_list_that_never_ends_is_left() -> None:
    """Pages without end, of nothing, are bounded."""
    n = iter(range(1_000_000))

    with answering(lambda _: Reply(b'{"value":[],"@iot.nextLink":"?%d"}' % next(n))) as server:
        made = make_source({"kind": "sensorthings", "name": "a", "url": server.url})
        assert isinstance(made, SensorThings)
        with pytest.raises(MalformedDocument, match="100 pages"):
            made.fetch(NOW)
    assert len(server.asked) == 100


def test_observations_out_of_order_are_malformed() -> None:
    """A service that does not order by time could have us skip some."""
    things = Things(observations={1: [(when(2), 1), (when(1), 2)]}, is_unordered=True)
    with serving(things) as make, pytest.raises(MalformedDocument, match="order"):
        make().fetch(NOW)


def test_any_result_is_kept() -> None:
    """Numbers as numbers, everything else as text."""
    results: list[Any] = [1, 2.5, "7", True, None, {"b": 1, "a": [2]}, [1]]
    things = Things(observations={1: [(when(m), r) for m, r in enumerate(results)]})
    with serving(things) as make:
        rows = ask(make())
    assert [r["result"] for r in rows] == [1, 2.5, None, None, None, None, None]
    assert [r["result_text"] for r in rows[2:]] == ["7", "true", None, '{"a":[2],"b":1}', "[1]"]


def test_intervals_have_two_ends() -> None:
    """An interval of 1.1 is a text, of 2.0 an object; both give its beginning and end in UTC."""
    stream = Datastream(1, None, None, None, None, None, None)
    old = b'{"value":[{"result":1,"phenomenonTime":"2026-09-01T07:00:00+07:00/2026-09-01T01:00:00Z"}]}'
    interval = b'{"start":"2026-09-01T00:00:00Z","end":"2026-09-01T01:00:00Z"}'
    new = b'{"value":[{"result":1,"phenomenonTime":%s}]}' % interval
    for document, version in ((old, "1.1"), (new, "2.0")):
        ((row,), _) = observation_rows(document, stream, DIALECTS[version])
        assert row["observed_at"] == "2026-09-01T00:00:00.000000Z"
        assert row["observed_until"] == "2026-09-01T01:00:00.000000Z"


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b'{"value":1}',
        b'{"value":[1]}',
        b'{"value":[{}]}',
        b'{"value":[{"phenomenonTime":"yesterday","result":1}]}',
        b'{"value":[{"phenomenonTime":1,"result":1}]}',
        b'{"value":[{"phenomenonTime":"2026-09-01T00:00:00Z"}]}',
        b'{"value":[{"phenomenonTime":"2026-09-01T00:00:00Z","result":1,"@iot.id":{}}]}',
        b'{"value":[{"components":["result"],"dataArray":[[1,2]]}]}',
        b'{"value":[{"components":1,"dataArray":[]}]}',
        b'{"value":[],"@iot.nextLink":7}',
        b'{"value":[{"phenomenonTime":"0001-01-01T00:00:00+07:00","result":1}]}',
    ],
)
def test_what_is_no_page_is_malformed(document: bytes) -> None:
    """Whatever comes fails as one of our errors, or holds nothing."""
    stream = Datastream(1, None, None, None, None, None, None)
    try:
        rows, _ = observation_rows(document, stream, DIALECTS["1.1"])
    except MalformedDocument:
        return
    assert rows == []


NAMES = [
    *("@iot.id", "Thing", "Locations", "location", "type", "coordinates", "geometry", "ObservedProperty"),
    *("name", "unitOfMeasurement", "symbol", "resultType", "uom", "id", "value", "@iot.nextLink"),
    *("phenomenonTime", "result", "dataArray", "components"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON, st.sampled_from(sorted(DIALECTS)))
def test_any_json_is_read_or_malformed(value: Any, version: str) -> None:
    """No shape of JSON makes another error than ours."""
    stream = Datastream(1, None, None, None, None, None, None)
    for read in (
        lambda: read_datastream(value, DIALECTS[version]),
        lambda: read_page(json.dumps(value).encode(), DIALECTS[version]),
        lambda: observation_rows(json.dumps({"value": [value]}).encode(), stream, DIALECTS[version]),
    ):
        try:
            read()
        except MalformedDocument:
            continue


@pytest.mark.parametrize(
    "memory",
    [
        {"datastreams": 1, "next": "x"},
        {"datastreams": {"1": 1}, "next": -4},
        {"datastreams": {"1": {"newest": "x", "since": "y", "seen": 1}}, "next": 10**6},
        {"datastreams": {"1": {"newest": when(0), "since": "2026-09-01T00:00:00", "seen": {}}}},
        {"datastreams": {"1": {"newest": when(0), "since": when(0), "seen": {"a": "b"}}}},
    ],
)
def test_a_memory_that_is_none_is_as_if_not_there(memory: dict[str, Any]) -> None:
    """A state file of another version stops nothing."""
    with serving(Things(observations={1: [(when(1), 1)]})) as make:
        source = make()
        source.memory = memory
        assert len(ask(source)) == 1


def test_a_service_out_of_reach_is_told() -> None:
    """A root that is none of SensorThings."""
    with answering(lambda _: Reply(b"no", 404)) as server:
        made = make_source({"kind": "sensorthings", "name": "a", "url": server.url})
        assert isinstance(made, SensorThings)
        with pytest.raises(SourceUnavailable, match="404"):
            made.fetch(NOW)


@pytest.mark.parametrize(
    "more",
    [
        {"version": "1.0"},
        {"version": "2.0", "data-array": True},
        {"top": 0},
        {"top": 10**6},
        {"headers": {"X": "a\nb"}},
        {"headers": {"X Y": "a"}},
        {"headers": 1},
        {"overlap": 5},
        {"by": "validTime"},
        {"filter": ""},
    ],
    ids=str,
)
def test_a_source_that_cannot_be_asked_is_refused(more: dict[str, Any]) -> None:
    """Settings that are wrong are told when the source is made."""
    with pytest.raises(BadSource):
        make_source({"kind": "sensorthings", "name": "a", "url": "http://h/v1.1", **more})


def test_headers_are_sent() -> None:
    """A key that the service wants goes with each request."""

    def check(server: Answering) -> None:
        made = make_source(
            {"kind": "sensorthings", "name": "a", "url": f"{server.url}/v1.1", "headers": {"X-Key": "k"}}
        )
        assert isinstance(made, SensorThings)
        made.fetch(NOW)

    with answering(Things(observations={1: []})) as server:
        check(server)
    assert [a.headers["x-key"] for a in server.asked] == ["k", "k"]

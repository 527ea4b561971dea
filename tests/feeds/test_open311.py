"""Open311: a small server that searches and pages as GeoReport v2 has it, read into rows."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering import Answering, Asked, Reply, answering
from contracted import judged
from veracity.feeds import open311
from veracity.feeds.errors import BadSource, MalformedDocument, SourceUnavailable
from veracity.feeds.kinds import make_source
from veracity.feeds.one_document import OneDocument
from veracity.feeds.open311 import RequestsSource, render_requests, render_services

NOW = datetime(2026, 9, 3, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def request(number: int, **more: object) -> dict[str, object]:
    """A request, made an hour after the one before."""
    made = (datetime(2026, 9, 1, tzinfo=UTC) + timedelta(hours=number)).isoformat()
    return {
        "service_request_id": f"SR{number:04}", "status": "open", "service_code": "DR",
        "service_name": "Drain", "description": "Ngập & tắc", "requested_datetime": made,
        "updated_datetime": made, "lat": 16.05,
        "long": "108.2", "address": "", "media_url": None, **more,
    }  # fmt: skip


class City:
    """A server of GeoReport v2: what it knows, how large its pages are, and whether it has any."""

    def __init__(self, *requests: dict[str, Any], page_size: int = 10, has_pages: bool = True) -> None:
        self.requests = list(requests)
        self.page_size, self.has_pages = page_size, has_pages
        self.failing = 0
        self.services: list[dict[str, Any]] = [
            {"service_code": "DR", "service_name": "Drain", "metadata": True, "type": "realtime",
             "keywords": "flood, water", "group": "streets"},
        ]  # fmt: skip

    def __call__(self, asked: Asked) -> Reply:
        """Answer one question."""
        name, form = asked.path.removeprefix("/v2/").split(".")
        if name == "services":
            return self.written(self.services, form, "services", "service")
        if self.failing:
            self.failing -= 1
            return Reply(b"slow down", 429, {"Retry-After": "7"})
        found = [r for r in self.requests if self.is_within(r, asked.query)]
        found.sort(key=lambda r: r["requested_datetime"], reverse=True)
        size = min(int(asked.query["page_size"]), self.page_size)
        first = (int(asked.query["page"]) - 1) * size if self.has_pages else 0
        return self.written(found[first : first + size], form, "service_requests", "request")

    def is_within(self, found: Mapping[str, Any], query: Mapping[str, str]) -> bool:
        """Tell whether a request is of the span that is asked for."""
        by = "updated" if "updated_after" in query else "requested"
        after, before = open311._SPANS[by]
        begin, end = (datetime.fromisoformat(query[name]) for name in (after, before))
        return begin <= datetime.fromisoformat(found[f"{by}_datetime"]) <= end

    def written(self, items: list[dict[str, Any]], form: str, root: str, name: str) -> Reply:
        """Write items in one of the two forms."""
        if form == "json":
            return Reply(json.dumps(items).encode())

        def one(item: Mapping[str, Any]) -> str:
            return "".join(f"<{k}>{escape('' if v is None else str(v))}</{k}>" for k, v in item.items())

        body = "".join(f"<{name}>{one(item)}</{name}>" for item in items)
        return Reply(f'<?xml version="1.0" encoding="utf-8"?><{root}>{body}</{root}>'.encode())


def source(server: Answering, **more: object) -> RequestsSource:
    """Make a source as ``sources.yaml`` would."""
    where = {"kind": "open311", "name": "311", "feed": "requests", "url": f"{server.url}/v2/"}
    settings = {"what": "requests", "begin": "2026-09-01T00:00:00Z", "step": "5 d", **more}
    made = make_source({**where, **settings})
    assert isinstance(made, RequestsSource)
    return made


def fetched(made: RequestsSource, now: datetime = NOW) -> list[str]:
    """Ask once; return which requests came, in what state."""
    rows = [json.loads(record) for f in made.fetch(now) for record in f.records]
    return sorted(f"{row['request']} {row['status']}" for row in rows)


@pytest.mark.parametrize("form", ["json", "xml"])
def test_a_request_is_a_row_in_both_forms(form: str, tmp_path: Path) -> None:
    """Texts as they were written, absent where they are empty; the contract takes them."""
    with answering(City(request(1), request(2, status="closed"))) as server:
        (page,) = source(server, format=form).fetch(NOW)
    row = json.loads(page.records[1])
    assert row == {
        "request": "SR0001", "status": "open", "service_code": "DR", "service": "Drain",
        "description": "Ngập & tắc", "requested_at": "2026-09-01T01:00:00+00:00",
        "updated_at": "2026-09-01T01:00:00+00:00", "latitude": 16.05 if form == "json" else "16.05",
        "longitude": "108.2",
    }  # fmt: skip
    report = judged("open311-requests", page.records, tmp_path, NOW)
    assert (report.accepted, report.received) == (2, 2), report


def test_every_page_is_read_and_each_request_given_once() -> None:
    """Pages smaller than asked for, a last page that is full, and a server that has no pages at all."""
    with answering(City(*map(request, range(30)))) as server:
        made = source(server)
        assert len(fetched(made)) == 30
        assert fetched(made) == []
        assert {a.query["page"] for a in server.asked} == {"1", "2", "3", "4"}
    with answering(City(*map(request, range(5)), has_pages=False)) as server:
        assert len(fetched(source(server))) == 5


def test_a_server_without_pages_that_stops_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the standard lets it stop, some may be missing: an error, until less is asked for at once."""
    monkeypatch.setattr(open311, "_MOST", 10)
    with answering(City(*map(request, range(30)), has_pages=False)) as server:
        made = source(server)
        assert len(fetched(made)) == 10
        with pytest.raises(MalformedDocument, match="step"):
            made.fetch(NOW)
        shorter = source(server, step="6 h", **{"look-back": "1 h"})
        assert len({r for _ in range(9) for r in fetched(shorter)}) == 30


def test_what_changes_is_given_again() -> None:
    """As long as the next span looks back to it; by change it is found however old it is."""
    closed = {"status": "closed", "updated_datetime": (NOW + DAY / 2).isoformat()}
    city = City(request(1), request(55))
    with answering(city) as server:
        made, by_change = (
            source(server),
            source(server, by="updated", begin="2026-09-01T00:00:00Z", step="5 d"),
        )
        assert fetched(made) == fetched(by_change) == ["SR0001 open", "SR0055 open"]
        city.requests = [request(1, **closed), request(55, **closed)]
        assert fetched(made, NOW + DAY) == ["SR0055 closed"]
        assert fetched(by_change, NOW + DAY) == ["SR0001 closed", "SR0055 closed"]


def test_the_past_is_walked_through_in_steps() -> None:
    """From where it is told to begin, each fetch a step further, up to now and not beyond."""
    city = City(request(1), request(20), request(40))
    with answering(city) as server:
        made = source(server, step="1 d", **{"look-back": "1 h"})
        assert [fetched(made) for _ in range(4)] == [["SR0001 open", "SR0020 open"], ["SR0040 open"], [], []]
        assert server.asked[-1].query["end_date"] == "2026-09-03T12:00:00Z"


def test_a_restart_goes_on_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fetch reads so many pages; with its memory another source goes on at the next."""
    monkeypatch.setattr(open311, "MAX_PAGES", 2)
    with answering(City(*map(request, range(50)))) as server:
        first = source(server)
        assert len(fetched(first)) == 20
        second = source(server)
        second.memory = json.loads(json.dumps(first.memory))
        assert (len(fetched(second)), len(fetched(second))) == (20, 10)
        third = source(server)
        third.memory = {"done": 7, "span": [1, 2], "page": "x", "known": 3}
        assert len(fetched(third)) == 20


def test_a_server_that_is_overrun_is_gone_on_with_where_it_was() -> None:
    """What came before is given; the page that was refused is asked for again, and none is left out."""
    city = City(*map(request, range(30)))
    with answering(city) as server:
        made = source(server)
        city.failing = 1
        with pytest.raises(SourceUnavailable) as refused:
            made.fetch(NOW)
        assert refused.value.retry_after_s == 7

        def failing_later(asked: Asked) -> Reply:
            city.failing = 1 if asked.query["page"] == "3" and len(server.asked) < 4 else 0
            return city(asked)

    with answering(failing_later) as server:
        made = source(server)
        assert (len(fetched(made)), len(fetched(made))) == (20, 10)


def test_what_was_not_published_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the memory of before a fetch, the same source gives the same again, and then what follows."""
    monkeypatch.setattr(open311, "MAX_PAGES", 1)
    with answering(City(*map(request, range(30)))) as server:
        made = source(server)
        made.fetch(NOW)
        before = made.memory
        second = fetched(made)
        made.memory = before
        assert (fetched(made), len(fetched(made))) == (second, 10)


def test_services_are_a_feed_of_their_own(tmp_path: Path) -> None:
    """A service is given when something about it changes, and the contract takes it."""
    city = City()
    with answering(city) as server:
        settings = {"kind": "open311", "name": "311", "feed": "services", "url": f"{server.url}/v2"}
        for form in ("json", "xml"):
            made = make_source(
                {**settings, "what": "services", "format": form, "jurisdiction": "danang.gov.vn"}
            )
            assert isinstance(made, OneDocument)
            (one,) = made.fetch(NOW)
            assert json.loads(one.records[0])["keywords"] == "flood water"
            assert judged("open311-services", one.records, tmp_path, NOW).accepted == 1
            assert server.asked[-1].query == {"jurisdiction_id": "danang.gov.vn"}
            assert made.fetch(NOW) == []
            city.services[0]["service_name"] += "s"
            (other,) = made.fetch(NOW)
            rows = [json.loads(f.records[0]) for f in (one, other)]
            assert rows[0]["version"] != rows[1]["version"]


@pytest.mark.parametrize("render", [render_requests, render_services])
@pytest.mark.parametrize(
    ("document", "form"),
    [(b"", "json"), (b"{}", "json"), (b"[1]", "json"), (b'{"errors": []}', "json"), (b"[" * 2_000, "json"),
     (b"<errors/>", "xml"), (b"[]", "xml"), (b"", "xml"), (b"[]" + b" " * open311.MAX_BYTES, "json")],
    ids=range(9),
)  # fmt: skip
def test_what_is_no_answer_is_malformed(
    render: Callable[[bytes, str], object], document: bytes, form: str
) -> None:
    """Error pages, other shapes, other forms, and what is too large."""
    with pytest.raises(MalformedDocument):
        render(document, form)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(value=JSON, name=st.sampled_from(sorted(request(1))))
def test_a_value_of_any_kind_gives_a_row(value: Any, name: str) -> None:
    """It is moved where it is plain and left out where it is not; the contract judges."""
    for render in (render_requests, render_services):
        assert len(render(json.dumps([request(1) | {name: value}], allow_nan=False).encode())) == 1


def test_settings_are_checked() -> None:
    """Words of their lists, times, durations, counts."""
    for wrong in (
        {"what": "x"},
        {"format": "csv"},
        {"by": "id"},
        {"begin": "now"},
        {"step": 1},
        {"page-size": 0},
    ):
        with answering(City()) as server, pytest.raises(BadSource):
            source(server, **wrong)

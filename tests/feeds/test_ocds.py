"""Open contracting: releases, packages and real data, and an API that is walked page after page."""

import gzip
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering import Answering, Asked, Reply, answering
from contracted import judged
from shared_data import real
from veracity.feeds import ocds, ocds_release
from veracity.feeds.errors import BadSource, MalformedDocument, SourceUnavailable
from veracity.feeds.kinds import make_source
from veracity.feeds.ocds import PackagesSource
from veracity.feeds.ocds_release import render_lines, render_package
from veracity.feeds.one_document import OneDocument

NOW = datetime(2026, 9, 1, tzinfo=UTC)


def release(number: int = 1, **more: object) -> dict[str, Any]:
    """A release of a process of its own."""
    return {
        "ocid": f"ocds-213czf-{number}", "id": f"{number}-01", "date": "2026-08-01T08:00:00+07:00",
        "tag": ["award", "contract"], "initiationType": "tender", "language": "vi",
        "buyer": {"id": "VN-1", "name": "Sở Giao thông"},
        "tender": {"id": "T1", "title": "Cống thoát nước", "procurementMethod": "open", "status": "complete",
                   "mainProcurementCategory": "works", "value": {"amount": 2.5e9, "currency": "VND"},
                   "tenderPeriod": {"startDate": "2026-06-01T00:00:00Z", "endDate": "2026-07-01T00:00:00Z"},
                   "items": [{}, {}], "numberOfTenderers": 3},
        "awards": [
            {"id": "A", "status": "active", "value": {"amount": 1.5e9, "currency": "VND"},
             "suppliers": [{"id": "S1", "name": "Công ty A"}]},
            {"id": "B", "status": "active", "value": {"amount": 5e8, "currency": "VND"},
             "suppliers": [{"id": "S1", "name": "Công ty A"}, {"id": "S2", "name": "B; Co"}]},
            {"id": "C", "status": "cancelled", "value": {"amount": 9e9, "currency": "VND"}},
        ],
        **more,
    }  # fmt: skip


def package(*releases: dict[str, Any], following: str | None = None) -> bytes:
    """A release package."""
    links = {"links": {"next": following}} if following is not None else {}
    return json.dumps({"version": "1.1", "releases": list(releases), **links}).encode()


def rows(document: bytes, render: Callable[[bytes], list[bytes]] = render_package) -> list[Any]:
    """Render a document."""
    return [json.loads(row) for row in render(document)]


def test_a_release_is_a_row(tmp_path: Path) -> None:
    """Ends, totals of what stands, and suppliers each once; the contract takes it."""
    document = package(release())
    (row,) = rows(document)
    assert row == {
        "ocid": "ocds-213czf-1", "release": "1-01", "released_at": "2026-08-01T08:00:00+07:00",
        "tags": "award contract", "language": "vi", "initiation": "tender", "buyer_id": "VN-1",
        "buyer": "Sở Giao thông", "tender": "T1", "title": "Cống thoát nước", "status": "complete",
        "method": "open", "category": "works", "tender_start": "2026-06-01T00:00:00Z",
        "tender_end": "2026-07-01T00:00:00Z", "tender_amount": 2_500_000_000, "tender_currency": "VND",
        "award_amount": 2_000_000_000, "award_currency": "VND", "n_items": 2, "n_tenderers": 3,
        "n_awards": 3, "suppliers": "Công ty A; B; Co", "supplier_ids": "S1 S2",
    }  # fmt: skip
    report = judged("ocds", render_package(document) * 2, tmp_path, NOW)
    assert (report.accepted, dict(report.reasons)) == (1, {"duplicate-key": 1})


@pytest.mark.parametrize(
    "values",
    [[{"amount": 1, "currency": "VND"}, {"amount": 1, "currency": "USD"}],
     [{"amount": 1}, {"currency": "VND"}], [{"amount": "1"}], [{"amount": True}], [{}], [None],
     [{"amount": 1e308}, {"amount": 1e308}], []],
)  # fmt: skip
def test_what_cannot_be_added_up_has_no_total(values: Sequence[Any]) -> None:
    """Of several currencies, of values that are missing or no numbers, of nothing."""
    (row,) = rows(package(release(awards=[{"value": value} for value in values])))
    assert "award_amount" not in row
    assert row["n_awards"] == len(values)


def test_packages_records_and_lines_give_the_same_rows() -> None:
    """However releases are packed; of a record the releases that stand in it and the compiled one."""
    one, two = release(1), release(2, tag=["compiled"])
    expected = rows(package(one, two))
    linked = {"url": "http://host/1", "date": "2026-08-01T00:00:00Z", "tag": ["tender"]}
    record = {"ocid": two["ocid"], "releases": [linked, one], "compiledRelease": {**two, "ocid": two["ocid"]}}
    records = json.dumps({"records": [record]}).encode()
    lines = json.dumps(one).encode() + b"\n\n" + json.dumps(two).encode() + b"\r\n"
    assert rows(records) == rows(json.dumps(record).encode()) == expected
    assert rows(lines, render_lines) == rows(gzip.compress(lines), render_lines) == expected
    assert rows(records + b"\n" + package(one), render_lines) == [*expected, expected[0]]


@pytest.mark.data
def test_real_data_is_taken(tmp_path: Path) -> None:
    """Thousands of contracting processes of two countries, and one from its plan to its last payment."""
    folder = real("ocds-releases")
    for name, count in (("mexico_compranet_2017", 2_164), ("uk_lancashire", 670)):
        found = render_lines((folder / f"{name}.jsonl.gz").read_bytes())
        report = judged("ocds", found, tmp_path, NOW)
        assert (report.received, report.accepted) == (count, count), report
    whole = real("ocds-redflags-conformance", "ocds_fictional_process_release_package_1.1.json")
    found = render_package(whole.read_bytes())
    assert judged("ocds", found, tmp_path, NOW).accepted == len(found) == 6
    assert [json.loads(row)["tags"] for row in found][0::5] == ["planning", "implementation"]


@pytest.mark.data
def test_what_lacks_a_key_waits_for_a_person(tmp_path: Path) -> None:
    """The conformance cases have neither ids nor dates: every one is read, and set aside with the reason."""
    folder = real("ocds-redflags-conformance")
    cases = sorted(folder.glob("*.jsonl"))
    assert cases
    for case in cases:
        found = render_lines(case.read_bytes())
        report = judged("ocds", found, tmp_path, NOW)
        assert report.quarantined == len(found) > 0, case.name
        assert set(report.reasons) == {"required:release", "required:released_at"}, case.name


@pytest.mark.parametrize(
    "document",
    [b"", b"[]", b"{}", b"1", b"null", b'{"releases": {}}', b'{"releases": [1]}', b'{"records": null}',
     b"\xff", b'{"releases": [' + b"[" * 2_000, b'{"ocid": NaN}',
     b"[]" + b" " * ocds_release.MAX_PACKAGE_BYTES],
    ids=range(12),
)  # fmt: skip
def test_what_is_no_package_is_malformed(document: bytes) -> None:
    """Other JSON, other bytes, too many of them."""
    with pytest.raises(MalformedDocument):
        render_package(document)
    if document:
        with pytest.raises(MalformedDocument):
            render_lines(package(release()) + b"\n" + document)


@pytest.mark.parametrize("spoil", [lambda d: d[:-4], lambda d: d[:40] + b"xxxx" + d[44:], lambda d: d + b"x"])
def test_a_damaged_gzip_file_is_malformed(spoil: Callable[[bytes], bytes]) -> None:
    """Cut off, changed, or with something after it."""
    lines = b"".join(package(release(i)) + b"\n" for i in range(50))
    with pytest.raises(MalformedDocument):
        render_lines(spoil(gzip.compress(lines)))


def test_a_gzip_bomb_is_malformed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What unfolds to more than the limit, and a line without end, are stopped on the way."""
    bomb = gzip.compress(b"\0" * 50_000_000)
    monkeypatch.setattr(ocds_release, "MAX_PACKAGE_BYTES", 2_000_000)
    with pytest.raises(MalformedDocument, match="longer one"):
        render_lines(bomb)
    monkeypatch.setattr(ocds_release, "MAX_LINES_BYTES", 10_000_000)
    with pytest.raises(MalformedDocument, match="10000000"):
        render_lines(gzip.compress(b"\n" * 50_000_000))


PARTS = ("buyer", "tender", "awards", "contracts", "planning", "bids", "tag", "id", "date", "title")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["value", "amount", "suppliers", "details", "items", "budget", "status"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(value=JSON, name=st.sampled_from(PARTS))
def test_a_part_of_any_shape_gives_a_row(value: Any, name: str) -> None:
    """What is not as the standard has it is left out, or judged by the contract; nothing else comes out."""
    document = json.dumps({"releases": [release(**{name: value})]}).encode()
    try:
        found = render_package(document)
    except MalformedDocument:
        assert any(abs(int(n)) >= 2**63 for n in _integers(value))
        return
    assert len(found) == 1


def _integers(value: Any) -> list[int]:
    """All integers in a value."""
    inner = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
    own = [value] if isinstance(value, int) else []
    return own + [n for one in inner for n in _integers(one)]


class Api:
    """An API of packages: pages of releases, in the order that it has."""

    def __init__(self, n_releases: int, page_size: int = 3, is_newest_first: bool = True) -> None:
        self.n_releases, self.page_size, self.is_newest_first = n_releases, page_size, is_newest_first
        self.failing: set[int] = set()

    def __call__(self, asked: Asked) -> Reply:
        """Answer with one page."""
        page = int(asked.query.get("page", "0"))
        if page in self.failing:
            return Reply(status=503, headers={"Retry-After": "60"})
        numbers = list(range(self.n_releases))
        numbers = numbers[::-1] if self.is_newest_first else numbers
        shown = numbers[page * self.page_size : (page + 1) * self.page_size]
        is_last = (page + 1) * self.page_size >= self.n_releases
        return Reply(package(*map(release, shown), following=None if is_last else f"?page={page + 1}"))


def source(server: Answering, **more: object) -> PackagesSource:
    """Make a source as ``sources.yaml`` would."""
    settings = {"kind": "ocds", "name": "tenders", "feed": "ocds", "url": f"{server.url}/api"}
    made = make_source({**settings, **more})
    assert isinstance(made, PackagesSource)
    return made


def fetched(made: PackagesSource, now: datetime = NOW) -> list[int]:
    """Ask once; return the numbers of the releases that came."""
    found = [json.loads(record) for f in made.fetch(now) for record in f.records]
    return sorted(int(row["release"].split("-")[0]) for row in found)


@pytest.mark.parametrize("order", ["newest-first", "oldest-first"])
def test_an_api_is_walked_and_then_only_what_is_new_is_asked_for(order: str) -> None:
    """Every release once, whichever end the new ones come at."""
    api = Api(8, is_newest_first=order == "newest-first")
    with answering(api) as server:
        made = source(server, order=order)
        assert (fetched(made), fetched(made)) == (list(range(8)), [])
        api.n_releases = 11
        n_asked = len(server.asked)
        again = source(server, order=order)
        again.memory = json.loads(json.dumps(made.memory))
        assert fetched(again) == [8, 9, 10]
        assert len(server.asked) - n_asked <= 2


def test_a_long_walk_is_done_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """One fetch asks for so many pages; the next, even after a restart, goes on."""
    monkeypatch.setattr(ocds, "MAX_PAGES", 2)
    with answering(Api(14)) as server:
        made, found = source(server), []
        for _ in range(3):
            found += fetched(made)
            memory = json.loads(json.dumps(made.memory))
            made = source(server)
            made.memory = memory
        assert sorted(found) == list(range(14))


def test_a_page_out_of_reach_is_asked_for_again() -> None:
    """What came before it is given; then the source says so, and goes on when the page is back."""
    api = Api(8)
    api.failing = {1}
    with answering(api) as server:
        made = source(server)
        assert fetched(made) == [5, 6, 7]
        with pytest.raises(SourceUnavailable) as refused:
            made.fetch(NOW)
        assert refused.value.retry_after_s == 60
        api.failing = set()
        assert fetched(made) == [0, 1, 2, 3, 4]


def test_an_api_is_asked_for_what_came_since() -> None:
    """First since where it is told, then since the last whole walk, with an overlap."""
    with answering(Api(2)) as server:
        url = f"{server.url}/api?updatedFrom={{since}}"
        made = source(server, url=url, begin="2026-08-01T00:00:00Z", **{"look-back": "2 h"})
        assert (fetched(made), fetched(made, NOW + timedelta(hours=12))) == ([0, 1], [])
        asked = [a.query["updatedFrom"] for a in server.asked]
        assert asked == ["2026-08-01T00:00:00Z", "2026-08-31T22:00:00Z"]


def test_links_lead_to_the_same_server_or_nowhere() -> None:
    """A next page elsewhere is no page; one that is this page again ends the walk."""
    for following in ("http://127.0.0.1:1/x", "file:///etc/passwd", "http://[", "//host/x", "/é", "/a b"):
        document = package(release(), following=following)
        with answering(lambda _, document=document: Reply(document)) as server:  # type: ignore[misc]
            with pytest.raises(MalformedDocument):
                source(server).fetch(NOW)
            assert len(server.asked) == 1
    with answering(lambda _: Reply(package(release(), following="/api"))) as server:
        assert fetched(source(server)) == [1]
        assert len(server.asked) == 1


def test_a_bulk_file_is_one_document() -> None:
    """All of it as JSON lines: what is new in it is given."""
    said = [gzip.compress(b"\n".join(json.dumps(release(i)).encode() for i in range(3)))]
    with answering(lambda _: Reply(said[0])) as server:
        settings = {"kind": "ocds", "name": "bulk", "feed": "ocds", "url": f"{server.url}/all.jsonl.gz"}
        made = make_source({**settings, "form": "lines"})
        assert isinstance(made, OneDocument)
        assert [len(f.records) for f in made.fetch(NOW)] == [3]
        said[0] = b"\n".join(json.dumps(release(i)).encode() for i in range(5))
        assert [len(f.records) for f in made.fetch(NOW)] == [2]


def test_settings_are_checked() -> None:
    """Words of their lists; an address with a time needs one to begin at, and no other has it."""
    wrongs: list[dict[str, object]] = [
        {"form": "csv"}, {"order": "none"}, {"url": "http://h/?since={since}"},
        {"begin": "2026-08-01T00:00:00Z"}, {"form": "lines", "order": "newest-first"},
    ]  # fmt: skip
    for wrong in wrongs:
        with answering(Api(1)) as server, pytest.raises(BadSource):
            source(server, **wrong)

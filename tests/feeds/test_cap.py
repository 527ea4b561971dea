"""Alerts by the Common Alerting Protocol: an index and alerts on a local server, read into rows."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering import Answering, Asked, Reply, answering
from contracted import contract_of, judged
from shared_data import real
from veracity.feeds import cap
from veracity.feeds.cap import CapSource, read_index
from veracity.feeds.cap_alert import render_alert
from veracity.feeds.errors import BadSource, MalformedDocument, SourceUnavailable
from veracity.feeds.kinds import make_source
from veracity.feeds.plain_xml import parse_xml

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
CAP = "urn:oasis:names:tc:emergency:cap:1.2"

FLOOD = f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="{CAP}">
  <identifier>VN-DN-2026-0147</identifier><sender>alerts@example.vn</sender>
  <sent>2026-10-01T18:00:00+07:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope>
  <code>profile:1</code>
  <info><language>vi-VN</language><category>Met</category><category>Safety</category><event>Ngập lụt</event>
    <responseType>Evacuate</responseType><urgency>Immediate</urgency><severity>Severe</severity>
    <certainty>Likely</certainty><onset>2026-10-01T20:00:00+07:00</onset>
    <expires>2026-10-02T08:00:00+07:00</expires><headline>Ngập ở Hòa Vang</headline>
    <parameter><valueName>stage</valueName><value>III</value></parameter>
    <area><areaDesc>Hòa Vang</areaDesc>
      <polygon>16.0,108.0 16.0,108.2 16.1,108.2 16.0,108.0</polygon>
      <geocode><valueName>ward</valueName><value>20287</value></geocode></area>
    <area><areaDesc>Cửa sông</areaDesc><circle>16.0544,108.2022 5</circle></area>
  </info>
  <info><category>Met</category><event>Flood</event><urgency>Immediate</urgency><severity>Severe</severity>
    <certainty>Likely</certainty></info>
</alert>"""
CANCEL = f"""<alert xmlns="{CAP}"><identifier>VN-DN-2026-0148</identifier><sender>alerts@example.vn</sender>
  <sent>2026-10-01T18:30:00+07:00</sent><status>Actual</status><msgType>Cancel</msgType><scope>Public</scope>
  <references>alerts@example.vn,VN-DN-2026-0147,2026-10-01T18:00:00+07:00
    alerts@example.vn,VN-DN-2026-0146,2026-10-01T17:00:00+07:00</references></alert>"""


def rows(document: str) -> list[Any]:
    """Render an alert."""
    return [json.loads(row) for row in render_alert(document.encode())]


def test_an_info_is_a_row() -> None:
    """In each language, with where and when; an info without a language is in American English."""
    vietnamese, english = rows(FLOOD)
    assert (vietnamese["info"], vietnamese["language"], english["language"]) == (1, "vi-VN", "en-US")
    assert vietnamese["category"] == "Met Safety"
    assert vietnamese["headline"] == "Ngập ở Hòa Vang"
    assert vietnamese["parameters"] == "stage=III"
    assert vietnamese["geocodes"] == "ward=20287"
    assert vietnamese["area"] == "Hòa Vang; Cửa sông"
    assert vietnamese["circles"] == "16.0544,108.2022 5"
    shape = json.loads(vietnamese["geometry"])
    assert shape["coordinates"] == [[[[108, 16], [108.2, 16], [108.2, 16.1], [108, 16]]]]
    assert (vietnamese["west"], vietnamese["north"]) == (108, 16.1)
    assert vietnamese["east"] == pytest.approx(108.2022 + 5 / 111.195 / 0.9608, abs=1e-4)
    assert (vietnamese["n_areas"], vietnamese["n_unreadable_areas"]) == (2, 0)


def test_a_cancellation_names_what_it_takes_back() -> None:
    """An alert without an info is one row, with its references on one line."""
    (row,) = rows(CANCEL)
    assert (row["info"], row["msg_type"]) == (0, "Cancel")
    first, second = row["references"].split(" ")
    assert first == "alerts@example.vn,VN-DN-2026-0147,2026-10-01T18:00:00+07:00"
    assert second.split(",")[1] == "VN-DN-2026-0146"


def test_the_contract_takes_what_is_sound(tmp_path: Path) -> None:
    """An alert in two languages and a cancellation are accepted, each row once."""
    found = [*render_alert(FLOOD.encode()), *render_alert(CANCEL.encode())]
    report = judged("cap", [*found, found[0]], tmp_path, NOW)
    assert (report.accepted, dict(report.reasons)) == (3, {"duplicate-key": 1})


def test_the_contract_judges_what_the_schema_forbids(tmp_path: Path) -> None:
    """A word of no list and a missing one set the row aside; an expiry before the alert is flagged."""
    spoilt = FLOOD.replace("Severe", "Terrible").replace("<sender>alerts@example.vn</sender>", "")
    early = FLOOD.replace("2026-10-02T08:00:00+07:00", "2026-09-30T08:00:00+07:00")
    report = judged("cap", render_alert(spoilt.encode()), tmp_path, NOW)
    assert dict(report.reasons) == {"required:sender": 2, "enum:severity": 2}
    report = judged("cap", render_alert(early.encode()), tmp_path, NOW)
    assert (report.accepted, report.flagged) == (2, 1)


@pytest.mark.parametrize(
    "polygon",
    ["", "16,108 16,109 17,109", "16,108 16,109 17,109 16,108.5", "91,0 0,0 0,1 91,0", "a,b 1,2 3,4 a,b",
     "nan,0 1,1 2,2 nan,0", "16 108 16 109"],
)  # fmt: skip
def test_an_area_that_is_none_does_not_undo_the_warning(polygon: str, tmp_path: Path) -> None:
    """It is counted and flagged; the row stands, with the other areas."""
    document = FLOOD.replace("16.0,108.0 16.0,108.2 16.1,108.2 16.0,108.0", polygon)
    row = rows(document)[0]
    assert row["n_unreadable_areas"] == 1
    assert "geometry" not in row
    assert row["circles"]
    report = judged("cap", render_alert(document.encode()), tmp_path, NOW)
    assert (report.accepted, report.flagged) == (2, 1)


def test_a_circle_at_the_pole_or_around_the_world_has_a_box() -> None:
    """The box never leaves the map."""
    for circle in ("90,0 1", "-89.9,12 100", "0,0 20040", "10,179.9 50"):
        row = rows(FLOOD.replace("16.0544,108.2022 5", circle))[0]
        assert -180 <= row["west"] <= row["east"] <= 180, circle
        assert -90 <= row["south"] <= row["north"] <= 90, circle


def test_a_shape_of_many_corners_is_left_out() -> None:
    """A row stays a record that can be read; its box says where."""
    ring = " ".join(f"{16 + i / 10_000},{108 + i / 10_000}" for i in range(3_000))
    row = rows(FLOOD.replace("16.0,108.0 16.0,108.2 16.1,108.2 16.0,108.0", f"{ring} 16.0,108.0"))[0]
    assert "geometry" not in row
    assert (row["n_unreadable_areas"], row["north"]) == (0, 16.2999)


@pytest.mark.data
def test_the_contract_has_the_schemas_lists() -> None:
    """The words that the contract allows are those of the schema that OASIS published."""
    schema = real("cap-1.2", "CAP-v1.2.xsd")
    lists: dict[str, set[str]] = {}
    elements: set[str] = set()
    for element in parse_xml(schema.read_bytes(), "schema", 1_000_000).walk():
        if element.name == "element" and "name" in element.attributes:
            elements.add(element.attributes["name"])
            direct = [e for kind in element.all("simpleType") for e in kind.walk() if e.name == "enumeration"]
            lists[element.attributes["name"]] = {e.attributes["value"] for e in direct}
    allowed = {f.name: set(f.values or ()) for f in contract_of("cap").fields}
    for name in ("status", "scope", "urgency", "severity", "certainty"):
        assert allowed[name] == lists[name] != set(), name
    assert allowed["msg_type"] == lists["msgType"]
    used = {e.name for text in (FLOOD, CANCEL) for e in parse_xml(text.encode(), "alert", 10_000).walk()}
    assert used <= elements


@pytest.mark.parametrize(
    "document",
    ["", "<alert/>", "<alert xmlns='urn:other'/>", f"<info xmlns='{CAP}'/>", f"<alert xmlns='{CAP}'>", "{}"],
)
def test_what_is_no_alert_is_malformed(document: str) -> None:
    """Other documents, other namespaces, and alerts that break off."""
    with pytest.raises(MalformedDocument):
        rows(document)


@given(at=st.integers(0, len(FLOOD)), to=st.text("<>/&;\"' -,.0159eE", max_size=4), drop=st.integers(0, 40))
def test_a_damaged_alert_gives_rows_or_is_malformed(at: int, to: str, drop: int) -> None:
    """Whatever is put in or taken out: no other error comes out."""
    try:
        found = rows(FLOOD[:at] + to + FLOOD[at + drop :])
    except MalformedDocument:
        return
    assert found


ATOM = """<feed xmlns="http://www.w3.org/2005/Atom">{}</feed>"""
RSS = """<rss version="2.0"><channel><title>Alerts</title>{}</channel></rss>"""


def atom(*paths: str) -> bytes:
    """An index of alerts at some paths."""
    entry = '<entry><id>{0}</id><updated>2026-10-01T11:00:00Z</updated><link href="{0}"/></entry>'
    return ATOM.format("".join(entry.format(path) for path in paths)).encode()


def rss(*paths: str) -> bytes:
    """The same, in the other form."""
    item = "<item><link>{0}</link><guid isPermaLink='false'>{0}</guid></item>"
    return RSS.format("".join(item.format(path) for path in paths)).encode()


def test_an_index_is_read_in_both_forms() -> None:
    """Of several links the one to CAP counts; addresses may be relative, and count once."""
    cap_link = '<link rel="alternate" href="/page"/><link type="application/cap+xml" href="a.cap"/>'
    entry = f"<entry><updated>1</updated>{cap_link}</entry>"
    (found,) = read_index(ATOM.format(entry * 2).encode(), "http://host/x/index")
    assert (found.url, found.changed) == ("http://host/x/a.cap", "1")
    items = (
        "<item><link>/page</link><enclosure url='/a.cap' type='application/cap+xml'/></item>"
        "<item><link> /b.cap </link></item><item><guid>http://host/c.cap</guid></item><item/>"
    )
    urls = [e.url for e in read_index(RSS.format(items).encode(), "http://host/")]
    assert urls == ["http://host/a.cap", "http://host/b.cap", "http://host/c.cap"]
    for wrong in (b"<html/>", b"<feed/>", b"", rss(*map(str, range(cap.MAX_ENTRIES + 1)))):
        with pytest.raises(MalformedDocument):
            read_index(wrong, "http://host/")


def server_of(files: Mapping[str, bytes | int]) -> Any:
    """Serve files; a number is a status."""

    def answer(asked: Asked) -> Reply:
        found = files.get(asked.path, 404)
        return Reply(status=found) if isinstance(found, int) else Reply(found)

    return answering(answer)


def source(server: Answering, **more: object) -> CapSource:
    """Make a source as ``sources.yaml`` would."""
    made = make_source({"kind": "cap", "name": "met", "feed": "cap", "url": f"{server.url}/index", **more})
    assert isinstance(made, CapSource)
    return made


@pytest.mark.parametrize("index", [atom, rss])
def test_each_alert_is_given_once(index: Any) -> None:
    """The document as it came with its rows; a restart goes on; only what the index adds is asked for."""
    files: dict[str, bytes | int] = {"/index": index("/a"), "/a": FLOOD.encode(), "/b": CANCEL.encode()}
    with server_of(files) as server:
        first = source(server)
        (flood,) = first.fetch(NOW)
        assert (flood.document, len(flood.records)) == (FLOOD.encode(), 2)
        assert first.fetch(NOW) == []
        second = source(server)
        second.memory = json.loads(json.dumps(first.memory))
        files["/index"] = index("/b", "/a")
        (cancel,) = second.fetch(NOW)
        assert cancel.document == CANCEL.encode()
        assert [a.path for a in server.asked].count("/a") == 1


def test_an_alert_that_cannot_be_read_does_not_hold_up_the_next() -> None:
    """The others are given, the fault is said once, and later alerts come as ever."""
    files: dict[str, bytes | int] = {
        "/index": atom("/bad", "/gone", "/a"),
        "/bad": b"<alert/>",
        "/a": FLOOD.encode(),
    }
    with server_of(files) as server:
        met = source(server)
        assert len(met.fetch(NOW)) == 1
        with pytest.raises(MalformedDocument, match="1 alerts passed over"):
            met.fetch(NOW)
        for _ in range(cap._TRIES - 2):
            with pytest.raises(SourceUnavailable, match="404"):
                met.fetch(NOW)
        with pytest.raises(MalformedDocument, match="1 alerts passed over"):
            met.fetch(NOW)
        assert met.fetch(NOW) == []
        files |= {"/index": atom("/b", "/bad", "/gone", "/a"), "/b": CANCEL.encode()}
        assert len(met.fetch(NOW)) == 1


def test_an_index_may_be_ahead_of_its_files() -> None:
    """A warning that is listed before it is there is read as soon as it is, and passed over by nobody."""
    files: dict[str, bytes | int] = {"/index": atom("/a")}
    with server_of(files) as server:
        met = source(server)
        with pytest.raises(SourceUnavailable, match="404"):
            met.fetch(NOW)
        files["/a"] = FLOOD.encode()
        assert len(met.fetch(NOW)) == 1
        assert met.fetch(NOW) == []


def test_an_alert_out_of_reach_is_asked_for_again() -> None:
    """What was read before is given, those that fail come last, and none is lost."""
    files: dict[str, bytes | int] = dict.fromkeys(("/w", "/x", "/y", "/z"), 503)
    files |= {"/index": atom("/w", "/x", "/y", "/z", "/a"), "/a": FLOOD.encode()}
    with server_of(files) as server:
        met = source(server)
        with pytest.raises(SourceUnavailable):
            met.fetch(NOW)  # three that fail are enough for one time
        assert len(met.fetch(NOW)) == 1
        files |= {p: CANCEL.replace("0148", p).encode() for p in ("/w", "/x", "/y", "/z")}
        assert len(met.fetch(NOW)) == 4
        assert met.fetch(NOW) == []


def test_a_long_index_is_read_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """One fetch reads so many alerts and no more; the next goes on where it was."""
    monkeypatch.setattr(cap, "MAX_ALERTS", 2)
    paths = [f"/{i}" for i in range(5)]
    files: dict[str, bytes | int] = {p: CANCEL.replace("0148", p).encode() for p in paths}
    with server_of(files | {"/index": atom(*paths)}) as server:
        met = source(server)
        assert [len(met.fetch(NOW)) for _ in range(4)] == [2, 2, 1, 0]


def test_an_index_cannot_send_us_elsewhere() -> None:
    """Alerts come from the index's own server, and from those that are named."""
    with server_of({"/a": FLOOD.encode()}) as other:
        entries = atom(f"{other.url}/a", "file:///etc/passwd", "/é", "http://[", "javascript:alert(1)")
        with server_of({"/index": entries}) as server:
            with pytest.raises(MalformedDocument, match="5 alerts passed over"):
                source(server).fetch(NOW)
            assert other.asked == []
            assert len(source(server, hosts=[other.url]).fetch(NOW)) == 1
            with pytest.raises(BadSource):
                source(server, hosts=["host"])

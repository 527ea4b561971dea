"""Feeds counted from their statements, files checked without a trace, panels as they were known."""

from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import pytest

import veracity
from small_city import NOW, PANEL, START, clock, contract, ndjson, new_city
from veracity.data.digest import frame_digest
from veracity.errors import Malformed
from veracity.feeds.errors import UnreadableFile
from veracity.home.audit import audit
from veracity.home.check import check_file
from veracity.home.clock import format_time, parse_time
from veracity.home.contracts import add_feed, load_contract, reasons, sensors, status
from veracity.home.errors import BadName, ContractBreaks, HomeUnusable, UnknownAgency, UnknownFeed
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.panels import build, build_and_say, panel_path, say
from veracity.home.tables import written


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two batches, a day apart, and a panel as known before and after the second."""
    folder = tmp_path_factory.mktemp("feeds")
    root = new_city(folder / "city")
    (folder / "panel.yaml").write_text(PANEL, encoding="utf-8")
    with open_writer(root, clock) as home:
        ingest(home, "rain", [ndjson(folder / "a.ndjson", 0, 200)])
    with open_writer(root, lambda: NOW + timedelta(days=1)) as home:
        ingest(home, "rain", [ndjson(folder / "b.ndjson", 190, 200)])
        build_and_say(home, folder / "panel.yaml", NOW)
        build_and_say(home, folder / "panel.yaml")
    return root


def test_counts_come_from_the_statements(root: Path) -> None:
    """A feed's counts add up, and agree with its table, its reasons and its sensors."""
    home = Home.open(root, clock)
    s = status(home, "rain")
    rows = home.table("rain").scan().collect()
    assert s.received == s.accepted + s.quarantined + s.refused == 400
    assert (s.accepted, s.batches, s.simulated) == (rows.height, 2, True)
    why = reasons(home, "rain")
    assert why["refused:json"] == s.refused
    assert list(why.values()) == sorted(why.values(), reverse=True)
    each = sensors(home, "rain")
    assert each["rows"].sum() == s.accepted
    assert each["gauge"].to_list() == ["G00", "G01", "G02"]
    assert each["newest"].max() == rows["observed_at"].max()
    with pytest.raises(UnknownFeed):
        status(home, "snow")
    home.close()


def test_freshness_is_the_age_of_the_newest(root: Path) -> None:
    """A feed is fresh while its newest accepted reading is no older than the contract's latency."""
    newest = Home.open(root, clock)
    last = newest.table("rain").scan().collect()["observed_at"].max()
    newest.close()
    assert isinstance(last, datetime)
    for age, fresh in ((timedelta(days=2), True), (timedelta(days=2, seconds=1), False)):
        at = last + age
        home = Home.open(root, partial(datetime.astimezone, at))
        s = status(home, "rain")
        assert (s.age_s, s.is_fresh) == (age.total_seconds(), fresh)
        home.close()


def test_a_panel_as_known_then(root: Path) -> None:
    """The panel as of a time is that of the table of that time; built again it is the same, and audits."""
    home = Home.open(root, clock)
    definition = root.parent / "panel.yaml"
    then, now = build(home, definition, NOW), build(home, definition)
    assert then.frame.height < now.frame.height
    assert [i.up_to_batch for b in (then, now) for i in b.statement.inputs] == [0, 1]
    assert frame_digest(then.frame) == then.statement.output.sha256
    said = [p["output"]["sha256"] for _, p in home.index.predicates("transform")]
    assert said == [then.statement.output.sha256, now.statement.output.sha256]
    report = audit(home)
    assert (report.findings, report.panels) == ([], 2)
    home.close()


def test_the_same_panel_is_said_once(root: Path) -> None:
    """Building what was built before adds nothing to the log."""
    with open_writer(root, lambda: NOW + timedelta(days=1)) as home:
        size = home.log.size
        build_and_say(home, root.parent / "panel.yaml")
        assert home.log.size == size


def test_a_check_stores_nothing_and_says_the_same(tmp_path: Path) -> None:
    """Checking a file gives the verdicts that taking it in would give, and needs no home."""
    file = ndjson(tmp_path / "a.ndjson", 0, 300)
    checked = check_file(load_contract(contract(tmp_path)), file, clock)
    with open_writer(new_city(tmp_path / "city"), clock) as home:
        (taken,) = ingest(home, "rain", [file])
    for name in ("received", "accepted", "quarantined", "refused", "blank", "reasons", "refusals"):
        assert getattr(checked, name) == getattr(taken, name)
    assert checked.first_refusals[0].startswith("a.ndjson:29: json: ")
    assert len(checked.examples) == 5


def test_contracts_that_are_refused(tmp_path: Path) -> None:
    """A contract of nobody's, one that breaks readers, one that came back: nothing of it is kept."""
    root = new_city(tmp_path / "city")
    with open_writer(root, clock) as home:
        with pytest.raises(UnknownAgency):
            add_feed(home, contract(tmp_path, "snow", agency="nobody"))
        broken = contract(tmp_path, version="9.0.0")
        broken.write_text(broken.read_text().replace("name: gauge", "name: gage"))
        with pytest.raises(ContractBreaks, match="gage, gauge"):
            add_feed(home, broken)
        with pytest.raises(UnreadableFile):
            add_feed(home, tmp_path / "none.yaml")
        add_feed(home, contract(tmp_path, version="2.0.0", maximum=50))
        with pytest.raises(ContractBreaks, match="never replaced"):
            add_feed(home, contract(tmp_path))
        assert home.feed("rain").contract.version == "2.0.0"
        assert home.log.size == 4
        assert len(list((root / "store" / "contracts").iterdir())) == 2


def test_panels_that_are_none(tmp_path: Path) -> None:
    """A definition that is none, or names a feed that is not there, leaves the log alone."""
    with open_writer(new_city(tmp_path / "city"), clock) as home:
        for text in ("", "name: x", PANEL.replace("feed: rain", "feed: snow"), PANEL.replace("1h", "soon")):
            (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
            with pytest.raises(Malformed):
                build_and_say(home, tmp_path / "p.yaml")
        assert home.log.size == 3


def test_times() -> None:
    """Times are written in UTC so that they sort as text, and read back with or without an offset."""
    stamp = parse_time("x", "2026-09-01T07:00:00+07:00")
    assert format_time(stamp) == "2026-09-01T00:00:00.000000Z"
    assert parse_time("x", format_time(stamp)) == stamp == parse_time("x", "2026-09-01")
    for text in ("", "yesterday", "2026-13-01", "9" * 1000, "0001-01-01T00:00:00+07:00"):
        with pytest.raises(BadName, match="x: want a time"):
            parse_time("x", text)


def test_times_sort_as_text_from_the_first_year() -> None:
    """A year below 1000 keeps its zeros, and a time without an offset is UTC wherever it is written."""
    assert format_time(datetime(999, 1, 1)) == "0999-01-01T00:00:00.000000Z"
    assert format_time(datetime(2026, 9, 1)) == "2026-09-01T00:00:00.000000Z"


def test_a_time_with_an_offset_is_that_moment(root: Path) -> None:
    """As of 19:00 in Da Nang is as of 12:00 UTC, from Python too; without an offset it is UTC."""
    danang = timezone(timedelta(hours=7))
    city = veracity.open(root, clock)
    whole = city.table("rain").collect().height
    for when, batches in (
        (NOW, 1),
        (NOW.astimezone(danang), 1),
        (NOW.astimezone(danang) - timedelta(seconds=1), 0),
        (NOW.astimezone(timezone(-timedelta(hours=8))), 1),
        (NOW.replace(tzinfo=None), 1),
        (datetime(999, 1, 1), 0),
        (datetime(9999, 12, 31), 2),
        (NOW.astimezone(danang).isoformat(), 1),
    ):
        rows = city.table("rain", as_of=when).collect()
        assert (rows["_batch"].n_unique(), rows.height == whole) == (batches, batches == 2)
    with pytest.raises(BadName, match="as_of: want a time"):
        city.table("rain", as_of=datetime(9999, 12, 31, 20, tzinfo=timezone(-timedelta(hours=7))))


def test_one_file_need_not_be_a_list(tmp_path: Path) -> None:
    """``ingest`` takes one path, as text or not, as well as several."""
    city = veracity.open(new_city(tmp_path / "city"), clock)
    (first,) = city.ingest("rain", str(ndjson(tmp_path / "a.ndjson", 0, 30)))
    (second,) = city.ingest("rain", ndjson(tmp_path / "b.ndjson", 30, 30))
    assert [first.outcome, second.outcome] == ["sealed", "sealed"]


def test_late_rows_are_counted_from_what_was_kept(tmp_path: Path) -> None:
    """A feed's late rows are those the reports counted: each batch by its own time and contract."""
    root = new_city(tmp_path / "city")
    late = []
    for i, hours in enumerate((24, 60, 66, 24 * 30)):
        with open_writer(root, partial(datetime.astimezone, START + timedelta(hours=hours))) as home:
            if i == 2:
                path = contract(tmp_path, version="2.0.0")
                path.write_text(path.read_text().replace("value: 2, unit: d", "value: 65, unit: h"))
                add_feed(home, path)
            (report,) = ingest(home, "rain", [ndjson(tmp_path / f"{i}.ndjson", i * 200, 200)])
            late.append(report.late)
            assert status(home, "rain").late == sum(late)
    opened = Home.open(root, clock)
    assert late[0] == 0 < late[1] < 200
    assert late[3] == opened.index.batches("rain")[3].accepted
    assert status(opened, "rain").late == sum(late)
    opened.close()
    unlimited = new_city(tmp_path / "unlimited")
    path = contract(tmp_path, version="3.0.0")
    text = path.read_text()
    sla = text.index("slaProperties")
    path.write_text(text[:sla] + text[text.index("customProperties", sla) :])
    with open_writer(unlimited, clock) as home:
        add_feed(home, path)
        ingest(home, "rain", [ndjson(tmp_path / "x.ndjson", 0, 30)])
        assert status(home, "rain").late is None


def test_a_panel_is_written_before_it_is_said(tmp_path: Path) -> None:
    """What cannot be written is not in the log; what is written is the definition that was read."""
    root = new_city(tmp_path / "city")
    definition = tmp_path / "panel.yaml"
    definition.write_text(PANEL, encoding="utf-8")
    with open_writer(root, clock) as home:
        ingest(home, "rain", [ndjson(tmp_path / "a.ndjson", 0, 100)])
        size = home.log.size
        built = build(home, definition)
        definition.write_text("changed meanwhile", encoding="utf-8")
        nowhere = tmp_path / "none" / "p.csv"
        with pytest.raises(HomeUnusable), written(built.frame.lazy(), nowhere, simulated=True):
            say(home, built)
        assert home.log.size == size
        with written(built.frame.lazy(), tmp_path / "p.csv", simulated=True) as n:
            assert not (tmp_path / "p.csv").exists()
            assert say(home, built).entry == size
        assert n == built.frame.height
        assert (tmp_path / "p.csv").exists()
        assert home.objects.get(panel_path(built.statement.definition_sha256)) == PANEL.encode()
    assert audit(Home.open(root, clock)).is_clean

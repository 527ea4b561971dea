"""The page of ``feed check``: complete, safe, small, the same every time."""

import html
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from surveyed import NOW, hourly, survey
from veracity.data.rules.words import explain
from veracity.home.check import check_file
from veracity.pages.check_page import PAGE_BYTES, check_page

ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "main", "section", "nav", "a", "h1", "h2", "h3", "p"),
    *("span", "b", "i", "code", "ul", "li", "dl", "dt", "dd", "div", "figure", "figcaption", "svg", "path"),
    *("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"),
}
HOSTILE = "<script>alert(1)</script>\"'><img src=//evil.example onerror=x>&\u202e\x1b"


class Elements(HTMLParser):
    """Collects what a browser would see, and holds the tags to be balanced."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page.decode())
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def words(page: bytes) -> str:
    """The text of a page, without its pictures and tags."""
    text = re.sub(r"<(style|svg)\b.*?</\1>", " ", page.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def troubled() -> list[dict[str, Any] | str]:
    """Rows with one of each trouble: a gap, a leap, a value out of range, a repeated key, a broken line."""
    rows: list[dict[str, Any] | str] = [*hourly("north", 200), *hourly("south", 200)]
    del rows[50:60]
    rows[20] = hourly("north", 21)[20] | {"pm25": 190.0}
    rows[100] = hourly("north", 111)[110] | {"pm25": 999.0}
    rows += [hourly("south", 5)[4], '{"station": "north", "at"', {"station": "east", "at": "?", "pm25": "x"}]
    return rows


def test_it_says_where_every_row_went(tmp_path: Path) -> None:
    """The counts are those of the command, and the sum on the page adds up."""
    (report,), surveyed = survey(tmp_path, troubled())
    text = words(check_page(surveyed))
    assert report.received == report.accepted + report.quarantined + report.refused
    n = (report.received, report.accepted, report.quarantined, report.refused)
    assert "{} received = {} accepted + {} quarantined + {} refused".format(*n) in text
    assert "SIMULATED DATA" in text
    assert surveyed.files[0].sha256 in text
    assert surveyed.contract.sha256 in text
    for reason, count in report.reasons.items():
        assert f"{reason} " in text
        assert surveyed.reasons[reason] == count
    assert f"json {explain(surveyed.contract, 'json')}" in text


def test_the_survey_counts_what_check_counts(tmp_path: Path) -> None:
    """A report made on the way to a page is the one made without."""
    (report,), surveyed = survey(tmp_path, troubled())
    assert report == check_file(surveyed.contract, tmp_path / "air-0.ndjson", lambda: NOW)


def test_gaps_and_flagged_points_are_drawn(tmp_path: Path) -> None:
    """The missing hours are counted, and each rule that was broken has its figure."""
    _, surveyed = survey(tmp_path, troubled())
    page = check_page(surveyed)
    missing = dict(surveyed.second.intervals.missing.iter_rows())
    assert missing == {"north": 10}
    titles = [a["aria-label"] for tag, a in Elements(page).found if tag == "svg"]
    assert any(t and t.startswith("pm25, µg/m³ of north over time, 2 readings marked") for t in titles)
    text = words(page)
    assert f"rate:pm25 {explain(surveyed.contract, 'rate:pm25')} Drawn: north (2)." in text
    assert "999" in text
    assert f"gap:pm25 {explain(surveyed.contract, 'gap:pm25')}" in text


def test_examples_are_as_received(tmp_path: Path) -> None:
    """The first rows that broke a rule stand there with their record and the text that came."""
    _, surveyed = survey(tmp_path, troubled())
    assert "pm25 = x, station = east, at = ?" in words(check_page(surveyed))


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    """Nothing in the page depends on chance, on the order of a hash or on the clock on the wall."""
    pages = {check_page(survey(tmp_path, troubled())[1]) for _ in range(3)}
    assert len(pages) == 1


def test_nothing_from_a_file_is_obeyed(tmp_path: Path) -> None:
    """Hostile names, values, titles and file contents are text; the page loads and runs nothing."""
    rows = hourly(HOSTILE, 60)
    rows += [r | {"note": HOSTILE * 3} for r in hourly(HOSTILE + "2", 30)]
    rows += [{"station": HOSTILE, "at": HOSTILE, "pm25": HOSTILE, "note": HOSTILE}]
    _, surveyed = survey(tmp_path, rows, name=HOSTILE)
    page = check_page(surveyed)
    found = Elements(page).found
    assert {tag for tag, _ in found} <= ELEMENTS
    for _, attributes in found:
        assert not any(name.startswith("on") or name in ("src", "srcset") for name in attributes)
        assert all(
            v is None or v.startswith("#") for k, v in attributes.items() if k in ("href", "xlink:href")
        )
    assert b"url(" not in page
    assert b"@import" not in page
    assert "\u202e" not in page.decode()
    assert "\x1b" not in page.decode()
    assert "alert(1)" in words(page)


def test_pictures_are_read_out(tmp_path: Path) -> None:
    """Every picture has a title; the page names its language, and every table its columns."""
    page = check_page(survey(tmp_path, troubled())[1])
    found = Elements(page).found
    svgs = [a for tag, a in found if tag == "svg"]
    assert svgs
    assert all(a["role"] == "img" and a["aria-label"] for a in svgs)
    assert page.count(b"<svg") == page.count(b"<title>") - 1
    assert ("html", {"lang": "en"}) in found
    assert all("scope" in a for tag, a in found if tag == "th")
    assert sum(tag == "caption" for tag, _ in found) == sum(tag == "table" for tag, _ in found)


def test_it_stays_small(tmp_path: Path) -> None:
    """Thousands of sensors with long hostile names and values do not make it larger than promised."""
    rows = []
    for i in range(3000):
        name = f"{i:04}" + "<&\"'\u202e" * 40
        rows += [r | {"note": "\x1b<" * 100} for r in hourly(name, 2)]
        rows.append({"station": name, "at": "<" * 500, "pm25": "&" * 500})
    _, surveyed = survey(tmp_path, rows, files=3)
    page = check_page(surveyed)
    assert len(page) <= PAGE_BYTES
    assert "2,940 sensors" in words(page)


@pytest.mark.parametrize("files", [1, 2, 5])
def test_pictures_do_not_depend_on_the_cut(tmp_path: Path, files: int) -> None:
    """Strips and histograms of one file and of its rows over several are the same."""
    rows = [*hourly("north", 100), *hourly("south", 90)]
    _, whole = survey(tmp_path, rows)
    _, cut = survey(tmp_path, rows, files=files)
    for a, b in zip(whole.second.by_sensor, cut.second.by_sensor, strict=True):
        assert a.present.tolist() == b.present.tolist()
    assert whole.second.histograms["pm25"].counts.tolist() == cut.second.histograms["pm25"].counts.tolist()
    assert whole.first.intervals.n_missing == cut.first.intervals.n_missing or files > 1


@pytest.mark.parametrize(
    "rows",
    [
        [],
        ["not json"],
        [{"station": "a", "at": "never", "pm25": None}],
        [{"station": "a", "at": "2026-09-01T00:00:00Z", "pm25": 1e308}],
        [
            {"station": "a", "at": "0001-01-01T00:00:00Z", "pm25": 1},
            {"station": "a", "at": "9999-12-31T23:59:59Z"},
        ],
        [{"station": None, "at": None}],
    ],
    ids=["empty", "refused", "no-time", "huge", "all-of-time", "nothing"],
)
def test_odd_files_have_a_page(tmp_path: Path, rows: list[dict[str, Any] | str]) -> None:
    """Where there is nothing to draw, the page says so instead of failing."""
    _, surveyed = survey(tmp_path, rows)
    assert len(Elements(check_page(surveyed)).found) > 20

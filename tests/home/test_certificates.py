"""Certificates: a day is the sum of its batches, everything adds up, and is said once."""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from judged_city import FEED, FIRST, judged_city, take_in
from small_city import clock, contract, ndjson, new_city
from veracity.data.health import COUNTS
from veracity.home.audit import audit
from veracity.home.certificates import (
    Certificate,
    batch_certificate,
    certify,
    day_certificate,
    uncertified,
)
from veracity.home.errors import BadName, NoCertificate, UnknownFeed
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.releases import release
from veracity.home.selection import Selection

SECOND, THIRD = date(2026, 9, 2), date(2026, 9, 3)  # days of receipt: the night after


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return judged_city(tmp_path)


def numbers(c: Certificate) -> Counter[str]:
    """All that can be added up."""
    counts = {"flagged": c.flagged, "asked": c.asked, "released": c.released}
    counts |= {name: getattr(c.counts, name) for name in ("received", "accepted", "quarantined", "refused")}
    counts |= {"blank": c.counts.blank}
    return Counter(counts | {f"{k}!": v for k, v in c.reasons.items()} | c.refusals)


def health(frames: list[pl.DataFrame]) -> list[tuple[object, ...]]:
    """Health added up, in order."""
    names = ["gauge", "_day", "_property"]
    return pl.concat(frames).group_by(names).agg(pl.col(COUNTS).sum()).sort(names, nulls_last=True).rows()


def test_a_day_is_the_sum_of_its_batches(root: Path) -> None:
    """Counts, reasons, refusals and health of the batches' certificates add up to the day's."""
    home = Home.open(root, clock)
    try:
        day = day_certificate(home, FEED, SECOND)
        assert day.batches == (0, 3)
        batches = [batch_certificate(home, FEED, n) for n in range(4)]
        assert sum((numbers(b) for b in batches), Counter[str]()) == numbers(day)
        assert health([b.health for b in batches]) == day.health.rows()
        assert {r for b in batches for r in b.rules} == set(day.rules)
        assert {"rate:stage!", "stuck:stage!", "range:stage!", "json", "duplicate-key"} <= numbers(day).keys()
        assert 0 < day.flagged < day.counts.accepted
        assert 0 < day.asked < day.counts.quarantined
        for c in (day, *batches):
            assert c.counts.received == c.counts.accepted + c.counts.quarantined + c.counts.refused
            assert sum(c.refusals.values()) == c.counts.refused
            whole = c.health.filter(pl.col("_property") == "")
            unread = c.refusals.get("json", 0)
            assert whole["_readings"].sum() == c.counts.received - unread
            aside = c.counts.quarantined + c.counts.refused - unread
            assert whole["_set_aside"].sum() == aside
    finally:
        home.close()


def test_days_are_certified_once_and_only_when_over(root: Path) -> None:
    """A day that is not over is refused; one that is certified is not said again."""
    with open_writer(root, clock) as home:
        assert uncertified(home, FEED) == []
        before = home.log.size
        first = certify(home, FEED, SECOND)
        assert home.log.size == before
        with pytest.raises(BadName, match="over"):
            certify(home, FEED, THIRD)
        quiet = certify(home, FEED, date(2026, 8, 1))
        assert (quiet.batches, quiet.counts.received, quiet.health.height) == (None, 0, 0)
        assert quiet.simulated
        assert home.log.size == before + 1
        assert first.idx < quiet.idx
        with pytest.raises(UnknownFeed):
            certify(home, "sea", SECOND)
    later = FIRST + timedelta(days=5)
    with open_writer(root, lambda: later) as home:
        assert uncertified(home, FEED) == [THIRD]
        certify(home, FEED, THIRD)
        report = audit(home)
        assert report.is_clean
        assert report.certificates == 3


def test_what_is_not_there_is_said_in_words(root: Path) -> None:
    """A day that nobody certified, and a batch that never was, are errors that say what to do."""
    home = Home.open(root, clock)
    try:
        with pytest.raises(NoCertificate, match="feed certify river --day 2026-09-03"):
            day_certificate(home, FEED, THIRD)
        with pytest.raises(NoCertificate, match="of which it has 8, got 99"):
            batch_certificate(home, FEED, 99)
        with pytest.raises(UnknownFeed):
            batch_certificate(home, "sea", 0)
    finally:
        home.close()


def test_released_rows_are_told_apart(root: Path) -> None:
    """Rows let in from quarantine come again: a certificate says how many of the received they are."""
    later = FIRST + timedelta(days=4)
    with open_writer(root, lambda: later) as home:
        done = release(home, FEED, Selection(reason="stuck"), "An", "the gate was shut", ["stuck:stage"])
    with open_writer(root, lambda: later + timedelta(days=1)) as home:
        day = certify(home, FEED, later.date())
        assert day.released == day.counts.received == done.rows > 0
        assert day.counts.accepted == done.accepted > 0
        assert audit(home).is_clean


def test_a_feed_refused_as_a_whole(tmp_path: Path) -> None:
    """Files refused as a whole count as refused, and a feed without sensor rules has certificates too."""
    root = new_city(tmp_path / "city", signature="required")
    with open_writer(root, clock) as home:
        ingest(home, "rain", [ndjson(tmp_path / "a.ndjson", 0, 50)])
    with open_writer(root, lambda: FIRST + timedelta(days=9)) as home:
        (day,) = uncertified(home, "rain")
        said = certify(home, "rain", day)
        assert (said.counts.received, said.counts.refused, said.refusals) == (50, 50, {"unsigned": 50})
        assert (said.health.height, said.data is not None) == (0, True)
        assert audit(home).is_clean
    assert contract(tmp_path).exists()


def test_batches_of_a_day_may_be_cut_anyhow(tmp_path: Path) -> None:
    """However a day's file is cut into batches, its certificate has the same counts and health."""
    made = []
    for size in (64, 640):
        root = judged_city(tmp_path / str(size), 0)
        take_in(root, 0, size)
        with open_writer(root, clock) as home:
            made.append(certify(home, FEED, SECOND))
    assert numbers(made[0]) == numbers(made[1])
    assert made[0].health.equals(made[1].health)
    assert made[0].rules == made[1].rules
    assert made[0].data != made[1].data

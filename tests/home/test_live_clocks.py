"""Clocks of a feed's devices, from the lists of messages that the log names."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from live_messages import FEED, bare, record
from run_cli import run
from small_city import NOW, clock, new_city
from veracity.home.errors import UnknownFeed
from veracity.home.home import Home, open_writer
from veracity.home.live.accounts import say_account, unsaid
from veracity.home.live.arrivals import Admitted, Arrival
from veracity.home.live.clocks import feed_clocks
from veracity.home.live.door import Door
from veracity.home.live.sealing import Memory, Sealer


def message(gauge: str, minute: int, offset_s: float) -> Arrival:
    """One measured and sent a number of minutes ago, stamped by a clock that is off; some come late."""
    delay = timedelta(seconds=1 + (minute * 7 % 40))
    at = record(gauge, minute).replace(
        (NOW - timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ").encode(),
        (NOW - timedelta(minutes=minute) + timedelta(seconds=offset_s)).isoformat().encode(),
    )
    return bare(gauge, at, at=NOW - timedelta(minutes=minute) + delay)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two hours of three gauges: one keeps time, one is two minutes ahead, one ten behind or late."""
    root = new_city(tmp_path / "city")
    offsets = {"G00": 0.0, "G01": 120.0, "G02": -600.0}
    with open_writer(root, clock) as home:
        memory = Memory()
        for start in range(120, 0, -30):
            sent = [message(g, m, o) for m in range(start, start - 30, -1) for g, o in offsets.items()]
            made = [m for m in Door(home).admit(sent, home.clock()) if isinstance(m, Admitted)]
            assert Sealer(home, memory).seal(FEED, made, []) is not None
    return root


def test_clocks_are_estimated_from_the_lists(root: Path) -> None:
    """By device, with flags; a feed that is not there is named, and where no message came there is none."""
    home = Home.open(root, clock)
    found = feed_clocks(home, FEED, 8)
    assert found["device"].to_list() == ["g00", "g01", "g02"]
    assert found["flags"].to_list() == [[], ["clock-ahead"], ["clock-behind-or-late"]]
    assert found["offset_s"].to_list() == pytest.approx([-1, 119, -601], abs=2)
    with pytest.raises(UnknownFeed):
        feed_clocks(home, "snow", 8)
    home.close()
    later = Home.open(root, lambda: NOW + timedelta(days=2))
    assert feed_clocks(later, FEED, 8).height == 0
    later.close()


def test_an_account_that_was_said_tells_the_same(root: Path) -> None:
    """What an account keeps of its messages gives the estimate that all of them give."""
    later = NOW + timedelta(hours=1)
    with open_writer(root, lambda: later) as home:
        before = feed_clocks(home, FEED, 8)
        for hour in unsaid(home, FEED):
            assert say_account(home, FEED, hour) is not None
        for path in (root / "store" / "messages" / FEED).glob("*.parquet"):
            path.unlink()
        assert feed_clocks(home, FEED, 8).equals(before)


def test_the_command_says_who_is_off(root: Path) -> None:
    """In words and as JSON: offset with its limits, and the flags; --flagged leaves the others out."""
    shown = run("feed", "clocks", FEED, "--home", root)
    assert shown.code == 0, shown.err
    assert "clock-behind-or-late" in shown.out
    assert "g00" in shown.out
    told = run("feed", "clocks", FEED, "--flagged", "--ahead", "200", "--home", root, "--json")
    (item,) = json.loads(told.out)["items"]
    assert item["device"] == "g02"
    assert item["offset_s_low"] <= item["offset_s"] <= item["offset_s_high"] < -60
    assert item["jump_s"] is item["jump_at"] is None
    assert run("feed", "clocks", "snow", "--home", root).code == 3

"""What is remembered of sources: moves after the publishing, survives restarts and damage."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from source_runs import NOW, Counting, Time
from veracity.live.errors import BrokerUnavailable
from veracity.live.source_state import FILE, SourceState


@pytest.fixture
def time(tmp_path: Path) -> Time:
    """An empty home at 08:00."""
    return Time(tmp_path)


def test_what_is_remembered_moves_only_after_the_publishing(time: Time) -> None:
    """A crash between fetching and publishing asks again; one after it does not."""
    first = Counting()
    time.broker.errors = [BrokerUnavailable("away")] * 1_000_000
    time.run(first, until=lambda: len(time.waits) > 3)
    time.broker.errors = []
    time.run(Counting(), until=lambda: len(time.broker.messages) >= 2)
    assert [r["n"] for r in time.broker.records][:2] == [0, 1]
    n = len(time.broker.messages)
    time.run(Counting(), until=lambda: len(time.broker.messages) > n)
    assert [r["n"] for r in time.broker.records] == list(range(len(time.broker.messages)))


def test_a_restart_waits_until_the_source_is_due(time: Time) -> None:
    """Starting again and again does not ask again and again."""
    state = time.home / FILE
    time.run(Counting(every_s=3_600), until=state.exists)
    last = datetime.fromisoformat(json.loads(state.read_bytes())["sources"]["counting"]["asked_at"])
    for age, at_least in ((timedelta(minutes=10), 3_000), (timedelta(days=3), 0)):
        time.now, time.waits = last + age, []
        time.run(Counting(every_s=3_600), until=lambda: len(time.waits) >= 1)
        assert at_least <= time.waits[0] <= at_least + 5


def test_a_memory_too_large_to_be_read_is_not_written(
    time: Time, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What was written before stays readable: one source's size costs no other its memory."""
    path = time.home / "sources.state.json"
    state, source = SourceState(path), Counting()
    state.keep(source, NOW)
    before = path.read_bytes()
    monkeypatch.setattr("veracity.live.source_state.MAX_STATE_BYTES", len(before))
    source.memory = {"n": 10**9}
    state.keep(source, NOW)
    assert path.read_bytes() == before
    assert "not written" in caplog.text


DAMAGED = [b"", b"{", b'{"schema":"other"}', b"\xff", b"[]"]
DAMAGED += [b'{"schema":"veracity.sources-state/v1","sources":%s}' % s for s in (b"1", b'{"counting":1}')]


@pytest.mark.parametrize("kept", DAMAGED)
def test_a_damaged_state_begins_anew(time: Time, kept: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """The file only saves work: without it everything is asked again."""
    (time.home / FILE).write_bytes(kept)
    time.run(Counting(), until=lambda: len(time.broker.messages) >= 1)
    assert time.broker.records[0] == {"n": 0}
    assert "begin anew" in caplog.text


def test_a_source_of_another_feed_is_a_new_one(time: Time) -> None:
    """A name given to something else begins anew; sources taken off the list are forgotten."""
    time.run(Counting(), Counting(name="gone"), until=lambda: len(time.broker.messages) >= 4)
    other = Counting(feed="others")
    n = len(time.broker.messages)
    time.run(other, until=lambda: len(time.broker.messages) > n)
    assert time.broker.records[n] == {"n": 0}
    assert b"gone" not in (time.home / FILE).read_bytes()

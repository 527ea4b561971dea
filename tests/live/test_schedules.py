"""Schedules: at their time on the city's clock, and again after a failure."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from apscheduler.triggers.interval import IntervalTrigger  # type: ignore[import-untyped]

from brokers import in_loop, until
from small_city import NOW, ndjson, new_city
from veracity.home.certificates import uncertified
from veracity.home.clock import Clock
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.live.metrics import Metrics
from veracity.live.schedules import (
    ClockTrigger,
    Job,
    certify_days,
    compact_tables,
    jobs_of,
    publish_log,
    run_jobs,
)
from veracity.live.simulated_clock import RunningClock

HOURLY = IntervalTrigger(hours=1, timezone=UTC, start_date=NOW)


def test_times_of_a_simulated_clock_are_times_of_the_machine() -> None:
    """An hour of a clock of speed 60 is a minute; the next is reckoned from the last, without drift."""
    began = datetime(2030, 1, 1, tzinfo=UTC)
    trigger = ClockTrigger(HOURLY, RunningClock(NOW, began.timestamp(), 60.0))
    first = trigger.get_next_fire_time(None, began + timedelta(seconds=1))
    assert first == began + timedelta(minutes=1)
    assert trigger.get_next_fire_time(first, first) == began + timedelta(minutes=2)


@in_loop
async def test_a_job_that_fails_is_counted_and_tried_at_its_next_time(tmp_path: Path) -> None:
    clock = RunningClock(NOW, datetime.now(UTC).timestamp(), 36_000.0)  # ten hours a second
    metrics, stop, times = Metrics(), asyncio.Event(), list[datetime]()

    def do(_root: Path, clock: Clock) -> None:
        times.append(clock())
        if len(times) == 1:
            raise RuntimeError("the first time it fails")

    running = asyncio.create_task(run_jobs([Job("j", HOURLY, do)], tmp_path, clock, stop, metrics))
    await until(lambda: counted(metrics, "done") >= 2)
    stop.set()
    await running
    assert counted(metrics, "failed") == 1
    assert times == sorted(times)


def counted(metrics: Metrics, outcome: str) -> float:
    return metrics.registry.get_sample_value("veracity_jobs_total", {"job": "j", "outcome": outcome}) or 0.0


def test_a_day_is_certified_when_it_is_over_and_once(tmp_path: Path) -> None:
    root, now = new_city(tmp_path / "city"), lambda: NOW
    with open_writer(root, now) as home:
        ingest(home, "rain", [ndjson(tmp_path / "a.ndjson", 0, 20, broken=False)])
    tomorrow: Callable[[], datetime] = lambda: NOW + timedelta(days=1)  # noqa: E731
    assert certify_days(root, now) == 0
    assert certify_days(root, tomorrow) == 1
    assert certify_days(root, tomorrow) == 0
    publish_log(root, tomorrow)
    opened = Home.open(root, tomorrow)
    assert uncertified(opened, "rain") == []
    # No app has its feeds here.
    assert [j.name for j in jobs_of(opened)] == [
        "account",
        "certify",
        "panels",
        "compact",
        "publish",
    ]
    opened.close()


def test_small_files_become_few_an_hour_later(tmp_path: Path) -> None:
    """The batches of an hour ago are joined, once; their rows are the same."""
    root, now = new_city(tmp_path / "city"), lambda: NOW
    with open_writer(root, now) as home:
        for i in range(10):
            ingest(home, "rain", [ndjson(tmp_path / f"{i}.ndjson", 20 * i, 20, broken=False)])
        rows = home.table("rain").scan().collect()
    assert compact_tables(root, now) == 0
    later: Callable[[], datetime] = lambda: NOW + timedelta(hours=2)  # noqa: E731
    assert compact_tables(root, later) == 10
    assert compact_tables(root, later) == 0
    opened = Home.open(root, now)
    assert opened.table("rain").scan().collect().equals(rows)
    opened.close()

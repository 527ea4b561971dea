"""What the running city does by itself, and when: accounts, certificates, panels, apps, the log's witnesses.

APScheduler keeps the times, runs a job that was missed once, late, and none beside itself. Where the
city's clock is simulated, its times are turned into those of the machine: see ``ClockTrigger``.

Each job takes the home's lock between the turns of the worker. One that fails is logged and counted, and
done again at its next time.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor  # type: ignore[import-untyped]
from apscheduler.schedulers.asyncio import AsyncIOScheduler  # type: ignore[import-untyped]
from apscheduler.triggers.base import BaseTrigger  # type: ignore[import-untyped]
from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]
from apscheduler.triggers.interval import IntervalTrigger  # type: ignore[import-untyped]

from veracity.apps import find, names
from veracity.errors import VeracityError
from veracity.home.certificates import certify, uncertified
from veracity.home.clock import Clock
from veracity.home.compaction import compact, plan_compaction
from veracity.home.home import Home, open_writer
from veracity.home.live.accounts import say_account, unsaid
from veracity.home.models.running import run_app
from veracity.home.models.stages import in_force
from veracity.home.panel_updates import FollowedPanels, panel_files
from veracity.live.metrics import Metrics
from veracity.live.simulated_clock import RunningClock
from veracity.models.app import App

logger = logging.getLogger(__name__)

WAIT_S = 120.0  #: for the home's lock
LEAST = timedelta(seconds=1)  #: of the machine, between two runs of a job, however fast the city's clock is


@dataclass(frozen=True)
class Job:
    """One thing to do again and again. ``do`` gets the home's directory and its clock."""

    name: str
    trigger: BaseTrigger
    do: Callable[[Path, Clock], object]


class ClockTrigger(BaseTrigger):  # type: ignore[misc]
    """Another trigger's times, which are of a simulated clock, as times of the machine."""

    def __init__(self, inner: BaseTrigger, clock: RunningClock) -> None:
        self._inner, self._clock = inner, clock

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """Return the machine's time of the next run."""
        before = None if previous is None else self._clock.at(previous.timestamp())
        after = self._inner.get_next_fire_time(before, self._clock.at(now.timestamp()))
        if after is None:
            return None
        due = datetime.fromtimestamp(self._clock.unix_s(after), UTC)
        return due if previous is None else max(due, previous + LEAST)


async def run_schedules(home: Path, clock: Clock, stop: asyncio.Event, metrics: Metrics) -> None:
    """Do each job at its times until told to stop; one that is under way is finished."""
    opened = Home.open(home, clock)
    try:
        jobs = jobs_of(opened)
    finally:
        opened.close()
    await run_jobs(jobs, home, clock, stop, metrics)


async def run_jobs(
    jobs: Sequence[Job], home: Path, clock: Clock, stop: asyncio.Event, metrics: Metrics
) -> None:
    """Do these jobs at their times, one after the other, until told to stop."""
    scheduler = AsyncIOScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(1)},
        job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
    )
    for job in jobs:
        trigger = ClockTrigger(job.trigger, clock) if isinstance(clock, RunningClock) else job.trigger
        scheduler.add_job(_tried, trigger, args=(job, home, clock, metrics), id=job.name)
    scheduler.start()
    logger.info("%d jobs are scheduled", len(jobs))
    await stop.wait()
    await asyncio.to_thread(scheduler.shutdown)


def jobs_of(home: Home) -> list[Job]:
    """Return the jobs of a city: those of every city, and a run of each app whose feeds it has."""
    jobs = [
        Job("account", CronTrigger(minute=2, timezone=UTC), say_accounts),
        Job("certify", CronTrigger(minute=10, timezone=UTC), certify_days),
        Job("panels", _every(300), _follows()),
        Job("compact", CronTrigger(minute=30, timezone=UTC), compact_tables),
        Job("publish", IntervalTrigger(minutes=10, timezone=UTC), publish_log),
    ]
    feeds = set(home.feed_names())
    apps = [app for app in (find(name) for name in names()) if feeds >= set(app.contracts)]
    return jobs + [Job(f"app-{a.name}", _every(a.every_s), _runs(a)) for a in apps]


def certify_days(root: Path, clock: Clock) -> int:
    """Certify every day that is over and is not certified yet; return how many those are."""
    home = Home.open(root, clock)
    try:
        due = [(feed, day) for feed in home.feed_names() for day in uncertified(home, feed)]
    finally:
        home.close()
    if due:
        with open_writer(root, clock, wait_s=WAIT_S) as writer:
            for feed, day in due:
                certify(writer, feed, day)
    return len(due)


def say_accounts(root: Path, clock: Clock) -> int:
    """Say the account of every hour that is over and has none; return how many those are."""
    home = Home.open(root, clock)
    try:
        due = [(feed, hour) for feed in home.feed_names() for hour in unsaid(home, feed)]
    finally:
        home.close()
    if due:
        with open_writer(root, clock, wait_s=WAIT_S) as writer:
            for feed, hour in due:
                say_account(writer, feed, hour)
    return len(due)


def compact_tables(root: Path, clock: Clock) -> int:
    """Make few files of each table's many, letting others in between two; return how many were replaced."""
    home = Home.open(root, clock)
    try:
        plans = [plan_compaction(home, feed) for feed in home.feed_names()]
    finally:
        home.close()
    n_replaced = 0
    for feed in [plan.feed for plan in plans if plan.n_replaced or plan.n_deleted]:
        is_done = False
        while not is_done:
            with open_writer(root, clock, wait_s=WAIT_S) as writer:
                done = compact(writer, feed)
            n_replaced, is_done = n_replaced + done.n_replaced, done.is_done
    return n_replaced


def publish_log(root: Path, clock: Clock) -> None:
    """Ask the witnesses again, where some of the log waits for them."""
    home = Home.open(root, clock)
    try:
        waits = home.policy.asks_witnesses and home.reader().size != (home.published_size() or 0)
    finally:
        home.close()
    if waits:
        with open_writer(root, clock, wait_s=WAIT_S) as writer:
            writer.publish()


def _follows() -> Callable[[Path, Clock], object]:
    """Return what keeps the followed panels up to date; it remembers them between its runs."""
    followed = FollowedPanels()

    def run(root: Path, clock: Clock) -> None:
        home = Home.open(root, clock)
        try:
            is_any = bool(panel_files(home))
        finally:
            home.close()
        if is_any:
            with open_writer(root, clock, wait_s=WAIT_S) as writer:
                followed.update(writer)

    return run


def _every(seconds: int) -> BaseTrigger:
    return IntervalTrigger(seconds=seconds, timezone=UTC)


def _runs(app: App) -> Callable[[Path, Clock], object]:
    def run(root: Path, clock: Clock) -> None:
        home = Home.open(root, clock)
        try:
            serves = in_force(home, app.name) is not None
        finally:
            home.close()
        if serves:  # a city that released nothing decides nothing
            with open_writer(root, clock, wait_s=WAIT_S) as writer:
                run_app(writer, app, writer.clock())

    return run


def _tried(job: Job, home: Path, clock: Clock, metrics: Metrics) -> Any:
    try:
        job.do(home, clock)
    except VeracityError as exc:
        logger.warning("%s: %s", job.name, exc)
        metrics.job(job.name, "failed")
    except Exception:
        logger.exception("%s failed", job.name)
        metrics.job(job.name, "failed")
    else:
        metrics.job(job.name, "done")

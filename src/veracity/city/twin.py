"""The twin: from a seed, what a small Da Nang would send for some days, faults included.

Everything it makes is simulated and every record says so. Same seed, start and length, same
bytes (of one numpy version; the last digit of a sine may differ between processors).
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Literal

import numpy as np

from veracity.city.agencies import AGENCIES
from veracity.city.clock import STEP, STEPS_PER_HOUR, Clock, make_clock
from veracity.city.errors import ImpossibleTwin
from veracity.city.faults import Fault, Planted, plant
from veracity.city.messages import format_lines
from veracity.city.stations import stations_of
from veracity.city.stream import Stream, make_stream
from veracity.city.world import FEEDS, ROADS, WATER, World, make_world

_AGENCY = {a.feed: a.name for a in AGENCIES}


def agency_of(feed: str) -> str:
    """Return the name of the agency that sends a feed."""
    return _AGENCY[feed]


@dataclass(frozen=True)
class Delivery:
    """One file that reaches the city.

    ``signing``: by the agency's key (``valid``), by a key that is not the agency's
    (``forged``), or not at all (``none``). ``replay_of`` names the delivery whose bytes these
    are; a replay has that delivery's own name, since its signature covers the name.
    """

    feed: str
    agency: str
    name: str
    payload: bytes
    received_at: datetime
    signing: Literal["valid", "forged", "none"] = "valid"
    replay_of: str | None = None


@dataclass(frozen=True)
class Sent:
    """One message as its station sends it, by itself: what ``Delivery`` is for those who send files.

    ``line`` ends in a line end. ``is_forged``: signed by a key that is not the station's.
    """

    feed: str
    station: str
    line: bytes
    at: datetime
    is_forged: bool = False


@dataclass(frozen=True)
class _Arrival:
    received_at: datetime
    feed: str
    hour: int
    kind: Literal["batch", "forged", "replay"]


class Twin:
    """A simulated city.

    Parameters
    ----------
    seed
        From 0 to 2**63 - 1.
    start
        A whole hour, with a time zone.
    days
        From 2 to 60. Faults and storm come once, however long.

    Raises
    ------
    ImpossibleTwin
        If one of them is something else.
    """

    def __init__(self, seed: int, start: datetime, days: int = 2) -> None:
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
            raise ImpossibleTwin(f"seed: want an integer from 0 to 2**63 - 1, got {str(seed)[:24]}")
        self.seed = seed
        self.clock: Clock = make_clock(start, days)

    @cached_property
    def world(self) -> World:
        """What the sensors would say if none failed."""
        return make_world(self._seeds[0], self.clock)

    @cached_property
    def truth(self) -> tuple[Fault, ...]:
        """Every planted fault."""
        batches = [p.fault for p in self._planted]
        return (*batches, self._whole("forged"), self._whole("replay"))

    def deliveries(self) -> Iterator[Delivery]:
        """Give every delivery in order of arrival; about 0.15 CPU s for two days.

        Each feed's batch of an hour arrives one to five minutes after the hour.
        """
        for a in self._arrivals:
            name = self._name(a)
            yield Delivery(
                feed=a.feed,
                agency=_AGENCY[a.feed],
                name=name,
                payload=self._payload(a),
                received_at=a.received_at,
                signing="forged" if a.kind == "forged" else "valid",
                replay_of=name if a.kind == "replay" else None,
            )

    def messages(self) -> Iterator[Sent]:
        """Give every message by itself, in order of arrival: the same readings and faults as in deliveries.

        What a file would bring at once, an hour's forgery and an hour sent again, comes as single messages.
        """
        extra = [self._single(a) for a in self._arrivals if a.kind != "batch"]
        return heapq.merge(*(self._own(feed) for feed in FEEDS), *extra, key=lambda sent: sent.at)

    def _own(self, feed: str) -> Iterator[Sent]:
        """Give the messages of a feed's stations; within five minutes they are spread evenly."""
        stream, of = self._streams[feed], stations_of(feed)
        first = np.searchsorted(stream.arrivals, np.arange(self.clock.n_steps + 1))
        for step in range(self.clock.n_steps):
            span = slice(int(first[step]), int(first[step + 1]))
            lines = stream.lines(span, self.clock, self.world)
            for i, (line, station) in enumerate(zip(lines, stream.stations[span].tolist(), strict=True)):
                yield Sent(feed, of[station].id, line, self.clock.time(step) + i / len(lines) * STEP)

    def _single(self, a: _Arrival) -> Iterator[Sent]:
        of, lines = stations_of(a.feed), self._payload(a).splitlines(keepends=True)
        stations = (
            np.tile(np.arange(len(of)), STEPS_PER_HOUR)
            if a.kind == "forged"
            else self._streams[a.feed].stations[self._streams[a.feed].batch(a.hour)]
        )
        for line, station in zip(lines, stations.tolist(), strict=True):
            yield Sent(a.feed, of[station].id, line, a.received_at, a.kind == "forged")

    @cached_property
    def _seeds(self) -> list[np.random.SeedSequence]:
        return np.random.SeedSequence(self.seed).spawn(4)

    @cached_property
    def _planted(self) -> list[Planted]:
        return plant(np.random.default_rng(self._seeds[1]), self.clock, self.world)

    @cached_property
    def _streams(self) -> dict[str, Stream]:
        rng = np.random.default_rng(self._seeds[2])
        return {
            feed: make_stream(rng, self.clock, feed, [p for p in self._planted if p.fault.feed == feed])
            for feed in FEEDS
        }

    @cached_property
    def _arrivals(self) -> list[_Arrival]:
        rng = np.random.default_rng(self._seeds[3])
        delays = rng.integers(60, 300, (self.clock.n_hours, len(FEEDS)))
        batches = {
            (feed, hour): _Arrival(
                self.clock.hour(hour + 1) + timedelta(seconds=int(delays[hour, i])), feed, hour, "batch"
            )
            for hour in range(self.clock.n_hours)
            for i, feed in enumerate(FEEDS)
        }
        # The forger says that the rivers are calm while they flood, just before the agency speaks.
        flood = batches[WATER, int(self.world.storm.landfall_h) + 6]
        forged = _Arrival(flood.received_at - timedelta(seconds=30), WATER, flood.hour, "forged")
        sent = batches[ROADS, int(rng.integers(12, 24))]
        replay = _Arrival(sent.received_at + timedelta(hours=3, minutes=20), ROADS, sent.hour, "replay")
        return sorted([*batches.values(), forged, replay], key=lambda a: (a.received_at, a.feed))

    def _name(self, a: _Arrival) -> str:
        suffix = "-corrected" if a.kind == "forged" else ""
        return f"{a.feed}-{self.clock.hour(a.hour):%Y%m%dT%HZ}{suffix}.ndjson"

    def _payload(self, a: _Arrival) -> bytes:
        if a.kind != "forged":
            return self._streams[a.feed].payload(a.hour, self.clock, self.world)
        of = stations_of(a.feed)
        hour = range(a.hour * STEPS_PER_HOUR, (a.hour + 1) * STEPS_PER_HOUR)
        steps = np.repeat(np.array(hour), len(of))
        stations = np.tile(np.arange(len(of)), STEPS_PER_HOUR)
        calm = self.world.readings[a.feed]["stage_m"][steps - hour.start, stations]
        columns: dict[str, list[float | str]] = {"rain_mm": [0.0] * len(steps), "stage_m": calm.tolist()}
        return b"".join(format_lines(a.feed, self.clock, of, steps.tolist(), stations.tolist(), columns))

    def _whole(self, kind: Literal["forged", "replay"]) -> Fault:
        """Return the truth of a fault that is a delivery."""
        a = next(a for a in self._arrivals if a.kind == kind)
        if kind == "forged":
            first, last = a.hour * STEPS_PER_HOUR, (a.hour + 1) * STEPS_PER_HOUR - 1
            n_records = STEPS_PER_HOUR * len(stations_of(a.feed))
        else:
            steps = self._streams[a.feed].steps[self._streams[a.feed].batch(a.hour)]
            first, last, n_records = int(steps.min()), int(steps.max()), len(steps)
        return Fault(
            kind=kind,
            feed=a.feed,
            station=None,
            start=self.clock.time(first),
            end=self.clock.time(last),
            n_records=n_records,
            outcome="rejected" if kind == "forged" else "repeated",
            delivery=self._name(a),
        )

"""The watermark of a feed: the event time up to which we believe to have everything but late data.

Each device sends roughly in order, so that all it measured up to its newest event time, less the
lateness that the contract allows, should be here. The feed's watermark is the least of its devices'. A
device that has been silent for a stated time is left out, or one that died would hold up all others; what
it sends when it comes back is behind.

The watermark never goes back. It is a belief, kept in memory and in no proof: after a restart it is
found anew from the rows, and may then stand earlier than it had.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import polars as pl


@dataclass(frozen=True)
class Heard:
    """The newest event time of a device and when it was last heard, both µs since 1970."""

    newest_us: int
    arrival_us: int


@dataclass(frozen=True)
class Watermark:
    """A feed's watermark and what it rests on.

    Attributes
    ----------
    lateness_us
        How old a reading may be on arrival.
    idle_us
        A device that was silent for longer is left out. Memory is for the devices heard within that time.
    at_us
        The watermark; None before the first reading.
    devices
        Those heard of late.
    """

    lateness_us: int
    idle_us: int
    at_us: int | None = None
    devices: Mapping[str, Heard] = field(default_factory=dict)

    def advanced(self, heard: Mapping[str, Heard], now_us: int) -> "Watermark":
        """Return the watermark after devices were heard, and with the time now.

        An event time after its arrival counts as of its arrival: a clock that is ahead closes nothing early.
        Where all are silent the watermark stays.
        """
        devices = dict(self.devices)
        for device, h in heard.items():
            seen = Heard(min(h.newest_us, h.arrival_us), h.arrival_us)
            old = devices.get(device, seen)
            newest, arrival = max(old.newest_us, seen.newest_us), max(old.arrival_us, seen.arrival_us)
            devices[device] = Heard(newest, arrival)
        awake = {d: h for d, h in devices.items() if now_us - h.arrival_us <= self.idle_us}
        at = min((h.newest_us for h in awake.values()), default=None)
        marks = [m for m in (self.at_us, None if at is None else at - self.lateness_us) if m is not None]
        return replace(self, at_us=max(marks, default=None), devices=awake)

    def has_passed(self, event_us: int) -> bool:
        """Tell whether an event time is behind the watermark."""
        return self.at_us is not None and event_us <= self.at_us


def heard(rows: pl.DataFrame, device: Iterable[str], time: str, arrival: str) -> dict[str, Heard]:
    """Return when each device was heard in some rows.

    Parameters
    ----------
    rows
        Readings; those without a time, or without all of ``device``, are passed over.
    device
        The columns that name a device, none for a feed that is one device.
    time, arrival
        Names of the event time and of the time of arrival, both µs UTC.
    """
    name = pl.concat_str(pl.lit(""), *(pl.col(c).cast(pl.String) for c in device), separator="\0")
    newest = pl.min_horizontal(pl.col(time), pl.col(arrival)).to_physical().max()
    known = rows.filter(pl.col(time).is_not_null(), pl.col(arrival).is_not_null())
    by = known.group_by(name.alias("device")).agg(
        newest.alias("newest"), pl.col(arrival).to_physical().max().alias("arrival")
    )
    return {d: Heard(n, a) for d, n, a in by.iter_rows() if d is not None}


def panel_watermark(marks: Iterable[int | None]) -> int | None:
    """Return a panel's watermark: the least of its feeds'; None while one has none."""
    found = list(marks)
    known = [m for m in found if m is not None]
    return min(known) if known and len(known) == len(found) else None

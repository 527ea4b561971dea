"""``veracity feed clocks``: whose clock is off, by how much, and how sure that is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import polars as pl

from veracity.cli.output import columns, emit, in_home, mark
from veracity.data.clock_estimate import ClockLimits
from veracity.home.clock import format_time
from veracity.home.home import Home
from veracity.home.live.clocks import feed_clocks

_DEFAULT = ClockLimits()
_SECONDS = click.FloatRange(min=0, min_open=True)


@click.command(name="clocks")
@click.argument("feed")
@click.option("--hours", type=click.IntRange(1, 8), default=8, show_default=True, help="How far back.")
@click.option("--ahead", type=_SECONDS, default=_DEFAULT.ahead_s, show_default=True, help="Flag from, s.")
@click.option("--behind", type=_SECONDS, default=_DEFAULT.behind_s, show_default=True, help="Flag from, s.")
@click.option("--ppm", type=_SECONDS, default=_DEFAULT.frequency_ppm, show_default=True, help="Flag from.")
@click.option("--flagged", is_flag=True, help="Show those that are flagged only.")
@in_home
def show_clocks(
    feed: str,
    hours: int,
    ahead: float,
    behind: float,
    ppm: float,
    flagged: bool,
    home: Path,
    as_json: bool,
) -> None:
    """Estimate offset and frequency of the clocks of a feed's devices from their messages."""
    limits = ClockLimits(ahead_s=ahead, behind_s=behind, frequency_ppm=ppm)
    opened = Home.open(home)
    try:
        found = feed_clocks(opened, feed, hours, limits)
        simulated = opened.feed(feed).contract.simulated
    finally:
        opened.close()
    if flagged:
        found = found.filter(pl.col("flags").list.len() > 0)
    items = [_item(row) for row in found.iter_rows(named=True)]
    told = columns([_line(i) for i in items], ("device", "offset s", "from", "to", "ppm", "windows", "flags"))
    text = f"clocks of {feed}{mark(simulated)}\n\n{told if items else 'none'}"
    emit("feed-clocks", {"feed": feed, "simulated": simulated, "items": items}, text, as_json)


def _item(row: dict[str, Any]) -> dict[str, Any]:
    """Return an estimate with its times as text."""
    stamps = {name.removesuffix("_us"): _time(row.pop(name)) for name in ("at_us", "jump_at_us")}
    return row | stamps


def _time(us: int | None) -> str | None:
    return None if us is None else format_time(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us))


def _line(i: dict[str, Any]) -> tuple[Any, ...]:
    numbers = ("offset_s", "offset_s_low", "offset_s_high", "frequency_ppm")
    shown = ["" if i[n] is None else f"{i[n]:+.3f}" for n in numbers]
    jump = "" if i["jump_s"] is None else f" ({i['jump_s']:+.1f} s at {i['jump_at']})"
    return (i["device"], *shown, i["n_windows"], ", ".join(i["flags"]) + jump)

"""From readings to the lines an agency sends: canonical JSON, every one marked as simulated.

Each agency writes time its own way, as agencies do; its contract says how.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

import orjson

from veracity.city.clock import LOCAL, Clock
from veracity.city.stations import Station
from veracity.city.world import AIR, ROADS, WATER

Value = float | int | str | None


def _with_offset(utc: datetime) -> str:
    return f"{utc + LOCAL:%Y-%m-%dT%H:%M:%S}+07:00"


def _local(utc: datetime) -> str:
    return f"{utc + LOCAL:%Y-%m-%d %H:%M:%S}"


def _utc(utc: datetime) -> str:
    return f"{utc:%Y-%m-%dT%H:%M:%SZ}"


TIMES: dict[str, Callable[[datetime], str]] = {AIR: _with_offset, WATER: _local, ROADS: _utc}


def plain(value: float | str) -> Value:
    """Return the value whose JSON text is canonical: whole numbers as integers, NaN as null.

    Examples
    --------
    >>> plain(12.0), plain(-0.0), plain(0.4), plain(float("nan")), plain("ERR")
    (12, 0, 0.4, None, 'ERR')
    """
    if isinstance(value, str):
        return value
    if value != value:
        return None
    return int(value) if value.is_integer() else value


def format_lines(
    feed: str,
    clock: Clock,
    of: Sequence[Station],
    steps: Sequence[int],
    stations: Sequence[int],
    columns: dict[str, list[float | str]],
) -> list[bytes]:
    """Return one canonical JSON line, newline included, for each message.

    ``steps`` and ``stations`` (m,) are each message's step and index into ``of``; ``columns``
    are its values, (m,) by name. Numbers are 0 or of 1e-6 to 1e15, where the fast encoder used
    here and RFC 8785 write the same digits.
    """
    time = TIMES[feed]
    stamps = {step: time(clock.time(step)) for step in set(steps)}
    names = list(columns)
    lines = []
    for step, station, *values in zip(steps, stations, *columns.values(), strict=True):
        at = of[station]
        record: dict[str, Value | bool] = {
            "observed_at": stamps[step],
            "simulated": True,
            "station_id": at.id,
            "ward": at.ward,
        }
        record.update(zip(names, map(plain, values), strict=True))
        lines.append(orjson.dumps(record, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))
    return lines

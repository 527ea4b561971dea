"""Judge readings as a feed would bring them: piece by piece, with only what the state remembers."""

from collections.abc import Iterable, Sequence
from dataclasses import fields

import numpy as np

from veracity.data.rules.readings import Readings
from veracity.data.rules.rule import Mask, SequenceRule


def judge_in_pieces(rule: SequenceRule, readings: Readings, cuts: Iterable[int]) -> Mask:
    """Return the verdicts of ``rule`` where the readings come in several batches.

    Parameters
    ----------
    rule
        Any sequence rule.
    readings
        Whole histories, all new, as ``readings_of`` gives them.
    cuts
        Where batches end, as counts of readings in order of event time over all sensors: 0 to n,
        in any order, repeats allowed.

    Notes
    -----
    Between two batches only the last ``rule.window`` readings of each sensor are kept, and a batch
    holds only the sensors that report in it.
    """
    order = np.lexsort((readings.sensor, readings.time_us))
    place = np.empty(len(readings), dtype=np.int64)
    place[order] = np.arange(len(readings))
    out = np.zeros(len(readings), dtype=np.bool_)
    ends = sorted({*cuts, len(readings)})
    begin = 0
    for end in ends:
        if end > begin:
            at, is_new = _held(readings, place, begin, end, rule.window)
            out[at[is_new]] = rule.broken(_taken(readings, at, is_new))[is_new]
        begin = end
    return out


def _held(
    readings: Readings, place: np.ndarray, begin: int, end: int, window: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return positions of a batch's readings and those remembered before them, and which are new."""
    at: list[int] = []
    is_new: list[bool] = []
    for sensor in np.unique(readings.sensor):
        own = np.flatnonzero(readings.sensor == sensor)
        new = own[(place[own] >= begin) & (place[own] < end)]
        if new.size == 0:
            continue
        old = own[place[own] < begin]
        old = old[max(0, old.size - window) :]
        at += [*old, *new]
        is_new += [False] * old.size + [True] * new.size
    return np.array(at, dtype=np.int64), np.array(is_new, dtype=np.bool_)


def _taken(readings: Readings, at: np.ndarray, is_new: np.ndarray) -> Readings:
    columns = {f.name: getattr(readings, f.name)[at] for f in fields(Readings)}
    columns["is_new"] = is_new
    columns["arrival"] = np.where(is_new, np.cumsum(is_new) - 1, -1)
    return Readings(**columns)


def random_cuts(rng: np.random.Generator, n: int, most: int = 12) -> Sequence[int]:
    """Return some random cuts of ``n`` readings; now and then every single one."""
    if rng.random() < 0.2:
        return range(n + 1)
    return [int(c) for c in rng.integers(0, n + 1, rng.integers(0, most + 1))]

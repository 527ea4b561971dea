"""How much a device may send: a bucket for each that fills at a steady rate."""

from collections import OrderedDict
from dataclasses import dataclass

MAX_BUCKETS = 100_000  #: of as many devices; the one longest unheard of is forgotten first, its bucket full


@dataclass(frozen=True)
class Rate:
    """So many messages a second in the long run, and so many at once after silence."""

    per_s: float
    burst: int


class Buckets:
    """The buckets of all devices of a feed."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()  # level, when

    def take(self, device: str, now_s: float) -> bool:
        """Take one message's worth of a device's bucket; False if it is empty."""
        burst = self._rate.burst
        level, since = self._levels.pop(device, (float(burst), now_s))
        now_s = max(now_s, since)  # what comes late fills no bucket a second time
        level = min(float(burst), level + (now_s - since) * self._rate.per_s)
        is_there = level >= 1.0
        self._levels[device] = (level - 1.0 if is_there else level, now_s)
        if len(self._levels) > MAX_BUCKETS:
            self._levels.popitem(last=False)
        return is_there

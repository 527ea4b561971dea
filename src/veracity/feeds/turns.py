"""One turn of a source that has many pages: bounded in number and in time, and gone on with in the next."""

import time
from collections.abc import Callable, Iterator

TURN_S = 30.0


def turns(limit: int, seconds: float = TURN_S, clock: Callable[[], float] = time.monotonic) -> Iterator[int]:
    """Count from 0 up to ``limit``, and no further once ``seconds`` are over; at least once.

    Examples
    --------
    >>> list(turns(3)), list(turns(3, seconds=0))
    ([0, 1, 2], [0])
    """
    end = clock() + seconds
    for number in range(limit):
        if number and clock() >= end:
            return
        yield number

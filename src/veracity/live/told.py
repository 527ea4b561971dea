"""Being told to stop by a signal: once to end in order, again to end at once.

asyncio gives signals back when its loop closes, and Python when it ends: one that comes then would end the
process by itself, without a word, as if something had killed it. So they are heard here from before the loop,
and once one has come, to the very end of the process.
"""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType


class Told:
    """How often this process was told to stop, and the events that say so in its loop."""

    def __init__(self) -> None:
        self.n_times = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop, self._hurry = asyncio.Event(), asyncio.Event()

    def events(self) -> tuple[asyncio.Event, asyncio.Event]:
        """Return what is set when told once, and when told again, for the loop that runs."""
        self._loop = asyncio.get_running_loop()
        self._pass_on()
        return self._stop, self._hurry

    def hear(self, _number: int, _frame: FrameType | None) -> None:
        """Count a signal; raise nothing, wherever this process is."""
        self.n_times += 1
        if self._loop is not None:
            with suppress(RuntimeError):  # it is closed: nothing is left to be stopped
                self._loop.call_soon_threadsafe(self._pass_on)

    def _pass_on(self) -> None:
        if self.n_times > 0:
            self._stop.set()
        if self.n_times > 1:
            self._hurry.set()


@contextmanager
def heard() -> Iterator[Told]:
    """Hear SIGINT and SIGTERM; give them back at the end, or ignore them from then on if one came.

    Whoever was told to stop has nothing left to do but to say how it ended.
    """
    told = Told()
    before = {number: signal.signal(number, told.hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if told.n_times else handler)

"""Ctrl-C, held back until what is under way is whole."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def held_interrupts() -> Iterator[Callable[[], None]]:
    """Hold Ctrl-C back until a batch is whole; yield a function that lets it through.

    The second Ctrl-C does not wait; the batch it breaks is settled when the home opens next.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    waiting: list[int] = []
    before: Any = signal.getsignal(signal.SIGINT)

    def hold(number: int, _frame: FrameType | None) -> None:
        waiting.append(number)
        if len(waiting) > 1:
            raise KeyboardInterrupt

    def let_through() -> None:
        if waiting:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, hold)
    try:
        yield let_through
    finally:
        signal.signal(signal.SIGINT, before)

"""Waiting for others no longer than we mean to, whatever they do with the connection."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from veracity.log.errors import StoreUnavailable

T = TypeVar("T")
MAX_ABANDONED = 256
_abandoned = threading.BoundedSemaphore(MAX_ABANDONED)


class Asked(Generic[T]):
    """A question put to somebody, in a thread of its own, that is given up if no answer comes.

    A server may send its header one byte at a time: no timeout of a socket ends that. A thread
    left behind ends with its connection, or with the process. Of these at most ``MAX_ABANDONED``
    run at once; then the next question waits for none and fails.
    """

    def __init__(self, what: str, question: Callable[[], T]) -> None:
        self._what = what
        self._answer: T | None = None
        self._error: BaseException | None = None
        self._done = threading.Event()
        if not _abandoned.acquire(blocking=False):
            self._error = StoreUnavailable(f"{what}: want answers, got {MAX_ABANDONED} that never come")
            self._done.set()
            return

        def run() -> None:
            try:
                self._answer = question()
            except BaseException as exc:
                self._error = exc
            finally:
                _abandoned.release()
                self._done.set()

        threading.Thread(target=run, daemon=True, name=f"asked {what}").start()

    def answer(self, timeout_s: float) -> T:
        """Return the answer or raise its error; StoreUnavailable if there is none in time."""
        if not self._done.wait(timeout_s):
            raise StoreUnavailable(f"{self._what}: want an answer in time, got none")
        if self._error is not None:
            raise self._error
        return self._answer  # type: ignore[return-value]  # it is of the question's type now

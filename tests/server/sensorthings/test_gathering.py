"""Jobs that come while others are being done are done together, and no more wait than may."""

import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import pytest

from veracity.server.sensorthings import gathering
from veracity.server.sensorthings.errors import PostsWaiting
from veracity.server.sensorthings.gathering import Gathering, Take

WAIT_S = 30


@dataclass(eq=False)
class Job:
    """One job."""

    n_records: int = 1
    n_bytes: int = 1
    answer: Future[Any] = field(default_factory=Future)


class Turns:
    """Does jobs by answering with how many were done together; each turn waits until it is let go."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Semaphore(0), threading.Semaphore(0)
        self.errors: list[Exception] = []
        self.now_s = 0.0
        self.gathering: Gathering[Job] = Gathering(self._turn, lambda: self.now_s)

    def _turn(self, take: Take[Job]) -> None:
        self.begun.release()
        assert self.go_on.acquire(timeout=WAIT_S)
        if self.errors:
            raise self.errors.pop()
        jobs = take()
        for job in jobs:
            job.answer.set_result(len(jobs))

    def put(self, *jobs: Job) -> None:
        """Let jobs wait."""
        for job in jobs:
            self.gathering.put(job)

    def wait(self) -> None:
        """Wait until a turn has begun."""
        assert self.begun.acquire(timeout=WAIT_S)


def answers(jobs: list[Job]) -> list[Any]:
    """Return the answer of each."""
    return [job.answer.result(WAIT_S) for job in jobs]


def test_those_that_wait_go_together() -> None:
    """All that came before a turn takes its jobs are done in it, and then a single one alone."""
    turns, jobs = Turns(), [Job() for _ in range(5)]
    turns.put(jobs[0])
    turns.wait()
    turns.put(*jobs[1:])
    assert turns.gathering.n_waiting == 5
    turns.go_on.release()
    assert answers(jobs) == [5] * 5
    last = Job()
    turns.put(last)
    turns.go_on.release()
    assert answers([last]) == [1]


@pytest.mark.parametrize(("limit", "size"), [("MAX_TURN", "n_records"), ("MAX_TURN_BYTES", "n_bytes")])
def test_a_turn_is_bounded(monkeypatch: pytest.MonkeyPatch, limit: str, size: str) -> None:
    """What is beyond waits for the next turn, in order; one that is too large alone is done alone."""
    monkeypatch.setattr(gathering, limit, 10)
    turns = Turns()
    jobs = [Job(n_records=n) if size == "n_records" else Job(n_bytes=n) for n in (4, 5, 3, 11, 1)]
    turns.put(*jobs)
    for _ in range(4):
        turns.go_on.release()
    assert answers(jobs) == [2, 2, 1, 1, 1]


@pytest.mark.parametrize("limit", ["MAX_WAITING", "MAX_WAITING_BYTES"])
def test_no_more_wait_than_may(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """One more is refused at once; those that wait are done, and then there is room again."""
    monkeypatch.setattr(gathering, limit, 2)
    turns, jobs = Turns(), [Job(), Job()]
    turns.put(*jobs)
    with pytest.raises(PostsWaiting):
        turns.put(Job())
    turns.go_on.release()
    assert answers(jobs) == [2, 2]
    again = Job()
    turns.put(again)
    turns.go_on.release()
    assert answers([again]) == [1]


def test_nobody_waits_for_ever() -> None:
    """What waited too long before its turn is answered so, and is not done; what its client left neither."""
    turns, late, gone, new = Turns(), Job(), Job(), Job()
    turns.put(late)
    turns.wait()
    turns.put(gone)
    assert gone.answer.cancel()
    turns.now_s = gathering.MAX_WAIT_S + 1
    turns.put(new)
    turns.go_on.release()
    assert answers([new]) == [1]
    with pytest.raises(PostsWaiting):
        late.answer.result(WAIT_S)


def test_a_turn_that_cannot_begin_answers_those_that_waited_for_it() -> None:
    """Those that came later have a turn of their own."""
    turns, first, second = Turns(), Job(), Job()
    turns.errors.append(PostsWaiting("no turn"))
    turns.put(first)
    turns.wait()
    turns.now_s = 1.0
    turns.put(second)
    turns.go_on.release()
    with pytest.raises(PostsWaiting):
        first.answer.result(WAIT_S)
    turns.go_on.release()
    assert answers([second]) == [1]


def test_no_thread_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be started a job is refused at once, and the next is done as soon as one can."""
    turns, jobs = Turns(), [Job(), Job()]

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(PostsWaiting, match="want a thread"):
            turns.put(jobs[0])
    assert turns.gathering.n_waiting == 0
    turns.put(jobs[1])
    turns.go_on.release()
    assert answers(jobs[1:]) == [1]

"""A log on real servers, S3 and PostgreSQL: requests and answers get lost, processes and servers are killed.

``make test`` loses a seeded sample of the requests, ``VERACITY_ALL_FAULTS=1`` every one.
"""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cutting_proxy import CuttingProxy, Loss
from log_appender import SIGNER, tried_by
from log_invariants import Answers, check_log, look
from log_stores import open_stores
from system_calls import command, environment

from servers import S3, PostgresServer, S3Server
from veracity.log.errors import StoreUnavailable
from veracity.log.reader import CHECKPOINT_PATH

ROUNDS = [1, 3, 254, 5]
ENTRIES = tried_by("a", ROUNDS)
IS_EVERY = os.environ.get("VERACITY_ALL_FAULTS") == "1"
N_SAMPLED = 5
LOSSES: tuple[Loss, ...] = ("request", "answer")

Given = dict[str, object]


def start(given: Given, more: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(given),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment() | dict(more),
    )


def at_work(process: subprocess.Popen[str], answers: Answers) -> None:
    """Wait until an appender was answered a few times."""
    assert process.stdout is not None
    n_checkpoints = 0
    while n_checkpoints < 3:
        line = process.stdout.readline()
        assert line, f"want an appender at work, got one that ended: {answers.errors}"
        answers.take(line)
        n_checkpoints += line.startswith("checkpoint")


def take(process: subprocess.Popen[str], answers: Answers) -> int:
    """Wait for an appender and add what it was answered; nothing but our own errors may end it."""
    assert process.stdout is not None
    assert process.stderr is not None
    with process, process.stdout as out, process.stderr as err:
        answers.take(out.read())  # not ``communicate``, which forgets what ``at_work`` has read ahead
        complaint = err.read()
    assert "Traceback" not in complaint, complaint
    return process.returncode


def in_s3(given: S3) -> Given:
    """The files and the state in two folders of a bucket."""
    return {"objects": f"{given.url}/log", "state": f"{given.url}/state"}


def in_postgres(folder: Path, url: str) -> Given:
    """The files in a directory, the state in PostgreSQL."""
    return {"objects": str(folder / "store"), "state": url}


def check(given: Given, answers: Answers, tried: list[bytes]) -> None:
    objects, state = open_stores(given)
    with closing(state):
        check_log(objects, state, answers, tried)


def chosen(n_requests: int, seed: str) -> list[int]:
    every = range(1, n_requests + 1)
    return list(every) if IS_EVERY else sorted(random.Random(seed).sample(every, N_SAMPLED))  # noqa: S311


@pytest.mark.parametrize("loss", LOSSES)
def test_requests_to_s3_that_get_lost(s3: S3, loss: Loss) -> None:
    """Files and state in S3: any request lost, or its answer, and the log is as it was answered."""
    host, port = urlsplit(s3.endpoint).hostname or "", urlsplit(s3.endpoint).port or 0
    n_requests = 0
    for number, at in enumerate([0, *chosen(60, loss)]):
        there = replace(s3, prefix=f"{s3.prefix}-{number}")
        proxy, answers = CuttingProxy((host, port), at, loss), Answers()
        with proxy.running() as own_port:
            more = replace(there, endpoint=f"http://127.0.0.1:{own_port}").environment
            code = take(start(in_s3(there) | {"writer": "a", "rounds": ROUNDS}, more), answers)
        if at == 0:
            assert (code, answers.errors) == (0, [])
            n_requests = proxy.n_requests
        assert proxy.was_cut == (at > 0) or at > n_requests
        check(in_s3(there), answers, ENTRIES)


@pytest.mark.parametrize("loss", LOSSES)
def test_requests_to_postgres_that_get_lost(
    postgres_server: PostgresServer, loss: Loss, tmp_path: Path
) -> None:
    """State in PostgreSQL: any request lost, or its answer, and the log is as it was answered."""
    n_requests = 0
    for number, at in enumerate([0, *chosen(60, loss)]):
        folder, url = tmp_path / str(number), postgres_server.fresh()
        proxy, answers = CuttingProxy(("127.0.0.1", postgres_server.port), at, loss), Answers()
        with proxy.running() as own_port:
            through = url.replace(f":{postgres_server.port}/", f":{own_port}/")
            given = in_postgres(folder, through) | {"writer": "a", "rounds": ROUNDS}
            code = take(start(given, {}), answers)
        if at == 0:
            assert (code, answers.errors) == (0, [])
            n_requests = proxy.n_requests
        assert proxy.was_cut == (at > 0) or at > n_requests
        check(in_postgres(folder, url), answers, ENTRIES)
        postgres_server.drop(url)


def race(given: Given, seed: int) -> None:
    """Two appenders on one log are killed again and again; nothing that either was answered is lost."""
    rng = random.Random(seed)  # noqa: S311
    rounds = [3, 60, 200] * 100  # more than anyone gets through in half a second
    answers, tried, n_killed = Answers(), [], 0
    for attempt in range(3):
        names = [f"{w}{attempt}" for w in "ab"]
        tried += [entry for w in names for entry in tried_by(w, rounds)]
        processes = [start(given | {"writer": w, "rounds": rounds, "retry": True}, {}) for w in names]
        at_work(processes[0], answers)
        time.sleep(rng.uniform(0, 0.5))
        for process in processes:
            process.send_signal(signal.SIGKILL)
        for process in processes:
            n_killed += take(process, answers) == -signal.SIGKILL
        objects, state = open_stores(given)
        with closing(state):
            look(objects, state, answers)
    assert n_killed > 0
    check(given, answers, tried)


def test_writers_killed_on_s3(s3: S3) -> None:
    """Two processes that race on S3 are killed at any moment."""
    race(in_s3(s3), 11)


def test_writers_killed_on_postgres(postgres: str, tmp_path: Path) -> None:
    """Two processes that race on PostgreSQL are killed at any moment."""
    race(in_postgres(tmp_path, postgres), 12)


def wait_until_read(given: Given) -> None:
    """Wait until a server that was started again gives back what it held; a busy one takes a while."""
    deadline = time.monotonic() + 60
    while True:
        try:
            objects, state = open_stores(given)
            with closing(state):
                state.last(SIGNER.name)
                objects.get(CHECKPOINT_PATH)
            return
        except StoreUnavailable:
            assert time.monotonic() < deadline, "want a server that holds what it held, got none"
            time.sleep(0.5)


@contextmanager
def interrupted(
    server: S3Server | PostgresServer, given: Given, more: Mapping[str, str]
) -> Iterator[Answers]:
    """Kill the server under an appender at work, start it again; give what the appender was answered."""
    rounds = [5, 50] * 200
    process = start(given | {"writer": "a", "rounds": rounds}, more)
    answers = Answers()
    at_work(process, answers)
    server.kill()
    assert take(process, answers) == 4, "want an appender that was at work, got one that was done"
    server.restart()
    wait_until_read(given)
    yield answers
    check(given, answers, tried_by("a", rounds))


def test_s3_killed_and_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The S3 server dies while a log is written: the writer stops, and nothing answered is lost."""
    with S3Server.started() as server:
        there = server.fresh()
        for name, value in there.environment.items():
            monkeypatch.setenv(name, value)
        with interrupted(server, in_s3(there), there.environment) as answers:
            assert answers.indices


def test_postgres_killed_and_started_again(tmp_path: Path) -> None:
    """PostgreSQL dies while a log is written: the writer stops, and nothing answered is lost."""
    with PostgresServer.started() as server:
        given = in_postgres(tmp_path, server.fresh())
        with interrupted(server, given, {}) as answers:
            assert answers.indices

"""A process that appends to a real log in a loop: what crash tests kill, pause and fail calls of.

``python log_appender.py '{"objects": …, "state": …, "writer": "a", "rounds": [1, 3, 250]}'``. It says on
stdout, one line each, only what it was answered: ``answered INDEX ENTRY``, ``checkpoint BASE64`` and, at
an error of ours, ``error CODE: MESSAGE`` followed by ``then CODE``, the answer to one more append after it.

Lines leave by ``writev``, which no test fails.
"""

import json
import os
import sys
from base64 import b64encode

from log_stores import open_stores

from veracity.errors import VeracityError
from veracity.log.append import Log
from veracity.log.doors import LogState, Objects
from veracity.log.errors import LogMoved
from veracity.log.notes import Signer

SIGNER = Signer("example.org/crash", bytes(range(32)))
MAX_MOVES = 1_000


def entries_of(writer: str, rounds: list[int]) -> list[list[bytes]]:
    """The entries of each round: no two writers' or rounds' are equal."""
    return [[f"{writer}-{r}-{i}".encode() for i in range(n)] for r, n in enumerate(rounds)]


def say(line: str) -> None:
    """Write one line at once."""
    os.writev(1, [line.encode() + b"\n"])


def work(given: dict[str, object]) -> None:
    """Append every round; with ``retry``, open again whenever another writer was first."""
    rounds = entries_of(str(given["writer"]), given["rounds"])  # type: ignore[arg-type]
    objects, state = open_stores(given)
    is_patient = bool(given.get("retry"))
    log = opened(objects, state, is_patient)
    for entries in rounds:
        for _ in range(MAX_MOVES):
            try:
                indices = log.append(entries)
                break
            except LogMoved as exc:
                if not is_patient:
                    raise Stopped(log, exc) from exc
                log = opened(objects, state, is_patient)
            except VeracityError as exc:
                raise Stopped(log, exc) from exc
        for index, entry in zip(indices, entries, strict=True):
            say(f"answered {index} {entry.decode()}")
        say(f"checkpoint {b64encode(log.checkpoint_note).decode()}")


def opened(objects: Objects, state: LogState, is_patient: bool) -> Log:
    """Open the log; two may be making it at once, and then one has to try again."""
    try:
        return Log.open(objects, state, SIGNER)
    except LogMoved:
        if not is_patient:
            raise
        return Log.open(objects, state, SIGNER)


class Stopped(Exception):
    """An append failed: one more is tried, which must not sign."""

    def __init__(self, log: Log, cause: VeracityError) -> None:
        super().__init__(str(cause))
        self.log = log
        self.cause = cause


def main() -> int:
    """Work, and say how it ended: 0, or 4 after an error of ours."""
    say(f"pid {os.getpid()}")
    try:
        work(json.loads(sys.argv[1]))
    except Stopped as stopped:
        say(f"error {stopped.cause.code}: {stopped.cause}")
        try:
            say(f"then signed {stopped.log.append([b'after an error'])}")
        except VeracityError as exc:
            say(f"then {exc.code}")
        return 4
    except VeracityError as exc:  # from opening the log
        say(f"error {exc.code}: {exc}")
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())

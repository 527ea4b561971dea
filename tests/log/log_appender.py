"""A process that appends to a real log in a loop: what crash tests kill, pause and fail calls of.

``python log_appender.py '{"objects": …, "state": …, "writer": "a", "rounds": [1, 3, 250]}'``. It says on
stdout, one line each, only what it was answered: ``answered INDEX ENTRY``, ``checkpoint BASE64`` and, at
an error of ours, ``error CODE: MESSAGE`` followed by ``then CODE``, the answer to one more append after it.

Lines leave by ``writev``, which no test fails.
"""

import json
import os
import sys
import time
from base64 import b64encode
from contextlib import closing

from log_stores import open_stores

from veracity.errors import Unavailable, VeracityError
from veracity.log.append import Log
from veracity.log.doors import LogState, Objects
from veracity.log.notes import Signer

SIGNER = Signer("example.org/crash", bytes(range(32)))
MAX_TRIES = 1_000


def entries_of(writer: str, rounds: list[int]) -> list[list[bytes]]:
    """The entries of each round: no two writers' or rounds' are equal."""
    return [[f"{writer}-{r}-{i}".encode() for i in range(n)] for r, n in enumerate(rounds)]


def tried_by(writer: str, rounds: list[int]) -> list[bytes]:
    """All that an appender may append: its rounds, and one entry after an error."""
    return [*(entry for entries in entries_of(writer, rounds) for entry in entries), after_error(writer)]


def after_error(writer: str) -> bytes:
    """The entry that is tried once an append has failed."""
    return f"{writer}-after".encode()


def say(line: str) -> None:
    """Write one line at once."""
    os.writev(1, [line.encode() + b"\n"])


def work(given: dict[str, object]) -> int:
    """Append every round; with ``retry``, open again after whatever trying again may help with.

    Returns 0, or 4 after an error of ours.
    """
    rounds = entries_of(str(given["writer"]), given["rounds"])  # type: ignore[arg-type]
    is_patient = bool(given.get("retry"))
    objects, state = open_stores(given)
    with closing(state):
        log = opened(objects, state, is_patient)
        for entries in rounds:
            while True:
                try:
                    indices = log.append(entries)
                    break
                except VeracityError as exc:
                    if not (is_patient and isinstance(exc, Unavailable)):
                        return stopped(log, exc, after_error(str(given["writer"])))
                    log = opened(objects, state, is_patient)
            for index, entry in zip(indices, entries, strict=True):
                say(f"answered {index} {entry.decode()}")
            say(f"checkpoint {b64encode(log.checkpoint_note).decode()}")
    return 0


def opened(objects: Objects, state: LogState, is_patient: bool) -> Log:
    """Open the log; where others write at the same time, one may have to try again."""
    for _ in range(MAX_TRIES if is_patient else 0):
        try:
            return Log.open(objects, state, SIGNER)
        except Unavailable:
            time.sleep(0.01)
    return Log.open(objects, state, SIGNER)


def stopped(log: Log, cause: VeracityError, entry: bytes) -> int:
    """Say why an append failed, and try one more, which must not sign if a write had failed."""
    say(f"error {cause.code}: {cause}")
    try:
        say(f"answered {log.append([entry])[0]} {entry.decode()}")
        say("then signed")
    except VeracityError as exc:
        say(f"then {exc.code}")
    return 4


def main() -> int:
    """Work; an error from opening the log ends it too."""
    say(f"pid {os.getpid()}")
    try:
        return work(json.loads(sys.argv[1]))
    except VeracityError as exc:
        say(f"error {exc.code}: {exc}")
        return 4


if __name__ == "__main__":
    sys.exit(main())

"""A machine of a city as a process of its own: takes files in, killed at a step or in turns with others.

``python -m city_writer ROOT killed-after STEP FILE`` and ``python -m city_writer ROOT in-turns FILE…``
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from small_city import clock
from veracity.data.evidence import EvidenceStore
from veracity.data.lake import Table
from veracity.home.home import Writer, open_writer
from veracity.home.index import Index
from veracity.home.ingest import ingest
from veracity.log.append import Log

#: The writes of a batch, in order, and of the home that makes them.
STEPS: dict[str, tuple[type, str]] = {
    "evidence": (EvidenceStore, "put"),
    "put aside": (Index, "pend"),
    "rows": (Table, "_commit"),
    "log": (Log, "append"),
    "index": (Index, "apply"),
    "settled": (Index, "settle"),
}


def at_step(step: str, do: Callable[[], None], *, after: bool) -> Callable[[], None]:
    """Do something before or after the next write of that kind; return what puts things right again."""
    owner, name = STEPS[step]
    write = getattr(owner, name)

    def write_and(*args: Any, **kwargs: Any) -> Any:
        undo()
        if not after:
            do()
        done = write(*args, **kwargs)
        if after:
            do()
        return done

    def undo() -> None:
        setattr(owner, name, write)

    setattr(owner, name, write_and)
    return undo


def killed_after(root: Path, step: str, file: Path) -> None:
    """Take a file in and be killed once a step of its first batch is done."""
    with open_writer(root, clock) as home:
        at_step(step, lambda: os.kill(os.getpid(), signal.SIGKILL), after=True)
        ingest(home, "rain", [file], records_per_part=64)


def in_turns(root: Path, files: list[Path]) -> None:
    """Take files in, one by one, and let others in whenever somebody waits."""
    home = None
    while files:
        with open_writer(root, clock, wait_s=120, passes_on=True, after=home) as home:
            take_turn(home, files)


def take_turn(home: Writer, files: list[Path]) -> None:
    """Take files in until somebody waits, one at least."""
    while files:
        ingest(home, "rain", [files.pop(0)], records_per_part=64)
        if home.is_wanted():
            return


if __name__ == "__main__":
    root, how, *more = sys.argv[1:]
    if how == "killed-after":
        killed_after(Path(root), more[0], Path(more[1]))
    else:
        in_turns(Path(root), [Path(f) for f in more])

"""What every peer gets and gives: the feed, the rules' settings, a clock, and verdicts in one form.

A peer is a script run in a process of its own, in an environment of its own (requirements/peers.txt):

    python <peer>.py FEED.parquet SETTINGS.json

It prints one JSON object as its last line. Imports are not on the clock; reading the file is, and so
is whatever the tool needs to say which rows it means.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from measure import cost, peak_mb
from planted import BOX, HIGH, LOW, PATTERN, STALE_AFTER_US, UNIT, names_digest, rows_digest

__all__ = ["BOX", "HIGH", "LOW", "PATTERN", "UNIT", "Task", "Verdict", "count", "names", "rows", "run"]


@dataclass(frozen=True)
class Task:
    """The feed to check, the sensors that may report, and when the feed ended."""

    feed: Path
    registry: list[str]
    end: datetime

    @property
    def stale_before(self) -> datetime:
        """A sensor whose newest reading is older than this has fallen silent."""
        return self.end - timedelta(microseconds=STALE_AFTER_US)


@dataclass(frozen=True)
class Verdict:
    """What a tool says of one rule.

    ``gives``: rows (their positions), names (of sensors) or a count alone. ``how``: own, where a rule of
    the tool says it; code, where it runs an expression that we wrote in it; column, where we worked the
    answer's hard part out beforehand in a column.
    """

    gives: Literal["rows", "names", "count"]
    how: Literal["own", "code", "column"]
    n: int
    digest: str | None = None


def rows(positions: Any, how: Literal["own", "code", "column"] = "own") -> Verdict:
    """Return a verdict that names rows, in any order, each perhaps more than once."""
    at = np.unique(np.asarray(positions, dtype=np.int64))
    return Verdict("rows", how, len(at), rows_digest(at))


def names(found: list[str], how: Literal["own", "code", "column"] = "own") -> Verdict:
    """Return a verdict that names sensors."""
    return Verdict("names", how, len(found), names_digest(found))


def count(n: int, how: Literal["own", "code", "column"] = "own") -> Verdict:
    """Return a verdict that only counts."""
    return Verdict("count", how, int(n))


def run(tool: str, packages: list[str], check: Callable[[Task], Mapping[str, Verdict]]) -> None:
    """Read the task from the command line, measure ``check``, print the result."""
    settings = json.loads(Path(sys.argv[2]).read_text())
    task = Task(Path(sys.argv[1]), settings["registry"], datetime.fromisoformat(settings["end"]))
    before = peak_mb()
    with cost() as c:
        verdicts = check(task)
    result = {
        "tool": tool,
        "versions": {name: version(name) for name in packages},
        "wall_s": c.wall_s,
        "cpu_s": c.cpu_s,
        "peak_mb": peak_mb(),
        "before_mb": before,
        "verdicts": {rule: vars(v) for rule, v in verdicts.items()},
    }
    print(json.dumps(result))

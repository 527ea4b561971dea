"""Delta's own log of a table: what of it a reader needs, and what may go.

A commit is ``<version>.json``, a checkpoint ``<version>.checkpoint.parquet``: the sum of all commits up to
its own. Whoever opens or commits to a table lists this folder, so that each commit ever kept makes the
next one dearer (measured: 10 microseconds of CPU for each file, three times a commit). Readers need the
newest checkpoint and the commits after it. An older checkpoint is kept too, with all commits since: it
stands in where the newest was lost to a power loss.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

import orjson
import polars as pl

from veracity.data.errors import TableMismatch
from veracity.log.doors import Objects, StoreUnavailable

HINT = "_last_checkpoint"
KEPT = 200  #: commits that are kept at the least: who opens a table meanwhile may be reading them
MAX_TRIMMED = 1_000  #: files deleted at once, so that no batch waits for the whole past of a table

_ENTRY = re.compile(r"([0-9]{20})\.(json|checkpoint\.parquet)")
_COMMIT, _CHECKPOINT = "json", "checkpoint.parquet"


@dataclass(frozen=True)
class LogFiles:
    """The files in a table's Delta log, by version."""

    folder: str
    commits: frozenset[int]
    checkpoints: frozenset[int]
    has_hint: bool

    @classmethod
    def listed(cls, objects: Objects, table: str) -> "LogFiles":
        """List the log of the table at ``table``; other writers' kinds of files are left out."""
        folder = f"{table}/_delta_log"
        names = [path.removeprefix(f"{folder}/") for path in objects.list(folder)]
        entries = [match for name in names if (match := _ENTRY.fullmatch(name))]
        commits, checkpoints = (
            frozenset(int(entry[1]) for entry in entries if entry[2] == kind)
            for kind in (_COMMIT, _CHECKPOINT)
        )
        return cls(folder, commits, checkpoints, HINT in names)

    def commit(self, version: int) -> str:
        """Return the path of a commit."""
        return f"{self.folder}/{version:020d}.{_COMMIT}"

    def checkpoint(self, version: int) -> str:
        """Return the path of a checkpoint."""
        return f"{self.folder}/{version:020d}.{_CHECKPOINT}"

    def since(self, version: int) -> list[int]:
        """Return the commits after a version, in order."""
        return sorted(n for n in self.commits if n > version)


def drop_checkpoints(objects: Objects, table: str) -> bool:
    """Drop the checkpoints that the commits can do without, where one is unreadable; False if none can go.

    A power loss while one was written leaves it empty, or the hint that names it. Readers of a home may
    not write: False, and the next writer does it.
    """
    log = LogFiles.listed(objects, table)
    last = max(log.commits, default=-1)
    for base in (-1, *sorted(log.checkpoints)):
        if log.since(base) == list(range(base + 1, last + 1)):
            break
    else:
        return False  # some commits are in the newest checkpoint only
    going = [log.checkpoint(n) for n in sorted(log.checkpoints, reverse=True) if n > base]
    going += [f"{log.folder}/{HINT}"] if log.has_hint else []
    try:
        for path in going:
            objects.delete(path)
    except StoreUnavailable:
        return False
    return bool(going)


def trim(objects: Objects, table: str, version: int) -> None:
    """Delete what nobody needs once there is a durable checkpoint of ``version``: the oldest first.

    ``KEPT`` commits stay at the least, the checkpoint before them, and all commits since that one. A
    failure half-way leaves a log that reads right, and the next checkpoint goes on.
    """
    log = LogFiles.listed(objects, table)
    base = max((n for n in log.checkpoints if n <= version - KEPT), default=0)
    going = sorted(log.commit(n) for n in log.commits if n < base)
    going += sorted(log.checkpoint(n) for n in log.checkpoints if n < base)
    for path in going[:MAX_TRIMMED]:
        objects.delete(path)


def removed(objects: Objects, table: str) -> dict[str, int]:
    """Return the data files that commits took out of the table, and when: milliseconds since 1970.

    Those taken out longer ago than the table's retention are forgotten at a checkpoint.
    """
    log = LogFiles.listed(objects, table)
    newest = max(log.checkpoints, default=-1)
    found: dict[str, int] = {}
    if newest >= 0:
        found.update(_summed_up(objects.get(log.checkpoint(newest))))
    for version in log.since(newest):
        found.update(_in_commit(objects.get(log.commit(version))))
    return found


def _summed_up(checkpoint: bytes) -> Iterator[tuple[str, int]]:
    try:
        removes = pl.read_parquet(io.BytesIO(checkpoint), columns=["remove"])["remove"].struct
        paths, times = removes.field("path"), removes.field("deletionTimestamp")
    except pl.exceptions.PolarsError as exc:
        line = str(exc).splitlines()[0]
        raise TableMismatch(f"Delta log: want a checkpoint with what was removed, got: {line}") from exc
    for path, at in zip(paths, times, strict=True):
        if path is not None:
            yield path, at or 0


def _in_commit(commit: bytes) -> Iterator[tuple[str, int]]:
    for line in commit.splitlines():
        try:
            remove = orjson.loads(line).get("remove")
            if remove is not None:
                yield str(remove["path"]), int(remove.get("deletionTimestamp") or 0)
        except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError) as exc:
            raise TableMismatch("Delta log: want a commit of one action a line, got another text") from exc

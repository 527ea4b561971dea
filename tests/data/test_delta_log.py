"""Delta's own log stays short, whatever a table has behind it, and reads right after any loss or failure."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from obstore.store import MemoryStore

from veracity.data import delta_log
from veracity.data.contract import parse_contract
from veracity.data.delta_log import LogFiles, removed, trim
from veracity.data.errors import TableMismatch
from veracity.data.lake import Table, local_uri
from veracity.data.rewriting import rewrite
from veracity.log.doors import StoreUnavailable
from veracity.stores.objects import LocalObjects, StoredObjects

FEED = "tables/mm"
YAML = b"""
apiVersion: v3.1.0
kind: DataContract
id: mm
name: Rain
version: 1.0.0
status: active
schema:
  - name: rows
    properties:
      - {name: mm, logicalType: number, customProperties: [{property: unit, value: mm}]}
"""


def batch(number: int) -> pl.DataFrame:
    return pl.DataFrame({"mm": [number / 7], "_record": [0], "_batch": [number]})


def opened(objects: LocalObjects) -> Table:
    return Table(objects, FEED, local_uri(objects.root, FEED))


def long_table(objects: LocalObjects, n: int) -> Table:
    """A table of some batches of one row."""
    made = opened(objects)
    made.create(parse_contract(YAML))
    for number in range(n):
        made.append(batch(number), number, [])
    return made


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Few commits are kept, and there are checkpoints often."""
    monkeypatch.setattr(delta_log, "KEPT", 10)
    monkeypatch.setattr("veracity.data.lake._CHECKPOINT_EVERY", 5)
    return iter(())


def test_the_log_does_not_grow_with_history(tmp_path: Path, short: None) -> None:
    """After any number of commits there are the last few, and the checkpoints that go with them."""
    objects = LocalObjects(tmp_path, durable=False)
    made = long_table(objects, 3)
    sizes = []
    for number in range(3, 60):
        made.append(batch(number), number, [])
        log = LogFiles.listed(objects, FEED)
        sizes.append(len(log.commits) + len(log.checkpoints))
    assert max(sizes[20:]) <= 10 + 5 + 1 + 4
    assert log.commits == set(range(50, 61))
    again = opened(objects)
    assert again.holds(59)
    assert again.scan().collect()["_batch"].to_list() == list(range(60))


@pytest.mark.parametrize("lost", ["checkpoint", "hint", "both"])
def test_a_lost_checkpoint_is_no_loss_in_a_trimmed_log(tmp_path: Path, short: None, lost: str) -> None:
    """The newest checkpoint, or the hint that names it, is empty: the one before stands in for it."""
    objects = LocalObjects(tmp_path, durable=False)
    long_table(objects, 33)
    log = LogFiles.listed(objects, FEED)
    assert 0 not in log.commits
    if lost != "hint":
        objects.put(log.checkpoint(max(log.checkpoints)), b"")
    if lost != "checkpoint":
        objects.put(f"{log.folder}/_last_checkpoint", b"")
    again = opened(objects)
    assert again.holds(32)
    assert again.scan().collect()["_batch"].to_list() == list(range(33))
    again.append(batch(33), 33, [])
    assert opened(objects).scan().collect().height == 34


class Failing(LocalObjects):
    """Files of which one deletion fails."""

    fails_at = -1
    n_deleted = 0

    def delete(self, path: str) -> None:
        self.n_deleted += 1
        if self.n_deleted == self.fails_at:
            raise StoreUnavailable("delete: input/output error")
        super().delete(path)


def test_trimming_may_fail_anywhere(tmp_path: Path, short: None) -> None:
    """Whichever deletion fails, the table reads right, and the next checkpoint makes up for it."""
    for at in range(1, 8):
        objects = Failing(tmp_path / str(at), durable=False)
        made = long_table(objects, 18)
        objects.n_deleted, objects.fails_at = 0, at
        number = 18
        while number < 32:
            try:
                made.append(batch(number), number, [])
            except StoreUnavailable:
                made = opened(objects)
                assert made.scan().collect()["_batch"].to_list() == list(range(number + 1))
            number += 1
        assert objects.n_deleted >= at
        assert min(LogFiles.listed(objects, FEED).commits) == 20
        assert opened(objects).scan().collect()["_batch"].to_list() == list(range(32))


def test_a_long_past_goes_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that kept all its commits until now loses so many at once and no more, the oldest first."""
    monkeypatch.setattr(delta_log, "MAX_TRIMMED", 300)
    objects = StoredObjects(MemoryStore())
    for n in range(1001):
        objects.put(f"{FEED}/_delta_log/{n:020d}.json", b"")
        if n % 100 == 0 and n:
            objects.put(f"{FEED}/_delta_log/{n:020d}.checkpoint.parquet", b"")
    for left in (range(300, 1001), range(600, 1001), range(800, 1001)):
        trim(objects, FEED, 1000)
        assert LogFiles.listed(objects, FEED).commits == set(left)
    trim(objects, FEED, 1000)
    assert LogFiles.listed(objects, FEED).checkpoints == {800, 900, 1000}


def test_what_was_removed_is_known_from_commits_and_checkpoints(tmp_path: Path, short: None) -> None:
    """Files taken out are told, with the time, before and after the commit is in a checkpoint."""
    objects = LocalObjects(tmp_path, durable=False)
    made = long_table(objects, 12)
    now = datetime.now(UTC)
    group = made.table_files()
    assert removed(objects, FEED) == {}
    rewrite(made, group, [], now)
    want = {file.name: int(now.timestamp() * 1000) for file in group}
    assert removed(objects, FEED) == want
    for number in range(12, 15):
        made.append(batch(number), number, [])
    assert removed(objects, FEED) == want
    log = LogFiles.listed(objects, FEED)
    objects.delete(log.checkpoint(max(log.checkpoints)))
    assert removed(objects, FEED) == want


@pytest.mark.parametrize(
    "commit", [b"{", b"[]", b'{"remove": {}}', b'{"remove": {"path": "a", "deletionTimestamp": "b"}}']
)
def test_a_log_that_cannot_be_read_deletes_nothing(commit: bytes) -> None:
    """A commit or a checkpoint that is none is an error of ours."""
    objects = StoredObjects(MemoryStore())
    objects.put(f"{FEED}/_delta_log/{0:020d}.json", json.dumps({"add": {}}).encode() + b"\n")
    assert removed(objects, FEED) == {}
    objects.put(f"{FEED}/_delta_log/{1:020d}.json", commit)
    with pytest.raises(TableMismatch):
        removed(objects, FEED)
    objects.put(f"{FEED}/_delta_log/{1:020d}.checkpoint.parquet", commit)
    with pytest.raises(TableMismatch):
        removed(objects, FEED)

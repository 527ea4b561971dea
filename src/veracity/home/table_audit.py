"""A feed's table checked file by file: what Delta's log says of each, against the rows it really has.

Delta's statistics decide which files a reader opens, and how many rows there are said to be; whoever
can write the table can write them too. Each file is read once, in bounded memory.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from veracity.data.lake import Table, delta_columns, is_ours
from veracity.errors import VeracityError
from veracity.home.home import Home

# What reading tampered files can raise. Polars panics on some, and a panic is no ``Exception``.
UNREADABLE = (VeracityError, pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)

Found = tuple[str, str, str]  #: where, what, detail

_PLAIN = re.compile(r"(?!.*(?:^|/)\.{1,2}(?:/|$))[A-Za-z0-9_.=-]+(?:/[A-Za-z0-9_.=-]+)*", re.DOTALL)
_ROUNDED = timedelta(milliseconds=1)  # other Delta writers cut a time's maximum to this


def check_table(home: Home, feed: str, said: Mapping[int, int]) -> Iterator[Found]:
    """Yield what is not as it should be in a feed's table; ``said`` is the rows of each batch that has any."""
    where = f"table {feed}"
    try:
        table = home.table(feed)
        for detail in (*_check_metadata(home, table, feed), *_check_log(home, feed)):
            yield where, "Delta log", detail
        files = list(table.files().iter_rows(named=True))
    except UNREADABLE as exc:
        yield where, "unreadable table", one_line(exc)
        return
    found: Counter[int | None] = Counter()
    for stated in files:
        name = str(stated["path"])
        if not _PLAIN.fullmatch(name):
            yield where, "Delta log", f"path: want a plain name below the table, got {name[:120]!r}"
        try:
            batches, real = _read(home.directory.store / "tables" / feed / name, stated)
        except UNREADABLE as exc:
            yield where, "unreadable table", one_line(exc)
            continue
        found.update(batches)
        for detail in _compare_statistics(stated, real):
            yield where, "statistics", f"{name}: {detail}"
    for batch in sorted(said.keys() | found.keys(), key=lambda b: (b is not None, b)):
        want, got = said.get(batch, 0) if batch is not None else 0, found[batch]
        if want != got:
            what = (
                "other rows"
                if want and got
                else "rows missing"
                if want
                else "rows that no statement speaks of"
            )
            yield f"{where} batch {batch}", what, f"want {want} rows, got {got}"


def one_line(error: BaseException) -> str:
    """Return the first line of what an error says."""
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


def _check_metadata(home: Home, table: Table, feed: str) -> Iterator[str]:
    """Yield what would make another Delta reader see other rows than ours."""
    protocol, metadata = table.delta.protocol(), table.delta.metadata()
    if protocol.min_reader_version != 1 or protocol.reader_features:
        features = ", ".join(protocol.reader_features or ()) or "none"
        yield f"protocol: want reader version 1, got {protocol.min_reader_version} with features {features}"
    if metadata.partition_columns:
        yield f"partitions: want none, got {', '.join(metadata.partition_columns)}"[:300]
    mode = metadata.configuration.get("delta.columnMapping.mode", "none")
    if mode != "none":
        yield f"column mapping: want none, got {mode!r}"[:300]
    try:
        want = delta_columns(home.feed(feed).contract)
    except VeracityError:
        return  # said where the contract is audited
    got = [(f.name, getattr(f.type, "type", "nested")) for f in table.delta.schema().fields]
    if want != got:
        yield f"columns: want {want}, got {got}"[:300]


def _check_log(home: Home, feed: str) -> Iterator[str]:
    """Yield the deletion vectors in Delta's log: rows that another reader would leave out."""
    log = f"tables/{feed}/_delta_log"
    for path in sorted(home.objects.list(log)):
        name = path.rpartition("/")[2]
        if name.endswith(".json"):
            adds = _added(home.objects.get(path))
        elif name.endswith(".parquet"):
            adds = _summed_up(home.directory.store / path)
        else:
            continue
        n = sum(1 for add in adds if add.get("deletionVector") is not None)
        if n:
            yield f"{name}: want no deletion vectors, got {n}"


def _added(commit: bytes) -> Iterator[dict[str, Any]]:
    for line in commit.splitlines():
        try:
            action = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue  # the Delta library says so, if it matters
        add = action.get("add") if isinstance(action, dict) else None
        if isinstance(add, dict):
            yield add


def _summed_up(checkpoint: Path) -> list[dict[str, Any]]:
    rows = pl.scan_parquet(checkpoint, glob=False)
    add = rows.collect_schema().get("add")
    if not isinstance(add, pl.Struct) or "deletionVector" not in {f.name for f in add.fields}:
        return []
    vectors = rows.select(pl.col("add").struct.field("deletionVector")).collect(engine="streaming")
    vector = vectors["deletionVector"]
    if isinstance(vector.dtype, pl.Struct):  # absent may also be a struct of nulls
        vector = vectors.unnest("deletionVector")[:, 0]
    return [{"deletionVector": v} for v in vector.drop_nulls().to_list()]


def _read(path: Path, stated: Mapping[str, Any]) -> tuple[dict[int | None, int], dict[str, Any]]:
    """Read a file in one pass: the rows of each batch in it, and what its statistics should say."""
    rows = pl.scan_parquet(path, glob=False, use_statistics=False)
    there = set(rows.collect_schema().names())
    ends = {
        name: expression
        for name, value in stated.items()
        if value is not None and (expression := _statistic(name, there)) is not None
    }
    counts, real = pl.collect_all(
        [rows.group_by("_batch").len(), rows.select(num_records=pl.len(), **ends)], engine="streaming"
    )
    return dict(counts.iter_rows()), real.row(0, named=True)


def _statistic(name: str, there: set[str]) -> pl.Expr | None:
    kind, _, column = name.partition(".")
    if column not in there:
        return None
    made = {"min": pl.Expr.min, "max": pl.Expr.max, "null_count": pl.Expr.null_count}
    return made[kind](pl.col(column)) if kind in made else None


def _compare_statistics(stated: Mapping[str, Any], real: Mapping[str, Any]) -> Iterator[str]:
    exact = {"num_records"}
    if is_ours(str(stated["path"])):  # the order of such files is that of their least batch
        exact |= {"min._batch", "max._batch"}
        real = {"min._batch": None, "max._batch": None, **real}
    for name, got in real.items():
        want = stated[name]
        if name in exact or name.startswith("null_count."):
            differs = want != got and not (want is None and name == "num_records")
        elif got is None:
            continue
        elif name.startswith("min."):
            differs = got < want
        else:
            differs = got > (want + _ROUNDED if isinstance(want, datetime) else want)
        if differs:
            yield f"{name}: want {got} as its rows have, got {want}"

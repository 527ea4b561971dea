"""A feed's table checked file by file: what Delta's log says of each, against the rows it really has.

Delta's statistics decide which files a reader opens, and how many rows there are said to be; whoever
can write the table can write them too. Each file is read once, in bounded memory.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import polars as pl
import polars.selectors as cs

from veracity.data.lake import Table, delta_columns, is_ours
from veracity.errors import VeracityError
from veracity.home.home import Home

# What reading tampered files can raise. Polars panics on some, and a panic is no ``Exception``.
UNREADABLE = (VeracityError, pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)

Found = tuple[str, str, str]  #: where, what, detail

_PLAIN = re.compile(r"(?!.*(?:^|/)\.{1,2}(?:/|$))[A-Za-z0-9_.=-]+(?:/[A-Za-z0-9_.=-]+)*", re.DOTALL)
_ROUNDED_US = 1_000  # other Delta writers cut a time's maximum to milliseconds
# Of the files that we write these are known exactly; their order is that of their least batch.
_OURS = frozenset(["num_records", "min._batch", "max._batch"])


def check_table(home: Home, feed: str, said: Mapping[int, int]) -> Iterator[Found]:
    """Yield what is not as it should be in a feed's table; ``said`` is the rows of each batch with any."""
    where = f"table {feed}"
    try:
        table = home.table(feed)
        for detail in (*_check_metadata(home, table, feed), *_check_log(home, table, feed)):
            yield where, "Delta log", detail
        files = list(table.files().with_columns(cs.temporal().to_physical()).iter_rows(named=True))
    except UNREADABLE as exc:
        yield where, "unreadable table", one_line(exc)
        return
    found: Counter[int | None] = Counter()
    for stated in files:
        name = str(stated["path"])
        if not _PLAIN.fullmatch(name):
            yield where, "Delta log", f"path: want a plain name below the table, got {name[:120]!r}"
        try:
            batches, real = _read(table, name, stated)
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


def _check_log(home: Home, table: Table, feed: str) -> Iterator[str]:
    """Yield the deletion vectors in Delta's log: rows that another reader would leave out."""
    prefix = f"tables/{feed}/"
    for path in sorted(home.objects.list(f"{prefix}_delta_log")):
        if path.endswith(".json"):
            n = _n_vectors(home.objects.get(path))
        elif path.endswith(".parquet"):
            n = _n_vectors_summed_up(table.scan_file(path.removeprefix(prefix)))
        else:
            continue
        if n:
            yield f"{path.rpartition('/')[2]}: want no deletion vectors, got {n}"


def _n_vectors(commit: bytes) -> int:
    """Count the deletion vectors in a commit."""
    n = 0
    for line in commit.splitlines():
        try:
            action = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue  # the Delta library says so, if it matters
        add = action.get("add") if isinstance(action, dict) else None
        n += isinstance(add, dict) and add.get("deletionVector") is not None
    return n


def _n_vectors_summed_up(rows: pl.LazyFrame) -> int:
    """Count the deletion vectors in a checkpoint of Delta's log."""
    add = rows.collect_schema().get("add")
    if not isinstance(add, pl.Struct) or "deletionVector" not in {f.name for f in add.fields}:
        return 0
    vectors = rows.select(pl.col("add").struct.field("deletionVector")).collect(engine="streaming")
    if isinstance(vectors.schema["deletionVector"], pl.Struct):  # none may also be a struct of nulls
        vectors = vectors.unnest("deletionVector")
    return vectors.filter(pl.any_horizontal(pl.all().is_not_null())).height


def _read(table: Table, name: str, stated: Mapping[str, Any]) -> tuple[dict[int | None, int], dict[str, Any]]:
    """Read a file in one pass: the rows of each batch in it, and what its statistics should say."""
    rows = table.scan_file(name)
    there = rows.collect_schema()
    names = {name for name, value in stated.items() if value is not None}
    if is_ours(name):
        names |= _OURS
    ends = {name: made for name in sorted(names) if (made := _statistic(name, there)) is not None}
    counts, real = pl.collect_all(
        [rows.group_by("_batch").len(), rows.select(num_records=pl.len(), **ends)], engine="streaming"
    )
    return dict(counts.iter_rows()), real.row(0, named=True)


def _statistic(name: str, there: pl.Schema) -> pl.Expr | None:
    """Return what makes a statistic again; times as whole numbers: no calendar of ours holds them all."""
    kind, _, column = name.partition(".")
    dtype = there.get(column)
    if dtype is None:
        return None
    value = pl.col(column)
    if isinstance(dtype, pl.Datetime):
        value = value.dt.cast_time_unit("us")
    if dtype.is_temporal():
        value = value.to_physical()
    if kind == "max" and isinstance(dtype, pl.Datetime):
        return value.max() - _ROUNDED_US
    made = {"min": pl.Expr.min, "max": pl.Expr.max, "null_count": pl.Expr.null_count}
    return made[kind](value) if kind in made else None


def _compare_statistics(stated: Mapping[str, Any], real: Mapping[str, Any]) -> Iterator[str]:
    exact = _OURS if is_ours(str(stated["path"])) else {"num_records"}
    for name, got in real.items():
        want = stated.get(name)
        if want is None and name not in _OURS & exact:
            continue
        if name in exact or name.startswith("null_count."):
            differs = want != got
        elif got is None:
            continue
        elif name.startswith("min."):
            differs = got < want
        else:
            differs = got > want
        if differs:
            yield f"{name}: want {got} as its rows have, got {want}"

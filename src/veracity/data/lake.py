"""The lake: one Delta table a feed, rows in order of arrival, each with ``(_batch, _record)``.

The Parquet files are written by us and committed through Delta's transaction log, so that a
file's name, its statistics and its durability are ours: ``<batch>-<sha256>.parquet``, on disk
before the commit that names it. A commit carries the batch number as an application transaction;
a batch is never there twice. Any Delta reader can read the tables.
"""

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Schema, Transaction
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.schema import Field as DeltaField
from deltalake.schema import PrimitiveType
from deltalake.transaction import AddAction, RemoveAction

from veracity.data.compaction import TableFile
from veracity.data.contract import Contract
from veracity.data.delta_log import HINT, drop_checkpoints, removed, trim
from veracity.data.errors import TableMismatch
from veracity.log.doors import ObjectMissing, Objects, StoreUnavailable

_DELTA = {
    "string": "string",
    "integer": "long",
    "number": "double",
    "boolean": "boolean",
    "timestamp": "timestamp",
    "date": "date",
}
_APP = "veracity"
_CHECKPOINT_EVERY = 100  #: commits
# The library would write checkpoints without making them durable, and drop the commits before them.
_NO_HOOKS = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
# Delta's log remembers that long which files were replaced; each of them makes a checkpoint dearer.
_RETENTION: dict[str, str | None] = {"delta.deletedFileRetentionDuration": "interval 2 hours"}
_GROUP = 262_144  #: rows in a row group of a batch's file
_INDEXED = 32  #: columns whose statistics the library looks at unless told which
_BOUNDS = {  # of a store that is not a local directory
    "connect_timeout": "5s",
    "timeout": "60s",
    "max_retries": "5",
    "retry_timeout": "60s",
    "conditional_put": "etag",
}
_NAME = re.compile(r"[0-9]{8,}-([0-9a-f]{64})\.parquet$")


class Table:
    """The accepted rows of one feed.

    Parameters
    ----------
    objects, prefix
        Where the data files go, durably.
    uri
        The same place as the Delta library names it.
    options
        What the libraries must be told to read and write there; None for a local directory. A store
        elsewhere must refuse to replace what is to be new: that makes a commit the only one of its
        version.
    """

    def __init__(
        self, objects: Objects, prefix: str, uri: str, options: Mapping[str, str] | None = None
    ) -> None:
        self._objects = objects
        self._prefix = prefix
        self._uri = uri
        self._elsewhere = where_rows_are(options)
        self._delta_options = None if options is None else dict(options) | _BOUNDS
        self._delta: DeltaTable | None = None
        self._actions: tuple[int, pl.DataFrame] | None = None
        self._read_last = ("", "")  # the file that ``changed_files`` read last, and its digest

    @property
    def delta(self) -> DeltaTable:
        """The Delta table as of the last commit this process knows of."""
        if self._delta is None:
            try:
                self._delta = self._open()
            except TableMismatch:
                if not drop_checkpoints(self._objects, self._prefix):
                    raise
                self._delta = self._open()
        return self._delta

    def _open(self) -> DeltaTable:
        try:
            return DeltaTable(self._uri, storage_options=self._delta_options)
        except TableNotFoundError as exc:
            raise StoreUnavailable(f"table: want a Delta table at {self._prefix}, got none") from exc
        except (DeltaError, OSError, ValueError) as exc:
            if _is_away(exc):
                raise StoreUnavailable(f"table {self._prefix}: {_line(exc)}") from exc
            raise TableMismatch(f"table {self._prefix}: {_line(exc)}") from exc

    def reopen(self) -> None:
        """Look at the table anew when it is next asked for: long readers must, see ``data.rewriting``."""
        self._delta = self._actions = None

    @property
    def version(self) -> int:
        """The Delta version."""
        return self.delta.version()

    def create(self, contract: Contract) -> None:
        """Make the empty table, version 0; nothing if it is there."""
        with _translated(self._prefix):
            if DeltaTable.is_deltatable(self._uri, self._delta_options):
                return
        fields = [DeltaField(name, PrimitiveType(kind)) for name, kind in delta_columns(contract)]
        about = "SIMULATED. " if contract.simulated else ""
        with _translated(self._prefix):
            self._delta = DeltaTable.create(
                self._uri,
                Schema(fields),
                name=contract.feed,
                description=about + contract.title,
                configuration=_RETENTION | (_indexed(contract) if len(fields) > _INDEXED else {}),
                storage_options=self._delta_options,
            )
        self._sync_commit()

    def holds(self, batch: int) -> bool:
        """Tell whether a batch's rows have been committed."""
        last = self.delta.transaction_version(_APP)
        return last is not None and last >= batch

    def append(self, rows: pl.DataFrame, batch: int, statistics: Sequence[str]) -> int:
        """Commit a batch's rows, durably and once; return the table's version.

        ``statistics`` names the columns whose minimum and maximum let readers skip files.
        """
        if self.holds(batch):
            return self.version
        data = encoded(rows, _GROUP)
        name = self._put(data, batch)
        action = AddAction(name, len(data), {}, batch, True, _statistics(rows, statistics))
        self._commit([action], batch)
        if self.version % _CHECKPOINT_EVERY == 0:
            self._checkpoint()
        return self.version

    def _put(self, data: bytes, batch: int) -> str:
        """Write a data file, durably, under the name of its first batch and its bytes; return the name."""
        name = f"{batch:08d}-{sha256(data).hexdigest()}.parquet"
        self._objects.put(f"{self._prefix}/{name}", data)
        return name

    def replace(
        self, data: bytes, rows: pl.DataFrame, statistics: Sequence[str], removes: Sequence[RemoveAction]
    ) -> None:
        """Commit one file in the place of others with the same rows; see ``data.rewriting``.

        ``StoreUnavailable`` if another writer has committed since this one looked.
        """
        first, last = int(rows["_batch"][0]), int(rows["_batch"][-1])
        add = AddAction(self._put(data, first), len(data), {}, last, False, _statistics(rows, statistics))
        self._forget_soon()
        self._commit([add, *removes], self.last_batch)
        self._checkpoint()

    def _forget_soon(self) -> None:
        """Make Delta's log forget what was replaced, in a table that was made before it was told to."""
        if not self.delta.metadata().configuration.keys() >= _RETENTION.keys():
            with _translated(self._prefix):
                self.delta.alter.set_table_properties(
                    {name: str(value) for name, value in _RETENTION.items()},
                    post_commithook_properties=_NO_HOOKS,
                )
                self.delta.update_incremental()
            self._sync_commit()

    @property
    def last_batch(self) -> int:
        """The last batch committed; -1 if none is."""
        last = self.delta.transaction_version(_APP)
        return -1 if last is None else int(last)

    def get(self, name: str) -> bytes:
        """Return the bytes of a data file; ``TableMismatch`` if it is gone or not what its name says."""
        try:
            data = self._objects.get(f"{self._prefix}/{name}")
        except ObjectMissing as exc:
            raise TableMismatch(f"table {self._prefix}: want the file {name}, got none") from exc
        named = _NAME.fullmatch(name)
        if named is None or sha256(data).hexdigest() != named.group(1):
            raise TableMismatch(f"table {self._prefix}: {name}: want the bytes of the digest in its name")
        return data

    def delete(self, names: Sequence[str]) -> None:
        """Delete data files that are not in the table any more."""
        for name in names:
            self._objects.delete(f"{self._prefix}/{name}")

    def outside(self) -> dict[str, int | None]:
        """Return the data files of ours on disk that are not in the table, and when they were taken out.

        In milliseconds since 1970; None where that is long ago, or they never were in it.
        """
        live = {file.name for file in self.table_files()}
        names = (path.removeprefix(f"{self._prefix}/") for path in self._objects.list(self._prefix))
        out = {name for name in names if _NAME.fullmatch(name)} - live if live else set[str]()
        times = removed(self._objects, self._prefix) if out else {}
        return {name: times.get(name) for name in sorted(out)}

    def bar(self, batch: int) -> None:
        """Make sure that no commit of this batch which a lost writer has under way takes effect.

        An empty commit, of the batch before: the other's, which does not know of it, is refused.
        """
        self._commit([], batch - 1)

    def _commit(self, actions: list[AddAction | RemoveAction], batch: int) -> None:
        """Commit durably; ``StoreUnavailable`` if another writer has committed since this one looked."""
        properties = CommitProperties(app_transactions=[Transaction(_APP, batch)])
        with _translated(self._prefix):
            self.delta.create_write_transaction(
                actions,
                "append",
                self.delta.schema(),
                commit_properties=properties,
                post_commithook_properties=_NO_HOOKS,
            )
            self.delta.update_incremental()
        self._sync_commit()

    def scan(
        self,
        up_to_batch: int | None = None,
        batch: int | None = None,
        between: tuple[str, Any, Any] | None = None,
        after_batch: int = -1,
    ) -> pl.LazyFrame:
        """Return rows in order of arrival, files that cannot hold any of interest left out.

        Parameters
        ----------
        up_to_batch
            Rows of this batch and all before: the table as known then.
        batch
            Rows of this batch only.
        between
            ``(column, low, high)``, both inclusive; the column must be among the statistics.
        after_batch
            Rows of later batches only.
        """
        files = self._files(up_to_batch, batch, between, after_batch)
        if not files:
            return _empty(self.delta).lazy()
        rows = pl.scan_parquet(files, glob=False, missing_columns="insert", **self._elsewhere)
        if not all(_NAME.search(path) for path in files):
            rows = rows.sort("_batch", "_record", maintain_order=True)  # another writer's: in any order
        if batch is not None:
            rows = rows.filter(pl.col("_batch") == batch)
        elif up_to_batch is not None:
            rows = rows.filter(pl.col("_batch") <= up_to_batch)
        if after_batch >= 0:
            rows = rows.filter(pl.col("_batch") > after_batch)
        if between is not None:
            rows = rows.filter(pl.col(between[0]).is_between(between[1], between[2]))
        return rows

    def scan_file(self, name: str) -> pl.LazyFrame:
        """Return the rows of one file below the table as they are, whatever its statistics say."""
        return pl.scan_parquet(f"{self._uri}/{name}", glob=False, use_statistics=False, **self._elsewhere)

    def changed_files(self, batch: int) -> list[str]:
        """Return the files of a batch whose bytes no longer have the digest in their name.

        Files that another Delta writer made (a compaction) carry no digest: their rows speak. Of batches
        that share a file the next does not read it again.
        """
        changed = []
        for path in self._files(None, batch, None):
            named = _NAME.search(path)
            if named is not None:
                relative = f"{self._prefix}/{named.group(0)}"
                if self._read_last[0] != relative:
                    self._read_last = relative, sha256(self._objects.get(relative)).hexdigest()
                if self._read_last[1] != named.group(1):
                    changed.append(relative)
        return changed

    def _sync_commit(self) -> None:
        """Make the last commit durable: the Delta library does not."""
        self._objects.sync(f"{self._prefix}/_delta_log/{self.version:020d}.json")

    def _checkpoint(self) -> None:
        """Sum the commits up in one durable file, so that a table opens fast."""
        with _translated(self._prefix):
            self.delta.create_checkpoint()
        for name in (f"{self.version:020d}.checkpoint.parquet", HINT):
            self._objects.sync(f"{self._prefix}/_delta_log/{name}")
        trim(self._objects, self._prefix, self.version)
        self._delta = None  # the library keeps memory of each commit until the table is opened anew

    def table_files(self) -> list[TableFile]:
        """Return the table's files, in the order of their batches."""
        actions = self.files()
        if actions.is_empty():
            return []
        columns = ["path", "min._batch", "max._batch", "num_records", "size_bytes"]
        known = actions.sort("min._batch").select(columns)
        return [
            TableFile(name, first or 0, last or 0, n_rows or 0, n_bytes, is_ours(name) and last is not None)
            for name, first, last, n_rows, n_bytes in known.iter_rows()
        ]

    def files(self) -> pl.DataFrame:
        """Return the table's files as Delta's log has them: path, number of records, statistics."""
        if self._actions is None or self._actions[0] != self.version:
            self._actions = self.version, pl.DataFrame(self.delta.get_add_actions(flatten=True))
        return self._actions[1]

    def _files(
        self,
        up_to: int | None,
        batch: int | None,
        between: tuple[str, Any, Any] | None,
        after: int = -1,
    ) -> list[str]:
        actions = self.files()
        if actions.is_empty():
            return []
        low, high = pl.col("min._batch"), pl.col("max._batch")
        keep = pl.lit(value=True)
        if up_to is not None:
            keep &= low <= up_to
        if batch is not None:
            keep &= (low <= batch) & (high >= batch)
        if after >= 0:
            keep &= high > after
        if between is not None and f"min.{between[0]}" in actions.columns:
            column, first, last = between
            keep &= (pl.col(f"min.{column}") <= last) & (pl.col(f"max.{column}") >= first)
        chosen = actions.filter(keep.fill_null(value=True)).sort("min._batch")
        return [f"{self._uri}/{p}" for p in chosen["path"].to_list()]


def delta_columns(contract: Contract) -> list[tuple[str, str]]:
    """Return the names and Delta types of a feed's table, in order."""
    return [*((f.name, _DELTA[f.type]) for f in contract.fields), ("_record", "long"), ("_batch", "long")]


def _indexed(contract: Contract) -> dict[str, str | None]:
    """Return the property that names the columns which ``append`` gives statistics of."""
    times = [contract.time] if contract.time else []
    names = dict.fromkeys(["_batch", "_record", *times, *contract.key])
    return {"delta.dataSkippingStatsColumns": ",".join(names)}


def statistics_of(contract: Contract) -> list[str]:
    """Return the columns of a feed whose least and greatest values are told of each file."""
    keys = [name for name in contract.key if name != contract.time]
    return [*([contract.time] if contract.time else []), *keys]


def is_ours(path: str) -> bool:
    """Tell whether a table's file has the name that ``append`` gives, not one of another Delta writer."""
    return _NAME.search(path) is not None


def collect_rows(rows: pl.LazyFrame, *, streaming: bool = False) -> pl.DataFrame:
    """Collect rows of a table; see ``reading_rows`` for what it raises."""
    with reading_rows():
        return rows.collect(engine="streaming" if streaming else "auto")


@contextmanager
def reading_rows() -> Iterator[None]:
    """Turn what Polars says of a table's files into ours.

    Raises
    ------
    TableMismatch
        If a file is gone or is not what was written.
    StoreUnavailable
        If the system would not read it, or not write where the rows go.
    """
    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as exc:
        is_gone = isinstance(exc, FileNotFoundError)
        if not is_gone and (isinstance(exc, OSError) or "(os error" in str(exc) or _is_away(exc)):
            raise StoreUnavailable(f"rows: {_line(exc)}") from exc
        raise TableMismatch(f"table: want its files as they were written, got: {_line(exc)}") from exc


def _empty(delta: DeltaTable) -> pl.DataFrame:
    types: dict[str, pl.DataType] = {
        "string": pl.String(),
        "long": pl.Int64(),
        "double": pl.Float64(),
        "boolean": pl.Boolean(),
        "timestamp": pl.Datetime("us", "UTC"),
        "date": pl.Date(),
    }
    columns = ((f.name, f.type) for f in delta.schema().fields)
    return pl.DataFrame(schema={n: types[t.type] for n, t in columns if isinstance(t, PrimitiveType)})


def encoded(rows: pl.DataFrame, group: int) -> bytes:
    """Return rows as a Parquet file, ``group`` of them in a row group."""
    body = io.BytesIO()
    rows.write_parquet(body, compression="zstd", compression_level=1, row_group_size=group)
    return body.getvalue()


def _statistics(rows: pl.DataFrame, columns: Sequence[str]) -> str:
    names = ["_batch", "_record", *columns]
    ends = rows.select(
        *(pl.col(n).min().alias(f"min:{n}") for n in names),
        *(pl.col(n).max().alias(f"max:{n}") for n in names),
    ).row(0, named=True)
    nulls = rows.select(pl.col(names).null_count()).row(0, named=True)
    return json.dumps(
        {
            "numRecords": rows.height,
            "minValues": {n: _json(ends[f"min:{n}"]) for n in names if ends[f"min:{n}"] is not None},
            "maxValues": {n: _json(ends[f"max:{n}"]) for n in names if ends[f"max:{n}"] is not None},
            "nullCount": nulls,
        }
    )


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value.isoformat() if isinstance(value, date) else value


@contextmanager
def _translated(prefix: str) -> Iterator[None]:
    """Turn the Delta library's errors into ours, once, at its edge."""
    try:
        yield
    except (DeltaError, OSError) as exc:
        raise StoreUnavailable(f"table {prefix}: {_line(exc)}") from exc


def where_rows_are(options: Mapping[str, str] | None) -> dict[str, Any]:
    """Return what Polars must be told to read files: whom to ask is in the environment alone."""
    return {"storage_options": None if options is None else dict(options), "credential_provider": None}


def _is_away(error: BaseException) -> bool:
    """Tell whether it was a store elsewhere that did not answer, or not with what was asked for."""
    return "S3 error" in str(error)


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


def local_uri(root: Path, prefix: str) -> str:
    """Return the Delta library's name for a table under a local object store."""
    return str(root / prefix)

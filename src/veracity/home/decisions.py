"""What people decided about quarantined rows, read from the log: which were let in, which stay out.

A release is an ``ingest`` whose lines name the rows; a rejection is a ``reject`` with a list of them
kept under its digest. Both are read whole from the store and compared with what was signed, so that
the answer rests on the log alone.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import polars as pl

from veracity.data.contract import Contract
from veracity.data.released import PLACE, read_lines, released_contract
from veracity.home.home import Home
from veracity.home.tables import read_signed, read_signed_parquet

Kind = Literal["released", "rejected"]


@dataclass(frozen=True)
class Decision:
    """One release or rejection: its place in the log, who decided, why, and the batch that it made."""

    idx: int
    kind: Kind
    by: str
    why: str
    batch: int | None = None


@dataclass(frozen=True)
class Decisions:
    """All decisions about a feed's quarantine.

    Attributes
    ----------
    said
        By log index.
    key
        What tells quarantined rows apart: ``_batch``, ``_record``, and of a feed that is or was wide
        the fields that column names carried.
    rows
        ``key``, then ``_idx``, the decision, and ``_as``, the released row's number in its new batch.
    """

    said: dict[int, Decision]
    key: tuple[str, ...]
    rows: pl.DataFrame

    @property
    def counts(self) -> dict[str, int]:
        """How many rows were released, and how many rejected."""
        kinds = Counter(self.said[idx].kind for idx in self.first["_idx"].to_list())
        return dict(sorted(kinds.items()))

    @cached_property
    def first(self) -> pl.DataFrame:
        """The rows, each with its first decision only."""
        return self.rows.unique(list(self.key), keep="first", maintain_order=True)


def decided_rows(rows: pl.LazyFrame, decisions: Decisions) -> pl.LazyFrame:
    """Return quarantined rows with what was decided on each: null where nobody did.

    Adds ``_decision`` (``released``, ``rejected``), ``_by``, ``_why`` and ``_released_as``, the place
    of the released row, ``batch:record``.
    """
    texts = dict.fromkeys(("_decision", "_by", "_why"), pl.String())
    people = pl.LazyFrame(
        [(d.idx, d.kind, d.by, d.why, d.batch) for d in decisions.said.values()],
        schema={"_idx": pl.Int64(), **texts, "_to": pl.Int64()},
        orient="row",
    )
    first = decisions.first.lazy().join(people, on="_idx", how="left")
    place = pl.concat_str([pl.col("_to"), pl.lit(":"), pl.col("_as")]).alias("_released_as")
    told = first.select(*decisions.key, *texts, place)
    return rows.join(told, on=list(decisions.key), how="left", nulls_equal=True, maintain_order="left")


def read_decisions(home: Home, feed: str) -> Decisions:
    """Read every decision about a feed's quarantine, in the log's order.

    Raises
    ------
    EvidenceMismatch, TableMismatch, ObjectMissing
        If what a decision names is gone, or another.
    """
    key = row_key(home, feed)
    said: dict[int, Decision] = {}
    frames = [pl.DataFrame(schema=_schema(key))]
    for idx, predicate in home.index.predicates("ingest", feed):
        released = predicate.get("released")
        if released is not None:
            batch = int(predicate["batch"])
            said[idx] = Decision(idx, "released", released["by"], released["why"], batch)
            lines = read_lines(release_bytes(home, predicate), key[2:])
            frames.append(_decided(lines, key, idx))
    for idx, predicate in home.index.predicates("reject", feed):
        said[idx] = Decision(idx, "rejected", predicate["by"], predicate["why"])
        rows = read_rejected(home, feed, predicate["rows"]["sha256"])
        frames.append(_decided(rows, key, idx).with_columns(_as=pl.lit(None, pl.Int64)))
    return Decisions(said, key, pl.concat(frames).sort("_idx", maintain_order=True))


def row_key(home: Home, feed: str) -> tuple[str, ...]:
    """Return what tells a feed's quarantined rows apart, under any contract it ever had."""
    said = home.index.predicates("contract", feed)
    carried = {home.contract(str(p["sha256"])).carried for _, p in said}
    return (*PLACE, *sorted(name for name in carried if name is not None))


def release_bytes(home: Home, predicate: Mapping[str, Any]) -> bytes:
    """Return the lines of a release, each page compared with its hash."""
    evidence, sha256 = home.evidence(str(predicate["feed"])), str(predicate["file"]["sha256"])
    pages = evidence.pages(sha256, 0, bytes.fromhex(predicate["evidence"]["root"]))
    return evidence.read(sha256, 0, pages, 0, len(pages.hashes) - 1)


def rejected_path(feed: str, sha256: str) -> str:
    """Return where the rows of a rejection are kept."""
    return f"rejected/{feed}/{sha256}.parquet"


def read_rejected(home: Home, feed: str, sha256: str) -> pl.DataFrame:
    """Read the rows of a rejection; ``TableMismatch`` if they are gone, or others."""
    return read_signed_parquet(home.objects, rejected_path(feed, sha256), sha256)


def read_aside(home: Home, predicate: Mapping[str, Any]) -> pl.DataFrame:
    """Read the rows that a batch set aside, as signed: ``_batch``, ``_record``, ``reasons``, the fields."""
    feed, batch = str(predicate["feed"]), int(predicate["batch"])
    rows = read_signed(home, "quarantine", feed, batch, str(predicate["quarantine"]["sha256"]))
    names = [n for n in rows.columns if n not in (*PLACE, "reasons")]
    return rows.select(*PLACE, "reasons", *names)


def judged_by(home: Home, predicate: Mapping[str, Any]) -> Contract:
    """Return the contract that a batch was held to: of released rows, as it judges those."""
    contract = home.contract(str(predicate["contract"]))
    released = predicate.get("released")
    return contract if released is None else released_contract(contract, released["waived"])


def _schema(key: tuple[str, ...]) -> dict[str, pl.DataType]:
    text: dict[str, pl.DataType] = dict.fromkeys(key[2:], pl.String())
    return {**PLACE, **text, "_idx": pl.Int64(), "_as": pl.Int64()}


def _decided(rows: pl.DataFrame, key: tuple[str, ...], idx: int) -> pl.DataFrame:
    numbered = rows.select(key).with_columns(_idx=pl.lit(idx, pl.Int64))
    return numbered.with_columns(_as=pl.int_range(rows.height, dtype=pl.Int64))
